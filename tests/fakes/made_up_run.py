"""A made-up finished run folder with the files and field names that the stages write.

Its tables are each for themselves: accuracies are not those of its answers, unless :func:`evaluate_anew` has
made them so.
"""

import math

import pyarrow as pa

from psyche_rl.config import RunConfig, dump_config
from psyche_rl.config.mini import MiniConfig
from psyche_rl.records import Question, ScoredSample
from psyche_rl.report.intervals import wilson
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.timeline.lane import LaneSpan, Stretch, of_worker
from psyche_rl.timeline.timeline_file import TimelineFile

STEPS = 60
SYNTH_ROWS = {
    "questions.rows": 2500,
    "questions.ok": 2450,
    "questions.quarantined": 39,
    "questions.failed": 11,
    "quality.rows": 2450,
    "quality.ok": 2400,
    "quality.filtered": 50,
}
TEST_QUESTIONS = 40


def make_run(folder, learns: float = 1.0, **settings) -> RunStore:
    """
    Args:
        learns: how much of the usual gain GRPO has, and of the usual speed SFT.
        settings: of sft, grpo and lora, with _ for the first point of the key.
    """
    store = RunStore(str(folder))
    config = RunConfig(run_dir=str(folder), mini=MiniConfig())
    store.write_text("config.yaml", dump_config(config))
    _write_manifest(store, {key.replace("_", ".", 1): value for key, value in settings.items()})
    _write_selection(store)
    store.write_jsonl(
        "sft/metrics.jsonl", [_sft_row(step, learns, settings.get("sft_lr", 3e-3)) for step in range(1, 301)]
    )
    store.write_jsonl(
        "grpo/metrics.jsonl",
        [
            {"step": 0, **_dev(0, learns)},
            *(
                _grpo_row(step, learns) | {"policy/lr": settings.get("grpo_lr", 4e-4)}
                for step in range(1, STEPS + 1)
            ),
        ],
    )
    for step in range(1, STEPS + 1):
        store.write_records(f"grpo/rollouts/step_{step:06d}.parquet", ScoredSample, [])
    for step in range(1, STEPS + 1):
        TimelineFile(store, "grpo").keep(step, step_lanes(step, workers=2))
    _write_evaluation(store)
    return store


def step_lanes(step: int, workers: int) -> list[LaneSpan]:
    """A step of 2.4 s: samples, then training, then weights."""
    at = 1e9 + 2.4 * step
    spans = [Stretch("generate", at, at + 1.2), Stretch("idle", at + 1.2, at + 2.3)]
    spans += [Stretch("sync", at + 2.3, at + 2.4)]
    learner = [Stretch("wait", at, at + 1.5), Stretch("train", at + 1.5, at + 2.3)]
    lanes = [LaneSpan("learner", stretch) for stretch in learner]
    return lanes + [span for worker in range(workers) for span in of_worker(worker, spans)]


def _write_manifest(store: RunStore, settings: dict) -> None:
    counts = {
        "world": {"passages": 72, "posts": 40, "exam_questions": 900},
        "synth": {"questions": 2400, "rationales": 2261, "dialogues": 40, "quarantined": 39, **SYNTH_ROWS},
        "select": {"sft": 1510, "grpo": 790, "audit": 61, "select.rows": 2400, "select.ok": 2400},
        "sft": {"steps": 300, "tokens": 812345},
        "grpo": {"steps": STEPS, "samples": 30720},
        "eval": {"questions": TEST_QUESTIONS, "models": 3},
    }
    seconds = {"world": 61.4, "synth": 48.02, "select": 55.5, "sft": 70.3, "grpo": 151.88, "eval": 40.1}
    stages = {
        name: StageEntry(
            status="done",
            started="2026-11-23T16:00:00+00:00",
            seconds=seconds[name],
            counts=made,
            settings={key: value for key, value in settings.items() if name in _stages_of(key)},
        )
        for name, made in counts.items()
    }
    Manifest(created="2026-11-23T16:00:00+00:00", stages=stages).save(store)


def _stages_of(key: str) -> tuple[str, ...]:
    section = key.partition(".")[0]
    return ("sft", "grpo") if section == "lora" else (section,)


def _write_selection(store: RunStore) -> None:
    single = [[0.0, 80], [1 / 6, 60], [2 / 6, 90], [0.5, 120], [4 / 6, 200], [5 / 6, 290], [1.0, 360]]
    multiple = [[0.0, 710], [1 / 6, 190], [2 / 6, 120], [0.5, 70], [4 / 6, 50], [5 / 6, 40], [1.0, 20]]
    everything = [[rate, a + b] for (rate, a), (_, b) in zip(single, multiple, strict=True)]
    accuracy = {"single": 0.71, "multiple": 0.18, "all": 0.44}
    selection = {
        "counts": {"sft": 1510, "grpo": 790},
        "pass_rate_histogram": {"all": everything, "single": single, "multiple": multiple},
        "selectors": {"qwen2": accuracy, "llama": accuracy, "phi3": accuracy},
        "audit": 61,
    }
    sets = {"grpo": 790, "sft": 1510}
    rates = [
        (rate, name)
        for name, (rate, n) in zip(sets, ((0.0, 790), (1.0, 1510)), strict=True)
        for _ in range(n)
    ]
    table = {"pass_rate": [*(rate for rate, _ in rates), None], "set": [*(name for _, name in rates), "none"]}
    store.write_table("select/verdict_table.parquet", pa.table(table))
    store.write_json("select/selection.json", selection)


