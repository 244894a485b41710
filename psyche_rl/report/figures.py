"""Which figures the report has of SFT and GRPO, in groups that fold; ``charts`` draws them.

Invariants:
- Figures share an axis only where they share a unit: a count never stands on the axis of a reward or a share.
- Every metric of a reward is in some figure, however many parts a run's rewards have.
- A figure without data is absent, and so is a group without figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from psyche_rl.charts import Chart, Curve, Row, curve_chart
from psyche_rl.charts.areas import area_chart
from psyche_rl.charts.bars import bar_chart
from psyche_rl.charts.curve import Band
from psyche_rl.report.benchmark_curves import benchmark_curves
from psyche_rl.report.intervals import wilson

Runs = Mapping[str, Sequence[Row]]
"""Name of a run -> its metric rows."""


class FigureGroup(NamedTuple):
    """Figures under one heading."""

    heading: str
    charts: list[Chart]
    quiet: list[str]
    """Titles of figures that are not drawn, since all their values are 0."""


TIMES = {
    "time/generate_s": "generate",
    "time/score_s": "score",
    "time/reference_s": "reference",
    "time/train_s": "train",
    "time/publish_s": "publish",
    "time/wait_s": "wait",
}
KINDS = {"strict_accuracy": "all", "single": "single", "multiple": "multiple", "case": "case"}
NOT_PARTS = ("mean", "std", "errors", "error_share")
MOST_LINES = 6
"""Of a figure; more parts of a reward are drawn in further ones."""
APART = 5.0
"""So many times the reward's own size: a larger part is measured in something else, and has its own axis."""


def plus_minus(mean: str, deviation: str) -> Band:
    """One standard deviation to both sides."""

    def band(row: Row) -> tuple[float, float] | None:
        spread = row.get(deviation)
        if spread is None or not math.isfinite(spread):
            return None
        return row[mean] - spread, row[mean] + spread

    return band


def of_share(metric: str, count: str, confidence: float = 0.95) -> Band:
    """The Wilson interval of a share seen in ``row[count]`` trials."""

    def band(row: Row) -> tuple[float, float] | None:
        trials = row.get(count)
        return wilson(row[metric], int(trials), confidence) if trials else None

    return band


SFT_CURVES = (
    Curve(
        "SFT loss",
        "nats per token",
        {"loss": "training", "dev_loss": "held out"},
        log="off",
        note="Training: mean over the step's reply tokens, before the step.",
    ),
    Curve("SFT gradient norm", "L2 norm", {"grad_norm": "gradient norm"}, log="off"),
    Curve("SFT learning rate", "", {"lr": "learning rate"}, smooth=False),
)
LENGTHS = {"response/length_mean": "mean", "response/length_max": "longest"}
GAPS = {
    "sync/logprob_diff_mean": "mean",
    "sync/logprob_diff_p999": "99.9 %",
    "sync/logprob_diff_max": "largest",
}
LEFT_OUT = {"group/dropped": "dropped", "group/filtered": "filtered", "group/errored": "errored"}
WORKERS = {f"workers/{s}": s for s in ("joining", "loading", "syncing", "serving", "suspect", "draining")}
LEARNING = (
    Curve("Response length", "tokens", LENGTHS),
    Curve("Replies cut off", "share of samples", {"response/truncated_share": "cut off at the limit"}),
    Curve("Policy entropy", "nats per token", {"policy/entropy": "entropy"}, log="off"),
    Curve("KL to the reference", "nats per token", {"kl/mean": "KL"}, log="off"),
    Curve("Groups without variance", "share of groups", {"group/zero_variance_share": "all rewards equal"}),
)
OPTIMISING = (
    Curve("GRPO loss", "", {"loss/total": "total", "loss/policy": "policy"}),
    Curve("Gradient norm", "L2 norm", {"policy/grad_norm": "before clipping"}, log="off"),
    Curve("Learning rate", "", {"policy/lr": "learning rate"}, smooth=False),
    Curve(
        "Change of the policy in a step", "nats per token", {"policy/approx_kl": "approximate KL, old to new"}
    ),
    Curve("Clip fraction", "share of tokens", {"policy/clip_fraction": "clipped"}),
    Curve(
        "Importance ratio", "ratio", {"policy/ratio_mean": "mean", "policy/ratio_max": "largest"}, log="off"
    ),
)
HEALTH = (
    Curve("Samples whose scorer failed", "samples", {"reward/errors": "errors"}, smooth=False, whole=True),
    Curve("Share of samples whose scorer failed", "share", {"reward/error_share": "errors"}),
    Curve("Groups not trained on", "groups", LEFT_OUT, smooth=False, whole=True),
    Curve("Logprob gap, engine to learner", "nats", GAPS, log="on", smooth=False),
    Curve("Staleness", "versions", {"staleness/mean": "mean", "staleness/max": "oldest"}),
    Curve("Weight of stale tokens", "weight", {"rollout_is/mean": "mean"}),
)
SPEED = (
    Curve("Throughput", "tokens per second", {"throughput/tokens_per_s": "tokens/s"}),
    Curve("Workers", "workers", WORKERS, smooth=False, whole=True),
)


