import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from data_pipeline.ingest import ingest_passages, ingest_posts, ingest_questions
from psyche_rl.config.data import DataConfig
from psyche_rl.errors import DataError

REAL = Path(__file__).parents[4] / "shared" / "data"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real exam files are not on this machine")

TEXT = "记忆的三个步骤是编码、储存和提取。"
ITEM = {"question": "记忆的第一步是", "options": {"A": "编码", "B": "储存"}, "answer": "A", "analysis": TEXT}


def put(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in value), "utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(value), path)
    elif path.suffix == ".yaml":
        path.write_text(yaml.safe_dump(value, allow_unicode=True), "utf-8")
    else:
        path.write_text(value, "utf-8")
    return str(path)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet", ".yaml"])
def test_rows_with_text_are_passages(tmp_path, suffix):
    path = put(tmp_path / f"rows{suffix}", [{"text": TEXT, "title": "记忆"}, {"text": "另一段文字。"}])
    passages, bad = ingest_passages(path)
    assert [(p.title, p.text, p.row) for p in passages] == [("记忆", TEXT, 1), (None, "另一段文字。", 2)]
    assert {p.source for p in passages} == {f"rows{suffix}"}
    assert bad == []


def test_exam_items_give_their_explanations_as_passages(tmp_path):
    case = {
        "case_introduction": "案例",
        "questions_and_answers": [{"analysis": TEXT}, {"question": "无解析"}],
    }
    put(tmp_path / "exam" / "flat.json", [ITEM, {**ITEM, "analysis": ""}])
    put(tmp_path / "exam" / "deep" / "case.json", [case])
    passages, bad = ingest_passages(str(tmp_path / "exam"))
    assert [p.source for p in passages] == ["exam/deep/case.json", "exam/flat.json"]
    assert [(b.source, b.row) for b in bad] == [("exam/flat.json", 2)]


def test_long_texts_are_cut_at_paragraphs_and_sentences(tmp_path):
    sentence = "这是一个完整的句子。"
    text = f"# 第一章\n{sentence * 100}\n\n{sentence}\n## 第二节\n{sentence}"
    passages, _ = ingest_passages(put(tmp_path / "book.md", text))
    assert [p.title for p in passages] == ["第一章"] * 2 + ["第二节"]
    assert all(len(p.text) <= DataConfig().chunk_chars and p.text.endswith("。") for p in passages)
    assert "".join(p.text for p in passages).replace("\n", "") == sentence * 102


def test_old_chinese_encodings_and_odd_folder_names_are_read(tmp_path):
    folder = tmp_path / "second\n."
    folder.mkdir()
    (folder / "gbk.txt").write_bytes(TEXT.encode("gb18030"))
    passages, _ = ingest_passages(str(tmp_path))
    assert passages[0].text == TEXT
    assert "\n" not in passages[0].source


