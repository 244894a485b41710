"""SFT that stops by the loss of held-out examples: logged, drawn, and of the model that is kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command import TINY, psyche_rl
from finished_run import begin_at

from psyche_rl.evaluation.split import held_out_examples
from psyche_rl.learner.sft_encoding import encode_examples
from psyche_rl.model_folder import load_tokenizer
from psyche_rl.records import SftExample
from psyche_rl.store import RunStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SHARE, EVERY, PATIENCE = 0.25, 3, 2
SETTINGS = (
    f"sft.dev_share={SHARE}", f"sft.dev_every={EVERY}", f"sft.patience={PATIENCE}", "sft.keep_best=true",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(finished_run, tmp_path_factory) -> Path:
    folder = begin_at("sft", finished_run, tmp_path_factory.mktemp("held_out") / "run")
    for verb in ("sft", "report"):
        done = psyche_rl(verb, TINY, f"run_dir={folder}", *SETTINGS)
        assert done.returncode == 0, done.stderr[-6000:]
    return folder


def measured(run: Path) -> dict[int, float]:
    """Step -> held-out loss."""
    rows = [json.loads(line) for line in (run / "sft/metrics.jsonl").read_text("utf-8").splitlines()]
    return {row["step"]: row["dev_loss"] for row in rows if "dev_loss" in row}


def test_training_stops_when_the_held_out_loss_has_not_fallen_for_so_long(run, finished_run):
    counts, whole = (
        json.loads((folder / "manifest.json").read_text("utf-8"))["stages"]["sft"]["counts"]
        for folder in (run, finished_run)
    )
    assert 0 < counts["held_out"] < whole["examples"]
    assert counts["held_out"] + counts["examples"] == whole["examples"]
    losses = measured(run)
    assert list(losses) == list(range(EVERY, counts["steps"] + 1, EVERY))
    assert counts["steps"] < whole["steps"] * counts["examples"] / whole["examples"]
    values = list(losses.values())
    assert min(values) == values[-1 - PATIENCE] < min(values[-PATIENCE:])
    assert counts["dev_loss_best"] == pytest.approx(min(values), abs=1e-4)


def test_the_model_that_is_kept_has_the_best_held_out_loss(run):
    import torch
    from transformers import AutoModelForCausalLM

    examples = RunStore(str(run)).read_records("select/sft.parquet", SftExample)
    held = [e for e, out in zip(examples, held_out_examples(examples, SHARE, 0), strict=True) if out]
    model = AutoModelForCausalLM.from_pretrained(run / "sft/model", dtype=torch.float32).eval()
    sequences, _ = encode_examples(load_tokenizer(run / "sft/model"), held, 512, "here")
    total, tokens = 0.0, 0
    for sequence in sequences:
        ids = torch.tensor(sequence.input_ids, dtype=torch.long)[None]
        with torch.no_grad():
            logprobs = model(ids).logits[0].log_softmax(-1)
        at = range(sequence.prompt_length, ids.shape[1])
        total -= sum(float(logprobs[place - 1, ids[0, place]]) for place in at)
        tokens += len(at)
    assert total / tokens == pytest.approx(min(measured(run).values()), abs=1e-4)


def test_the_report_draws_the_held_out_loss_beside_the_training_loss(run):
    page = (run / "report/report.html").read_text("utf-8")
    charts = json.loads(re.search(r'id="chart-data">(.*?)</script>', page, re.DOTALL)[1])
    (loss,) = [chart for chart in charts if chart["title"] == "SFT loss"]
    assert loss["words"]["line"] == ["training", "held out"]
    columns = loss["columns"]
    lines = zip(columns["line"], columns["step"], columns["value"], strict=True)
    assert {step: value for line, step, value in lines if line == 1} == pytest.approx(measured(run), rel=1e-3)
