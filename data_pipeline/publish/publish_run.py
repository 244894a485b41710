"""``psyche-rl publish``: a finished run as a dataset folder.

Role: reads the run folder, checks that it may be published, writes the folder.
Collaborators: ``data_pipeline.publish`` for rows, card and formats.
Invariants:
- The run folder is not changed.
- The output folder appears whole or not at all.
- Without ``select`` done there is nothing to publish.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_pipeline.decontamination.files import refuse_used
from data_pipeline.domains import load_domain
from data_pipeline.publish import (
    Licences,
    LineageError,
    PublishedSets,
    TrainingSets,
    dataset_card,
    llamafactory,
    published_sets,
    trl,
    unknown_sources,
)
from data_pipeline.publish.card import RunFacts, SetFacts
from data_pipeline.publish.licences import OWN_PASSAGES, OWN_POSTS
from psyche_rl.config import RunConfig, parse_config
from psyche_rl.config.shareable import without_paths
from psyche_rl.errors import DataError, RunFolderError
from psyche_rl.records import Dialogue, Passage, Quarantined, Question, Rationale, RowOutcome, SftExample
from psyche_rl.stages.settings import as_run
from psyche_rl.store import Manifest, RunStore
from psyche_rl.store.atomic import written_folder
from psyche_rl.store.manifest import require_run
from psyche_rl.store.saved_config import CONFIG, saved_config
from psyche_rl.store.stored_records import StoredRecords, one_field

FORMATS = {"hf": None, "llamafactory": llamafactory, "trl": trl}
_STAGES = ("synth", "select")
_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")


def publish(
    run: str, out: Path, formats: Sequence[str], licences: Mapping[str, str], allow_unknown: bool
) -> dict[str, Any]:
    """Write ``out``; returns set -> rows, the licences, and whether contamination was checked.

    Raises:
        RunFolderError: there is no run, or selection is not done.
        DataError: ``out`` holds something, or records have no known licence.
    """
    store, manifest = finished_run(run)
    refuse_used(out)
    config = parse_config(saved_config(store), store.path(CONFIG))
    made_with = as_run({}, (manifest.stages[stage].settings for stage in _STAGES))
    known = Licences({**config.publish.licences, **licences}, _own_texts(config))
    made = TrainingSets(
        sft=StoredRecords(store, "select/sft.parquet", SftExample),
        grpo=StoredRecords(store, "select/grpo.parquet", Question),
        questions=StoredRecords(store, "synth/questions.parquet", Question),
        rationales=StoredRecords(store, "synth/rationales.parquet", Rationale),
        dialogues=StoredRecords(store, "synth/dialogues.parquet", Dialogue),
        passages=StoredRecords(store, "synth/passages.parquet", Passage),
    )
    try:
        sets = published_sets(made, config.prompt, known)
        if not sets.by_name():
            raise DataError(f"{run}: both training sets are empty; there is nothing to publish")
        with written_folder(out) as folder:
            named, seen = _write_sets(RunStore(str(folder)), sets)
            if not allow_unknown:
                _refuse_unknown(run, seen)
            facts = _facts(store, manifest, made_with, made)
            _write_forms(folder, named, formats)
            (folder / "README.md").write_text(dataset_card(config.publish.name, seen, facts), "utf-8")
            (folder / "provenance.json").write_text(_provenance(facts, manifest), "utf-8")
            refuse_used(out)  # nor may it have come into use meanwhile
    except LineageError as error:
        raise RunFolderError(f"{run}: {error}; redo the stages with --from synth") from None
    return {
        "sets": {name: found.rows for name, found in seen.items()},
        "licences": sorted({licence for found in seen.values() for licence in found.licences}),
        "contamination_checked": facts.contamination is not None,
    }


def _write_sets(folder: RunStore, sets: PublishedSets) -> tuple[PublishedSets, dict[str, SetFacts]]:
    """The sets as they lie in the folder by now, and what was seen of their rows."""
    seen = {name: SetFacts() for name in sets.by_name()}
    written = {
        name: found.written(folder, f"{name}/train-00000-of-00001.parquet", seen[name].see)
        for name, found in sets.by_name().items()
    }
    return replace(sets, **written), seen


def _write_forms(folder: Path, sets: PublishedSets, formats: Sequence[str]) -> None:
    for form in formats:
        export = FORMATS[form]
        for name, text in (export(sets) if export else {}).items():
            target = folder / form / name
            target.parent.mkdir(exist_ok=True)
            with target.open("w", encoding="utf-8") as file:
                file.writelines(text)


def finished_run(run: str) -> tuple[RunStore, Manifest]:
    """The run folder and its manifest. Raises RunFolderError unless selection is done."""
    store = RunStore(run)
    require_run(store, run)
    manifest = Manifest.load(store)
    for stage in _STAGES:
        if not manifest.is_done(stage):
            raise RunFolderError(
                f"{run}: stage '{stage}' is not done, so there is nothing to publish; run it first"
            )
    return store, manifest


def _refuse_unknown(run: str, seen: Mapping[str, SetFacts]) -> None:
    unknown = unknown_sources(found.sources for found in seen.values())
    if unknown:
        source, count = unknown.most_common(1)[0]
        others = f" (and {len(unknown) - 1} more sources)" if len(unknown) > 1 else ""
        raise DataError(
            f"{run}: {count} records from '{source}'{others} have no known licence; name it with "
            f"--licence '{source}=CC-BY-4.0' or publish.licences, or pass --allow-unknown-licence"
        )


def _own_texts(config: RunConfig) -> frozenset[str]:
    """Sources that are the mini world's own."""
    if config.mini is None:
        return frozenset()
    passages = OWN_PASSAGES if config.data.passages is None else ()
    return frozenset((*passages, *(OWN_POSTS if config.data.posts is None else ())))