def sft_figures(runs: Runs) -> list[Chart]:
    """Loss, gradient and learning rate of the warm-up."""
    return _drawn(SFT_CURVES, runs)


def grpo_figures(runs: Runs, confidence: float = 0.95) -> list[FigureGroup]:
    """All that GRPO logs, what matters most first."""
    rows = [row for of in runs.values() for row in of]
    rewards = (*reward_curves(rows), accuracy_curve(confidence))
    groups = {
        "What it learns": [
            *_drawn(rewards, runs),
            *benchmark_curves(runs),
            *_drawn(LEARNING, runs),
        ],
        "How it is optimised": _drawn(OPTIMISING, runs),
        "Errors, groups left out, agreement of engine and learner": _drawn(HEALTH, runs),
        "Speed": [*_drawn(SPEED, runs), *_times(runs)],
    }
    return [_group(heading, charts) for heading, charts in groups.items() if charts]


def _group(heading: str, charts: Sequence[Chart]) -> FigureGroup:
    moving = [any(chart.columns["value"]) for chart in charts]
    quiet = [chart.title for chart, moves in zip(charts, moving, strict=True) if not moves]
    return FigureGroup(heading, [c for c, moves in zip(charts, moving, strict=True) if moves], quiet)


def reward_curves(rows: Sequence[Row]) -> Iterator[Curve]:
    """The reward with its spread, then its parts, which are whatever the run logged under ``reward/``."""
    band = {"reward/mean": plus_minus("reward/mean", "reward/std")}
    note = "Mean over the samples of a step; the band is one standard deviation of the samples to both sides."
    yield Curve("Reward", "reward", {"reward/mean": "mean"}, band, note=note)
    logged = sorted({name for row in rows for name in row if name.startswith("reward/")})
    parts = [name for name in logged if name.removeprefix("reward/") not in NOT_PARTS]
    size = APART * max(1.0, _size(rows, "reward/mean"))
    alike = [name for name in parts if _size(rows, name) <= size]
    for start in range(0, len(alike), MOST_LINES):
        some = {name: name.removeprefix("reward/") for name in alike[start : start + MOST_LINES]}
        number = f" ({start // MOST_LINES + 1})" if len(alike) > MOST_LINES else ""
        yield Curve(f"Parts of the reward{number}", "mean of a part, unweighted", some)
    for name in parts:
        if name not in alike:
            part = name.removeprefix("reward/")
            yield Curve(f"Part of the reward: {part}", part, {name: part})


def accuracy_curve(confidence: float) -> Curve:
    """On the dev split, with intervals where the run says how many questions it asked."""
    bands = {
        f"eval/{name}": of_share(
            f"eval/{name}", "eval/questions" + ("" if kind == "all" else f"_{kind}"), confidence
        )
        for name, kind in KINDS.items()
    }
    metrics = {f"eval/{name}": kind for name, kind in KINDS.items()}
    note = f"Dev split, greedy. Bands: {confidence:.0%} Wilson score intervals."
    return Curve("Accuracy on the dev split", "strict accuracy", metrics, bands, smooth=False, note=note)


def pass_rate_charts(
    histogram: Mapping[str, Sequence[Sequence[float]]], by_set: Mapping[str, Mapping[float, int]]
) -> list[Chart]:
    """Questions by the share of selector answers that were right: by where they went, and by kind.

    Args:
        histogram: kind -> [share, questions]; "all" where there are no kinds.
        by_set: set -> share -> questions; empty where the run does not say.
    """
    kinds = {
        kind: {rate: int(n) for rate, n in rows} for kind, rows in histogram.items() if kind != "all" and rows
    }
    kinds = kinds or {"all": {rate: int(n) for rate, n in histogram.get("all", ())}}
    titles = {"Pass rate, by where the questions went": by_set, "Pass rate, by kind of question": kinds}
    charts = []
    for title, layers in titles.items():
        rates = sorted({rate for counts in layers.values() for rate in counts})
        counts = {name: [of.get(rate, 0) for rate in rates] for name, of in layers.items()}
        labels = ("selector answers that were right", "questions")
        if drawn := bar_chart(title, counts, [f"{100 * rate:.0f}%" for rate in rates], labels):
            charts.append(drawn)
    return charts


def _times(runs: Runs) -> list[Chart]:
    """Where the seconds of each step went, a figure for each run."""
    charts = []
    for run, rows in runs.items():
        title = "Time of a step" + (f", {run}" if len(runs) > 1 else "")
        if drawn := area_chart(title, "seconds", TIMES, rows):
            charts.append(drawn)
    return charts


def _drawn(curves: Sequence[Curve], runs: Runs) -> list[Chart]:
    return [chart for curve in curves if (chart := curve_chart(curve, runs))]


def _size(rows: Sequence[Row], name: str) -> float:
    values = [abs(row[name]) for row in rows if row.get(name) is not None and math.isfinite(row[name])]
    return max(values, default=0.0)
