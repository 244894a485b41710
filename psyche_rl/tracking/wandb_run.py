"""Weights & Biases: one run of a project, on its server or in files under ``tracking/wandb``.

Collaborators: the ``wandb`` client, imported when the run is opened. It logs through a process of its own,
which goes on trying while the network is away; ``wandb sync`` sends what it has not sent by the end.
Invariants:
- Nothing but what the run tells goes there: no console output, no code, no figures of the machine.
- The client asks nobody for a key: without one it is not started.
- Each stage has its own axis, ``<stage>/step``.
"""

from __future__ import annotations

import netrc
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from psyche_rl.config.tracking import TrackerConfig
from psyche_rl.errors import ConfigError
from psyche_rl.loops.metrics_log import CURVES
from psyche_rl.store import RunStore
from psyche_rl.tracking.delivery_note import FOLDER
from psyche_rl.tracking.tracker import Opening, Row, RunEnd, Shown

SERVER = "https://api.wandb.ai"
NO_KEY = "wandb has no key"
KEY_REMEDY = "set WANDB_API_KEY, run 'wandb login', or set offline: true"


class WandbRun:
    """One run of Weights & Biases."""

    forgets = False

    def __init__(self, config: TrackerConfig, store: RunStore) -> None:
        self._config, self._store = config, store
        self._run: Any = None
        self._run_id = ""
        self._folder = Path()

    def open(self, opening: Opening) -> str:
        """Go on in the run, or begin one with an id of our own, so that it is known before any answer.

        Raises:
            ConfigError: there is no key.
        """
        if not self._config.offline and not has_key(self._config):
            raise ConfigError(f"{NO_KEY}; {KEY_REMEDY}")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        local = self._store.is_local
        self._folder = self._store.local_path(FOLDER) if local else opening.folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._run_id = self._run_id or opening.run_id or uuid.uuid4().hex[:12]
        address = {"base_url": self._config.uri} if self._config.uri else {}
        self._run = wandb.init(
            project=self._config.project,
            id=self._run_id,
            name=opening.title,
            resume="allow",
            mode="offline" if self._config.offline else "online",
            dir=str(self._folder),
            config=dict(opening.config),
            allow_val_change=True,
            reinit="create_new",
            settings=wandb.Settings(
                console="off",
                silent=True,
                save_code=False,
                init_timeout=60,
                finish_timeout=15,
                finish_timeout_raises=True,
                x_disable_stats=True,
                **address,
            ),
        )
        for stage in CURVES:
            self._run.define_metric(f"{stage}/step", hidden=True)
            self._run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")
        return self._run_id

    def where(self) -> str:
        """The page of the run, or the command that sends the files."""
        return (
            f"wandb sync {self._folder / 'wandb'}/offline-*" if self._config.offline else str(self._run.url)
        )

    def newest_steps(self) -> Mapping[str, int] | None:
        """By the summary that the server gives a run which goes on; offline only our own note knows."""
        if self._config.offline:
            return None
        told = {stage: self._run.summary.get(f"{stage}/step") for stage in CURVES}
        return {stage: int(step) for stage, step in told.items() if step is not None}

    def rows(self, stage: str, rows: Sequence[Row]) -> None:
        """Metrics ``<stage>/<name>`` over ``<stage>/step``."""
        for row in rows:
            self._run.log({f"{stage}/{name}": value for name, value in row.items()})

    def rewind(self, stage: str, step: int) -> None:
        """A history only grows."""

    def figures(self, figures: Mapping[str, float]) -> None:
        """Into the run's summary."""
        self._run.summary.update(dict(figures))

    def table(self, name: str, table: Shown, step: int | None = None) -> None:
        """A table of its own kind, beside the curves of its stage."""
        import wandb

        shown = wandb.Table(columns=list(table.columns), data=[list(row) for row in table.rows])
        at = {} if step is None else {f"{name.partition('/')[0]}/step": step}
        self._run.log({name: shown, **at})

    def page(self, name: str, html: str) -> None:
        """A panel with the page."""
        import wandb

        self._run.log({name: wandb.Html(html, inject=False)})

    def close(self, end: RunEnd) -> None:
        """Send what is left; the files of a remote run folder are brought there.

        Raises:
            TimeoutError: not all of it was sent in time.
        """
        try:
            self._run.finish(exit_code=0 if end == "finished" else 1)
        finally:
            self._run_id = ""
            if not self._store.is_local:
                for written in (self._folder / "wandb").glob("*-run-*"):
                    self._store.upload_dir(written, f"{FOLDER}/wandb/{written.name}")


def has_key(config: TrackerConfig) -> bool:
    """Whether the client would find a key for the server without asking for one."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(config.uri or os.environ.get("WANDB_BASE_URL", SERVER)).hostname or ""
    file = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    try:
        return netrc.netrc(file).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
