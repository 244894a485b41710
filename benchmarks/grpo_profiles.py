"""One GRPO run of each kind on the same model, prompts, lengths and reward: ours, TRL's, and a bare torch
loop.

Each is the role of a process of its own (``python benchmarks/grpo_profiles.py ROLE PROFILE THREADS``),
which prints its figures as JSON; ``learner.py`` starts them. GRPO runs take their steps in turn
(``turns.py``). The replies have a fixed length, so that both sides sample and train on the same number of
tokens; the texts are random words.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import house  # noqa: F401  the repository comes first on the path

# isort: split

import numpy as np
from turns import Turns

VOCABULARY = 2000
KL_COEF, LR = 0.001, 4e-4


@dataclass(frozen=True)
class Profile:
    """Shape of a step, in tokens."""

    prompt: int
    reply: int
    prompts: int
    group: int
    steps: int
    """Timed, after one that is not."""
    row_tokens: int
    micro_batch_tokens: int


PROFILES = {
    "mini": Profile(55, 20, 64, 8, 12, 256, 4096),
    "long": Profile(200, 60, 16, 8, 12, 512, 4096),
}


def word(token: int) -> str:
    return f"w{token}"


def save_model(folder: Path) -> None:
    """A random Qwen2 of the mini world's shape, and a tokenizer of words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    from psyche_rl.config.mini import MiniModelConfig

    words = Tokenizer(models.WordLevel({word(t): t for t in range(VOCABULARY)}, unk_token=word(0)))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token=word(1), pad_token=word(2))
    torch.manual_seed(0)
    shape = MiniModelConfig()
    config = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=shape.hidden_size, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.heads,
        intermediate_size=shape.intermediate_size, max_position_embeddings=1024, tie_word_embeddings=True,
        initializer_range=0.05, eos_token_id=1, pad_token_id=2,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def prompts_of(profile: Profile, count: int) -> list[list[int]]:
    dice = np.random.default_rng(0)
    return [dice.integers(3, VOCABULARY, profile.prompt).tolist() for _ in range(count)]


def text_of(tokens: Sequence[int]) -> str:
    return " ".join(map(word, tokens))


# -- ours ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class WordCodec:
    """Stands where the loop has its ``QuestionCodec``: questions are random words, replies of fixed
    length."""

    reply: int

    def request(self, question: Any, place: str, n: int, sampling: Any, seed: int) -> Any:
        from psyche_rl.records import GenerationRequest
        from psyche_rl.seeded import whole_number

        ids = tuple(int(w[1:]) for w in question.stem.split())
        number = whole_number(seed, place) & 0x7FFFFFFF
        return GenerationRequest(
            id=place, prompt_ids=ids, n=n, temperature=sampling.temperature, max_tokens=self.reply,
            stop_token_ids=(), seed=number,
        )  # fmt: skip

    def reward_sample(self, question: Any, sample: Any) -> Any:
        from rewards import RewardSample

        reply = text_of(sample.response_ids)
        return RewardSample(
            id=sample.id, response=reply, gold=question.gold, kind="single", prompt=question.stem
        )


