"""Human review: what is put before a person, and what happens until the person has decided."""

from __future__ import annotations

from typing import Annotated

from psyche_rl.config.base import MayChange, Section, SpeedOnly
from psyche_rl.config.bounds import Share
from psyche_rl.records.review import ReviewReason


class ReviewConfig(Section):
    """The review queue of a run; ``psyche-rl review RUN`` opens it."""

    sample_rate: Share = 0.01
    """Share of questions and empathetic dialogues that is queued whatever was found, drawn by their ids."""
    hold: tuple[ReviewReason, ...] = ("crisis", "quality_filter")
    """Records queued for one of these reasons stay out of the sets until a person accepts them."""
    wait: Annotated[bool, MayChange("it decides when the stage goes on, not with what")] = False
    """Stop after the queue is written until every item is decided; else the run goes on."""
    reviewer: Annotated[str | None, SpeedOnly("read by the review page; each decision records its own")] = (
        None
    )
    """Name put into decisions; unset, the login name."""
