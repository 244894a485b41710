"""Whether everything is given, and whether there is something to read where a path leads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from actors.worker_env import IN_A_JOB
from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.config.keys import value_at
from psyche_rl.errors import PsycheError, RunFolderError
from psyche_rl.problem import ABSENT
from psyche_rl.stages import STAGES
from psyche_rl.store import RunStore

HUB = "hf://"


def check_given(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """Without a mini world what it would make must be given, and of sets of one's own the one needed."""
    data = config.data
    if data.has_own_sets:
        trained = {"sft": ("train_chats", config.sft.trains), "grpo": ("train_questions", True)}
        for stage, (key, wanted) in trained.items():
            if stage in stages and wanted and getattr(data, key) is None:
                wrong = f"stage '{stage}' needs data.{key}, which is not set, and nothing is synthesised"
                remedy = "set it, or run the other stages one by one" + (
                    ", or skip this one by sft.skip=true" if stage == "sft" else ""
                )
                findings.problem(f"data.{key}", ABSENT, wrong, remedy)
    if config.mini is not None:
        return
    for stage in stages:
        for need in STAGES[stage].needs:
            given = any(value_at(config, key) for key in (need.key, *need.unless))
            if not given and not findings.about(need.key):
                wrong = f"stage '{stage}' needs {need.key}, which is not set"
                findings.problem(need.key, ABSENT, wrong, "set it, or add `mini: {}`")


def check_paths(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """Each path that a wanted stage reads leads to files that can be read; the run folder can be made."""
    from data_pipeline.ingest.raw_rows import UNREAD, inputs

    for key, path in _paths(config, stages):
        if path.startswith(HUB):
            findings.skip(f"{key}: {path} is on the hub; it is read when its stage begins")
            continue
        try:
            for unread in (found for found in inputs(path, config.data.follow_links) if found.kind == UNREAD):
                findings.skip(f"{key}: in {path} {unread.file.replace(chr(10), '; ')}")
        except PsycheError as error:
            findings.error(key, path, error, "correct the path")
        except Exception as error:  # fsspec's filesystems raise whatever their libraries do
            wrong = f"cannot be reached: {type(error).__name__}: {error}"
            findings.problem(key, path, wrong, "correct the path or the credentials")
    _check_embedding_model(config, stages, findings)
    _check_run_dir(config, findings)


def _check_embedding_model(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    from data_pipeline.decontamination.embedding_search import check_model

    folder = config.decontaminate.embedding_model
    if folder is not None and config.decontaminate.enabled and "select" in stages:
        try:
            check_model(folder)
        except PsycheError as error:
            findings.error("decontaminate.embedding_model", folder, error, "correct the path")


def _paths(config: RunConfig, stages: Sequence[str]) -> Iterator[tuple[str, str]]:
    if "synth" in stages:
        for key in ("passages", "posts"):
            if path := getattr(config.data, key):
                yield f"data.{key}", path
    if config.data.questions and {"select", "grpo", "eval"} & set(stages):
        yield "data.questions", config.data.questions
    if "select" in stages:
        for key in ("train_chats", "train_questions"):
            if path := getattr(config.data, key):
                yield f"data.{key}", path
    if "select" in stages and config.decontaminate.enabled:
        for index, path in enumerate(config.decontaminate.against):
            yield f"decontaminate.against[{index}]", path


def _check_run_dir(config: RunConfig, findings: RunFindings) -> None:
    given = config.run_dir
    if IN_A_JOB in os.environ and "://" not in given and not Path(given).expanduser().is_absolute():
        wrong = "a job runs in a copy of the working directory that Ray removes, and the run folder with it"
        findings.problem("run_dir", given, wrong, "give a full path that all nodes share, or an fsspec URL")
        return
    try:
        store = RunStore(config.run_dir)
    except RunFolderError as error:
        findings.error("run_dir", config.run_dir, error, "give a local path or an fsspec URL")
        return
    if not store.is_local:
        findings.skip(f"run_dir: whether {store.url} can be written to")
        return
    folder = next(place for place in (Path(store.url), *Path(store.url).parents) if place.exists())
    if not folder.is_dir():
        findings.problem("run_dir", config.run_dir, f"{folder} is a file", "give another path")
    elif not os.access(folder, os.W_OK | os.X_OK):
        findings.problem("run_dir", config.run_dir, f"{folder} cannot be written to", "give another path")