def _facts(
    store: RunStore,
    manifest: Manifest,
    config: Mapping[str, Any],
    made: TrainingSets,
) -> RunFacts:
    reports = [path for stage in _STAGES for path in store.glob(f"{stage}/contamination.json")]
    return RunFacts(
        code_version=manifest.code_version,
        config=config,
        counts={stage: manifest.stages[stage].figures for stage in _STAGES},
        left_out=_left_out(store),
        contamination=store.read_json(reports[-1]) if reports else None,
        prompts=_prompts(
            {v for each in (made.questions, made.rationales) for v in one_field(each, "prompt_version") if v}
        ),
        domain=_domain(store),
    )


def _domain(store: RunStore) -> Mapping[str, Any]:
    """What synthesis wrote of its domain; runs of before there were any are of the built-in one."""
    told = "synth/domain.json"
    return store.read_json(told) if store.exists(told) else load_domain("psychology").told()


def _prompts(stated: Collection[str]) -> dict[str, str]:
    """Prompt -> its versions by the records' own word; of records that do not say, the installed ones'."""
    found: dict[str, str] = {}
    for name, _, version in (text.partition("@") for text in sorted(stated)):
        found[name] = f"{found[name]}, {version}" if name in found else version
    return found or _installed_prompts()


def _left_out(store: RunStore) -> Counter[tuple[str, str]]:
    """(stage, why) -> rows: the accounting of outcomes where there is one, else what was quarantined."""
    found: Counter[tuple[str, str]] = Counter()
    for path in (p for stage in _STAGES for p in store.glob(f"{stage}/outcomes.parquet")):
        for stage, status, filter_, reason in _fields(
            StoredRecords(store, path, RowOutcome), "stage", "status", "filter", "reason"
        ):
            if status != "ok":
                found[stage, f"{status}: {filter_ or _kind(reason)}"] += 1
    if not found:
        for path in (p for stage in _STAGES for p in store.glob(f"{stage}/quarantine.parquet")):
            bad = StoredRecords(store, path, Quarantined)
            found.update((stage, _kind(reason)) for stage, reason in _fields(bad, "stage", "reason"))
    return found


def _fields(records: StoredRecords[Any], *names: str) -> Iterator[tuple[Any, ...]]:
    """Some fields of each record."""
    return zip(*(records.column(name) for name in names), strict=True)


def _kind(reason: str) -> str:
    """A reason without what differs from row to row."""
    return _VARIES.sub("…", reason)


def _installed_prompts() -> dict[str, str]:
    """Prompt -> hash, of the prompts that are installed (runs whose records do not name theirs)."""
    domain = load_domain("psychology")
    versions = (domain.version(name).partition("@") for name in sorted(domain.prompts))
    return {name: f"{version} (as installed when published)" for name, _, version in versions}


def _provenance(facts: RunFacts, manifest: Manifest) -> str:
    """For programs: how the run was made, without the paths of the machine."""
    stages = {
        name: manifest.stages[name].model_dump(include={"finished", "settings_hash", "inputs", "counts"})
        for name in _STAGES
    }
    told = {
        "code_version": facts.code_version,
        "stages": stages,
        "config": without_paths(facts.config),
        "prompts": dict(facts.prompts),
        "contamination": facts.contamination,
        "left_out": [{"stage": s, "why": w, "rows": n} for (s, w), n in sorted(facts.left_out.items())],
    }
    return json.dumps(told, ensure_ascii=False, indent=1)
