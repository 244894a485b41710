import json

import pytest
from pydantic import BaseModel, Field

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallFailure, ChatReply, ChatRequest, ask_json
from psyche_rl.llm.json_reply import read_json
from psyche_rl.llm.structured import JsonAnswer, schema_of


class Item(BaseModel):
    stem: str
    gold: str = Field(pattern="^[A-E]+$")
    default: int = 3


class Items(BaseModel):
    items: list[Item]


GOOD = '{"items": [{"stem": "问", "gold": "AB"}]}'
VALUE = Items(items=[Item(stem="问", gold="AB")])


def ask(text="出题"):
    return ChatRequest("m", (("user", text),), 0.0, 16)


class Scripted:
    """Gives the listed results one after another and keeps what was asked, and in which phase."""

    def __init__(self, *results, **settings):
        self.teacher, self.results, self.asked = TeacherConfig(**settings), list(results), []

    def complete(self, requests, phase):
        self.asked += [(phase, request) for request in requests]
        return [self.results.pop(0) for _ in requests]


def said(text):
    return ChatReply(text, 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"好的：\n```json\n{GOOD}\n```\n请查收",
        f"<think>先想 {{x}}</think>{GOOD}",
        GOOD.replace("}]", "},]"),
        '[{"stem": "问", "gold": "AB"}]',
    ],
)
def test_json_is_found_in_what_models_write_around_it(text):
    assert read_json(text, Items) == VALUE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("好的，请查收。", "no JSON"),
        (GOOD[:-6], "broken JSON"),
        ('{"items": [{"stem": "问", "gold": "F"}]}', r"items\.0\.gold"),
        ('{"items": [{"gold": "A"}, {}, {}]}', "and 2 more"),
        ('{"items": [{}, {}]}', "and 1 more"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text, why):
    with pytest.raises(ValueError, match=why) as caught:
        read_json(text, Items)
    assert "\n" not in str(caught.value)


def test_the_schema_is_closed_and_all_is_required():
    wanted = json.loads(schema_of(Items))
    item = wanted["schema"]["$defs"]["Item"]
    assert wanted["name"] == "Items"
    assert wanted["strict"] is True
    assert item["required"] == ["default", "gold", "stem"]
    assert item["additionalProperties"] is False
    assert "default" not in item["properties"]["default"]


def test_an_answer_that_fits_costs_one_call_with_the_schema():
    door = Scripted(said(GOOD))
    assert ask_json(door, [ask()], Items, "questions") == [JsonAnswer(VALUE, said(GOOD), False)]
    [(phase, request)] = door.asked
    assert phase == "questions"
    form = request.payload()["response_format"]
    assert (form["type"], form["json_schema"]["name"]) == ("json_schema", "Items")
    off = Scripted(said(GOOD), structured_output="off")
    ask_json(off, [ask()], Items, "questions")
    assert off.asked == [("questions", ask())]


def test_one_that_does_not_fit_is_shown_its_error_once():
    bad = '{"items": [{"stem": "问", "gold": "F"}]}'
    door = Scripted(said(GOOD), said(bad), said(GOOD), said(GOOD))
    results = ask_json(door, [ask("一"), ask("二"), ask("三")], Items, "questions")
    assert [r.is_repaired for r in results] == [False, True, False]
    assert len(door.asked) == 4
    phase, repair = door.asked[-1]
    assert phase == "questions.repair"
    assert repair.messages[:2] == (("user", "二"), ("assistant", bad))
    assert "items.0.gold" in repair.messages[2][1]
    assert repair.schema == schema_of(Items)


def test_after_one_repair_it_is_a_failure_with_error_and_text():
    door = Scripted(said("没有"), said("还是没有"))
    [result] = ask_json(door, [ask()], Items, "questions")
    assert result == CallFailure("schema", "no JSON in the reply", "还是没有")


def test_failed_calls_are_not_repaired_and_a_failed_repair_keeps_the_first_text():
    lost = CallFailure("timeout", "no reply")
    door = Scripted(lost, said("没有"), lost)
    results = ask_json(door, [ask("一"), ask("二")], Items, "questions")
    assert results == [lost, CallFailure("timeout", "no reply", "没有")]
    assert len(door.asked) == 3


def test_a_schema_is_sent_whole_but_for_defaults():
    class Held(BaseModel):
        names: list[str] = []
        count: int | None = None

    assert json.loads(schema_of(Held)) == {
        "name": "Held",
        "strict": True,
        "schema": {
            "additionalProperties": False,
            "properties": {
                "count": {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Count"},
                "names": {"items": {"type": "string"}, "title": "Names", "type": "array"},
            },
            "required": ["count", "names"],
            "title": "Held",
            "type": "object",
        },
    }