def ours(profile: Profile, threads: int, folder: Path) -> dict[str, float]:
    """The product's own loop over its own actors; a turn ends where the books of a step are closed."""
    from contextlib import ExitStack, closing

    from actors.cluster import connect
    from actors.learner.group import LearnerGroup
    from actors.rollout.pool import RolloutPool
    from actors.scoring.pool import RewardPool
    from psyche_rl.config.grpo import GrpoConfig
    from psyche_rl.learner.schedule import OptimSettings
    from psyche_rl.ledger.ledger import Ledger
    from psyche_rl.loops.checkpoints import Checkpoints
    from psyche_rl.loops.error_budget import ErrorBudget
    from psyche_rl.loops.grpo_sync import SyncGrpo
    from psyche_rl.loops.metrics_log import MetricsLog, read_metrics
    from psyche_rl.loops.prompt_schedule import PromptSchedule
    from psyche_rl.records import Question, ScoredSample
    from psyche_rl.store import RunStore
    from rewards import exam_reward

    config = GrpoConfig.model_validate({
        "lr": LR, "prompts_per_step": profile.prompts, "mini_batch_prompts": profile.prompts,
        "group_size": profile.group, "kl_coef": KL_COEF, "warmup_steps": 0, "eval_every": 0,
        "save_every": 10**6,
        "max_tokens": profile.reply, "rollout_workers": threads, "ranks": threads,
        "learner": {"dtype": "float32", "row_tokens": profile.row_tokens, "threads": 1,
                    "micro_batch_tokens": profile.micro_batch_tokens},
        "engine": {"dtype": "float32", "max_model_len": 512, "kv_cache_mib": 64, "enforce_eager": True,
                   "threads": 1},
    })  # fmt: skip
    questions = [
        Question(id=f"q{n}", source="words", kind="short", stem=text_of(ids), options=(), gold="A")
        for n, ids in enumerate(prompts_of(profile, 4 * profile.prompts))
    ]
    connect()
    store, total = RunStore(str(folder / "run")), profile.steps + 2
    turns = Turns()

    def keep(step: int, rows: list[ScoredSample]) -> None:
        store.write_records(f"grpo/rollouts/step_{step:06d}.parquet", ScoredSample, rows)

    optim = OptimSettings(LR, "constant", total)
    with ExitStack() as stack:
        scorers = stack.enter_context(closing(RewardPool(exam_reward(1.0, 0.5), workers=2, timeout_s=10)))
        learner = LearnerGroup(
            str(folder / "model"),
            config.learner,
            optim,
            config.ranks,
            with_reference=config.reference_in_ranks,
        )
        stack.callback(learner.shutdown)
        ledger = Ledger(store, "grpo")
        pool = stack.enter_context(
            RolloutPool(str(folder / "model"), config.engine, config.rollout_workers, ledger=ledger)
        )
        scorers.ready()
        codec: Any = WordCodec(profile.reply)
        SyncGrpo(
            config=config, seed=0, total_steps=total,
            prompts=PromptSchedule(questions, profile.prompts, 0, False), codec=codec, rollouts=pool,
            scorers=scorers, budget=ErrorBudget("exam", 1.0, 10**6), learner=learner,
            reference=learner.reference, probe=None,
            checkpoints=Checkpoints(store, "grpo", 1), metrics=MetricsLog(store, "grpo"),
            ledger=ledger, keep_rollouts=keep, on_step=lambda *_: turns.next_turn(),
            say=lambda *_, **__: None,
        ).run()  # fmt: skip
    # Step 1 warms up, and the last one, which nobody times, saves a checkpoint.
    rows = read_metrics(store, "grpo")[1:-1]
    phases = ("step", "generate", "score", "reference", "train", "publish")
    times = {f"{name}_s": statistics.median(row[f"time/{name}_s"] for row in rows) for name in phases}
    return {**times, "fill": rows[-1]["packing/fill"], "prompts_saved": rows[-1]["packing/prompts_saved"]}


