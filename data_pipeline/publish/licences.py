"""Under which licence a record may be given on: that of the text it was made from.

Invariants:
- What a record says of itself counts first, then what the user says of its source, then what we know of our
  own texts.
- Nothing else is assumed, and "unknown" is never taken for free.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

UNKNOWN = "unknown"
OWN_PASSAGES, OWN_POSTS = ("cards_general.yaml", "cards_applied.yaml"), ("posts.yaml",)
"""The mini world's texts, which are part of this project and under its licence."""
OWN_LICENCE = "Apache-2.0"

_KNOWN = re.compile(
    r"cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-[1-4]\.0|apache-2\.0|mit|bsd-[23]-clause|(a|l)?gpl-[23]\.0|odbl(-1\.0)?"
    r"|odc-by(-1\.0)?|pddl(-1\.0)?|unlicense|mpl-2\.0|isc|openrail"
)
_NO_DERIVATIVES = re.compile(r"-nd\b|-nd-", re.IGNORECASE)


@dataclass(frozen=True)
class Licences:
    """Source (or the folder it begins with, or ``*``) -> licence."""

    given: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    """Which sources of the run are the mini world's texts."""

    def of(self, source: str, stated: str | None) -> str:
        """The licence of a record from ``source`` that states ``stated`` itself."""
        if stated and stated.strip():
            return stated.strip()
        fitting = [key for key in self.given if key in ("*", source) or source.startswith(f"{key}/")]
        if fitting:
            return self.given[max(fitting, key=lambda key: (key != "*", len(key)))]
        return OWN_LICENCE if source in self.own else UNKNOWN


def unknown_sources(sets: Iterable[Mapping[tuple[str, str], int]]) -> Counter[str]:
    """Source -> number of records without a licence; each of ``sets`` counts (source, licence)."""
    found: Counter[str] = Counter()
    for counts in sets:
        for (source, licence), rows in counts.items():
            if licence == UNKNOWN:
                found[source] += rows
    return found


def tag(licence: str) -> str:
    """The name that a dataset card's header takes: Hugging Face's lower-case names, else "other"."""
    name = licence.lower()
    return name if name == UNKNOWN or _KNOWN.fullmatch(name) else "other"


def doubts(licences: Iterable[str]) -> list[str]:
    """One line for each licence that a publisher should look at again."""
    lines = []
    for licence in sorted(set(licences)):
        if licence == UNKNOWN:
            lines.append("some records have no known licence: the card says so")
        elif _NO_DERIVATIVES.search(licence):
            lines.append(f"{licence} allows no derived works, and questions made from a text are such")
        elif tag(licence) == "other":
            lines.append(f"{licence} is not a name that dataset cards know; the card's header says 'other'")
    return lines
