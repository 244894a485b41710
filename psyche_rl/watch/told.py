"""A picture of a run in words: label and text, a row each, and one line for logs.

Pure. Collaborators: ``picture``; ``psyche-rl watch`` prints it, or draws it on a terminal.
"""

from __future__ import annotations

from psyche_rl.durations import duration
from psyche_rl.watch.picture import Picture

HEADLINE = {
    "reward": "reward/mean",
    "kl": "kl/mean",
    "loss": "loss",
    "accuracy": "eval/strict_accuracy",
    "staleness": "staleness/mean",
    "zero variance": "group/zero_variance_share",
    "length": "response/length_mean",
}
"""What a watcher is told -> its metric; those that the stage has."""
TOKENS = "throughput/tokens_per_s"
STATUS = {"alive": "running", "silent": "running or cut off", "dead": "cut off"}
"""A killed process cannot write that it was killed: its lock tells."""


def rows(picture: Picture, now: float) -> list[tuple[str, str]]:
    """Everything, as (label, text)."""
    told = [("run", picture.run_url), ("stage", f"{picture.stage or 'none yet'}, {status(picture)}")]
    if picture.step is not None:
        told.append(("step", _step(picture)))
        told.append(("figures", _figures(picture)))
    if TOKENS in picture.row:
        told.append(("speed", f"{picture.row[TOKENS]:,.0f} tokens/s"))
    if picture.phases:
        told.append(("time", ", ".join(f"{name} {share:.0%}" for name, share in picture.phases.items())))
    if picture.workers:
        told.append(("workers", ", ".join(f"{count} {state}" for state, count in picture.workers.items())))
    told += [("alarm", str(alarm)) for alarm in picture.alarms]
    if picture.event is not None:
        figures = "  ".join(f"{k}={v}" for k, v in picture.event.figures.items())
        ago = duration(max(0.0, now - picture.event.at))
        told.append(("newest", f"{picture.event.message}  {figures}".rstrip() + f"  ({ago} ago)"))
    return told


def line(picture: Picture, now: float) -> str:
    """One step, in one line; what is being waited for where there is none yet."""
    if picture.step is None:
        return "  ".join(text for label, text in rows(picture, now) if label in ("stage", "newest"))
    parts = [f"{picture.stage} step {_step(picture)}", _figures(picture)]
    if TOKENS in picture.row:
        parts.append(f"{picture.row[TOKENS]:,.0f} tokens/s")
    return "  ".join([*parts, *(f"ALARM {alarm}" for alarm in picture.alarms)])


def status(picture: Picture) -> str:
    """The stage's status, told by the lock where the manifest cannot know."""
    return STATUS[picture.holder] if picture.status == "running" else picture.status


def _step(picture: Picture) -> str:
    of = f" of {picture.total}" if picture.total is not None else ""
    left = picture.left_s if picture.works else None
    return f"{picture.step}{of}" + (f", {duration(left)} left" if left is not None else "")


def _figures(picture: Picture) -> str:
    found = {name: picture.row[metric] for name, metric in HEADLINE.items() if metric in picture.row}
    return "  ".join(f"{name} {value:.4g}" for name, value in found.items())
