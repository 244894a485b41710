"""MLflow: one run of an experiment, on a server or in a file store under ``tracking/mlflow``.

Collaborators: ``MlflowClient`` of mlflow or mlflow-skinny, imported when the run is opened.
Invariants:
- Nothing global is set: no active run, no tracking URI of the process.
- The client gives up on a silent server after seconds rather than minutes, since it is tried again.
- A resumed run asks the server which steps it has.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from psyche_rl.config.keys import flat
from psyche_rl.config.tracking import TrackerConfig
from psyche_rl.errors import ConfigError
from psyche_rl.loops.metrics_log import CURVES
from psyche_rl.store import RunStore
from psyche_rl.tracking.delivery_note import FOLDER
from psyche_rl.tracking.tracker import NotTakenError, Opening, Row, RunEnd, Shown

VARIABLES = {
    "MLFLOW_ALLOW_FILE_STORE": "true",  # version 3 wants to be asked for it
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}
"""Set in this process unless they are set already."""
STATUS: dict[RunEnd, str] = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
METRICS_AT_ONCE, PARAMS_AT_ONCE, LONGEST_PARAM = 1000, 100, 500
"""The bounds of MLflow's log-batch call; older servers take 500 characters of a parameter."""


class MlflowRun:
    """One MLflow run."""

    forgets = False

    def __init__(self, config: TrackerConfig, store: RunStore) -> None:
        self._config, self._store = config, store
        self._client: Any = None
        self._run_id = ""

    def open(self, opening: Opening) -> str:
        """Go on in the run, or begin one; parameters are set once, ``config.yaml`` each time."""
        for name, value in VARIABLES.items():
            os.environ.setdefault(name, value)
        logging.getLogger("urllib3.connectionpool").addFilter(_not_of_mlflow)
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=self._uri())
        # A try that failed halfway has begun its run already.
        self._run_id = self._gone_on(self._run_id or opening.run_id) or self._begun(opening)
        self._log_params(opening.config)
        self._client.log_text(self._run_id, opening.config_text, "config.yaml")
        return self._run_id

    def where(self) -> str:
        """The server and the run."""
        return f"{self._client.tracking_uri}, run {self._run_id}"

    def newest_steps(self) -> Mapping[str, int] | None:
        """By the history of ``<stage>/step``."""
        histories = {s: self._client.get_metric_history(self._run_id, f"{s}/step") for s in CURVES}
        return {s: max(metric.step for metric in history) for s, history in histories.items() if history}

    def rows(self, stage: str, rows: Sequence[Row]) -> None:
        """Metrics ``<stage>/<name>``. The step's own comes last, and says that all others are there."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        for row in rows:
            step = int(row["step"])
            names = [*(name for name in row if name != "step"), "step"]
            metrics = [Metric(metric_name(f"{stage}/{name}"), float(row[name]), now, step) for name in names]
            for some in _chunks(metrics, METRICS_AT_ONCE):
                self._client.log_batch(self._run_id, metrics=some)

    def rewind(self, stage: str, step: int) -> None:
        """MLflow cannot forget a metric."""

    def figures(self, figures: Mapping[str, float]) -> None:
        """Metrics without a step."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(metric_name(name), float(value), now, 0) for name, value in figures.items()]
        for some in _chunks(metrics, METRICS_AT_ONCE):
            self._client.log_batch(self._run_id, metrics=some)

    def table(self, name: str, table: Shown, step: int | None = None) -> None:
        """An artifact in the layout of MLflow's own tables."""
        file = f"{name}.json" if step is None else f"{name}/step_{step:06d}.json"
        self._client.log_dict(self._run_id, table.as_split(), file)

    def page(self, name: str, html: str) -> None:
        """An artifact."""
        self._client.log_text(self._run_id, html, name)

    def close(self, end: RunEnd) -> None:
        """The run's status."""
        self._client.set_terminated(self._run_id, status=STATUS[end])
        self._run_id = ""

    def _uri(self) -> str:
        given = self._config.uri or os.environ.get("MLFLOW_TRACKING_URI")
        if given and not self._config.offline:
            return given
        return file_store(self._store)

    def _gone_on(self, run_id: str | None) -> str | None:
        from mlflow.exceptions import MlflowException

        if run_id is None:
            return None
        try:
            self._client.update_run(run_id, status="RUNNING")
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None  # it was deleted, or is of another server
            raise
        return run_id

    def _begun(self, opening: Opening) -> str:
        found = self._client.get_experiment_by_name(self._config.project)
        experiment = found.experiment_id if found else self._client.create_experiment(self._config.project)
        tags = {"psyche_rl.run_dir": self._store.url}
        run: str = self._client.create_run(experiment, run_name=opening.title, tags=tags).info.run_id
        return run

    def _log_params(self, config: Mapping[str, Any]) -> None:
        from mlflow.entities import Param
        from mlflow.exceptions import MlflowException

        there = self._client.get_run(self._run_id).data.params
        params = [
            Param(metric_name(key), str(value)[:LONGEST_PARAM])
            for key, value in flat(config).items()
            if metric_name(key) not in there
        ]
        try:
            for some in _chunks(params, PARAMS_AT_ONCE):
                self._client.log_batch(self._run_id, params=some)
        except MlflowException as error:
            if error.error_code == "INVALID_PARAMETER_VALUE":
                raise NotTakenError(str(error)) from error
            raise


def file_store(store: RunStore) -> str:
    """The address of the file store in a run folder.

    Raises:
        ConfigError: the run folder is not on a disk.
    """
    if not store.is_local:
        raise ConfigError("mlflow keeps files on a local disk only; give uri or MLFLOW_TRACKING_URI")
    return store.local_path(f"{FOLDER}/mlflow").as_uri()


def metric_name(name: str) -> str:
    """``name`` in the letters that MLflow takes."""
    return re.sub(r"[^\w\-. /:]", "_", name)


def _not_of_mlflow(record: logging.LogRecord) -> bool:
    """Of a server that does not answer the run itself says so, once."""
    return "/api/2.0/mlflow" not in record.getMessage()


def _chunks(things: Sequence[Any], size: int) -> Iterator[list[Any]]:
    left = iter(things)
    while some := list(islice(left, size)):
        yield some
