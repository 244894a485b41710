"""Runs stages in order, skips finished ones, and keeps the manifest.

- Collaborators: ``psyche_rl.stages`` says what the stages are and what makes one stale; each is a module
  ``launch.stages.<name>`` with ``run(context) -> counts``, imported when it is its turn.
- A stage is ``done`` only after its outputs are in place.
- A stage that was run with other settings or inputs is never silently reused nor silently redone
  (``launch.checks.run_folder``). An unfinished stage may find its inputs changed: a bad file was corrected.
- ``config.yaml`` states for each finished stage what it was run with.
- Trackers are told of what is done, and decide nothing.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from launch.checks.disk_room import check_disk
from launch.checks.preflight import check_run, refuse
from launch.checks.run_findings import RunFindings
from launch.checks.run_folder import refuse_unfit
from launch.inputs import stage_inputs
from launch.run_writer import RunWriter, writing
from psyche_rl.config import RunConfig
from psyche_rl.config.load import dump_tree
from psyche_rl.config.secrets_in_config import variables_with_keys
from psyche_rl.errors import ConfigError
from psyche_rl.loops.checkpoints import newest_checkpoint
from psyche_rl.masking import know
from psyche_rl.progress import awaiting
from psyche_rl.run_context import Counts, StageContext
from psyche_rl.stages import STAGES
from psyche_rl.stages.membership import in_run
from psyche_rl.stages.settings import as_run, changed, settings_hash, stage_settings
from psyche_rl.store import Manifest, RunStore, SettingChange, StageEntry
from psyche_rl.store.environment import environment
from psyche_rl.store.manifest import now
from psyche_rl.store.outputs import record_outputs
from psyche_rl.tracking import RunTracking


def run_stages(
    config: RunConfig, stages: Sequence[str], redo_from: str | None = None, steal_lock: bool = False
) -> RunStore:
    """Run ``stages`` in order inside ``config.run_dir``.

    Raises:
        PsycheError: a stage cannot run; what finished before is kept.
        Stopped: the process was asked to end.
    """
    know(*variables_with_keys(config))
    store = RunStore(config.run_dir)
    with (
        writing(store, config.grpo.grace_s, steal_lock, config.run.public) as writer,
        tempfile.TemporaryDirectory(prefix="psyche-rl-") as scratch,
    ):
        manifest = writer.manifest
        redone = _from(redo_from) if redo_from else []
        wanted = [stage for stage in stages if in_run(stage, config)]
        # Every stage that stays, not only the wanted ones, and before anything is thrown away.
        kept = [stage for stage in manifest.stages if stage not in redone]
        refuse_unfit(manifest, kept, wanted, config, store)
        _check([s for s in wanted if s in redone or not manifest.is_done(s)], config, writer)
        finished = [manifest.stages[stage].settings for stage in kept if manifest.is_done(stage)]
        text = dump_tree(as_run(config.model_dump(mode="json"), finished))
        if not any(stage in manifest.stages for stage in redone):
            writer.save(text)
        with _tracked(config, store, Path(scratch), writer) as tracking:
            context = StageContext(
                config, store, writer.events, Path(scratch), writer.begin, writer.stop, tracking
            )
            for stage in wanted:
                writer.heed_stop()
                if stage in redone:
                    writer.set_aside(redone)
                    writer.save(text)
                    redone = []
                if manifest.is_done(stage):
                    _say_kept(context, stage, manifest.stages[stage])
                else:
                    _refuse_full_disk(context.config, stage)
                    _run_one(context, writer, stage, tracking)
        writer.events.flush()
    return store


@contextmanager
def _tracked(config: RunConfig, store: RunStore, scratch: Path, writer: RunWriter) -> Iterator[RunTracking]:
    """The trackers of the run, which are told how it ends."""
    tracking = RunTracking(config, store, scratch, writer.events.say)
    try:
        yield tracking
    except BaseException:
        tracking.end("stopped" if writer.stop.requested else "failed")
        raise
    tracking.end("finished")


def _check(stages: Sequence[str], config: RunConfig, writer: RunWriter) -> None:
    """What can be found wrong with stages that are to run is found before they do."""
    if stages:
        found = check_run(config, stages)
        refuse(config.run_dir, found.problems)
        for line in found.unchecked:
            writer.events.say(f"not checked: {line}")


def _refuse_full_disk(config: RunConfig, stage: str) -> None:
    """Stages before it have written meanwhile, and others use the disk as well.

    Raises:
        ProblemsError: there is no room for the checkpoints and the model of ``stage``.
    """
    found = RunFindings()
    check_disk(config, [stage], found, least=0)
    refuse(config.run_dir, found.problems)


def _run_one(context: StageContext, writer: RunWriter, stage: str, tracking: RunTracking) -> None:
    entry = _begun(context, writer.manifest, stage)
    if stage != "report":
        writer.manifest.stages.pop("report", None)  # it tells of a run that is no longer so
    writer.enter(stage, entry)
    context.events.say(
        f"{stage}: begins" if entry.attempts == 1 else f"{stage}: goes on", attempt=entry.attempts
    )
    for change in entry.changes:
        context.events.say(f"{stage}: {change.key} changed", old=change.old, new=change.new, step=change.step)
    tracking.stage_begins(stage, anew=entry.attempts == 1)
    begun, earlier = time.monotonic(), entry.seconds
    try:
        module = importlib.import_module(f"launch.stages.{stage}")
        with awaiting(context.events, f"{stage}: libraries, models and inputs", until_said=True):
            counts: Counts = module.run(context)
        outputs = record_outputs(context.store, STAGES[stage].writes)
        writer.begin()
    except BaseException as error:
        writer.fail(entry, error)
        raise
    else:
        entry.status, entry.counts, entry.finished, entry.outputs = "done", counts, now(), outputs
    finally:
        entry.seconds = round(earlier + time.monotonic() - begun, 2)
        writer.save()
    context.events.say(f"{stage}: done", seconds=entry.seconds, **entry.figures)
    tracking.stage_ended(stage, entry.figures)


def _begun(context: StageContext, manifest: Manifest, stage: str) -> StageEntry:
    """The entry of a stage that begins, or goes on with what its settings are now."""
    settings = stage_settings(stage, context.config)
    entry = StageEntry(
        status="running",
        started=now(),
        settings=settings,
        settings_hash=settings_hash(settings),
        environment=environment(),
        inputs=stage_inputs(stage, context.config, context.store),
    )
    before = manifest.stages.get(stage)
    if before is None:
        return entry
    step = newest_checkpoint(context.store, stage)
    changes = [
        SettingChange(key=key, old=before.settings.get(key), new=settings.get(key), step=step, at=now())
        for key in changed(before.settings, settings)
    ]
    return entry.model_copy(
        update={
            "seconds": before.seconds,
            "attempts": before.attempts + 1,
            "changes": [*before.changes, *changes],
        }
    )


def _say_kept(context: StageContext, stage: str, entry: StageEntry) -> None:
    context.events.say(f"{stage}: already done, skipped")
    now_set = stage_settings(stage, context.config)
    for key in changed(entry.settings, now_set):
        used, given = entry.settings.get(key), now_set.get(key)
        context.events.say(f"{stage}: {key} is not used, the stage is done", run_with=used, given=given)


def _from(first: str) -> list[str]:
    if first not in STAGES:
        raise ConfigError(f"--from {first}: no such stage; stages are {', '.join(STAGES)}")
    names = list(STAGES)
    return names[names.index(first) :]
