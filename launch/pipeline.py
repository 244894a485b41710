"""Runs stages in order, skips finished ones, and keeps the manifest.

Role: the only place that knows the order of stages and what makes one stale.
Collaborators: one module per stage in ``launch/stages`` (``run(context) -> counts``).
Invariants: a stage is ``done`` only after its outputs are in place; a stage that was finished with
other settings or other inputs is never silently reused nor silently redone: the user is told which key or
file differs. An unfinished stage may find its inputs changed: a bad file was mended.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from launch.checks.preflight import check_sources
from launch.inputs import stage_inputs
from launch.run_writer import RunWriter, writing
from psyche_rl.config import RunConfig, dump_config
from psyche_rl.errors import ConfigError, PsycheError, RunFolderError
from psyche_rl.run_context import Counts, StageContext
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.manifest import now, settings_hash
from psyche_rl.store.outputs import damaged, record_outputs

STAGES: dict[str, tuple[str, ...]] = {
    # stage -> the config keys (dotted prefixes) that its result depends on
    "world": ("seed", "mini", "prompt", "learner"),
    "synth": (
        "seed",
        "data.passages",
        "data.posts",
        "teacher.model",
        "teacher.temperature",
        "teacher.max_tokens",
        "synth",
        "dedup",
        "review.hold",
    ),
    "select": (
        "seed",
        "select",
        "decontaminate",
        "review.hold",
        "data.questions",
        "prompt",
        "engine.dtype",
        "engine.max_model_len",
    ),
    "sft": ("seed", "model", "sft", "prompt", "learner", "engine.max_model_len"),
    "grpo": (
        "seed",
        "grpo",
        "prompt",
        "learner",
        "engine.dtype",
        "engine.max_model_len",
        "data.questions",
        "data.dev_share",
    ),
    "eval": (
        "seed",
        "model",
        "eval",
        "engine.dtype",
        "engine.max_model_len",
        "prompt",
        "data.questions",
        "data.dev_share",
        "data.max_questions",
    ),
    "report": (),
}
# Settings that change speed or resources but no result: free to differ on resume.
FREE_KEYS = (
    "synth.block_rows", "select.block_rows", "select.engines_per_selector", "learner.micro_batch_tokens",
    "learner.threads", "grpo.save_every", "grpo.keep_checkpoints", "grpo.wait_s", "grpo.reward.workers",
    "grpo.reward.max_workers", "grpo.reward.memory_mib", "grpo.reward.pool", "grpo.reward.timeout_s",
    "grpo.grace_s", "eval.workers",
)  # fmt: skip


WRITES: dict[str, tuple[str, ...]] = {
    "world": ("world/exam_dev.parquet", "world/exam_test.parquet", "world/base", "world/selectors"),
    "synth": ("synth/passages.parquet", "synth/questions.parquet", "synth/rationales.parquet",
              "synth/dialogues.parquet"),
    "select": ("select/sft.parquet", "select/grpo.parquet"),
    "sft": ("sft/model",),
    "grpo": ("grpo/model", "grpo/metrics.jsonl", "grpo/rollouts", "grpo/reward.json"),
    "eval": ("eval/questions.parquet", "eval/base.parquet", "eval/sft.parquet", "eval/grpo.parquet"),
    "report": ("report/report.html", "report/report.json", "report/metrics.jsonl"),
}  # fmt: skip


def run_stages(
    config: RunConfig, stages: Sequence[str], redo_from: str | None = None, steal_lock: bool = False
) -> RunStore:
    """Run ``stages`` in order inside ``config.run_dir``.

    Raises:
        PsycheError: a stage cannot run; what finished before is kept.
        Stopped: the process was asked to end.
    """
    store = RunStore(config.run_dir)
    with (
        writing(store, config.grpo.grace_s, steal_lock) as writer,
        tempfile.TemporaryDirectory(prefix="psyche-rl-") as scratch,
    ):
        manifest = writer.manifest
        redone = _from(redo_from) if redo_from else []
        # Every stage that stays, not only the wanted ones, and before anything is thrown away.
        for stage in STAGES:
            if stage not in redone:
                _refuse_changed_settings(manifest, stage, config)
                _refuse_changed_inputs(manifest, stage, config, store)
                if list(stages) != ["report"]:  # which tells of what is there
                    _refuse_damaged(manifest, stage, store)
        wanted = [s for s in stages if s != "world" or config.mini is not None]
        check_sources(config, [s for s in wanted if s in redone or not manifest.is_done(s)])
        context = StageContext(config, store, writer.events, Path(scratch), writer.begin, writer.stop)
        aside = False
        text = dump_config(config)
        if not redone:
            writer.save(text)
        for stage in wanted:
            writer.heed_stop()
            if stage in redone and not aside:
                writer.set_aside(redone)
                writer.save(text)
                aside = True
            if manifest.is_done(stage):
                writer.events.say(f"{stage}: already done, skipped")
                continue
            _require_earlier(manifest, stage, config)
            _run_one(context, writer, stage)
        writer.events.flush()
    return store


def stage_settings(stage: str, config: RunConfig) -> dict[str, Any]:
    """The flat settings that decide a stage's result."""
    flat = _flatten(config.model_dump(mode="json"))
    keys = STAGES[stage]
    return {
        key: value
        for key, value in flat.items()
        if any(key == k or key.startswith(k + ".") for k in keys) and not key.startswith(FREE_KEYS)
    }