# -- TRL -----------------------------------------------------------------------------------------
def trl(profile: Profile, threads: int, folder: Path) -> dict[str, float]:
    """TRL's trainer with one generation and one update per step."""
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    from rewards import exam_reward
    from rewards.adapters import as_trl

    torch.set_num_threads(threads)
    turns = Turns()

    class StepEnds(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            turns.next_turn()

    config = GRPOConfig(
        output_dir=str(folder / "trl"), max_steps=profile.steps + 2, num_generations=profile.group,
        per_device_train_batch_size=profile.prompts * profile.group, max_completion_length=profile.reply,
        generation_kwargs={"min_new_tokens": profile.reply}, learning_rate=LR, beta=KL_COEF, temperature=1.0,
        use_cpu=True, bf16=False, report_to=[], save_strategy="no", gradient_checkpointing=False, seed=0,
        disable_tqdm=True, logging_steps=10**6, lr_scheduler_type="constant",
    )  # fmt: skip
    rows = [
        {"prompt": text_of(ids), "gold": "A", "kind": "short"}
        for ids in prompts_of(profile, 4 * profile.prompts)
    ]
    trainer = GRPOTrainer(
        model=str(folder / "model"), args=config, train_dataset=Dataset.from_list(rows),
        callbacks=[StepEnds()],
        reward_funcs=as_trl(exam_reward(1.0, 0.5), max_completion_length=profile.reply),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
    )  # fmt: skip
    trainer.train()
    return {"threads": threads}


# -- the learner alone ---------------------------------------------------------------------------
def bare(profile: Profile, threads: int, folder: Path) -> dict[str, float]:
    """A learner's policy step against the same arithmetic in a bare loop, in one process and in turn."""
    import torch
    import torch.distributed as dist

    from psyche_rl.config.learner import LearnerConfig
    from psyche_rl.learner.learner import Learner
    from psyche_rl.learner.objectives import PolicyObjective
    from psyche_rl.learner.schedule import OptimSettings
    from psyche_rl.learner.sequence import PolicySequence

    torch.set_num_threads(threads)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    dice = np.random.default_rng(0)
    sequences = [
        PolicySequence.of(
            prompt, dice.integers(3, VOCABULARY, profile.reply).tolist(), None, float(dice.normal()),
            reference_logprobs=-7 - dice.random(profile.reply).astype(np.float32),
        )
        for prompt in prompts_of(profile, profile.prompts)
        for _ in range(profile.group)
    ]  # fmt: skip
    config = LearnerConfig(
        dtype="float32", row_tokens=profile.row_tokens, micro_batch_tokens=profile.micro_batch_tokens
    )
    learner = Learner(folder / "model", config, OptimSettings(LR, "constant", 10**6), torch.device("cpu"))
    objective, loop = PolicyObjective(kl_coef=KL_COEF), BareLoop(folder / "model", learner, sequences)
    took: dict[str, list[float]] = {"ours_s": [], "bare_s": []}

    def step() -> None:
        learner.policy_backward(sequences, objective)
        learner.optimizer_step()

    for _ in range(profile.steps * 2 + 1):
        for name, act in (("ours_s", step), ("bare_s", loop.step)):
            begun = time.perf_counter()
            act()
            took[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(seconds[1:]) for name, seconds in took.items()}
    return {**medians, "ratio": medians["bare_s"] / medians["ours_s"]}


class BareLoop:
    """Forward, loss and backward over rows that were laid out before, and AdamW; nothing is checked."""

    def __init__(self, model: Path, learner: Any, sequences: Sequence[Any]) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        self.lm: Any = AutoModelForCausalLM.from_pretrained(
            model, dtype=torch.float32, attn_implementation="sdpa"
        )
        self.adam = torch.optim.AdamW(self.lm.parameters(), lr=LR, weight_decay=0.0, fused=True)
        self.batches = []
        for batch in learner._micro_batches.of(sequences):
            held = [sequences[i] for i in batch.members]
            figures = [torch.from_numpy(np.concatenate(a)) for a in (
                [s.advantages for s in held], [s.reference_logprobs for s in held])]  # fmt: skip
            self.batches.append((batch, *figures))
        self.tokens = sum(len(advantages) for _, advantages, _ in self.batches)

    def step(self) -> None:
        import torch

        for batch, advantages, reference in self.batches:
            states = self.lm.model(
                input_ids=batch.input_ids, position_ids=batch.position_ids, attention_mask=batch.visible,
                use_cache=False,
            ).last_hidden_state.flatten(0, 1)[batch.predictors]  # fmt: skip
            every = torch.log_softmax(self.lm.lm_head(states), -1)
            now = every.gather(1, batch.targets[:, None])[:, 0]
            with torch.no_grad():
                (-(every.exp() * every).sum(-1)).mean()
            ratio = (now - now.detach()).exp()
            surrogate = torch.maximum(-advantages * ratio, -advantages * ratio.clamp(0.8, 1.2))
            gap = reference - now
            kl = (gap.exp() - gap - 1).clamp(-10, 10)
            ((surrogate + KL_COEF * kl).sum() / self.tokens).backward()
        torch.nn.utils.clip_grad_norm_(self.lm.parameters(), 1.0)
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)


def fill(_: Profile, __: int, ___: Path) -> dict[str, float]:
    """Share of computed tokens that are no padding, with the learner's defaults and lengths of a 7B run.

    128 prompts of 60 to 400 tokens, five replies of 50 to 2,048 (log-normal) each.
    """
    import torch

    from psyche_rl.config.learner import LearnerConfig
    from psyche_rl.learner.micro_batches import MicroBatches, TokenCounts
    from psyche_rl.learner.packing import Layout
    from psyche_rl.learner.sequence import SftSequence

    dice = np.random.default_rng(0)
    sequences = []
    for prompt in dice.integers(60, 400, 128):
        tokens = dice.integers(3, VOCABULARY, prompt)
        for reply in np.clip(dice.lognormal(6, 0.7, 5), 50, 2048).astype(int):
            sequences.append(
                SftSequence(np.concatenate([tokens, dice.integers(3, VOCABULARY, reply)]), prompt)
            )
    found = {}
    for layout in (Layout.SHARED, Layout.PACKED, Layout.ALONE):
        counts = TokenCounts()
        for _batch in MicroBatches(LearnerConfig(), layout, False, torch.device("cpu")).of(sequences, counts):
            pass
        found[str(layout)] = counts.laid / counts.computed
    return {"fill": found["shared"], "fill_packed": found["packed"], "fill_alone": found["alone"]}


ROLES = {"ours": ours, "trl": trl, "bare": bare, "fill": fill}


def main() -> int:
    """Be one role, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("profile", choices=PROFILES)
    parser.add_argument("threads", type=int)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="psyche-rl-learner-") as folder:
        save_model(Path(folder, "model"))
        found = ROLES[args.role](PROFILES[args.profile], args.threads, Path(folder))
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
