"""The table of think blocks in docs/rewards.md holds for everything that reads replies."""

import json
import re
from pathlib import Path

import pytest

from data_pipeline.answering.verdict import verdict
from data_pipeline.domains import load_domain
from data_pipeline.synthesis.empathy import rewritten
from data_pipeline.synthesis.multi_turn import turns_of
from data_pipeline.synthesis.rationales import judge
from psyche_rl.config.synth import SynthConfig
from psyche_rl.evaluation import ExamReply, grade
from psyche_rl.llm import ChatReply
from psyche_rl.llm.json_reply import rows_in_reply
from psyche_rl.records import Dialogue, Message, Question
from rewards import LengthGate, McqStrict, RewardSample, ThinkFormat, extract_answer
from rewards.reply import answer_part

PAGE = Path(__file__).parents[3] / "docs" / "rewards.md"
QUESTION = Question(id="q", kind="single", stem="题", options=tuple("甲乙丙丁"), gold="B", source="t")
LETTERS = {"想": "也许。答案：D", "先": "依我看，答案：A", "答": "答案：B"}
REASON = "乙说的是升华，把冲动引到别人认可的事上。"
DOMAIN = load_domain("psychology")
WARM = "听起来你很难过，这不是你的错。睡前可以放松，也可以散步。"
TALK = {"想": "先共情，睡前可以放松。", "先": f"草稿：{WARM}", "答": WARM}
ROWS = {word: json.dumps([{"stem": word}], ensure_ascii=False) for word in "想先答"}


def table():
    text = PAGE.read_text("utf-8").partition("<!-- think table")[2].partition("<!-- end of think table")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[3:] if line]
    return [(reply.strip("`").replace("\\n", "\n"), what, form, answer) for reply, what, form, answer in rows]


def filled(reply: str, words: dict[str, str]) -> str:
    return re.sub("[想先答]", lambda found: words[found[0]], reply)


def test_the_table_is_read_whole():
    assert len(table()) == 16
    assert {form for _, _, form, _ in table()} == {"1", "0", "`allow_empty`"}
    assert {answer for *_, answer in table()} == {"答", "none"}


@pytest.mark.parametrize(("reply", "what", "form", "answer"), table())
def test_every_reader_of_replies_gives_the_verdict_of_the_table(reply, what, form, answer):
    there, said = answer == "答", filled(reply, LETTERS)

    sample = RewardSample(id="1", response=said, gold="B", kind="single", options=QUESTION.options)
    values = [ThinkFormat(allow_empty=allowed).score(sample).value for allowed in (True, False)]
    assert values == {"1": [1, 1], "0": [0, 0], "`allow_empty`": [1, 0]}[form]
    letters = "B" if there else None
    assert extract_answer(said, QUESTION.options).letters == letters
    assert answer_part(said) == (LETTERS["答"] if there else "")
    assert [r.score(sample).value for r in (McqStrict(), LengthGate(max_chars=9))] == [there, there]

    for allowed in (True, False):
        (row,) = grade([ExamReply(QUESTION, said, "stop", 9)], ThinkFormat(allow_empty=allowed)).rows
        assert (row.answer, row.format_ok) == (letters, values[not allowed])
    assert verdict("s", QUESTION, 0, said).answer == letters

    reasoned = ChatReply(filled(reply, LETTERS | {"答": f"{REASON}\n答案：B"}), 1, 1)
    attempt = judge(QUESTION, "答题", reasoned, 0, "m", DOMAIN)
    assert (attempt.answer, attempt.accepted) == (letters, there)
    assert attempt.text == (REASON if there else "")

    asked, replied = (
        Message(role="user", content="睡不好"),
        Message(role="assistant", content="睡前放松，多散步。"),
    )
    plain = Dialogue(id="p", kind="plain", messages=(asked, replied), source="t")
    *made, outcome = rewritten(plain, ChatReply(filled(reply, TALK), 1, 1), SynthConfig(), DOMAIN)
    assert outcome.status == ("ok" if there else "quarantined")
    assert [d.messages[1].content for d in made] == [WARM] * there

    values_read = read_or_none(rows_in_reply, filled(reply, ROWS))
    assert values_read == ([{"stem": "答"}] if there else None)
    turns = [{"role": role, "content": filled(reply, TALK)} for role in ("user", "assistant") * 2]
    conversation = read_or_none(turns_of, json.dumps(turns, ensure_ascii=False))
    assert conversation == (
        tuple(Message(role=turn["role"], content=WARM) for turn in turns) if there else None
    )


def read_or_none(read, text):
    try:
        return read(text)
    except ValueError:
        return None
