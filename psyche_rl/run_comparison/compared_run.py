"""One of the runs that are compared: what its folder holds. The only module of the room that reads files.

Invariants:
- A file that is absent makes the run poorer; one that is damaged is an error that names it.
- The answers are those that the evaluation counted, with what a judge read in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psyche_rl.errors import ConfigError
from psyche_rl.evaluation import GradedAnswer
from psyche_rl.evaluation.judged_answer import JUDGED, JudgedAnswer, with_judged
from psyche_rl.loops.metrics_log import CURVES, read_metrics
from psyche_rl.records import Question
from psyche_rl.report.accuracies import NAMES
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.manifest import require_run

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_RUNS = len(LETTERS)


@dataclass(frozen=True)
class ComparedRun:
    """``letter`` stands for the run in tables, ``name`` in figures; both are its own among those compared."""

    letter: str
    name: str
    url: str
    stages: Mapping[str, StageEntry]
    curves: Mapping[str, Sequence[Mapping[str, Any]]]
    """Stage -> rows of its metrics."""
    summary: Mapping[str, Mapping[str, Any]]
    """Model -> figures of the evaluation."""
    questions: Mapping[str, Question]
    answers: Mapping[str, Sequence[GradedAnswer]]
    """Model -> its graded answers."""


def read_runs(urls: Sequence[str]) -> list[ComparedRun]:
    """All runs, in the order given.

    Raises:
        ConfigError: fewer than two, too many, or one of them twice.
        RunFolderError: there is no run there, or a file of it is damaged.
    """
    stores = [RunStore(url) for url in urls]
    places = [store.url for store in stores]
    if len(places) < 2:
        raise ConfigError("comparing needs two run folders or more")
    if len(places) > MOST_RUNS:
        raise ConfigError(f"{len(places)} run folders are too many to compare; give at most {MOST_RUNS}")
    if twice := [place for place in places if places.count(place) > 1]:
        raise ConfigError(f"{twice[0]} is given twice; give each run folder once")
    names = [_short_name(place, places) for place in places]
    return [_read(*each) for each in zip(LETTERS, names, stores, strict=False)]


def _short_name(place: str, places: Sequence[str]) -> str:
    """As much of the end of a path as tells it from the others."""
    parts = place.split("/")
    ends = ("/".join(parts[-length:]) for length in range(1, len(parts)))
    return next((end for end in ends if sum(f"/{other}".endswith(f"/{end}") for other in places) == 1), place)


def _read(letter: str, name: str, store: RunStore) -> ComparedRun:
    require_run(store)
    there = "eval/questions.parquet"
    questions = store.read_records(there, Question) if store.exists(there) else []
    judged = store.read_records(JUDGED, JudgedAnswer) if store.exists(JUDGED) else []
    answers = {}
    for model in NAMES:
        if store.exists(f"eval/{model}.parquet"):
            rows = store.read_records(f"eval/{model}.parquet", GradedAnswer)
            answers[model] = with_judged(rows, [reading for reading in judged if reading.model == model])
    return ComparedRun(
        letter,
        name,
        store.url,
        Manifest.load(store).stages,
        {stage: read_metrics(store, stage) for stage in CURVES},
        store.read_json("eval/summary.json") if store.exists("eval/summary.json") else {},
        {question.id: question for question in questions},
        answers,
    )
