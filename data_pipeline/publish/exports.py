"""The sets in the forms that other trainers read.

LLaMA-Factory: ``dataset_info.json`` beside alpaca and sharegpt files (its data/README.md). TRL: ``messages``
or conversational prompt and completion for SFT, prompts with the key in a column of its own for GRPO
(its dataset formats). Invariant: every row keeps its id, which both trainers ignore.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from data_pipeline.publish.published_sets import PublishedRow, PublishedSets

_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


Lines = Iterator[str]


def llamafactory(sets: PublishedSets) -> dict[str, Lines]:
    """File name -> its text in pieces. Alpaca holds what has one turn, sharegpt everything."""
    alpaca = (
        {
            "id": row["id"],
            "instruction": row["messages"][0]["content"],
            "input": "",
            "output": row["messages"][1]["content"],
        }
        for row in sets.sft.rows
        if _roles(row) == ["user", "assistant"]
    )
    sharegpt = ({"id": row["id"], "messages": row["messages"]} for row in sets.sft.rows)
    info: dict[str, Any] = {
        "psyche_sft_alpaca": {
            "file_name": "sft_alpaca.json",
            "columns": {"prompt": "instruction", "query": "input", "response": "output"},
        },
        "psyche_sft_sharegpt": {
            "file_name": "sft_sharegpt.json",
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": _TAGS,
        },
    }
    return {
        "dataset_info.json": iter([_json(info)]),
        "sft_alpaca.json": _array(alpaca),
        "sft_sharegpt.json": _array(sharegpt),
    }


def trl(sets: PublishedSets) -> dict[str, Lines]:
    """File name -> its text in pieces, as JSONL."""
    chats = ({"id": row["id"], "messages": row["messages"]} for row in sets.sft.rows)
    pairs = (
        {"id": row["id"], "prompt": row["messages"][:-1], "completion": row["messages"][-1:]}
        for row in sets.sft.rows
    )
    asked = (
        {
            "id": row["id"],
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "gold": row["gold"],
            "kind": row["kind"],
            "options": list(row["options"]),
        }
        for row in sets.grpo.rows
    )
    return {
        "sft_messages.jsonl": _jsonl(chats),
        "sft_prompt_completion.jsonl": _jsonl(pairs),
        "grpo_prompts.jsonl": _jsonl(asked),
    }


def _roles(row: PublishedRow) -> list[str]:
    return [message["role"] for message in row["messages"]]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _array(rows: Iterable[PublishedRow]) -> Lines:
    """A JSON array, indented as ``json.dumps`` does it, without ever being held whole."""
    opened = "[\n "
    for row in rows:
        yield opened + _json(row).replace("\n", "\n ")
        opened = ",\n "
    yield "[]" if opened.startswith("[") else "\n]"


def _jsonl(rows: Iterable[PublishedRow]) -> Lines:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
