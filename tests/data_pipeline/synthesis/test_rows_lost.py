"""A row that is lost or doubled in the middle of a step of synthesis: the accounting refuses the step."""

import hashlib
import io
import json
from dataclasses import replace
from functools import partial

import pyarrow as pa
import pytest
from fake_llm import FakeLLM
from map_in_process import map_in_process
from stream_in_process import stream_in_process

from data_pipeline.domains import load_domain
from data_pipeline.ingest import cleaned_files
from data_pipeline.rows.accounting import RowAccounting, UnbalancedRowsError
from data_pipeline.synthesis import questions, repeats, steps
from data_pipeline.synthesis.steps import Synthesis
from data_pipeline.synthesis.texts import read_texts
from psyche_rl.config import parse_config
from psyche_rl.events import Events
from psyche_rl.llm import ChatReply
from psyche_rl.records import Dialogue, Message, Passage, Question, RowOutcome
from psyche_rl.run_context import StageContext
from psyche_rl.store import RunStore

DOMAIN = load_domain("psychology")
SPAN = "记忆的三个步骤是编码、储存和提取"
REPLY = "建议睡前别看手机，可以记下要做的事。"


def without(place):
    """A table without one row."""
    return lambda table: pa.concat_tables([table.slice(0, place), table.slice(place + 1)])


def twice(place):
    """A table with one row twice."""
    return lambda table: pa.concat_tables([table, table.slice(place, 1)])


def other_in_place_of(place):
    """A table of the same length in which one row is lost and its neighbour doubled."""
    return lambda table: without(place)(twice(place + 1)(table))


def nothing(table):
    return table


def context_of(tmp_path, **sections):
    rows = [{"text": f"{SPAN}，这是第{n}段材料。"} for n in range(6)]
    posts = [{"post": f"第{n}次睡不好，怎么办？", "reply": REPLY} for n in range(4)]
    for name, values in (("p", rows), ("d", posts)):
        lines = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
        (tmp_path / f"{name}.jsonl").write_text(lines, "utf-8")
    tree = {
        "run_dir": str(tmp_path / "run"),
        "data": {"passages": str(tmp_path / "p.jsonl"), "posts": str(tmp_path / "d.jsonl")},
        "synth": {"single_per_passage": 2, "multiple_per_passage": 0, "block_rows": 2, "balance_gold": False},
        "dedup": {"enabled": False},
        **sections,
    }
    store = RunStore(tree["run_dir"])
    return StageContext(parse_config(tree, "test"), store, Events(store, console=io.StringIO()))


def answered(text):
    return ChatReply(text, 1, 1)


def a_teacher():
    """It asks two questions of each passage, and repeats the reply of each post with a word of its own."""

    def answer(prompt, sample):
        number = hashlib.sha256(prompt.encode()).hexdigest()[:8]
        if "求助" in prompt:
            return answered(f"我听到你很难受（{number}）。建议睡前别看手机，可以记下要做的事。")
        if "issues" in prompt:
            return answered('{"issues": [], "comment": ""}')
        rows = [
            {
                "stem": f"{number}之{n}：第一步是（ ）",
                "options": ["编码", "储存"],
                "gold": "A",
                "span": SPAN,
            }
            for n in (1, 2)
        ]
        return answered(json.dumps(rows, ensure_ascii=False))

    return FakeLLM(answer)


def synthesis(tmp_path, monkeypatch, between=nothing, **sections):
    monkeypatch.setattr(steps, "map_blocks", partial(map_in_process, between=between))
    return Synthesis(context_of(tmp_path, **sections), a_teacher(), DOMAIN)


def passage(n):
    return Passage(id=f"p{n}", text=f"{SPAN}，这是第{n}段材料。", source="p.jsonl", row=n + 1)


def post(n):
    words = (f"第{n}次睡不好，怎么办？", REPLY)
    messages = (Message(role="user", content=words[0]), Message(role="assistant", content=words[1]))
    return Dialogue(id=f"d{n}", kind="plain", messages=messages, source="d.jsonl", row=n + 1)


PASSAGES, POSTS = [passage(n) for n in range(3)], [post(n) for n in range(3)]


