"""What each stage reads, and whether it is still what the stage read.

Role: digests for the manifest; ``launch.pipeline`` records them and refuses stages whose inputs changed.
Invariants: files count by their whole content; model folders, which can be too large to read whole, by
name, size, first and last MiB of each file; an input that is not there (a model on a hub, a corpus that is
not on this machine) has no digest, and says nothing about whether a stage is still good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from psyche_rl.config import RunConfig
from psyche_rl.store import RunStore

FILES: dict[str, tuple[str, ...]] = {
    # stage -> the files of the run folder that it reads
    "select": (
        "synth/questions.parquet", "synth/rationales.parquet", "synth/dialogues.parquet",
        "synth/passages.parquet", "synth/teacher_wrong.parquet",
        "world/exam_dev.parquet", "world/exam_test.parquet",
    ),
    "sft": ("select/sft.parquet",),
    "grpo": ("select/grpo.parquet", "world/exam_dev.parquet"),
    "eval": ("world/exam_test.parquet",),
}  # fmt: skip
MODELS: dict[str, tuple[str, ...]] = {
    # stage -> the model folders of the run folder that it reads
    "select": ("world/selectors",),
    "sft": ("world/base",),
    "grpo": ("sft/model",),
    "eval": ("world/base", "sft/model", "grpo/model"),
}
GIVEN: dict[str, tuple[str, ...]] = {
    # stage -> the config keys that name files or folders of the user
    "synth": ("data.passages", "data.posts"),
    "sft": ("model",),
    "select": ("data.questions", "decontaminate.against"),
    "grpo": ("data.questions", "grpo.reward.config"),
    "eval": ("model", "data.questions"),
}
_ENDS = 1 << 20


def stage_inputs(stage: str, config: RunConfig, store: RunStore) -> dict[str, str]:
    """Input -> sha256 of what it holds now; inputs of the user go by their config key."""
    found = {rel: store.digest(rel) for rel in FILES.get(stage, ()) if store.exists(rel)}
    found |= {rel: _model_digest(store, rel) for rel in MODELS.get(stage, ()) if store.exists(rel)}
    for key, path in _given(stage, config):
        given = RunStore(path)
        if given.exists(""):
            found[key] = _model_digest(given, "") if key == "model" else given.digest("")
    return found


def _given(stage: str, config: RunConfig) -> Iterator[tuple[str, str]]:
    """Key and path of each input that the user keeps on a local or shared disk."""
    for key in GIVEN.get(stage, ()):
        value: Any = config
        for part in key.split("."):
            value = getattr(value, part)
        paths = [value] if isinstance(value, str) else value or []
        for number, path in enumerate(paths, 1):
            if "://" not in path:
                yield key if isinstance(value, str) else f"{key}[{number}]", path


def _model_digest(folder: RunStore, rel: str) -> str:
    sha = hashlib.sha256()
    root = folder.path(rel)
    for path in sorted(folder.fs.find(root)):
        size = folder.fs.size(path)
        sha.update(f"{str(path)[len(root) :]}:{size}\0".encode())
        sha.update(folder.fs.cat_file(path, end=_ENDS))
        sha.update(folder.fs.cat_file(path, start=max(0, size - _ENDS)))
    return sha.hexdigest()
