"""Exports that are written piece by piece: the same text as of the whole."""

import json

import pytest

from data_pipeline.publish.exports import llamafactory, trl
from data_pipeline.publish.published_sets import PublishedSet, PublishedSets


def chat(n, *roles):
    return {"id": f"s{n}", "messages": [{"role": role, "content": f"一\n“{n}”"} for role in roles]}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_pieces_add_up_to_the_json_of_the_whole(count):
    rows = [chat(n, "user", "assistant") for n in range(count)] + [chat(9, "user", "assistant", "user")]
    nothing = PublishedSet(None, [])
    sets = PublishedSets(PublishedSet(None, rows), nothing, nothing)
    files = {name: "".join(text) for name, text in llamafactory(sets).items()}
    assert files["sft_sharegpt.json"] == json.dumps(rows, ensure_ascii=False, indent=1)
    alpaca = json.loads(files["sft_alpaca.json"])
    assert files["sft_alpaca.json"] == json.dumps(alpaca, ensure_ascii=False, indent=1)
    assert [row["id"] for row in alpaca] == [f"s{n}" for n in range(count)]
    lines = "".join(trl(sets)["sft_messages.jsonl"]).splitlines()
    assert [json.loads(line) for line in lines] == rows
