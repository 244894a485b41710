"""What each stage reads, and whether it is still what the stage read.

Role: digests for the manifest; ``launch.pipeline`` records them and refuses stages whose inputs changed.
Collaborators: ``psyche_rl.stages`` names what each stage reads.
Invariants:
- Files count by their whole content; of a domain's folder those that decide prompts and outcomes.
- Model folders, which can be too large to read whole, count by name, size, first and last MiB of each file.
- An input that is not there (a model on a hub, a corpus that is not on this machine) has no digest, and says
  nothing about whether a stage is still good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress

from data_pipeline.domains import load_domain
from psyche_rl.config import RunConfig
from psyche_rl.config.keys import value_at
from psyche_rl.errors import ConfigError
from psyche_rl.stages import STAGES
from psyche_rl.store import RunStore
from psyche_rl.store.outputs import CARD

_ENDS = 1 << 20


def stage_inputs(stage: str, config: RunConfig, store: RunStore) -> dict[str, str]:
    """Input -> sha256 of what it holds now; inputs of the user are named by their config key."""
    spec = STAGES[stage]
    found = {rel: store.digest(rel) for rel in spec.reads if store.exists(rel)}
    found |= {rel: _model_digest(store, rel) for rel in spec.models if store.exists(rel)}
    if "domain" in spec.settings:
        with suppress(ConfigError):  # the checks say what is wrong with it, where it is to be used
            found["domain"] = load_domain(config.domain).digest
    for key, path in _given(spec.files, config):
        given = RunStore(path)
        if given.exists(""):
            found[key] = _model_digest(given, "") if key == "model" else given.digest("")
    return found


def _given(keys: Sequence[str], config: RunConfig) -> Iterator[tuple[str, str]]:
    """Key and path of each input that the user keeps on a local or shared disk."""
    for key in keys:
        value = value_at(config, key)
        paths = [value] if isinstance(value, str) else value or []
        for number, path in enumerate(paths, 1):
            if "://" not in path:
                yield key if isinstance(value, str) else f"{key}[{number}]", path


def _model_digest(folder: RunStore, rel: str) -> str:
    sha = hashlib.sha256()
    root = folder.path(rel)
    for path in sorted(folder.fs.find(root)):
        if rel and str(path)[len(root) :] == f"/{CARD}":
            continue  # the run's own, which later stages rewrite
        size = folder.fs.size(path)
        sha.update(f"{str(path)[len(root) :]}:{size}\0".encode())
        sha.update(folder.fs.cat_file(path, end=_ENDS))
        sha.update(folder.fs.cat_file(path, start=max(0, size - _ENDS)))
    return sha.hexdigest()
