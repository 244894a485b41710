"""A LoRA run that is killed in SFT and in GRPO ends as one that never was: the same bits."""

from __future__ import annotations

from hashlib import sha256

import pytest
from finished_run import begin_at
from killable_run import KillableRun, metrics, started_at

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(2000)]

# As test_kill_and_resume. Sampling is sharpened, since so small a base model, whose output layer is frozen,
# stays unsure of tokens that it has not met before.
SETTINGS = (
    "tests/e2e/tiny.yaml", "grpo.max_steps=5", "grpo.save_every=2", "grpo.ranks=2",
    "lora.rank=16", "lora.alpha=32", "sft.lr=1e-2", "grpo.lr=2e-3", "grpo.temperature=0.3",
)  # fmt: skip
WALL_CLOCK = ("time/", "throughput/")


@pytest.fixture(scope="module")
def runs(finished_run, tmp_path_factory):
    base = tmp_path_factory.mktemp("lora")
    whole, killed = (begin_at("sft", finished_run, base / name) for name in ("whole", "killed"))
    KillableRun(base / "whole.log", *SETTINGS, f"run_dir={whole}").finish(900)
    again = (*SETTINGS, f"run_dir={killed}")
    KillableRun(base / "sft.log", *again).kill_when(lambda: any(killed.glob("sft/checkpoints/*/done")))
    KillableRun(base / "grpo.log", *again).kill_when(
        lambda: any(row["step"] == 3 for row in metrics(killed, "grpo"))
    )
    KillableRun(base / "end.log", *again).finish(900)
    return whole, killed


def test_both_stages_went_on_from_a_checkpoint(runs):
    for stage in ("sft", "grpo"):
        begun, first = started_at(runs[1], stage)
        assert begun == 1 < first <= len(metrics(runs[1], stage))


@pytest.mark.parametrize("stage", ["sft", "grpo"])
def test_every_figure_of_every_step_is_the_same_bit_for_bit(runs, stage):
    whole, killed = (
        [{k: v for k, v in row.items() if not k.startswith(WALL_CLOCK)} for row in metrics(folder, stage)]
        for folder in runs
    )
    assert killed == whole
    assert any(row.get("policy/grad_norm", row.get("grad_norm", 0)) > 0 for row in whole)


@pytest.mark.parametrize("name", ["sft/model", "sft/adapter", "grpo/model", "grpo/adapter"])
def test_models_and_adapters_are_the_same(runs, name):
    digests = []
    for folder in runs:
        (file,) = (folder / name).glob("*.safetensors")
        digests.append(sha256(file.read_bytes()).hexdigest())
    assert digests[0] == digests[1]
