"""The words of a domain that are no prompts: the file ``domain.yaml``.

Invariant: each field says what it is for, and ``psyche-rl domain new`` copies a file in which all stand.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"'{text}' is no regular expression: {error}") from None
    return text


Text = Annotated[str, Field(min_length=1)]
Patterns = tuple[Annotated[str, Field(min_length=1), AfterValidator(_pattern)], ...]
"""Regular expressions, any of which may be found."""


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Speakers(_Words):
    """What the prompts call the parties of a conversation."""

    user: Text
    assistant: Text
    system: Text


class ReplyWords(_Words):
    """How a rewritten reply is held against the plain one."""

    advice: Patterns
    """A sentence with one of these gives advice, some of which a rewritten reply must keep."""
    dismissal: Patterns
    """A clause with one of these plays the matter down, and may be dropped."""
    filler: str
    """Characters that say nothing about what is advised."""
    never_added: Patterns = ()
    """Terms that a reply may not bring in unless the post or the plain reply has them, such as diagnoses."""


class CardWords(_Words):
    """What a dataset card says of the domain."""

    tags: tuple[Text, ...]
    languages: tuple[Text, ...]
    """ISO 639-1 codes."""
    summary: Text
    """What the data is, to the comma: "Chinese psychology questions with reasoning, and …"."""
    caution: Text
    """What it must not be taken for; whole sentences."""


Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class DomainCues(RootModel[dict[Code, Patterns]]):
    """A domain's own file of cues: kind -> expressions over text in lower case."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.root or not all(self.root.values()):
            raise ValueError("a kind of cues without any finds nothing")
        return self


class DomainWords(_Words):
    """``domain.yaml``."""

    version: Literal[1]
    """Of this format, so that a later one can tell old folders apart."""
    name: Annotated[str, Field(pattern=r"^[\w-]+$")]
    cues: Text
    """Cues of a crisis: ``builtin``, ``none``, or a file beside this one."""
    issues: Annotated[dict[str, Text], Field(min_length=1)]
    """Code -> meaning: what the quality filter may find wrong with a question."""
    speakers: Speakers
    replies: ReplyWords
    card: CardWords

    @field_validator("issues")
    @classmethod
    def _codes(cls, issues: dict[str, str]) -> dict[str, str]:
        for code in issues:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", code) or code == "other":
                raise ValueError(f"'{code}' is no code: use a-z, 0-9 and _, and not 'other'")
        return issues
