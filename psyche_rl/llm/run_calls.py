"""The call log of a run folder, with the prices of its config: for what shows calls and their cost.

Invariant: reads only, so it answers while a run is busy.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import RunFolderError
from psyche_rl.llm.call_cache import CACHE_FILE
from psyche_rl.llm.call_log import CallLog
from psyche_rl.store import RunStore
from psyche_rl.store.saved_config import saved_config


@dataclass(frozen=True)
class RunCalls:
    """The call log of a run folder and the teacher's prices."""

    run_dir: str
    log: CallLog
    teacher: TeacherConfig


@contextlib.contextmanager
def opened(run_dir: str) -> Iterator[RunCalls]:
    """Open the call log of a run folder; a remote one's is copied first.

    Raises:
        RunFolderError: the run has made no calls, or the file is not a call log.
    """
    store = RunStore(run_dir)
    if not store.exists(CACHE_FILE):
        raise RunFolderError(f"{run_dir}: no calls to an LLM here ({CACHE_FILE} is missing); check the path")
    with tempfile.TemporaryDirectory(prefix="psyche-rl-calls-") as folder:
        path = store.local_path(CACHE_FILE) if store.is_local else Path(folder, CACHE_FILE)
        if not store.is_local:
            path.write_bytes(store.read_bytes(CACHE_FILE))
        try:
            with contextlib.closing(CallLog(path)) as log:
                yield RunCalls(run_dir, log, _teacher(store))
        except sqlite3.DatabaseError as error:
            raise RunFolderError(
                f"{path} cannot be read as a call log ({error}); the next run of a stage that calls an LLM "
                "sets it aside and uses what can be read"
            ) from None


def _teacher(store: RunStore) -> TeacherConfig:
    """The teacher of the run's config; a config of another version still shows calls, without prices."""
    try:
        return TeacherConfig.model_validate(saved_config(store).get("teacher") or {})
    except ValidationError:
        return TeacherConfig()
