"""The trackers of one run: told once, passed on to each.

Role: the follower that stages and loops are given; decides what of a run is shown.
Collaborators: ``launch.pipeline`` says when stages begin and end; ``final_figures`` reads what they left.
Invariants:
- Nothing is opened before a stage runs: a run that is finished tells nobody anything.
- Being told takes no time and raises nothing; the end takes ``END_S`` at most, ``STOP_S`` for a run that was
  asked to stop.
- Texts are masked before they are handed on. To a tracker with ``samples: 0`` no text of the data goes: no
  sample, no answer, and not the report, which has answers in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from psyche_rl.config import RunConfig
from psyche_rl.config.load import dump_tree
from psyche_rl.config.tracking import TrackerConfig
from psyche_rl.errors import PsycheError
from psyche_rl.loops.metrics_log import CURVES, read_metrics
from psyche_rl.masking import mask_of_process, masked
from psyche_rl.records import ScoredSample
from psyche_rl.report.collect import collect
from psyche_rl.store import RunStore
from psyche_rl.tracking.adapters import tracker_of
from psyche_rl.tracking.final_figures import final_answers, final_figures, final_pages, final_tables
from psyche_rl.tracking.outbox import (
    Figures,
    Message,
    NamedPage,
    NamedTable,
    Outbox,
    Rewound,
    StageBegan,
    StepRow,
)
from psyche_rl.tracking.tracker import Opening, RunEnd, Shown, Tracker
from psyche_rl.tracking.tracker_thread import TrackerThread

END_S, STOP_S = 30.0, 5.0
SAMPLES_EVERY = 10
"""Steps of GRPO between two tables of samples."""
SAMPLE_COLUMNS = ("question", "gold", "response", "reward")


class RunTracking:
    """Follows a run for all trackers of its config."""

    def __init__(
        self,
        config: RunConfig,
        store: RunStore,
        scratch: Path,
        say: Callable[..., None],
        make: Callable[[TrackerConfig, RunStore], Tracker] = tracker_of,
    ) -> None:
        self._config, self._store, self._scratch, self._say, self._make = config, store, scratch, say, make
        self._deliveries: list[TrackerThread] | None = None

    def row(self, stage: str, row: Mapping[str, int | float]) -> None:
        """One step of a stage with curves."""
        self._put(StepRow(stage, row))

    def rewound(self, stage: str, step: int) -> None:
        """The stage goes on after ``step``."""
        self._put(Rewound(stage, step))

    def samples(self, stage: str, step: int, rows: Sequence[ScoredSample]) -> None:
        """The first few samples of the first step and of every tenth, whatever they are worth."""
        if step != 1 and step % SAMPLES_EVERY:
            return
        for tracker, delivery in self._each():
            if shown := rows[: tracker.samples]:
                delivery.put(NamedTable(f"{stage}/samples", _sample_table(shown), step))

    def stage_begins(self, stage: str, anew: bool) -> None:
        """``anew``: nothing of an earlier attempt holds."""
        if stage in CURVES:
            self._put(StageBegan(stage, anew))

    def stage_ended(self, stage: str, counts: Mapping[str, float]) -> None:
        """Its counts, and what it has left to be shown; what cannot be read is told."""
        if not self._config.track:
            return
        self._put(Figures({f"{stage}/{name}": value for name, value in counts.items()}))
        try:
            if figures := final_figures(self._store, stage):
                self._put(Figures(figures))
            report = collect(self._store) if stage == "report" else None
            for name, table in (final_tables(report) if report else {}).items():
                self._put(NamedTable(name, table))
            answers = final_answers(report) if report else {}
            texts: list[Message] = [NamedTable(*each) for each in answers.items()]
            texts += [NamedPage(name, masked(html)) for name, html in final_pages(self._store, stage).items()]
            for tracker, delivery in self._each():
                for text in texts if tracker.samples else ():
                    delivery.put(text)
        except (PsycheError, OSError, KeyError, ValueError) as error:
            self._say(f"track: what {stage} has left is not shown", why=str(error))

    def end(self, end: RunEnd) -> None:
        """Bring everything there, and say what has not come there."""
        if not (deliveries := self._deliveries):
            return
        for delivery in deliveries:
            delivery.ask_to_end(end)
        deadline = time.monotonic() + (STOP_S if end == "stopped" else END_S)
        for delivery in deliveries:
            delivery.ended_by(deadline)
            note = delivery.outbox.note
            failed = {"not_delivered": note.not_delivered, "why": note.why} if note.not_delivered else {}
            self._say(f"track: {delivery.outbox.name}", where=note.where, delivered=note.delivered, **failed)

    def _put(self, message: Message) -> None:
        for _, delivery in self._each():
            delivery.put(message)

    def _each(self) -> list[tuple[TrackerConfig, TrackerThread]]:
        if self._deliveries is None:
            self._deliveries = [self._opened(tracker) for tracker in self._config.track]
        return list(zip(self._config.track, self._deliveries, strict=True))

    def _opened(self, tracker: TrackerConfig) -> TrackerThread:
        folder = self._scratch / "tracking" / tracker.name

        def opening(run_id: str | None) -> Opening:
            folder.mkdir(parents=True, exist_ok=True)
            tree: dict[str, Any] = mask_of_process().tree(self._config.model_dump(mode="json"))
            title = self._store.url.rpartition("/")[2]
            return Opening(run_id, title, tree, dump_tree(tree), folder)

        def history() -> dict[str, list[dict[str, Any]]]:
            return {stage: read_metrics(self._store, stage) for stage in CURVES}

        made = self._make(tracker, self._store)
        return TrackerThread(Outbox(tracker.name, made, self._store, opening, history, self._told))

    def _told(self, message: str, **figures: Any) -> None:
        with suppress(OSError):  # from a thread of a tracker: the disk's fault is the run's to tell
            self._say(message, **figures)


def _sample_table(rows: Sequence[ScoredSample]) -> Shown:
    mask = mask_of_process()
    told = [
        (row.stem or "", row.gold, row.response, "" if row.reward is None else f"{row.reward:.3f}")
        for row in rows
    ]
    return Shown(SAMPLE_COLUMNS, tuple(tuple(map(mask.text, row)) for row in told))