def _sft_row(step: int, learns: float, lr: float) -> dict:
    loss = 0.3 + 4 * math.exp(-step * learns / 40)
    return {"step": step, "loss": loss, "lr": lr, "grad_norm": 1 / step + 0.3, "tokens": 2700}


def _dev(step: int, learns: float) -> dict:
    gain = learns - learns * math.exp(-step / 20)
    rates = {"eval/single": 0.9, "eval/multiple": 0.1 + 0.5 * gain, "eval/strict_accuracy": 0.5 + 0.25 * gain}
    asked = {"eval/questions": 200, "eval/questions_single": 100, "eval/questions_multiple": 100}
    return {**rates, **asked, "eval/format_rate": 0.99}


def _grpo_row(step: int, learns: float) -> dict:
    gain = learns - learns * math.exp(-step / 20)
    wave = 0.03 * math.sin(step)
    return {
        "step": step,
        "weight_version": step,
        "reward/mean": 0.8 + 0.5 * gain + wave,
        "reward/std": 0.4,
        "reward/answer": 0.3 + 0.5 * gain + wave,
        "reward/format": 0.5,
        "reward/errors": 3.0 if step == 7 else 0.0,
        "reward/error_share": 3 / 512 if step == 7 else 0.0,
        "reward/keypoints": 40.0 + wave,
        "group/zero_variance_share": 0.2 + 0.5 * gain,
        "group/dropped": 12,
        "kl/mean": 0.02 * gain,
        "loss/policy": -0.01,
        "loss/total": -0.01,
        "policy/clip_fraction": 0.02 + wave / 3,
        "policy/entropy": 0.3 * (1 - gain) + 0.02,
        "policy/ratio_max": 1.4,
        "policy/approx_kl": 1e-4,
        "policy/grad_norm": 0.6,
        "response/length_mean": 19.2 + gain,
        "response/length_max": 27,
        "response/truncated_share": 0.05 * (1 - gain),
        "sync/logprob_diff_max": 4e-6 + abs(wave) * 1e-5,
        "staleness/mean": 0.0,
        "throughput/tokens_per_s": 5100,
        "time/generate_s": 1.2,
        "time/score_s": 0.1,
        "time/reference_s": 0.2,
        "time/train_s": 0.8,
        "time/publish_s": 0.06,
        "time/step_s": 2.4,
        **(_dev(step, learns) if step % 10 == 0 else {}),
    }


def _write_evaluation(store: RunStore) -> None:
    questions = [make_question(i) for i in range(TEST_QUESTIONS)]
    store.write_records("eval/questions.parquet", Question, questions)
    accuracy = {"base": 0.0, "sft": 0.40, "grpo": 0.74}
    summary = {}
    for model, value in accuracy.items():
        store.write_table(
            f"eval/{model}.parquet", pa.Table.from_pylist([_answer(q, model) for q in questions])
        )
        single, multiple = (
            {"strict_accuracy": min(1.0, value * 1.3), "n": 20},
            {"strict_accuracy": value * 0.7, "n": 20},
        )
        summary[model] = {
            "strict_accuracy": value,
            "interval": [max(0.0, value - 0.05), value + 0.05],
            "format_rate": 0.98,
            "n": TEST_QUESTIONS,
            "mean_length": 19.4,
            "by_kind": {"single": single, "multiple": multiple},
            "too_long": 0,
        }
    store.write_json("eval/summary.json", summary)


def make_question(i: int) -> Question:
    multiple = i % 2 == 1
    return Question(
        id=f"q{i:03}",
        kind="multiple" if multiple else "single",
        stem=f"关于从众的说法，下列正确的是（{i}）？ <b>&amp;",
        options=(
            "使言行与多数人保持一致",
            "没有人下达明确的指示",
            "按权威人物的命令行事",
            "双方地位有高低之分",
        ),
        gold="AB" if multiple else "A",
        source="mini",
    )


def _answer(question: Question, model: str) -> dict:
    answer = "A" if model != "grpo" else question.gold
    return {
        "question_id": question.id,
        "kind": question.kind,
        "answer": None if model == "base" else answer,
        "response": "" if model == "base" else f"<think>A…是 B…否 C…否 D…否</think>答案：{answer}",
        "correct": model != "base" and answer == question.gold,
        "format_ok": model != "base",
        "response_length": 19,
        "finish_reason": "stop",
    }


def evaluate_anew(store: RunStore, right: dict[str, int]) -> None:
    """Answers of which as many are right, spread over the questions, and accuracies that say so."""
    questions = store.read_records("eval/questions.parquet", Question)
    summary = store.read_json("eval/summary.json")
    for model, count in right.items():
        good = [(at * 17) % len(questions) < count for at in range(len(questions))]
        answers = [{**_answer(q, "grpo"), "correct": g} for q, g in zip(questions, good, strict=True)]
        store.write_table(f"eval/{model}.parquet", pa.Table.from_pylist(answers))
        low, high = wilson(count / len(questions), len(questions), 0.95)
        kinds = {
            kind: {"strict_accuracy": sum(of) / len(of), "n": len(of)}
            for kind in ("single", "multiple")
            for of in [[g for q, g in zip(questions, good, strict=True) if q.kind == kind]]
        }
        figures = {"strict_accuracy": count / len(questions), "interval": [low, high], "by_kind": kinds}
        summary[model] |= figures
    store.write_json("eval/summary.json", summary)
