"""Exam items in the layouts that are about: read as written, or set aside with the reason."""

import json

import pytest

from data_pipeline.ingest.exam_questions import exam_rows

TEXTS = ("容量有限", "容量无限", "永久保存", "没有遗忘")
STEM = "下列哪项属于短时记忆的特点"
ITEM = {"question": STEM, "options": dict(zip("ABCD", TEXTS, strict=True)), "answer": "A"}
LETTERED = [f"{letter}. {text}" for letter, text in zip("ABCD", TEXTS, strict=True)]
COLUMNS = dict(zip("ABCD", TEXTS, strict=True))
LABELLED = [{"label": letter, "text": text} for letter, text in COLUMNS.items()]


def rows(tmp_path, *items, name="exam.jsonl"):
    lines = "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items)
    (tmp_path / name).write_text(lines, "utf-8")
    return list(exam_rows([str(tmp_path / name)]))


def without(item, *names):
    return {name: value for name, value in item.items() if name not in names}


OPTION_SHAPES = {
    "mapping out of order": {**ITEM, "options": {k: COLUMNS[k] for k in "BADC"}},
    "list": {**ITEM, "options": list(TEXTS)},
    "lettered list": {**ITEM, "options": LETTERED},
    "option": {**without(ITEM, "options"), "option": {**COLUMNS, "E": ""}},
    "choices": {**without(ITEM, "options"), "choices": list(TEXTS)},
    "key and value": {**ITEM, "options": [{"key": k, "value": v} for k, v in COLUMNS.items()]},
    "label and text": {**ITEM, "options": LABELLED},
    "one key each": {**ITEM, "options": [{k: v} for k, v in COLUMNS.items()]},
    "hugging face": {**without(ITEM, "options"), "choices": {"label": list("ABCD"), "text": list(TEXTS)}},
    "pairs": {**ITEM, "options": [list(pair) for pair in COLUMNS.items()]},
    "json text": {**ITEM, "options": json.dumps(TEXTS, ensure_ascii=False)},
    "python text": {**ITEM, "options": str(list(TEXTS))},
    "lines of text": {**ITEM, "options": "\n".join(LETTERED)},
    "one line of text": {**ITEM, "options": " ".join(LETTERED)},
    "columns": {**without(ITEM, "options"), **COLUMNS, "E": "", "F": None},
    "small columns": {**without(ITEM, "options"), **{k.lower(): v for k, v in COLUMNS.items()}},
    "option_a": {**without(ITEM, "options"), **{f"option_{k.lower()}": v for k, v in COLUMNS.items()}},
    "选项A": {"题目": STEM, **{f"选项{k}": v for k, v in COLUMNS.items()}, "答案": "A"},
    "opa": {"question": STEM, **{f"op{k.lower()}": v for k, v in COLUMNS.items()}, "cop": 0},
    "ending0": {**without(ITEM, "options"), **{f"ending{i}": v for i, v in enumerate(TEXTS)}, "answer": 0},
    "in the stem, on lines": {"question": f"{STEM}\n" + "\n".join(LETTERED), "answer": "A"},
    "in the stem, in a line": {"question": f"{STEM} " + "".join(LETTERED), "answer": "A"},
    "in the stem, with the key": {"question": f"{STEM}\n" + "\n".join(LETTERED) + "\n答案：A", "answer": "A"},
    "in the stem, small": {"query": f"{STEM} <choices>  {' '.join(LETTERED).lower()}", "label": "a"},
    "parted by semicolons": {"question": f"{STEM} " + "；".join(LETTERED), "answer": "A"},
    "a task": {"instruction": "请回答。", "input": f"{STEM}\n" + "\n".join(LETTERED), "output": "A"},
    "a task and options": {"instruction": STEM, "input": "\n".join(LETTERED), "output": "A"},
    "flags": {"question": STEM, "options": [{"text": t, "is_correct": t == TEXTS[0]} for t in TEXTS]},
    "in a question": {"question": {"stem": STEM, "choices": LABELLED}, "answerKey": "A"},
}  # fmt: skip


@pytest.mark.parametrize("shape", OPTION_SHAPES)
def test_options_are_read_wherever_they_stand(tmp_path, shape):
    (row,) = rows(tmp_path, OPTION_SHAPES[shape])
    assert (row.outcome, row.reason) == ("ok", "")
    question = row.question
    assert (question.stem, question.options, question.gold, question.kind) == (STEM, TEXTS, "A", "single")


KEYS = {
    "letter": "Ａ", "list": ["A"], "text of a list": '["A"]', "text of a bare list": "[A]", "index": 0,
    "float index": 0.0, "index as text": "0", "option": "容量有限", "option in a list": ["容量有限"],
    "marked": "A. 容量有限", "announced": "答案：A", "announced in full": "正确答案是A。",
    "English": "The answer is A",
    "with a blank": "A 容量有限", "circled": "①", "an id": {"id": "A"}, "small": "a",
    "in brackets": "（A）", "picked": "选A", "a mapping": {"label": "A", "text": "容量有限"},
}  # fmt: skip


@pytest.mark.parametrize("shape", KEYS)
def test_keys_are_read_as_letters(tmp_path, shape):
    (row,) = rows(tmp_path, {**ITEM, "answer": KEYS[shape]})
    assert (row.outcome, row.question and row.question.gold) == ("ok", "A"), row.reason


SEVERAL = ["AC", "A、C", "C,A", ["A", "C"], "['A', 'C']", ["容量有限", "永久保存"],
           "容量有限；永久保存", [0, 2], "A. 容量有限; C. 永久保存", "答案：AC", "a, c"]  # fmt: skip


