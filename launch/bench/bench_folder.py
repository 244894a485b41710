"""The folder of one model's benchmark results: whose it is, and who writes to it.

``model.json`` says whose; ``<benchmark>/replies.jsonl`` are the replies as they came, ``results.parquet`` the
scored rows, ``judgements.parquet`` what judges said, ``summary.json`` the figures.
Invariants:
- A folder holds replies of one model. Another model, or other weights under its name, is refused.
- One process at a time writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psyche_rl.config.bench import named_model
from psyche_rl.config.selection import is_remote
from psyche_rl.errors import ConfigError, DataError
from psyche_rl.model_folder import fingerprint, model_folder
from psyche_rl.store import RunStore
from psyche_rl.store.lock import RunLock

OWNER = "model.json"


def model_name(model: str) -> str:
    """How a model is called where nobody says: an endpoint's model, a folder's name; of ``RUN/grpo/model``
    ``RUN-grpo``."""
    if is_remote(model):
        return model.rpartition("#")[2]
    parts = Path(model.rstrip("/")).parts
    return "-".join(parts[-3:-1]) if parts[-1:] == ("model",) and len(parts) > 2 else Path(model).name


def file_name(name: str) -> str:
    """A model's name as a folder's."""
    return "".join(char if char.isalnum() or char in "-._" else "-" for char in name).strip(".") or "model"


def named_results(model: str, name: str | None, out: str | None) -> tuple[str, str]:
    """How the model is shown and where its results lie, as given or by default.

    Raises:
        ConfigError: ``model`` can stand for neither a folder nor an endpoint.
    """
    shown = name or model_name(named_model(model))
    return shown, out or f"bench/{file_name(shown)}"


@contextmanager
def bench_folder(path: str, model: str, name: str) -> Iterator[RunStore]:
    """The folder, held by this process.

    Raises:
        ConfigError: it is no local folder.
        DataError: it holds replies of another model.
        RunFolderError: another process writes to it.
    """
    store = RunStore(path)
    if not store.is_local:
        raise ConfigError(
            f"--out {path}: replies are kept as they come, which takes a local folder; copy it after"
        )
    lock = RunLock(store)
    store.make_folder()
    lock.acquire()
    try:
        _claim(store, model, name)
        yield store
    finally:
        lock.release()


def _claim(store: RunStore, model: str, name: str) -> None:
    mark = "" if is_remote(model) else fingerprint(model_folder(model))
    mine: dict[str, Any] = {"name": name, "model": model, "fingerprint": mark}
    if store.exists(OWNER):
        found = store.read_json(OWNER)
        same = found.get("fingerprint") == mark and (bool(mark) or found.get("model") == model)
        if not same:
            whose = f"{found.get('name')} ({found.get('model')})"
            why = "its weights were others" if found.get("model") == model else f"asked for is {model}"
            raise DataError(f"{store.url} holds replies of {whose}, and {why}; give another --out")
    store.write_json(OWNER, mine)
