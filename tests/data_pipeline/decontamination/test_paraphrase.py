"""Light paraphrase is found in whatever manner a question is stored; other questions are not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.decontamination import EvaluationIndex, EvaluationItem
from data_pipeline.decontamination.edit_similarity import alike, best_matches, standing_in
from data_pipeline.decontamination.file_rows import records_of_row
from psyche_rl.config.decontamination import DecontaminateConfig

EXAM = EvaluationItem(
    "exam",
    "row 1",
    "按照依恋的理论，陌生情境里哭得最凶而又难于安抚的婴儿属于（）。",
    ("安全型", "回避型", "矛盾型", "混乱型"),
)
INDEX = EvaluationIndex([EXAM], DecontaminateConfig())
STEM = "按照依恋的观点，陌生情境中哭得最凶而又难以安抚的婴儿属于（）。"
LETTERED = "A.安全型\nB.回避型\nC.矛盾型\nD.混乱型"
BODY, TASK = f"{STEM}\n{LETTERED}", "请回答下面的单选题，只给出字母。"
USER, REPLY = {"role": "user", "content": BODY}, {"role": "assistant", "content": "选C"}
MANNERS = {
    "text": {"text": BODY},
    "chat": {"messages": [USER, REPLY]},
    "chat, keys in another order": {"messages": [dict(reversed(m.items())) for m in (USER, REPLY)]},
    "chat with a system turn": {"messages": [{"role": "system", "content": "你是心理学专家。"}, USER, REPLY]},
    "instruction": {"instruction": TASK, "input": BODY, "output": "C"},
    "output first": {"output": "C", "input": BODY, "instruction": TASK},
    "instruction before it": {"prompt": f"{TASK}\n{BODY}", "completion": "答案：C"},
    "instruction in its line": {"prompt": f"{TASK}题目：{BODY}", "completion": "答案：C"},
    "item": {"question": STEM, "options": ["混乱型", "矛盾型", "回避型", "安全型"], "answer": "B"},
    "columns": {"D": "混乱型", "C": "矛盾型", "B": "回避型", "A": "安全型", "question": STEM},
    "options in another field": {"options_text": LETTERED, "output": "C", "task": STEM},
    "in a line": {"text": f"{STEM} {LETTERED}".replace("\n", " ")},
    "without blanks": {"text": f"{STEM}{LETTERED}".replace("\n", "")},
}


def found(row):
    return [hit.rule for fragments, _ in records_of_row(row) for hit in INDEX.hits(fragments)]


@pytest.mark.parametrize("manner", MANNERS)
def test_a_light_paraphrase_is_found_however_it_is_stored(manner):
    assert found(MANNERS[manner]) == ["edits"]


@pytest.mark.parametrize(
    ("stem", "options"),
    [
        ("按照依恋的理论，陌生情境里能够很快被安抚的婴儿属于（）。", ("A型", "B型", "C型", "D型")),
        ("埃里克森的理论认为，婴儿期的主要任务是获得（）。", ("安全型", "回避型", "矛盾型", "混乱型")),
        ("按照依恋的理论，陌生情境里哭得最凶而又难于安抚的婴儿属于（）。", ("甲", "乙", "丙", "丁")),
    ],
)
def test_a_stem_or_options_alone_are_no_paraphrase(stem, options):
    assert "edits" not in found({"question": stem, "options": list(options)})


def test_a_long_stem_does_not_make_up_for_other_options():
    long = EvaluationItem("exam", "row 1", EXAM.stem * 2, ("甲一", "乙二", "丙三", "丁四"))
    index = EvaluationIndex([long], DecontaminateConfig())
    row = {"question": STEM + EXAM.stem, "options": ["子", "丑", "寅", "卯"]}
    rules = [hit.rule for fragments, _ in records_of_row(row) for hit in index.hits(fragments)]
    assert "edits" not in rules


def test_the_threshold_is_the_configs():
    strict = EvaluationIndex([EXAM], DecontaminateConfig(similarity=0.99))
    assert not [hit for fragments, _ in records_of_row(MANNERS["item"]) for hit in strict.hits(fragments)]


def test_roles_are_no_text():
    ((fragments, text),) = records_of_row({"messages": [USER, REPLY]})
    assert "user" not in text
    assert not [f for f in fragments if "user" in f.text]


def edits(a, b, anywhere):
    """Levenshtein's table, for comparison."""
    row = [0] * (len(b) + 1) if anywhere else list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (x != y)))
        row = new
    return min(row) if anywhere else row[-1]


TEXTS = st.text("甲乙丙", min_size=1, max_size=9)


@given(TEXTS, st.text("甲乙丙", max_size=14))
def test_similarities_are_those_of_the_table(pattern, text):
    assert standing_in(pattern, text) == 1 - edits(pattern, text, True) / len(pattern)
    assert alike(pattern, text) == 1 - edits(pattern, text, False) / max(len(pattern), len(text))


def test_each_option_is_held_against_the_most_similar():
    assert best_matches({"甲乙", "丙丁"}, {"甲乙", "丙戊"}) == 0.75
    assert best_matches({"甲"}, set()) == 0.0


def test_seven_in_a_hundred_characters_changed():
    draw = random.Random(3)
    hits = 0
    for _ in range(100):
        changed = "".join(draw.choice("的了在和") if draw.random() < 0.07 else c for c in EXAM.stem)
        hits += bool(found({"messages": [{"role": "user", "content": f"{TASK}\n{changed}\n{LETTERED}"}]}))
    assert hits >= 95
