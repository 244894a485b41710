"""Which items of a benchmark stand in the records that a model was trained on: the file between the check and
the leaderboard.

Collaborators: ``data_pipeline.decontamination.benchmark_overlap`` makes it, ``leaderboard`` shows it.
Invariant: a benchmark that is not in it was not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from psyche_rl.errors import DataError


class FoundItem(BaseModel):
    """An item found in a training record; ``rule``, ``part`` and ``score`` as in decontamination."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    record: str
    kind: str
    rule: str
    part: str
    score: float


class BenchmarkOverlap(BaseModel):
    """One benchmark: how many items it has, and which of them were found where."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: int
    found: Mapping[str, tuple[FoundItem, ...]]
    """Item id -> the records that hold it."""


class ContaminationReport(BaseModel):
    """``compared``: training records looked at, by kind; ``settings``: those of decontamination."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    compared: Mapping[str, int]
    settings: Mapping[str, float | int | bool | str | tuple[str, ...]]
    benchmarks: Mapping[str, BenchmarkOverlap]


def read_contamination(given: Sequence[str]) -> dict[tuple[str, str], frozenset[str]]:
    """(model, benchmark) -> ids of the items found, from ``MODEL=FILE`` pairs.

    Raises:
        DataError: a pair is not of this form, or a file is missing or of another kind.
    """
    found: dict[tuple[str, str], frozenset[str]] = {}
    for pair in given:
        model, _, file = pair.rpartition("=")
        if not model or not file:
            raise DataError(
                f"{pair}: write MODEL=FILE, the file being one of `psyche-rl bench contamination`"
            )
        try:
            report = ContaminationReport.model_validate_json(Path(file).expanduser().read_bytes())
        except OSError as error:
            raise DataError(f"{file}: {error.strerror}") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise DataError(
                f"{file}: no report of `psyche-rl bench contamination` ({first['msg']})"
            ) from None
        for benchmark, overlap in report.benchmarks.items():
            found[model, benchmark] = frozenset(overlap.found)
    return found
