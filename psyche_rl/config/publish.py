"""Publishing: what the dataset card cannot find in the run folder."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from psyche_rl.config.base import Section, SpeedOnly


class PublishConfig(Section):
    """Read by ``psyche-rl publish``; no stage depends on it."""

    name: Annotated[str, SpeedOnly("read by publish, after the stages")] = "psyche-rl dataset"
    """Title of the dataset card."""
    licences: Annotated[dict[str, str], SpeedOnly("read by publish, after the stages")] = Field(
        default_factory=dict
    )
    """Source (or the folder it begins with) -> SPDX licence of what came from it."""