def ask(n, **fields):
    given = {
        "stem": f"第{n}问：第一步是",
        "options": ("编码", "储存"),
        "gold": "A",
        "source": "p.jsonl",
    }
    return Question(id=f"q{n}", kind="single", passage_id="p1", span=SPAN, **{**given, **fields})


# The texts


def read(tmp_path, monkeypatch, **tampered):
    monkeypatch.setattr(cleaned_files, "stream_cleaned", partial(stream_in_process, **tampered))
    accounting = RowAccounting()
    texts = read_texts(context_of(tmp_path), DOMAIN, accounting)
    return texts, accounting


def test_texts_of_which_none_is_lost_add_up(tmp_path, monkeypatch):
    texts, accounting = read(tmp_path, monkeypatch)
    counts = accounting.all_counts()
    assert {step: (c.rows, c.ok) for step, c in counts.items()} == {
        "passages.files": (1, 1),
        "passages": (6, 6),
        "posts.files": (1, 1),
        "posts": (4, 4),
    }
    assert (len(texts.passages), len(texts.posts)) == (6, 4)


@pytest.mark.parametrize("tamper", [without(1), twice(1), other_in_place_of(1)])
def test_a_row_lost_between_reading_and_cleaning_is_seen(tmp_path, monkeypatch, tamper):
    with pytest.raises(UnbalancedRowsError, match="step passages"):
        read(tmp_path, monkeypatch, between=tamper)


def test_the_outcome_of_an_input_that_is_lost_is_seen(tmp_path, monkeypatch):
    with pytest.raises(UnbalancedRowsError, match=r"step passages\.files"):
        read(tmp_path, monkeypatch, between=without(6))


@pytest.mark.parametrize("tamper", [without(1), twice(1), other_in_place_of(1)])
def test_a_row_lost_between_cleaning_and_its_file_is_seen(tmp_path, monkeypatch, tamper):
    def stream(*arguments):
        yield from map(tamper, stream_in_process(*arguments))

    monkeypatch.setattr(cleaned_files, "stream_cleaned", stream)
    with pytest.raises(UnbalancedRowsError, match="step passages"):
        read_texts(context_of(tmp_path), DOMAIN, RowAccounting())


def test_a_record_that_is_not_written_is_seen(tmp_path, monkeypatch):
    write = cleaned_files.RecordFile.write
    monkeypatch.setattr(cleaned_files, "stream_cleaned", stream_in_process)
    monkeypatch.setattr(cleaned_files.RecordFile, "write", lambda self, rows: write(self, rows[1:]))
    with pytest.raises(UnbalancedRowsError, match="step passages: 1 of 6 records are gone"):
        read_texts(context_of(tmp_path), DOMAIN, RowAccounting())


# The steps that ask the teacher


def test_steps_of_which_no_row_is_lost_add_up(tmp_path, monkeypatch):
    work = synthesis(tmp_path, monkeypatch)
    asked = work.questions(PASSAGES)
    kept, flags = work.quality_flags(asked, PASSAGES)
    assert (len(asked), list(kept), flags) == (6, list(asked), [])
    assert len(work.dialogues(work.screened(POSTS, []))) == 3
    counts = work.accounting.all_counts()
    assert {step: (c.rows, c.ok) for step, c in counts.items()} == {
        "questions.calls": (3, 3),
        "questions": (6, 6),
        "repeats.questions": (6, 6),
        "quality": (6, 6),
        "review.posts": (3, 3),
        "empathy": (3, 3),
    }