def test_a_broken_line_is_quarantined_and_the_rest_is_read(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"text": "{TEXT}"}}\n{{"text": \n[1]\n\n{{"nothing": 1}}\n', "utf-8")
    passages, bad = ingest_passages(str(path))
    assert len(passages) == 1
    assert [(b.source, b.row) for b in bad] == [("rows.jsonl", 2), ("rows.jsonl", 3), ("rows.jsonl", 5)]
    assert "JSON" in bad[0].reason


@pytest.mark.parametrize("ingest", [ingest_passages, ingest_posts, ingest_questions])
def test_a_missing_path_is_one_line_that_names_it(tmp_path, ingest):
    with pytest.raises(DataError, match="nowhere") as caught:
        ingest(str(tmp_path / "nowhere"))
    assert "\n" not in str(caught.value)


def test_unusable_inputs_are_one_line(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "x.png").write_bytes(b"x")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    empty = put(tmp_path / "empty.json", [{"a": 1}])
    for path, names in ((tmp_path / "bin", "known kind"), (broken, "cannot be read"), (empty, "no passage")):
        with pytest.raises(DataError, match=names):
            ingest_passages(str(path))


def test_a_broken_file_among_others_is_quarantined(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.json").write_text("{")
    put(tmp_path / "d" / "b.json", [ITEM])
    put(tmp_path / "d" / "README.md", "not a passage")
    passages, bad = ingest_passages(str(tmp_path / "d"))
    assert [p.source for p in passages] == ["d/b.json"]
    assert [(b.source, b.row) for b in bad] == [("d/a.json", 0)]


# -- posts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("p.yaml", [{"post": "睡不着", "reply": "早点睡"}]),
        ("p.jsonl", [{"question": "睡不着", "answer": "早点睡"}]),
        (
            "p.json",
            [
                {
                    "messages": [
                        {"role": "user", "content": "睡不着"},
                        {"role": "assistant", "content": "早点睡"},
                    ]
                }
            ],
        ),
        (
            "p.json",
            [{"conversations": [{"from": "human", "value": "睡不着"}, {"from": "gpt", "value": "早点睡"}]}],
        ),
        ("p.txt", "来访者：睡不着\n\n心理咨询师：早点睡\n\n来访者：好的\n\n心理咨询师：再见"),
        ("p.txt", "求助者: 睡\n不着😀\n咨询师: 早点睡"),
    ],
)
def test_posts_and_replies_in_every_shape(tmp_path, name, value):
    dialogues, bad = ingest_posts(put(tmp_path / name, value))
    assert [[m.content for m in d.messages] for d in dialogues] == [["睡不着", "早点睡"]]
    assert dialogues[0].kind == "plain"
    assert bad == []


def test_a_post_without_reply_is_quarantined(tmp_path):
    path = put(
        tmp_path / "p.jsonl",
        [{"post": "睡不着", "reply": "早点睡"}, {"post": "累"}, {"post": "睡不着", "reply": "早点睡"}],
    )
    dialogues, bad = ingest_posts(path)
    assert len(dialogues) == 1
    assert [(b.row, b.reason) for b in bad] == [(2, "no reply in the row")]


# -- questions -------------------------------------------------------------------------------------


def exam(tmp_path, rows, name="exam.json"):
    return ingest_questions(put(tmp_path / name, rows))


def test_flat_items_of_both_public_shapes(tmp_path):
    options = {"A": " 编码", "B": "储存", "C": "提取", "D": "遗忘", "E": ""}
    rows = [
        {
            "id": 1,
            "question": "记忆的⼀步是（　　）。",
            "answer": "Ａ",
            "options": options,
            "analysis": "见书。",
        },
        {
            "question_type": "multi",
            "question": "记忆包括",
            "options": options,
            "answer": "C、A B",
            "explanation": "",
        },
        {"question": "列表", "options": ["A.甲", "B.乙"], "answer": "B"},
    ]
    questions, bad = exam(tmp_path, rows)
    assert bad == []
    assert [(q.kind, q.stem, q.gold) for q in questions] == [
        ("single", "记忆的一步是（ ）。", "A"),
        ("multiple", "记忆包括", "ABC"),
        ("single", "列表", "B"),
    ]
    assert questions[0].options == ("编码", "储存", "提取", "遗忘")
    assert questions[0].explanation == "见书。"
    assert questions[2].options == ("甲", "乙")


def test_cases_carry_their_text_and_keep_their_kind(tmp_path):
    options = {"A": "甲", "B": "乙"}
    row = {
        "general_info": "求助者， 女性。",
        "case_introduction": "求助者，\n失眠。",
        "questions_and_answers": [
            {"question": "单选： 51．可能是（　）。", "options": options, "answer": "A"},
            {"question": "多选： 52．包括", "options": options, "answer": "AB"},
            {"question": "没说", "options": options, "answer": "A"},
            {"question": "1．请分析。（10 分）", "answer": "收入（2 分）、居住（2分）"},
        ],
    }
    questions, _ = exam(tmp_path, [row])
    assert [(q.kind, q.gold) for q in questions] == [
        ("single", "A"),
        ("multiple", "AB"),
        ("case", "A"),
        ("short", "收入、居住"),
    ]
    assert {q.case for q in questions} == {"求助者，女性。\n求助者，失眠。"}
    assert questions[0].stem == "可能是（ ）。"


@pytest.mark.parametrize(("name", "kind"), [("单选/x.json", "single"), ("multiple/x.json", "multiple")])
def test_the_kind_may_stand_in_the_path(tmp_path, name, kind):
    questions, _ = ingest_questions(str(Path(put(tmp_path / "e" / name, [ITEM])).parents[1]))
    assert questions[0].kind == kind


def test_items_that_cannot_be_scored_are_quarantined_with_their_place(tmp_path):
    rows = [
        ITEM,
        {**ITEM, "answer": ""},
        {**ITEM, "answer": "E"},
        {**ITEM, "answer": "AB", "question_type": "single"},
        {**ITEM, "options": {"A": "", "B": "储存"}},
        {**ITEM, "options": "A B"},
        {"answer": "A"},
        ITEM,
        "text",
        3,
    ]
    questions, bad = exam(tmp_path, rows)
    assert len(questions) == 1
    assert [b.row for b in bad] == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    words = [
        "no key",
        "not among",
        "single-choice",
        "option A is empty",
        "no two",
        "no text",
        "same question",
        "text",
        "mapping",
    ]
    assert [word in b.reason for word, b in zip(words, bad, strict=True)] == [True] * 9


def test_our_own_records_are_read_back(tmp_path):
    questions, _ = exam(tmp_path, [ITEM])
    path = put(tmp_path / "own.parquet", [q.model_dump() for q in questions])
    again, _ = ingest_questions(path)
    assert [q.id for q in again] == [q.id for q in questions]


@real
@pytest.mark.parametrize(("folder", "least"), [("cpsyexam", 400), ("pceb", 1000)])
def test_real_exams_are_read_almost_whole(folder, least):
    questions, bad = ingest_questions(str(REAL / folder))
    assert len(questions) > least
    assert len(bad) < len(questions) / 20
    assert Counter(q.kind for q in questions)["multiple"] > 100
    assert len(ingest_passages(str(REAL / folder))[0]) > least


@real
def test_real_dialogues_are_posts():
    dialogues, bad = ingest_posts(str(REAL / "cpsycoun"))
    assert len(dialogues) > 250
    assert len(bad) < 10


def test_rows_of_a_parquet_file_of_several_batches_are_numbered_through(tmp_path):
    path = put(tmp_path / "many.parquet", [{"text": f"第{n}段：{TEXT}"} for n in range(1, 2051)])
    passages, bad = ingest_passages(path)
    assert ([p.row for p in passages], bad) == (list(range(1, 2051)), [])


def test_a_case_without_items_is_quarantined_and_not_passed_over(tmp_path):
    path = put(tmp_path / "cases.json", [{"questions_and_answers": []}, ITEM])
    questions, bad = ingest_questions(path)
    assert (len(questions), [(b.row, b.reason) for b in bad]) == (1, [(1, "item 1: a case without items")])
