"""A benchmark as it is described: where its items are read from, how they are put, and what is measured.

Role: the pydantic model of ``benchmarks/*.yaml`` and of a user's own description. Knows no file but its own.
Collaborators: ``catalogue`` finds descriptions, ``data_pipeline.benchmarks`` makes items by them,
``item_scoring`` scores by them, ``benchmark_figures`` sums up.
Invariants:
- A shipped description is frozen: what changes a score changes ``version``.
- What the authors of a benchmark have not published is named in ``ours``.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from psyche_rl.config.base import RefusedValueError, Section
from psyche_rl.config.prompt import PromptConfig
from rewards.judge.rubric import Rubric

Loader = Literal["exam", "mini", "eq_bench", "dialogues", "crisis", "open"]
Headline = Literal["mean", "pceb", "groups_right", "cpsyexam"]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise RefusedValueError(f"is no regular expression ({error})", "correct it") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class PartRule(Section):
    """Items whose source matches and whose kind is among ``kinds`` (any, if empty) are this part."""

    name: str
    source: Pattern = ""
    """Searched in the path from the data folder on, as ``pceb/theory/single/second/14 理论单选.json``."""
    kinds: tuple[str, ...] = ()
    where: dict[str, Pattern] = Field(default_factory=dict)
    """Column -> what its text must match."""
    asks: str = ""
    """The question, where a row holds only a text to ask it of."""
    options: tuple[str, ...] = ()
    """The options of every item of the part, where its rows have none."""
    labels: dict[str, Pattern] = Field(default_factory=dict)
    """Instead of ``options``, where keys are neither letters nor their texts: option -> what is searched in a
    row's key, whatever its case, to tell that it is a right one."""

    @property
    def lettered(self) -> tuple[str, ...]:
        """The options that the part brings along, in order."""
        return self.options or tuple(self.labels)


class FieldRule(Section):
    """Where a subject or a level stands: in a column, or in the path (the first group of a pattern)."""

    column: str | None = None
    source: Pattern | None = None


class BenchmarkSampling(Section):
    """How replies are drawn; ``samples`` for each item, with seeds from ``seed`` on."""

    temperature: float = Field(0.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int = Field(2048, gt=0)
    samples: int = Field(1, gt=0)
    seed: int = 0


class BenchmarkJudge(Section):
    """How open replies are judged: by a rubric of ``rewards.judge.rubric``, with a figure for each of its
    axes, or by a template of ``evaluation/prompts`` that asks for one figure from 0 to ``top``."""

    rubric: str | None = None
    by_part: dict[str, str] = Field(default_factory=dict)
    """Part -> rubric, where parts are judged by different ones."""
    rubrics: dict[str, Rubric] = Field(default_factory=dict)
    """Rubrics of one's own by their names: axis -> ``{top, asks}``."""
    prompt: str | None = None
    top: float = Field(100, gt=0)


class BenchmarkMetrics(Section):
    """Names of metrics (see ``metric_names``) of items with options, and of open ones."""

    choice: tuple[str, ...] = ("mcq_strict", "mcq_elastic")
    open: tuple[str, ...] = ()


class Benchmark(Section):
    """One benchmark."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    title: str
    version: int = Field(1, gt=0)
    language: Literal["zh", "en", "zh+en"] = "zh"
    loader: Loader = "exam"
    columns: dict[str, str] = Field(default_factory=dict)
    """The file's column -> the name that its loader knows (question, options, answer, case, id, …)."""
    parts: tuple[PartRule, ...] = ()
    """The first that matches names an item's part; with rules, items that match none are left out and
    counted. Without rules the part is the kind."""
    subject: FieldRule | None = None
    level: FieldRule | None = None
    group: tuple[str, ...] = ()
    """Parts that are asked of the same thing and count only if all are right (``headline: groups_right``)."""
    system: str = ""
    prompt: PromptConfig = PromptConfig()
    sampling: BenchmarkSampling = BenchmarkSampling()
    extraction: Literal["letters", "ratings", "text"] = "letters"
    unkeyed: bool = False
    """Whether the answers are kept by the authors: items then have an empty gold and no scores, and replies
    are written as a submission."""
    metrics: BenchmarkMetrics = BenchmarkMetrics()
    judge: BenchmarkJudge | None = None
    headline: Headline = "mean"
    headline_metric: str = "mcq_strict"
    source: str
    licence: str
    citation: str
    get: str
    """How to come by the data: what is shown where it is missing. Nothing is downloaded unasked."""
    checked_on: Literal["real file", "made file"] = "made file"
    """Whether the loader has read the published file, or only one made after its layout."""
    ours: str = ""
    """What of this description the authors have not published."""

    @property
    def caution(self) -> str | None:
        """What is to be said of the loader."""
        return None if self.checked_on == "real file" else "not run on the real file"

    def metrics_of(self, has_options: bool) -> tuple[str, ...]:
        """The metrics of an item."""
        return self.metrics.choice if has_options else self.metrics.open
