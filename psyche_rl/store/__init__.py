"""The run folder: where every stage reads and writes, and how it knows what is done."""

from psyche_rl.store.manifest import Manifest, SettingChange, StageEntry
from psyche_rl.store.run_store import RunStore

__all__ = ["Manifest", "RunStore", "SettingChange", "StageEntry"]
