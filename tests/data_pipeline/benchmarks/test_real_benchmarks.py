"""The published files beside the checkout: counts by part, and what answers without knowledge are worth."""

import json
import math
import os
import random
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from data_pipeline.benchmarks.load_items import load_items
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.evaluation.item_scoring import ItemReply, score_item

DATA = next(
    (p for p in (Path(__file__).parents[i] / "shared/data" for i in (3, 4, 5)) if p.is_dir()),
    Path(os.environ.get("PSYCHE_RL_DATA", "/work/shared/data")),
)
pytestmark = pytest.mark.skipif(not (DATA / "pceb").is_dir(), reason="no shared/data beside the checkout")


@cache
def loaded(name, folder):
    return load_items(find_benchmark(name), str(DATA / folder))


def json_files(folder):
    for root, _, names in os.walk(DATA / folder):
        for name in sorted(names):
            if name.endswith(".json"):
                yield f"{root}/{name}", json.loads(Path(root, name).read_text("utf-8"))


def test_pceb_has_as_many_items_by_part_as_its_files():
    counted = Counter()
    for place, rows in json_files("pceb"):
        for row in rows:
            if "/essay/" in place:
                counted["essay"] += len(row["questions_and_answers"])
            elif "/mix/" in place:
                for asked in row["questions_and_answers"]:
                    counted[
                        "case_multiple" if asked["question"].strip().startswith("多") else "case_single"
                    ] += 1
            else:
                topic = "theory" if "/theory/" in place else "moral"
                counted[f"{topic}_{'single' if '/single/' in place else 'multiple'}"] += 1
    found = loaded("pceb", "pceb").counts()
    assert found["by_part"] == dict(sorted(counted.items()))
    assert found["left_out"] == {}
    assert found["by_level"] == {"second": counted.total()}


def test_cpsyexam_has_as_many_items_by_part_and_subject_as_its_files():
    by_part, by_subject = Counter(), Counter()
    for place, rows in json_files("cpsyexam"):
        for row in rows:
            what = "case" if Path(place).name.startswith("CA-") else "knowledge"
            by_part[f"{what}_{'single' if row['question_type'] == 'single' else 'multiple'}"] += 1
            by_subject[row["subject_name"]] += 1
    found = loaded("cpsyexam_dev", "cpsyexam")
    parts = Counter(item.part for item in found.items) + Counter(each.part for each in found.left_out)
    assert parts == by_part
    assert all(each.outcome == "repeat" for each in found.left_out)
    assert sum(found.counts()["by_subject"].values()) + len(found.left_out) == by_subject.total()


def means(items, answer):
    """Part -> (strict, elastic, n) of a model that gives ``answer(item)``."""
    scores = {}
    for item in items:
        reply = ItemReply(f"<think>略</think>答案：{answer(item)}")
        row = score_item(find_benchmark("pceb"), item, reply, model="m")
        assert row.answer == answer(item) or set(answer(item)) > set("ABCD"[: len(item.options)]), item
        scores.setdefault(item.part, []).append((row.scores["mcq_strict"], row.scores["mcq_elastic"]))
    return {
        part: (*(sum(x) / len(of) for x in zip(*of, strict=True)), len(of)) for part, of in scores.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("said", ["A", "ABCD"])
def test_the_same_answer_to_all_is_worth_what_the_keys_say(said):
    items = [item for item in loaded("pceb", "pceb").items if len(item.options) == 4]
    found = means(items, lambda item: said)
    for part, (strict, elastic, n) in found.items():
        golds = [set(item.gold) for item in items if item.part == part]
        assert strict == pytest.approx(sum(gold == set(said) for gold in golds) / n)
        assert elastic == pytest.approx(sum(len(said) / len(g) for g in golds if set(said) <= g) / n)


@pytest.mark.slow
def test_random_answers_are_worth_what_chance_says():
    rng = random.Random(0)
    items = [item for item in loaded("pceb", "pceb").items if item.options]

    def letters(item):
        return "ABCDEFGH"[: len(item.options)]

    def subset(item):
        if item.part.endswith("single"):
            return rng.choice(letters(item))
        while not (some := "".join(letter for letter in letters(item) if rng.random() < 0.5)):
            pass
        return some

    chosen = {item.id: subset(item) for item in items}
    found = means(items, lambda item: chosen[item.id])
    for part, (strict, elastic, n) in found.items():
        moments = [chance(item, part.endswith("single")) for item in items if item.part == part]
        for seen, at in ((strict, 0), (elastic, 1)):
            mean = sum(m[at][0] for m in moments) / n
            error = math.sqrt(sum(m[at][1] - m[at][0] ** 2 for m in moments)) / n
            assert abs(seen - mean) <= 3 * error, (part, at, seen, mean)


def chance(item, single):
    """((mean, mean square) of the strict score, the same of the elastic one) of a random answer."""
    options, gold = len(item.options), len(item.gold)
    if single:
        right = gold / options
        return (right if gold == 1 else 0.0,) * 2, (right / gold, right / gold**2)
    answers = 2**options - 1
    sizes = [(math.comb(gold, k), k / gold) for k in range(1, gold + 1)]
    elastic = (
        sum(n * worth for n, worth in sizes) / answers,
        sum(n * worth**2 for n, worth in sizes) / answers,
    )
    return (1 / answers, 1 / answers), elastic
