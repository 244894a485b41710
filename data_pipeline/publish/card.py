"""The dataset card: what is in the data, where it came from, and what was taken out.

Pure over what the run folder says; ``card.md.j2`` is the page. Invariant: the header is valid for
``datasets.load_dataset`` and the Hub, and nothing in the card names a path of the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from data_pipeline.publish.card_text import card_text, code, code_block
from data_pipeline.publish.licences import doubts, tag
from data_pipeline.publish.published_sets import PublishedRow
from psyche_rl.config.shareable import without_paths

_WHAT = {
    "sft": "chats to imitate: questions with a rationale whose answer equals the key, and empathetic replies",
    "grpo": "questions that selection found hard, with the prompt as trained on and the key `gold`",
    "dialogues": "the empathetic dialogues of `sft`, with their lineage",
}
_SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6))


@dataclass(frozen=True)
class RunFacts:
    """What the card tells of the run."""

    code_version: str
    config: Mapping[str, Any]
    counts: Mapping[str, Mapping[str, int | float]]
    """Stage -> its counts."""
    left_out: Mapping[tuple[str, str], int]
    """(stage, why) -> rows."""
    contamination: Mapping[str, Any] | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    domain: Mapping[str, Any] = field(default_factory=dict)
    """``Domain.told``: its name and the card's words."""


class SetFacts:
    """What the card tells of the rows of a set, taken while they go by."""

    def __init__(self) -> None:
        self.rows = 0
        self.kinds: Counter[str] = Counter()
        self.sources: Counter[tuple[str, str]] = Counter()
        """(source, licence) -> rows."""

    def see(self, row: PublishedRow) -> None:
        """Count one."""
        self.rows += 1
        self.kinds[str(row["kind"])] += 1
        self.sources[row["source"], row["licence"]] += 1

    @property
    def licences(self) -> set[str]:
        """All that rows are under."""
        return {licence for _, licence in self.sources}


def dataset_card(name: str, named: Mapping[str, SetFacts], facts: RunFacts) -> str:
    """The card as Markdown with its YAML header."""
    licences = sorted({licence for found in named.values() for licence in found.licences})
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,  # that is for HTML; a page of Markdown needs more
        finalize=card_text,
        trim_blocks=True,
    )
    environment.filters["code"] = code
    return environment.get_template("card.md.j2").render(
        name=name,
        teacher=dict(facts.config.get("teacher", {})).get("model", "not named"),
        code_version=facts.code_version,
        domain=facts.domain,
        licence_tags=sorted({tag(licence) for licence in licences}),
        size=Markup(_size(sum(found.rows for found in named.values()))),
        sets=[
            {
                "name": set_name,
                "rows": found.rows,
                "kinds": counted(found.kinds),
                "what": _WHAT[set_name],
            }
            for set_name, found in named.items()
        ],
        sources=_sources(named),
        doubts=doubts(licences),
        stages=[{"name": stage, "counts": counted(counts)} for stage, counts in facts.counts.items()],
        filters=[
            {"stage": stage, "why": why, "rows": rows}
            for (stage, why), rows in sorted(facts.left_out.items(), key=lambda item: (item[0][0], -item[1]))
        ],
        contamination=facts.contamination,
        prompts=facts.prompts,
        config=code_block(
            yaml.safe_dump(without_paths(facts.config), allow_unicode=True, sort_keys=False), "yaml"
        ),
        counted=counted,
    )


def counted(counts: Mapping[str, Any]) -> str:
    """``{"a": 1, "b": 2}`` as ``a 1, b 2``."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _sources(named: Mapping[str, SetFacts]) -> list[dict[str, Any]]:
    table: dict[tuple[str, str], Counter[str]] = {}
    for name, found in named.items():
        for key, rows in found.sources.items():
            table.setdefault(key, Counter())[name] += rows
    return [
        {"source": source, "licence": licence, **{name: n[name] for name in _WHAT}}
        for (source, licence), n in sorted(table.items())
    ]


def _size(rows: int) -> str:
    return next((name for name, below in _SIZES if rows < below), "n>1M")
