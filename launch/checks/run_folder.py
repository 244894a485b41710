"""What speaks against going on in a run folder: changed settings or inputs, damage, a stage that is missing.

Collaborators: ``launch.pipeline`` asks before it throws away or runs anything. Invariant: a stage that was
run with other settings or inputs is named with the key or file that differs, never silently reused.
"""

from __future__ import annotations

from collections.abc import Sequence

from launch.inputs import stage_inputs
from psyche_rl.config import RunConfig
from psyche_rl.errors import RunFolderError
from psyche_rl.stages import STAGES
from psyche_rl.stages.membership import in_run
from psyche_rl.stages.settings import changed, deciding, spoken, stage_settings
from psyche_rl.store import Manifest, RunStore
from psyche_rl.store.outputs import damaged


def refuse_unfit(
    manifest: Manifest, kept: Sequence[str], wanted: Sequence[str], config: RunConfig, store: RunStore
) -> None:
    """Ask of each stage that is ``kept`` whether it still fits, and for each ``wanted`` one what it needs.

    Raises:
        RunFolderError: something does not; the text names it and the remedy.
    """
    for stage in kept:
        _refuse_changed_settings(manifest, stage, config)
        _refuse_changed_inputs(manifest, stage, config, store)
        if list(wanted) != ["report"]:  # which tells of what is there
            _refuse_damaged(manifest, stage, store)
    _require_earlier(wanted, [stage for stage in kept if manifest.is_done(stage)], config)


def _refuse_changed_settings(manifest: Manifest, stage: str, config: RunConfig) -> None:
    recorded, settings = manifest.stages[stage].settings, stage_settings(stage, config)
    for key in deciding(changed(recorded, settings)):
        raise RunFolderError(
            f"{config.run_dir}: stage '{stage}' was run with {spoken(key, config)}={recorded.get(key)!r}, "
            f"now {settings.get(key)!r}; redo it with --from {stage}, or give another run_dir"
        )


def _refuse_changed_inputs(manifest: Manifest, stage: str, config: RunConfig, store: RunStore) -> None:
    if not manifest.is_done(stage):
        return
    recorded = manifest.stages[stage].inputs
    for name, digest in stage_inputs(stage, config, store).items():
        if recorded.get(name, digest) != digest:
            raise RunFolderError(
                f"{config.run_dir}: {name} has changed since stage '{stage}' read it; "
                f"redo the stage with --from {stage}, or give another run_dir"
            )


def _refuse_damaged(manifest: Manifest, stage: str, store: RunStore) -> None:
    if manifest.is_done(stage) and (found := damaged(store, manifest.stages[stage].outputs)):
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise RunFolderError(
            f"{store.url}: stage '{stage}' is damaged: {found[0]}{more}; "
            f"redo it and what follows with --from {stage}"
        )


def _require_earlier(wanted: Sequence[str], finished: Sequence[str], config: RunConfig) -> None:
    """Each wanted stage finds those before it finished, or wanted too."""
    there = set(finished)
    for stage in wanted:
        missing = [
            s for s in list(STAGES)[: list(STAGES).index(stage)] if in_run(s, config) and s not in there
        ]
        if missing and not (stage == "report" and there):  # which reports what is there and names what is not
            raise RunFolderError(
                f"{config.run_dir}: stage '{stage}' needs '{missing[0]}', which is not done; run it first"
            )
        there.add(stage)