@pytest.mark.parametrize("key", SEVERAL)
def test_keys_of_several_letters(tmp_path, key):
    (row,) = rows(tmp_path, {**ITEM, "answer": key})
    assert (row.outcome, row.question and (row.question.gold, row.question.kind)) == (
        "ok",
        ("AC", "multiple"),
    )


def test_a_text_and_its_letter_agree_or_are_set_aside(tmp_path):
    medqa = {**ITEM, "answer": "容量无限", "answer_idx": "B", "meta_info": "step1"}
    agree, differ = rows(tmp_path, medqa, {**medqa, "question": "另一题", "answer_idx": "C"})
    assert agree.question.gold == "B"
    assert (differ.outcome, differ.reason) == (
        "quarantined",
        "item 1: two keys: answer says B, answer_idx says C",
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"options": {}}, "looks like a choice, but holds no options that can be read: its key is A"),
        ({"options": {}, "answer": "", "question_type": "单选题"}, "it is said to be single"),
        ({"options": {}, "answer": 2}, "its key is an index"),
        ({"options": "容量有限"}, "no two are told apart"),
        ({"options": {"甲": "一", "乙": "二"}}, "not under letters"),
        ({"options": [{"x": 1, "y": 2}]}, "not with a key and a text"),
        ({"options": 4}, "options are int"),
        ({"answer": ""}, "no key"),
        ({"answer": "不知道"}, "neither letters nor an option"),
        ({"answer": "A. 容量无限"}, "another text than that option's"),
        ({"answer": 7}, "no index of 4 options"),
        ({"options": ["A", "B", "AB", "O"], "answer": "AB"}, "letters or the text of option C"),
        ({"options": ["1", "2", "3"], "answer": 1}, "an index or the text of option A"),
    ],
)
def test_what_looks_like_a_choice_and_cannot_be_read_is_set_aside(tmp_path, changed, reason):
    (row,) = rows(tmp_path, {**ITEM, **changed})
    assert (row.outcome, row.question) == ("quarantined", None)
    assert reason in row.reason


def test_indices_that_can_only_count_from_one_do(tmp_path):
    items = [{**ITEM, "question": f"{STEM}{n}", "answer": n} for n in (1, 4, 2)]
    assert [row.question.gold for row in rows(tmp_path, *items)] == ["A", "D", "B"]
    mixed = rows(tmp_path, *items, {**ITEM, "answer": 0})
    assert [row.question and row.question.gold for row in mixed] == ["B", None, "C", "A"]


def test_a_short_question_stays_one(tmp_path):
    (row,) = rows(tmp_path, {"question": "简述遗忘的规律", "answer": "先快后慢（2分）"})
    assert (row.outcome, row.question.kind, row.question.gold) == ("ok", "short", "先快后慢")


def test_tables_with_capital_columns(tmp_path):
    header = ",Question,A,B,C,D,Answer\n"
    (tmp_path / "cmmlu.csv").write_text(f"\ufeff{header}0,{STEM},{','.join(TEXTS)},A\n", "utf-8")
    (row,) = exam_rows([str(tmp_path / "cmmlu.csv")])
    assert (row.question.stem, row.question.options, row.question.gold) == (STEM, TEXTS, "A")


@pytest.mark.parametrize(
    ("said", "kind"), [("单项选择题", "single"), ("多项选择题", "multiple"), ("multi", "multiple")]
)
def test_the_kind_as_it_is_said(tmp_path, said, kind):
    (row,) = rows(tmp_path, {**ITEM, "question_type": said})
    assert row.question.kind == kind


def test_both_questions_of_an_emobench_row(tmp_path):
    row = {
        "scenario": "小王考试没过。", "subject": "小王", "language": "zh",
        "emotion_choices": ["难过", "高兴"], "emotion_label": "难过",
        "cause_choices": ["没过", "过了"], "cause_label": "没过",
    }  # fmt: skip
    action = {"scenario": "小王考试没过。", "subject": "小王", "language": "zh", "question type": "Action",
              "choices": ["复习", "放弃"], "label": "复习"}  # fmt: skip
    emotion, cause, does = rows(tmp_path, row, action)
    assert [r.question.gold for r in (emotion, cause, does)] == ["A", "A", "A"]
    assert {r.question.case for r in (emotion, cause, does)} == {"小王考试没过。"}
    assert (emotion.row, cause.row, does.row) == (1, 1, 2)
    assert "情绪" in emotion.question.stem
    assert "为什么" in cause.question.stem
    assert does.question.options == ("复习", "放弃")


def test_copies_are_one_question_and_a_key_in_doubt_is_for_the_label_audit(tmp_path):
    shuffled = {"question": f"1. {STEM}（ ）。", "options": [TEXTS[i] for i in (3, 1, 0, 2)], "answer": "C"}
    other_key = {**ITEM, "question": f"{STEM}？", "answer": "AB", "question_type": "multi"}
    alone, copy = rows(tmp_path, ITEM, shuffled)
    assert (alone.outcome, copy.outcome, copy.question.id) == ("ok", "repeat", alone.question.id)
    doubtful, copy, again = rows(tmp_path, ITEM, shuffled, other_key)
    assert [r.outcome for r in (doubtful, copy, again)] == ["label_audit", "repeat", "repeat"]
    assert again.reason.endswith("with the key AB")
    assert len({r.question.id for r in (doubtful, copy, again)}) == 1


def test_options_that_differ_in_marks_alone_are_others(tmp_path):
    items = [{"question": "下列写法正确的是", "options": options, "answer": "A"}
             for options in (["<0.05", ">0.05"], ["<=0.05", ">=0.05"])]  # fmt: skip
    assert [row.outcome for row in rows(tmp_path, *items)] == ["ok", "ok"]
