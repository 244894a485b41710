"""What a cue of a crisis can be of. docs/safety.md has the published screening categories behind each."""

from __future__ import annotations

from typing import Literal, get_args

CueKind = Literal[
    "passive_ideation",
    "active_ideation",
    "self_harm",
    "method",
    "threat_by_other",
    "harm_to_others",
    "violence",
    "sexual_violence",
    "psychosis_command",
]
KINDS: tuple[CueKind, ...] = get_args(CueKind)
