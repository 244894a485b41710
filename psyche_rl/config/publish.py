"""Publishing: what the dataset card cannot find in the run folder."""

from __future__ import annotations

from pydantic import Field

from psyche_rl.config.base import Section


class PublishConfig(Section):
    """Read by ``psyche-rl publish``; no stage depends on it."""

    name: str = "psyche-rl dataset"
    """Title of the dataset card."""
    licences: dict[str, str] = Field(default_factory=dict)
    """Source (or the folder it begins with) -> SPDX licence of what came from it."""
