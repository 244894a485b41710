"""Every record survives parquet, refuses what it does not know, and has schemas."""

import json
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from psyche_rl.records import (
    ALL_RECORDS,
    Dialogue,
    Group,
    Message,
    Passage,
    Question,
    Sample,
    ScoredSample,
    SftExample,
    content_id,
)
from psyche_rl.records.text import QuestionKind
from psyche_rl.store import RunStore

SAMPLE = Sample(
    id="s", request_id="r", index=0, prompt_ids=(1, 2), response_ids=(3, 4, 5), logprobs=(-0.5, -1e-9, 0.0),
    weight_versions=(7, 7, 8), finish_reason="stop",
)  # fmt: skip


def scored(**changes) -> ScoredSample:
    fields = {
        "step": 3, "group_id": "g", "question_id": "q", "sample_id": "s", "prompt": "题", "response": "答",
        "gold": "AB", "response_length": 2, "finish_reason": "stop", "reward": 1.5,
        "reward_parts": {"answer": 1.0, "format": 0.5}, "reward_error": None, "advantage": -0.25,
        "weight_version": 3,
    }  # fmt: skip
    return ScoredSample(**{**fields, **changes})


EXAMPLES = [
    Question(id="q", kind="multiple", stem="题", options=("甲", "乙"), gold="AB", source="x", span=None),
    Question(id="q", kind="short", stem="题", gold="要点", source="x", case="案例", passage_id="p"),
    Dialogue(id="d", kind="plain", messages=(Message(role="user", content="你好\n"),), source="x"),
    SftExample(id="e", kind="reasoning", messages=(Message(role="assistant", content=""),), source_id="q"),
    SAMPLE,
    Group(id="g", question_id="q", samples=(SAMPLE, SAMPLE)),
    scored(),
    scored(reward=None, reward_parts={}, reward_error="timeout", advantage=None),
    scored(
        stem="题干",
        think_opened=True,
        temperature=0.8,
        top_p=0.9,
        top_k=20,
        max_tokens=40,
        seed=7,
        kl_penalty=0.125,
    ),
]


def through_parquet(table: pa.Table) -> pa.Table:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    return pq.read_table(pa.BufferReader(buffer.getvalue()))


@pytest.mark.parametrize("record", EXAMPLES, ids=lambda r: type(r).__name__)
def test_parquet_round_trip(record):
    kind = type(record)
    table = through_parquet(kind.to_table([record, record]))
    assert kind.from_table(table) == [record, record]
    assert table.schema.metadata[b"psyche_rl.record"] == f"{kind.__name__}/{kind.SCHEMA_VERSION}".encode()


@pytest.mark.parametrize("kind", ALL_RECORDS)
def test_every_record_has_an_arrow_and_a_json_schema(kind):
    assert kind.arrow_schema().names == list(kind.model_fields)
    assert kind.from_table(through_parquet(kind.to_table([]))) == []
    assert json.dumps(kind.model_json_schema())
    for name, field in kind.model_fields.items():
        assert kind.arrow_schema().field(name).nullable == (type(None) in get_args(field.annotation)), name


texts = st.text(st.characters(codec="utf-8"))


@given(
    st.lists(
        st.tuples(
            texts, st.one_of(st.none(), texts), st.lists(texts), st.sampled_from(get_args(QuestionKind))
        )
    )
)
def test_any_text_comes_back_in_order(rows):
    questions = [
        Question(id=str(i), kind=kind, stem=stem, options=tuple(options), gold="A", source="x", span=span)
        for i, (stem, span, options, kind) in enumerate(rows)
    ]
    assert Question.from_table(through_parquet(Question.to_table(questions))) == questions


@given(st.lists(st.floats(allow_nan=False, max_value=0.0), max_size=20))
def test_logprobs_come_back_bit_for_bit(logprobs):
    n = len(logprobs)
    sample = Sample(
        id="s", request_id="r", index=0, prompt_ids=(), response_ids=(1,) * n, logprobs=tuple(logprobs),
        weight_versions=(0,) * n, finish_reason="length",
    )  # fmt: skip
    [back] = Sample.from_table(through_parquet(Sample.to_table([sample])))
    assert [x.hex() for x in back.logprobs] == [x.hex() for x in sample.logprobs]


def test_records_are_frozen_and_strict_about_fields():
    passage = Passage(id="p", text="t", source="s", row=0)
    with pytest.raises(ValidationError, match="frozen"):
        passage.text = "x"
    with pytest.raises(ValidationError, match="extra"):
        Passage(id="p", text="t", source="s", row=0, colour="red")


@pytest.mark.parametrize("field", ["response_ids", "logprobs", "weight_versions"])
def test_a_sample_with_tokens_out_of_step_is_refused(field):
    fields = SAMPLE.model_dump()
    fields[field] = fields[field][:-1]
    with pytest.raises(ValidationError, match="differ in length"):
        Sample(**fields)


ADDED = ("stem", "think_opened", "temperature", "top_p", "top_k", "max_tokens", "seed", "kl_penalty")


def test_rollouts_of_version_1_are_read_without_what_they_lack(tmp_path):
    old = ScoredSample.to_table([scored()]).drop_columns(list(ADDED))
    [read] = ScoredSample.from_table(through_parquet(old))
    assert read == scored()
    assert [getattr(read, name) for name in ADDED] == [None] * len(ADDED)
    store = RunStore(str(tmp_path))
    store.write_table("rollouts/step_1.parquet", old)
    store.write_records("rollouts/step_2.parquet", ScoredSample, [scored(stem="题干", seed=7)])
    assert store.read_records("rollouts", ScoredSample) == [scored(), scored(stem="题干", seed=7)]


def test_letters_are_those_of_the_options():
    assert EXAMPLES[0].letters == "AB"
    assert EXAMPLES[1].letters == ""


def test_content_ids_depend_on_content_and_on_where_parts_end():
    assert content_id("q", "a", "b") == content_id("q", "a", "b")
    assert content_id("q", "ab", "c") != content_id("q", "a", "bc")
    assert content_id("q", "从众") == "q-" + content_id("p", "从众").removeprefix("p-")
