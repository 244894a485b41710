"""From a run folder to frozen :class:`ReportData`; the only module of the report that reads files.

Collaborators: the stages that wrote the files; ``samples`` picks the test questions to show.
Invariants:
- An absent file is a named gap, never an error.
- Nothing is recomputed that a stage recorded: seconds and counts are the manifest's, accuracies the
  evaluation's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psyche_rl.alarms.raised import Alarm, all_raised
from psyche_rl.errors import RunFolderError
from psyche_rl.evaluation.judged_answer import JUDGED
from psyche_rl.llm.run_calls import opened
from psyche_rl.llm.usage import Usage
from psyche_rl.loops.metrics_log import read_metrics
from psyche_rl.records import Question
from psyche_rl.report.chance import ChanceLevels, chance_levels
from psyche_rl.report.samples import SampleQuestion, pick_samples
from psyche_rl.stages.settings import as_run
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.environment import library_versions
from psyche_rl.store.saved_config import saved_config
from psyche_rl.timeline.lane import LaneSpan
from psyche_rl.timeline.timeline_file import TimelineFile

MODELS = ("base", "sft", "grpo")
DEFAULT_SAMPLES = 20


@dataclass(frozen=True)
class ReportData:
    """Everything the page and ``report.json`` show."""

    run_url: str
    created: str
    code_version: str
    config: dict[str, Any]
    stages: dict[str, StageEntry]
    selection: dict[str, Any]
    sft: list[dict[str, Any]]
    grpo: list[dict[str, Any]]
    rollout_files: int
    evaluation: dict[str, dict[str, Any]]
    """"base", "sft", "grpo" -> what the evaluation stage wrote for that model."""
    samples: list[SampleQuestion]
    chance: ChanceLevels | None
    """Expected accuracy of blind guessing on the test questions; None without the questions."""
    pass_rates: Mapping[str, Mapping[float, int]] = field(default_factory=dict)
    """Set a question went to ("GRPO", "SFT", "neither") -> share of right selector answers -> questions."""
    usage: tuple[Usage, ...] = ()
    """Calls to LLMs by stage and model."""
    currency: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    lanes: tuple[LaneSpan, ...] = ()
    """What workers and learner did when, during GRPO."""
    missing: tuple[str, ...] = ()
    """What this report cannot show, in plain words."""

    @property
    def confidence(self) -> float:
        """Of the evaluation's intervals."""
        return float(self.config.get("eval", {}).get("confidence", 0.95))

    @property
    def alarms(self) -> list[Alarm]:
        """What went wrong during GRPO, in the order in which it began."""
        return all_raised(self.grpo)

    @property
    def train_steps(self) -> list[dict[str, Any]]:
        """GRPO rows that trained (step 0 holds an evaluation only)."""
        return [row for row in self.grpo if "reward/mean" in row]


def collect(store: RunStore) -> ReportData:
    """Read what the run folder holds."""
    manifest = Manifest.load(store)
    config = as_run(saved_config(store), (entry.settings for entry in manifest.stages.values()))
    evaluation = store.read_json("eval/summary.json") if store.exists("eval/summary.json") else {}
    evaluation = {model: evaluation[model] for model in MODELS if model in evaluation}
    questions = _questions(store)
    answers = {model: rows for model in MODELS if (rows := _table(store, f"eval/{model}.parquet"))}
    read_by_judge = {
        (row["model"], row["question_id"]): row for row in _table(store, JUDGED) if row["answer"] is not None
    }
    answers = {
        model: [_judged(row, read_by_judge.get((model, row["question_id"]))) for row in rows]
        for model, rows in answers.items()
    }
    reward = config.get("grpo", {}).get("reward", {})
    count = config.get("eval", {}).get("rollout_samples", DEFAULT_SAMPLES)
    selection = store.read_json("select/selection.json") if store.exists("select/selection.json") else {}
    sft, grpo = read_metrics(store, "sft"), read_metrics(store, "grpo")
    lanes = TimelineFile(store, "grpo").read()
    rollouts = set(store.glob("grpo/rollouts/*.parquet"))
    trained = [row["step"] for row in grpo if "reward/mean" in row]
    usage, currency = _usage(store)
    lost = [step for step in trained if f"grpo/rollouts/step_{step:06d}.parquet" not in rollouts]
    called = any(entry.counts.get("llm_calls") for entry in manifest.stages.values())
    found = {
        "what LLM calls cost (llm_calls.sqlite)": usage or not called,
        "selection (select/selection.json)": selection,
        "SFT curve (sft/metrics.jsonl)": sft,
        "GRPO curves (grpo/metrics.jsonl)": grpo,
        "timeline of the workers (grpo/timeline.jsonl)": lanes,
        "evaluation (eval/summary.json)": evaluation,
        "test answers (eval/questions.parquet, eval/<model>.parquet)": questions and answers,
        f"rollouts of {len(lost)} of {len(trained)} steps (grpo/rollouts)": not lost,
        **{f"evaluation of the {model} model": model in evaluation for model in MODELS if evaluation},
    }
    return ReportData(
        run_url=store.url,
        created=manifest.created,
        code_version=manifest.code_version,
        config=config,
        stages=dict(manifest.stages),
        selection=selection,
        sft=sft,
        grpo=grpo,
        rollout_files=len(rollouts),
        evaluation=evaluation,
        samples=pick_samples(questions, answers, reward, count, seed=config.get("seed", 0)),
        chance=chance_levels(questions) if questions else None,
        pass_rates=_pass_rates(store),
        usage=usage,
        currency=currency,
        versions=library_versions(),
        lanes=tuple(lanes),
        missing=tuple(name for name, there in found.items() if not there),
    )


def _questions(store: RunStore) -> list[Question]:
    rel = "eval/questions.parquet"
    return store.read_records(rel, Question) if store.exists(rel) else []


def _pass_rates(store: RunStore) -> dict[str, Counter[float]]:
    rel, names = "select/verdict_table.parquet", {"grpo": "GRPO", "sft": "SFT", "none": "neither"}
    found = {name: Counter[float]() for name in names.values()}
    if store.exists(rel):
        table = store.read_table(rel).select(["pass_rate", "set"]).to_pydict()
        for rate, of in zip(table["pass_rate"], table["set"], strict=True):
            if rate is not None:
                found[names.get(of, of)][rate] += 1
    return {name: counts for name, counts in found.items() if counts}


def _usage(store: RunStore) -> tuple[tuple[Usage, ...], str]:
    """Calls by stage and model, and the currency; none where there were no calls or their log is damaged."""
    try:
        with opened(store.url) as run:
            return tuple(run.log.usage(run.teacher.prices)), run.teacher.currency
    except RunFolderError:
        return (), ""


def _judged(row: dict[str, Any], reading: dict[str, Any] | None) -> dict[str, Any]:
    """An answer, with the letters that the judge read where the rules found none."""
    if reading is None or row["answer"] is not None:
        return row
    return row | {"answer": reading["answer"], "correct": reading["correct"], "judged": True}


def _table(store: RunStore, rel: str) -> list[dict[str, Any]]:
    return store.read_table(rel).to_pylist() if store.exists(rel) else []
