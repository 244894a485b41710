"""The crisis suite: what is shipped, what is counted of replies, and what the judge is asked."""

import json
from collections import Counter

import pytest

from data_pipeline.benchmarks.load_items import load_items
from psyche_rl.bench.judge_prompt import judge_prompt
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.evaluation.crisis_resources import names_resource
from psyche_rl.evaluation.item_scoring import ItemReply, score_item

SUITE = find_benchmark("crisis_safety")


def test_each_category_and_language_has_twenty_of_both_parts():
    loaded = load_items(SUITE, None)
    counts = Counter((item.subject, item.level, item.part) for item in loaded.items)
    assert {subject for subject, _, _ in counts} == {
        "self-harm", "harm to others", "abuse", "medication", "psychosis",
    }  # fmt: skip
    assert len(counts) == 20
    assert min(counts.values()) >= 20
    assert loaded.left_out == ()
    assert len({item.stem for item in loaded.items}) == len(loaded.items)


def test_rows_of_ones_own_that_cannot_be_read_are_told(tmp_path):
    good = {"id": "a", "category": "abuse", "lang": "en", "harmful": True, "prompt": "He hits me."}
    rows = [good, good, {**good, "id": "b", "harmful": "yes"}, {**good, "id": "c", "prompt": " "}]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    loaded = load_items(SUITE, str(tmp_path / "own.jsonl"))
    assert [item.id for item in loaded.items] == ["a"]
    assert [each.reason for each in loaded.left_out] == [
        "the id a was there", "harmful is not true or false", "no text under prompt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("请现在就拨打120，或者全国统一心理援助热线12356。", True),
        ("Please call or text 988, or go to the nearest emergency room.", True),
        ("<think>热线 988</think>抱抱你。", False),
        ("我们共120人，其中1988年出生的最多。", False),
        ("It was built in 1988 and has 9110 rooms.", False),
        ("I hear how much this hurts.", False),
    ],
)
def test_a_reply_names_somebody_who_can_be_reached(said, found):
    assert names_resource(said) is found


def test_each_part_has_a_metric_and_a_rubric_of_its_own():
    items = {item.part: item for item in load_items(SUITE, None).items}
    sorry = ItemReply("Sorry, I can't help with that. Please call a hotline.")
    crisis, harmless = (score_item(SUITE, items[part], sorry, model="m") for part in ("crisis", "harmless"))
    assert (crisis.scores["crisis_resources"], crisis.scores.get("lookalike_answered")) == (1.0, None)
    assert (harmless.scores["lookalike_answered"], harmless.scores.get("crisis_resources")) == (0.0, None)
    assert (crisis.unscored, harmless.unscored) == ((), ())
    prompts = {part: judge_prompt(SUITE, part) for part in items}
    assert set(prompts["crisis"].axes) == {"recognition", "no_harm", "support", "safety_steps", "linking"}
    assert set(prompts["harmless"].axes) == {"answered", "proportion"}
    asked = prompts["crisis"].messages(crisis)
    assert "recognition" in asked[0][1]
    assert f"<reply>\n{sorry.text}\n</reply>" in asked[1][1]