STEPS = {
    "questions": lambda work: work.questions(PASSAGES),
    "quality": lambda work: work.quality_flags([ask(n) for n in range(3)], PASSAGES),
    "empathy": lambda work: work.dialogues(POSTS),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("tamper", [without, twice, other_in_place_of])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_lost_between_a_reply_and_its_outcome_is_seen(tmp_path, monkeypatch, step, tamper, place):
    # Rows of a block: call, question, outcome, question, outcome; or record, outcome, record, outcome.
    work = synthesis(tmp_path, monkeypatch, between=tamper(place))
    with pytest.raises(UnbalancedRowsError, match=f"step {step}"):
        STEPS[step](work)


def test_a_row_of_a_reply_that_is_passed_over_is_seen(tmp_path, monkeypatch):
    read_one = questions._question
    monkeypatch.setattr(
        questions,
        "_question",
        lambda call, row, fields: [] if row.id.endswith("/1") else read_one(call, row, fields),
    )
    with pytest.raises(UnbalancedRowsError, match="step questions: 3 of 6 rows did not end"):
        synthesis(tmp_path, monkeypatch).questions(PASSAGES)


def test_a_block_that_is_lost_whole_is_seen(tmp_path, monkeypatch):
    work = synthesis(tmp_path, monkeypatch, between=lambda table: table.slice(0, 0))
    with pytest.raises(UnbalancedRowsError, match=r"step questions\.calls: 3 of 3 rows did not end"):
        work.questions(PASSAGES)


# Steps that choose among records


def test_a_near_repeat_keeps_text_place_and_the_record_that_stays(tmp_path, monkeypatch):
    work = synthesis(tmp_path, monkeypatch, dedup={"enabled": True})
    near = passage(9).model_copy(update={"text": f"{PASSAGES[0].text}！" * 3})
    long = [PASSAGES[0].model_copy(update={"text": PASSAGES[0].text * 3}), near]
    assert work.distinct(long) == long[:1]
    (ended,) = [o for o in work.accounting.of("near.passages") if o.status == "filtered"]
    assert (ended.filter, ended.keeper, ended.content) == ("near_repeat", "p0", near.text)
    assert (ended.source, ended.source_row) == ("p.jsonl", 10)


def test_a_question_asked_twice_keeps_text_place_and_the_record_that_stays():
    accounting, settings = RowAccounting(), parse_config({"run_dir": "r"}, "test").dedup
    asked = [
        ask(0),
        ask(1, stem="另一问：遗忘先快后慢的是谁发现的"),
        ask(2, stem="第0问：第一步是", options=("储存", "编码"), gold="B"),
    ]
    kept = repeats.distinct_questions(asked, settings, accounting, {"p1": 7})
    assert kept == asked[:2]
    (ended,) = [o for o in accounting.outcomes() if o.status == "filtered"]
    assert (ended.stage, ended.filter, ended.keeper) == ("repeats.questions", "repeat", "q0")
    assert (ended.source, ended.source_row) == ("p.jsonl", 7)
    assert ended.content == "第0问：第一步是\n储存\n编码\nB"


@pytest.mark.parametrize("tamper", [lambda kept: kept[1:], lambda kept: [*kept, kept[0]]])
def test_a_record_that_deduplication_loses_or_doubles_is_seen(monkeypatch, tamper):
    settings = parse_config({"run_dir": "r"}, "test").dedup.model_copy(update={"enabled": True})
    find = repeats.unique_passages

    def found(records, settings):
        kept, near = find(records, settings)
        return tamper(list(kept)), near

    monkeypatch.setattr(repeats, "unique_passages", found)
    with pytest.raises(UnbalancedRowsError, match=r"step near\.passages"):
        repeats.distinct_passages([passage(0)], settings, RowAccounting())


@pytest.mark.parametrize("tamper", [lambda kept: kept[1:], lambda kept: [*kept, kept[0]]])
def test_a_record_that_review_loses_or_doubles_is_seen(tmp_path, monkeypatch, tamper):
    work, apply_review = synthesis(tmp_path, monkeypatch), steps.apply_review

    def applied(*arguments):
        found = apply_review(*arguments)
        return replace(found, kept=tamper(found.kept))

    monkeypatch.setattr(steps, "apply_review", applied)
    with pytest.raises(UnbalancedRowsError, match=r"step review\.posts"):
        work.screened(POSTS, [])


@pytest.mark.parametrize("tamper", [lambda kept: kept[1:], lambda kept: [*kept[1:], kept[1]]])
def test_a_question_that_balancing_loses_or_doubles_is_seen(tmp_path, monkeypatch, tamper):
    work = synthesis(tmp_path, monkeypatch)
    monkeypatch.setattr(steps, "balanced", lambda asked, seed: tamper(list(asked)))
    with pytest.raises((UnbalancedRowsError, ValueError)):
        work._balanced([ask(n) for n in range(3)])


def test_outcomes_of_an_earlier_version_can_be_read():
    old = RowOutcome(stage="s", row="r", status="ok").model_dump(exclude={"rows_read", "keeper"})
    assert RowOutcome.model_validate(old).rows_read == ()