def _run_one(context: StageContext, writer: RunWriter, stage: str) -> None:
    settings = stage_settings(stage, context.config)
    before = writer.manifest.stages.get(stage)
    entry = StageEntry(
        status="running",
        started=now(),
        seconds=before.seconds if before else 0.0,
        attempts=before.attempts + 1 if before else 1,
        settings=settings,
        settings_hash=settings_hash(settings),
        inputs=stage_inputs(stage, context.config, context.store),
    )
    if stage != "report":
        writer.manifest.stages.pop("report", None)  # it tells of a run that is no longer so
    writer.enter(stage, entry)
    context.events.say(
        f"{stage}: begins" if entry.attempts == 1 else f"{stage}: goes on", attempt=entry.attempts
    )
    begun, earlier = time.monotonic(), entry.seconds
    try:
        module = importlib.import_module(f"launch.stages.{stage}")
        counts: Counts = module.run(context)
        outputs = record_outputs(context.store, WRITES[stage])
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


def _refuse_changed_settings(manifest: Manifest, stage: str, config: RunConfig) -> None:
    if stage not in manifest.stages:
        return
    changed = manifest.changed_keys(stage, stage_settings(stage, config))
    if changed:
        key = changed[0]
        old = manifest.stages[stage].settings.get(key)
        new = stage_settings(stage, config).get(key)
        raise RunFolderError(
            f"{config.run_dir}: stage '{stage}' was run with {key}={old!r}, now {new!r}; "
            f"redo it with --from {stage}, or give another run_dir"
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


def _require_earlier(manifest: Manifest, stage: str, config: RunConfig) -> None:
    if stage == "report" and any(manifest.is_done(name) for name in STAGES):
        return  # it reports what is there and names what is not
    for earlier in STAGES:
        if earlier == stage:
            return
        if earlier == "world" and config.mini is None:
            continue
        if not manifest.is_done(earlier):
            raise RunFolderError(
                f"{config.run_dir}: stage '{stage}' needs '{earlier}', which is not done; run it first"
            )


def _from(first: str) -> list[str]:
    if first not in STAGES:
        raise ConfigError(f"--from {first}: no such stage; stages are {', '.join(STAGES)}")
    names = list(STAGES)
    return names[names.index(first) :]


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


__all__ = ["STAGES", "PsycheError", "run_stages", "stage_settings"]
