"""What a person may change in a record, and whether the result is a record again (pure).

Collaborators: ``question_rules`` has the rules for questions, whoever wrote them.
Invariants:
- An edit keeps id, source and passage, so that lineage holds.
- Its span stands in the passage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from data_pipeline.text.question_rules import canonical_gold, fault
from psyche_rl.records import Dialogue, Message, Passage, Question

QUESTION_FIELDS = ("kind", "stem", "options", "gold", "case", "span", "explanation")


class EditFault(ValueError):
    """An edit that cannot be taken; ``str()`` says why in one line."""


def edited_question(original: Question, changes: Mapping[str, Any], passage: Passage | None) -> Question:
    """The question with ``changes`` to :data:`QUESTION_FIELDS`; empty case, span and explanation become None.

    Raises:
        EditFault: a field may not be changed, or the result is no question.
    """
    given = dict(changes)
    if foreign := sorted(set(given) - set(QUESTION_FIELDS)):
        raise EditFault(f"{foreign[0]} cannot be edited")
    for name in ("stem", "gold", "case", "span", "explanation"):
        if isinstance(given.get(name), str):
            given[name] = given[name].strip() or (None if name in ("case", "span", "explanation") else "")
    if isinstance(given.get("options"), list | tuple):
        given["options"] = tuple(o.strip() if isinstance(o, str) else o for o in given["options"])
    try:
        edited = Question.model_validate({**original.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise EditFault(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if edited.kind != "short":
        edited = edited.model_copy(update={"gold": canonical_gold(edited.gold)})
    if why := question_fault(edited, original, passage):
        raise EditFault(why)
    return edited


def question_fault(edited: Question, original: Question, passage: Passage | None) -> str | None:
    """Why ``edited`` cannot take the place of ``original``, or None."""
    for name in ("id", "passage_id", "source"):
        if getattr(edited, name) != getattr(original, name):
            return f"{name} cannot be edited"
    if edited.kind != "short" and edited.gold != canonical_gold(edited.gold):
        return "the gold letters are not in order, each once"
    if edited.kind == "short" and edited.options:
        return "a short question has no options"
    if why := fault(edited.kind, edited.stem, edited.options, edited.gold):
        return why
    if edited.span is None:
        return "the span is empty" if original.span is not None else None
    # Without the passage at hand, only a span that was checked before can be taken.
    known = edited.span in passage.text if passage is not None else edited.span == original.span
    return None if known else "the span does not stand in the passage"


def edited_dialogue(original: Dialogue, contents: Sequence[str]) -> Dialogue:
    """The dialogue with the text of its turns changed; who speaks and how often stays.

    Raises:
        EditFault: the number of turns changed, or a turn is empty.
    """
    if len(contents) != len(original.messages):
        raise EditFault(f"{len(contents)} turns; the dialogue has {len(original.messages)}")
    turns = zip(original.messages, contents, strict=True)
    messages = tuple(Message(role=turn.role, content=text.strip()) for turn, text in turns)
    edited = original.model_copy(update={"messages": messages})
    if why := dialogue_fault(edited, original):
        raise EditFault(why)
    return edited


def dialogue_fault(edited: Dialogue, original: Dialogue) -> str | None:
    """Why ``edited`` cannot take the place of ``original``, or None."""
    if edited.model_copy(update={"messages": original.messages}) != original:
        return "only the turns of a dialogue can be edited"
    if [m.role for m in edited.messages] != [m.role for m in original.messages]:
        return "the speakers of a dialogue cannot be edited"
    empty = [n for n, m in enumerate(edited.messages, 1) if not m.content.strip()]
    return f"turn {empty[0]} is empty" if empty else None
