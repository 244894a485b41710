"""Conversations of several turns from a post and its reply, in three steps as PsycoLLM makes them:
generate, judge against the evidence, optimise.

Collaborators: the LLM through ``json_calls``; ``reply_filters`` holds the rules; the synth stage maps
:func:`multi_turn_block` where ``synth.multi_turn`` is on.
Invariants:
- Each post ends in one outcome of the stage ``multi_turn``.
- A conversation begins with the person who seeks help, alternates and ends with the counsellor.
- One in which problems were found is kept only as corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pyarrow as pa
from pydantic import BaseModel

from actors.llm.client import LLM
from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.domains import Domain
from data_pipeline.domains.domain_words import Speakers
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis.json_calls import Unreadable, ask_until_read
from data_pipeline.synthesis.reply_filters import reply_fault
from data_pipeline.synthesis.reply_schemas import Conversation, Problems
from data_pipeline.synthesis.templates import request
from psyche_rl.config.synth import SynthConfig
from psyche_rl.llm import CallFailure, ChatRequest
from psyche_rl.llm.json_reply import rows_in_reply
from psyche_rl.records import Dialogue, Message, RowOutcome, content_id
from rewards.reply import answer_part

STAGE = "multi_turn"
PAIRS = 3
T = TypeVar("T")
Turns = tuple[Message, ...]


def multi_turn_block(block: pa.Table, synth: SynthConfig, seed: int, llm: LLM, domain: Domain) -> pa.Table:
    """Ray Data: a block of plain dialogues to conversations and outcomes."""
    plain = Dialogue.from_table(block)
    ended: dict[str, RowOutcome] = {}
    asking, speakers = _Asking(llm, seed, ended, domain), domain.words.speakers
    drafts = asking.answers("turns_generate", [(d, {"pairs": PAIRS}) for d in plain], Conversation, turns_of)
    drafted = [(d, drafts[d.id]) for d in plain if d.id in drafts]
    judged = asking.answers(
        "turns_evidence",
        [(d, {"dialogue": as_text(turns, speakers)}) for d, turns in drafted],
        Problems,
        problems_of,
    )
    faulty = [(d, turns, "\n".join(judged[d.id])) for d, turns in drafted if judged.get(d.id)]
    corrected = asking.answers(
        "turns_optimise",
        [(d, {"dialogue": as_text(turns, speakers), "problems": found}) for d, turns, found in faulty],
        Conversation,
        turns_of,
    )
    records: list[Dialogue | RowOutcome] = []
    for dialogue in plain:
        if dialogue.id in ended:
            records.append(ended[dialogue.id])
        else:
            records += conversation(dialogue, corrected.get(dialogue.id, drafts[dialogue.id]), synth, domain)
    return to_mixed(records, (Dialogue, RowOutcome))


def conversation(
    plain: Dialogue, turns: Turns, synth: SynthConfig, domain: Domain
) -> list[Dialogue | RowOutcome]:
    """The conversation with its outcome, or the outcome alone. Pure."""
    row, words = _row(plain, domain), domain.words
    said = "\n".join(m.content for m in turns if m.role == "assistant")
    post, reply = plain.messages[0].content, plain.messages[1].content
    fewest, most = synth.reply_chars
    if fault := reply_fault(post, reply, said, synth.advice_overlap, (fewest, most * PAIRS), words.replies):
        return [row.filtered(*fault, as_text(turns, words.speakers))]
    dialogue = Dialogue(
        id=content_id("dialogue", "conversation", *(m.content for m in turns)),
        kind="empathetic",
        messages=turns,
        source_id=plain.id,
        source=plain.source,
    )
    return [dialogue, row.ok(dialogue.id)]


def turns_of(reply: str) -> Turns:
    """The turns in a reply.

    Raises:
        ValueError: it is no conversation that alternates from user to assistant.
    """
    rows = rows_in_reply(reply)
    turns = [(str(row.get("role", "")), clean_text(answer_part(str(row.get("content", ""))))) for row in rows]
    if len(turns) < 4 or len(turns) % 2 or not all(text for _, text in turns):
        raise ValueError(f"{len(turns)} turns; it takes an even number of at least 4, none of them empty")
    if [role for role, _ in turns] != ["user", "assistant"] * (len(turns) // 2):
        raise ValueError("the roles do not alternate from user to assistant")
    return tuple(Message.model_validate({"role": role, "content": text}) for role, text in turns)


def problems_of(reply: str) -> tuple[str, ...]:
    """The problems named in a reply.

    Raises:
        ValueError: it holds no list of problems.
    """
    problems = rows_in_reply(reply)[0].get("problems")
    if not isinstance(problems, list):
        raise ValueError("no list of problems")
    return tuple(str(problem).strip() for problem in problems if str(problem).strip())


def as_text(turns: Sequence[Message], speakers: Speakers) -> str:
    """A conversation as the prompts show it."""
    return "\n".join(f"{getattr(speakers, turn.role)}：{turn.content}" for turn in turns)


def _row(plain: Dialogue, domain: Domain) -> RowOrigin:
    return RowOrigin(STAGE, plain.id, plain.source, prompt=domain.version("turns_generate"))


class _Asking:
    """One step for all posts that are still under way; those that get stuck are entered in ``ended``."""

    def __init__(self, llm: LLM, seed: int, ended: dict[str, RowOutcome], domain: Domain) -> None:
        self._llm, self._seed, self._ended, self._domain = llm, seed, ended, domain

    def answers(
        self,
        template: str,
        asked: Sequence[tuple[Dialogue, dict[str, object]]],
        shape: type[BaseModel],
        read: Callable[[str], T],
    ) -> dict[str, T]:
        """Id of the post -> what the reply says."""
        requests = [self._request(template, dialogue, values) for dialogue, values in asked]
        found = {}
        for (dialogue, _), reply in zip(
            asked, ask_until_read(self._llm, requests, shape, read, "multi-turn"), strict=True
        ):
            if isinstance(reply, CallFailure):
                self._ended[dialogue.id] = _row(dialogue, self._domain).failed(reply)
            elif isinstance(reply, Unreadable):
                self._ended[dialogue.id] = _row(dialogue, self._domain).quarantined(reply.reason, reply.text)
            else:
                found[dialogue.id] = reply
        return found

    def _request(self, template: str, dialogue: Dialogue, values: dict[str, object]) -> ChatRequest:
        post, reply = dialogue.messages[0].content, dialogue.messages[1].content
        if template == "turns_optimise":
            prompt = self._domain.render(template, post=post, **values)
        else:
            prompt = self._domain.render(template, post=post, reply=reply, **values)
        return request(self._llm.teacher, prompt, sample=self._seed)
