"""Stage sft: imitates the rationales of answered questions and the empathetic replies.

Reads select/sft.parquet and the base model; writes sft/model, sft/metrics.jsonl, sft/quarantine.parquet and
sft/checkpoints, with ``lora`` also sft/adapter. The world stage trains its models with :func:`train_sft`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from launch.stages.placed import placed
from psyche_rl.run_context import Counts, StageContext

if TYPE_CHECKING:
    from actors.learner.group import LearnerGroup
    from actors.placement.place import Place
    from psyche_rl.config.learner import LearnerConfig
    from psyche_rl.config.lora import LoraConfig
    from psyche_rl.learner.sequence import SftSequence
    from psyche_rl.loops.checkpoints import Checkpoints
    from psyche_rl.loops.held_out import HeldOut
    from psyche_rl.loops.metrics_log import MetricsLog
    from psyche_rl.loops.sft import Metrics, SftSettings
    from psyche_rl.stop import StopRequest

WAIT_S = 1800.0
"""Deadline of a remote wait: the longest is writing a large model to a slow shared disk."""


def run(context: StageContext) -> Counts:
    """Train; returns examples, left_out, steps, tokens (of replies), loss_first and loss_last."""
    from psyche_rl.loops.checkpoints import Checkpoints
    from psyche_rl.loops.held_out import MINUS_DEV_LOSS, HeldOut
    from psyche_rl.loops.metrics_log import MetricsLog
    from psyche_rl.loops.sft import SftSettings
    from psyche_rl.model_folder import model_folder, tokenizer_folder
    from psyche_rl.progress import Progress, awaiting

    config, store = context.config, context.store
    base = base_model(context)
    folder = tokenizer_folder(base)  # a wrong name should be told before anything starts
    if config.sft.skip:
        store.upload_dir(model_folder(base), "sft/model")
        context.events.say("sft: skipped, the base model goes on as it is")
        return {"examples": 0, "steps": 0}
    sequences, dev, left_out = _sequences(context, folder)
    held_out = HeldOut(dev, config.sft.dev_every, config.sft.patience) if len(dev) else None
    settings = SftSettings.from_config(config.sft, config.seed)

    def note(row: Metrics) -> None:
        begun()
        context.begin()
        progress.update(int(row["step"]))

    with (
        Progress(context.events, settings.total_steps(len(sequences)), "sft", "steps") as progress,
        placed(context, "sft") as places,
        awaiting(context.events, "sft: learner ranks and the first step") as begun,
    ):
        counts = train_sft(
            base,
            sequences,
            settings,
            config.sft.learner,
            f"{store.url}/sft/model",
            places=places.of("learner"),
            metrics=MetricsLog(store, "sft", follower=context.follower),
            checkpoints=Checkpoints(
                store, "sft", 1, config.sft.keep_best, say=context.events.say, metric=MINUS_DEV_LOSS
            ),
            on_step=note,
            stop=context.stop,
            lora=config.adapters,
            held_out=held_out,
        )
    return {**counts, "left_out": left_out, **({"held_out": len(dev)} if held_out else {})}


def train_sft(
    model_dir: str | Path,
    sequences: Sequence[SftSequence],
    settings: SftSettings,
    learner: LearnerConfig,
    out_dir: str | Path,
    *,
    places: Sequence[Place] = (),
    group: LearnerGroup | None = None,
    metrics: MetricsLog | None = None,
    checkpoints: Checkpoints | None = None,
    on_step: Callable[[Metrics], None] | None = None,
    stop: StopRequest | None = None,
    name: str = "sft learner",
    lora: LoraConfig | None = None,
    held_out: HeldOut | None = None,
) -> Counts:
    """Train ``model_dir`` on ``sequences`` and write the Hugging Face folder ``out_dir`` (or URL).

    Args:
        group: learner processes to use again (they change to this model); None starts a rank in each
            of ``places`` and ends them.
        metrics: gets a row a step; rows after the checkpoint are dropped on resuming.
        stop: asked before each step.
        lora: train adapters, which are merged into ``out_dir`` and lie in ``adapter`` beside it.
        held_out: examples whose loss is measured; what it said before is read from ``metrics``.

    Returns:
        examples, steps, tokens, loss_first, loss_last; of held-out examples dev_loss_last and dev_loss_best.
    """
    from actors.learner.group import LearnerGroup
    from psyche_rl.loops.sft import train

    optim = settings.optim(len(sequences))
    own = group is None
    if group is None:
        group = LearnerGroup(
            str(model_dir), learner, optim, name=name, wait_s=WAIT_S, lora=lora, places=places
        )
    else:
        group.open(str(model_dir), learner, optim, lora=lora)
    rows: list[Metrics] = []

    def note(row: Metrics) -> None:
        rows.append(row)
        if metrics is not None:
            metrics.append(row)
        if on_step is not None:
            on_step(row)

    def resume(step: int) -> None:
        if metrics is not None:
            metrics.truncate_after(step)
            if held_out is not None:
                held_out.go_on(metrics.rows())

    try:
        train(group, sequences, settings, note, checkpoints, resume if metrics else None, stop, held_out)
        group.export(str(out_dir))
        if lora is not None:
            group.export_adapter(f"{str(out_dir).rpartition('/')[0]}/adapter")
    finally:
        if own:
            group.shutdown()
    return _counts(metrics.rows() if metrics is not None else rows, len(sequences))


def base_model(context: StageContext) -> str:
    """The model SFT starts from, as each node can find it: ``model`` in the config, else the mini world's."""
    return context.config.model or f"{context.store.url}/world/base"


def _sequences(context: StageContext, base: Path) -> tuple[Sequence[SftSequence], Sequence[SftSequence], int]:
    """Examples to train on, those that are held out, and how many were left out."""
    from psyche_rl.evaluation.split import held_out_examples
    from psyche_rl.learner.encoded_examples import ChosenExamples
    from psyche_rl.learner.sft_encoding import encode_examples
    from psyche_rl.model_folder import load_tokenizer
    from psyche_rl.records import Quarantined, SftExample
    from psyche_rl.store.stored_records import StoredRecords

    rel = "select/sft.parquet"
    examples = StoredRecords(context.store, rel, SftExample)
    tokenizer = load_tokenizer(base)
    limit = context.config.sft.max_tokens or context.config.engine.max_model_len
    sequences, left = encode_examples(tokenizer, examples, limit, rel)
    context.store.write_records("sft/quarantine.parquet", Quarantined, left)
    config = context.config
    if not config.sft.dev_share:
        return sequences, (), len(left)
    held = list(held_out_examples(examples, config.sft.dev_share, config.seed))
    trained, dev = (
        ChosenExamples(sequences, [at for at, row in enumerate(sequences.rows) if held[row] == side])
        for side in (False, True)
    )
    context.events.say("sft: held out", examples=len(dev), of=len(sequences))
    return trained, dev, len(left)


def _counts(rows: Sequence[Metrics], examples: int) -> Counts:
    from psyche_rl.loops.held_out import DEV_LOSS

    counts: Counts = {"examples": examples, "steps": len(rows), "tokens": int(sum(r["tokens"] for r in rows))}
    if dev := [row[DEV_LOSS] for row in rows if row.get(DEV_LOSS) is not None]:
        counts |= {"dev_loss_last": round(dev[-1], 4), "dev_loss_best": round(min(dev), 4)}
    if rows:
        counts |= {"loss_first": round(rows[0]["loss"], 4), "loss_last": round(rows[-1]["loss"], 4)}
    return counts
