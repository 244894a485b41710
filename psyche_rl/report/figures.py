"""The report's figures as inline SVG, drawn with matplotlib's object interface (no pyplot, no display).

Invariants:
- Text stays text and no font is embedded.
- Axes and labels take the page's colour (``currentColor``), so a figure suits light and dark.
- The same data gives the same bytes.
- A figure without data is None, never an empty frame.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

Row = Mapping[str, Any]
Draw = Callable[[Axes], None]

INK = "#010203"  # replaced by currentColor after drawing
COLOURS = (
    "#2f7ed8",
    "#d9822b",
    "#2a9d6f",
    "#8b5cd6",
    "#d4477d",
    "#7f8791",
)  # readable on white and on near-black
WIDTH, HEIGHT = 3.7, 2.25  # inches at 72 dpi
POINTS = 400  # a line of more points than the figure has pixels only makes the page heavy
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.size": 8, "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.linewidth": 0.5, "lines.linewidth": 1.4,
    "xtick.major.width": 0.5, "ytick.major.width": 0.5, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
    "axes.spines.top": False, "axes.spines.right": False, "path.simplify": True, "legend.frameon": False,
    "path.simplify_threshold": 1.0, "legend.fontsize": 7.5, "legend.handlelength": 1.0,
    "axes.unicode_minus": False,
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """A finished figure: its title, for the page to set, and its SVG element."""

    title: str
    svg: Markup


@dataclass(frozen=True)
class Curve:
    """A figure of metrics over steps: its title, its y label and metric -> legend."""

    title: str
    label: str
    metrics: Mapping[str, str]
    tiny: bool = False
    """Values far below 1: ticks in exponent form."""


TIMES = {
    "time/generate_s": "generate",
    "time/score_s": "score",
    "time/reference_s": "reference",
    "time/train_s": "train",
    "time/publish_s": "publish",
    "time/wait_s": "wait",
}
SFT_CURVES = (
    Curve("SFT loss", "nats per token", {"loss": "loss"}),
    Curve("SFT gradient norm", "L2 norm", {"grad_norm": "gradient norm"}),
)
ACCURACY = {"eval/strict_accuracy": "all", "eval/single": "single", "eval/multiple": "multiple"}
LENGTHS = {"response/length_mean": "mean", "response/length_max": "longest"}
GRPO_CURVES = (
    Curve("Accuracy on the dev split", "strict accuracy", ACCURACY),
    Curve("KL to the reference", "nats per token", {"kl/mean": "KL"}),
    Curve("Response length", "tokens", LENGTHS),
    Curve("Policy entropy", "nats", {"policy/entropy": "entropy"}),
    Curve("Groups without variance", "share", {"group/zero_variance_share": "zero-variance groups"}),
    Curve("Clip fraction", "share of tokens", {"policy/clip_fraction": "clipped"}),
    Curve("Largest logprob gap, engine to learner", "", {"sync/logprob_diff_max": "nats"}, True),
    Curve("Largest importance ratio", "ratio", {"policy/ratio_max": "ratio"}),
    Curve("Throughput", "tokens per second", {"throughput/tokens_per_s": "tokens/s"}),
)


def curve(spec: Curve, rows: Sequence[Row]) -> Drawing | None:
    """Lines over steps; metrics that no row has are left out."""
    lines = {legend: points for name, legend in spec.metrics.items() if (points := _points(rows, name))}
    if not lines:
        return None

    def draw(axes: Axes) -> None:
        for colour, (legend, (steps, values)) in zip(COLOURS, lines.items(), strict=False):
            marker = "o" if len(steps) <= 30 else None
            axes.plot(steps, values, color=colour, label=legend, marker=marker, markersize=2.5)
        if spec.tiny:
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.1e}")
        axes.set_xlabel("step")
        axes.set_ylabel(spec.label)

    return drawing(spec.title, draw, legend=len(lines) > 1)


def reward_curve(rows: Sequence[Row]) -> Drawing | None:
    """Mean reward and its parts; the parts are whatever the run logged under ``reward/``."""
    names = sorted({name for row in rows for name in row if name.startswith("reward/")})
    parts = {
        name: name.removeprefix("reward/") for name in names if name not in ("reward/mean", "reward/std")
    }
    return curve(Curve("Reward", "reward", {"reward/mean": "mean", **parts}), rows)


def step_times(rows: Sequence[Row]) -> Drawing | None:
    """Where the seconds of each step went, stacked."""
    rows = [row for row in rows if any(name in row for name in TIMES)]
    if not rows:
        return None
    rows = _thin(rows)
    steps = [row["step"] for row in rows]
    there = {name: legend for name, legend in TIMES.items() if any(name in row for row in rows)}
    layers = {legend: [row.get(name, 0.0) for row in rows] for name, legend in there.items()}

    def draw(axes: Axes) -> None:
        if len(steps) == 1:
            _stacked_bars(axes, [str(steps[0])], layers)
        else:
            axes.stackplot(
                steps, *layers.values(), labels=list(layers), colors=COLOURS, alpha=0.85, linewidth=0
            )
        axes.set_xlabel("step")
        axes.set_ylabel("seconds")
        axes.set_ylim(bottom=0)

    return drawing("Time of a step", draw, legend=True)


def pass_rate_histogram(histogram: Mapping[str, Sequence[Sequence[float]]]) -> Drawing | None:
    """Questions by the share of selector answers that were right; single and multiple stacked."""
    kinds = {kind: _counts(rows) for kind, rows in histogram.items() if kind != "all" and rows}
    if not kinds and histogram.get("all"):
        kinds = {"all": _counts(histogram["all"])}
    rates = sorted({rate for counts in kinds.values() for rate in counts})
    if not rates:
        return None
    layers = {kind: [counts.get(rate, 0) for rate in rates] for kind, counts in kinds.items()}

    def draw(axes: Axes) -> None:
        _stacked_bars(axes, [f"{rate:.0%}" for rate in rates], layers)
        axes.set_xlabel("selector answers that were right")
        axes.set_ylabel("questions")

    return drawing("Pass rate of the questions", draw, legend=len(layers) > 1)


def _counts(rows: Sequence[Sequence[float]]) -> dict[float, float]:
    return {rate: count for rate, count in rows}  # noqa: C416  dict() wants pairs, these are lists


def _stacked_bars(axes: Axes, names: Sequence[str], layers: Mapping[str, Sequence[float]]) -> None:
    bottom = [0.0] * len(names)
    for colour, (legend, values) in zip(COLOURS, layers.items(), strict=False):
        axes.bar(names, values, bottom=bottom, color=colour, label=legend, width=0.7)
        bottom = [low + value for low, value in zip(bottom, values, strict=True)]


def _points(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]] | None:
    found = [row for row in rows if row.get(name) is not None and math.isfinite(row[name])]
    found = _thin(found)
    return ([row["step"] for row in found], [row[name] for row in found]) if found else None


def _thin(rows: Sequence[Row]) -> list[Row]:
    """At most about ``POINTS`` rows, evenly spaced, the last one among them."""
    stride = -(-len(rows) // POINTS) if rows else 1
    return [row for i, row in enumerate(rows) if i % stride == 0 or i == len(rows) - 1]


def drawing(
    title: str,
    draw: Draw,
    legend: bool,
    size: tuple[float, float] = (WIDTH, HEIGHT),
    box: tuple[float, float, float, float] = (0.155, 0.185, 0.825, 0.695),
    grid: bool = True,
) -> Drawing:
    """What ``draw`` draws, in the page's look; ``size`` in inches, ``box`` of the axes in shares of it."""
    with mpl.rc_context({**STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=size, dpi=72)
        FigureCanvasSVG(figure)
        axes = figure.add_axes(box)
        draw(axes)
        if grid:
            axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.5)
            axes.set_axisbelow(True)
            axes.locator_params(axis="y", nbins=5)
        if legend:
            columns = min(8 if size[0] > WIDTH else 5, len(axes.get_legend_handles_labels()[0]))
            spacing = {"columnspacing": 0.8, "handletextpad": 0.4}
            figure.legend(loc="upper center", bbox_to_anchor=(0.55, 1.02), ncols=columns, **spacing)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Drawing(title, Markup(_inline(buffer.getvalue(), title)))


def _inline(svg: str, title: str) -> str:
    """Cut what HTML does not want (prologue, fixed size, fonts) and let the page colour the ink."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r" font-family: [^;\"]*;", "", svg)
    svg = svg.replace(INK, "currentColor")
    return re.sub(r"\n\s*", "\n", svg)
