"""GRPO (paper section 4.1; the algorithms are verl's, named as verl names them)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from psyche_rl.config.algorithms import with_algorithm
from psyche_rl.config.base import Contradiction, MayChange, Section, SpeedOnly
from psyche_rl.config.bounds import (
    Count,
    CountOrNone,
    Factor,
    LearningRate,
    PositiveShare,
    Processes,
    ProcessesOrAuto,
    Seconds,
    Share,
    TopK,
    TrainedTemperature,
)
from psyche_rl.config.curriculum import CurriculumKind
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.config.rollout_workers import ElasticWorkers, RolloutWorkers
from psyche_rl.config.staleness import StalenessConfig
from psyche_rl.config.training_evaluation import BENCH, DEV_METRIC, TrainingEvaluation
from psyche_rl.scoring_limits import MEMORY_MIB, TIMEOUT_S


class RewardConfig(Section):
    """Reward = answer weight x strict correctness + format weight x think format, or a reward set."""

    answer_weight: Factor = 1.0
    format_weight: Factor = 0.5
    config: str | None = None
    """YAML file of a reward set; it takes the place of the two weights."""
    pool: Annotated[str | None, MayChange("a pool serves a reward of the same fingerprint or is refused")] = (
        None
    )
    """Name of a running pool (``psyche-rl rewards up``) to use; unset, the run has one of its own."""
    workers: Annotated[Processes, SpeedOnly("a sample's score does not depend on the process")] = 2
    max_workers: Annotated[Processes | None, SpeedOnly("as workers")] = None
    """Scoring processes at most, where scorers are slow or hang; unset, four times ``workers``."""
    timeout_s: Annotated[Seconds, MayChange("a slow scorer may pass or fail")] = TIMEOUT_S
    """Deadline of each sample's score, in seconds."""
    memory_mib: Annotated[int | None, MayChange("a large scorer may pass or fail")] = Field(
        MEMORY_MIB, ge=256, le=2**24
    )
    """Address space of a scoring process."""
    min_scores: int = Field(2, ge=2, le=10_000)
    """A group with fewer scores has no baseline and is dropped."""
    error_budget: Annotated[Share, MayChange("it stops a run, and changes nothing that is trained")] = 0.05
    """Share of the newest ``error_window`` samples whose scorer may fail before the run stops."""
    error_window: Annotated[Count, MayChange("as error_budget")] = 512

    def contradictions(self) -> Iterator[Contradiction]:
        """Something is rewarded, and by as many processes as there may be."""
        if self.config is None and self.answer_weight == self.format_weight == 0:
            yield Contradiction(
                ("answer_weight", "format_weight", "config"),
                self.answer_weight,
                "with format_weight 0 as well every reward is 0",
                "give one of them a weight, or a reward set in config",
            )
        if self.max_workers is not None and self.max_workers < self.workers:
            yield Contradiction(
                ("max_workers", "workers"),
                self.max_workers,
                f"fewer than workers={self.workers}",
                "raise max_workers or lower workers",
            )


class GrpoConfig(StalenessConfig):
    """Policy optimisation on the hard questions."""

    lr: LearningRate = 1e-6
    prompts_per_step: Count = 128
    group_size: int = Field(5, ge=2, le=10_000)
    mini_batch_prompts: Count = 32
    """Prompts per optimizer step; ``prompts_per_step`` must be a multiple of it."""
    epochs: Count = 2
    max_steps: Count | None = None
    """Stop after this many steps even if epochs are left (or go on with new epochs, if more)."""
    warmup_steps: CountOrNone = 10
    temperature: TrainedTemperature = 1.0
    top_p: PositiveShare = 1.0
    """Sample from the likeliest tokens whose probabilities add up to this; 1 for all. The learner's
    log-probabilities are of the same set."""
    top_k: TopK | None = None
    """Sample from so many of the likeliest tokens; unset, from all. It comes before ``top_p``."""
    shuffle_options: bool = False
    """Show each question with its options in a new order each epoch; the gold follows."""
    curriculum: CurriculumKind | None = None
    """The order of questions in an epoch by cross-selection's pass rates: ``easy_to_hard``, or
    ``prioritized``, which samples hard ones earlier; unset, at random."""
    rollout_workers: Annotated[RolloutWorkers, MayChange("batches of another make-up round differently")] = 2
    """A number, ``auto`` (all that the cluster has room for), or, with a staleness, ``{min: 4, max: 24}``:
    between them by who waits for whom, while the run goes on."""
    ranks: Annotated[ProcessesOrAuto, MayChange("gradients are added in another order")] = 1
    placement: Annotated[
        Literal["split", "colocated", "auto"],
        SpeedOnly("where a process computes does not change what it computes"),
    ] = "split"
    """split: a GPU for each rank and for each shard of an engine; colocated: ranks and engines share the same
    GPUs, a rank and a shard on each; auto: colocated where that fits, else split."""
    weight_backend: Annotated[
        Literal["object_store", "ipc", "nccl", "auto"],
        SpeedOnly("the same weights, by another way"),
    ] = "object_store"
    """How weights come from the learner to the engines; auto: ipc where they share GPUs, nccl where they do
    not, object_store on CPU. Neither ipc nor nccl has run on a GPU."""
    sleep_level: Annotated[Literal[0, 1, 2], SpeedOnly("engines that slept compute the same")] = 0
    """What colocated engines give back to the learner while it trains (vLLM's sleep levels): 0 nothing; 1 the
    cache, and the weights to the host; 2 both, since the next publish brings new weights. On GPU only."""
    eval_every: Annotated[CountOrNone, MayChange("measuring changes nothing that is trained")] = 10
    """Steps between accuracy measurements on the dev split; 0 for never."""
    save_every: Annotated[Count, MayChange("a checkpoint changes nothing that is trained")] = 10
    keep_checkpoints: Annotated[Count, SpeedOnly("old checkpoints are not read again")] = 2
    keep_best: Annotated[bool, SpeedOnly("a checkpoint changes nothing that is trained")] = False
    """Keep the checkpoint that is best by ``best_metric`` as well."""
    best_metric: Annotated[str, MayChange("as eval_every")] = DEV_METRIC
    """``eval/…`` of the dev split, or ``bench/<benchmark>/<figure>`` of one of ``evaluations``; higher is
    better."""
    evaluations: Annotated[tuple[TrainingEvaluation, ...], MayChange("as eval_every")] = ()
    """Benchmarks that are measured on the way, each with its interval (docs/bench.md)."""
    sync_tolerance: Annotated[
        float | None, MayChange("it stops a run, and changes nothing that is trained")
    ] = Field(None, gt=0, le=100)
    """Largest allowed mean of |logprob(engine) - logprob(learner)| over a step, in nats; unset, 1e-4, or 0.05
    where one of them computes in bfloat16. The 99.9th percentile may be 20 times that."""
    reference_workers: Annotated[
        CountOrNone, MayChange("the same figures, from whole models instead of shards")
    ] = 0
    """Processes with a whole reference model each; 0 keeps it sharded in the learner's ranks."""
    checksum_every: Annotated[
        Count | None, SpeedOnly("it stops a run, and changes nothing that is trained")
    ] = None
    """Versions between checksums of the weights that arrive in the engines; unset, 1 on CPU and 10 on GPU."""
    wait_s: Annotated[Seconds, SpeedOnly("a deadline stops a run, and changes nothing that is trained")] = (
        600.0
    )
    """Deadline of every remote wait, in seconds."""
    grace_s: Annotated[Seconds, SpeedOnly("what is not saved in time is done again")] = 30.0
    """After SIGTERM or SIGHUP: seconds to finish the step and save a checkpoint, in SFT too."""
    reward: RewardConfig = RewardConfig()
    learner: LearnerConfig = LearnerConfig()
    """What differs from the section ``learner``."""
    engine: EngineConfig = EngineConfig()
    """What differs from the section ``engine``."""

    @model_validator(mode="before")
    @classmethod
    def _algorithm_fills_up(cls, stated: Any) -> Any:
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return with_algorithm(stated, defaults) if isinstance(stated, Mapping) else stated

    @property
    def measures_nothing(self) -> bool:
        """Whether no accuracy is measured on the way, so that no exam is needed."""
        return self.eval_every == 0

    @property
    def reference_in_ranks(self) -> bool:
        """Whether the learner's ranks keep the reference model."""
        return self.kl_coef > 0 and self.reference_workers == 0

    @property
    def reference_in_pool(self) -> bool:
        """Whether reference models have processes of their own."""
        return self.kl_coef > 0 and self.reference_workers > 0

    def contradictions(self) -> Iterator[Contradiction]:
        """Steps are cut into mini-batches evenly, a group can have the scores that its baseline needs, and
        the keys of the objective suit each other."""
        if self.prompts_per_step % self.mini_batch_prompts:
            yield Contradiction(
                ("prompts_per_step", "mini_batch_prompts"),
                self.prompts_per_step,
                f"prompts_per_step ({self.prompts_per_step}) must be a multiple of "
                f"mini_batch_prompts ({self.mini_batch_prompts})",
                "change one of the two",
            )
        yield from self._no_best()
        if self.placement == "colocated":
            yield from self._unlike_when_colocated()
        elif isinstance(self.rollout_workers, ElasticWorkers) and not self.staleness:
            yield Contradiction(
                ("rollout_workers", "staleness"),
                {"min": self.rollout_workers.min, "max": self.rollout_workers.max},
                "with staleness=0 the number of workers is fixed, so that a step depends on nothing but its "
                "number",
                "give a number or auto, or set staleness to 1 or more",
            )
        yield from self._unlike_beside_each_other()
        if self.reward.min_scores > self.group_size:
            yield Contradiction(
                ("reward.min_scores", "group_size"),
                self.reward.min_scores,
                f"every group of group_size={self.group_size} samples would be dropped for too few scores",
                f"give at most {self.group_size}, or larger groups",
            )
        yield from super().contradictions()

    def _no_best(self) -> Iterator[Contradiction]:
        """The metric of the best checkpoint is measured, and benchmarks are named once."""
        by_dev = not self.best_metric.startswith(BENCH)
        if self.keep_best and by_dev and self.measures_nothing:
            yield Contradiction(
                ("keep_best", "eval_every"),
                self.keep_best,
                "with eval_every=0 no checkpoint is known to be the best",
                "set eval_every, or keep_best=false",
            )
        names = [each.benchmark for each in self.evaluations]
        own = any(name.endswith((".yaml", ".yml")) for name in names)  # whose name stands in the file
        asked = self.best_metric.removeprefix(BENCH).partition("/")[0]
        if not by_dev and not own and asked not in names:
            yield Contradiction(
                ("best_metric", "evaluations"),
                self.best_metric,
                f"no benchmark '{asked}' is among evaluations",
                f"name it there, or give {DEV_METRIC}",
            )
        if len(set(names)) < len(names):
            yield Contradiction(("evaluations",), names, "a benchmark is named twice", "name each once")

    def _unlike_beside_each_other(self) -> Iterator[Contradiction]:
        """The direct ways for weights and the sleep of engines go with a placement."""
        if self.sleep_level and self.placement == "split":
            yield Contradiction(
                ("sleep_level", "placement"),
                self.sleep_level,
                "engines on GPUs of their own have nobody to leave them to",
                "give sleep_level=0, or placement=colocated",
            )
        other = {"ipc": "split", "nccl": "colocated"}.get(self.weight_backend)
        if other is not None and (self.placement == other or self.staleness):
            why = f"staleness={self.staleness}" if self.staleness else f"placement={self.placement}"
            yield Contradiction(
                ("weight_backend", "placement", "staleness"),
                self.weight_backend,
                f"it does not go with {why}",
                "give weight_backend=auto, or object_store",
            )

    def _unlike_when_colocated(self) -> Iterator[Contradiction]:
        """Each GPU holds one rank and one shard of an engine, from the beginning to the end."""
        workers, ranks, parallel = self.rollout_workers, self.ranks, self.engine.tensor_parallel_size
        if self.staleness:
            yield Contradiction(
                ("placement", "staleness"),
                self.placement,
                f"with staleness={self.staleness} ranks and engines work side by side, each at half speed",
                "give staleness=0, or placement=split",
            )
        if isinstance(workers, ElasticWorkers):
            yield Contradiction(
                ("placement", "rollout_workers"),
                self.placement,
                "engines that share their GPUs with the learner's ranks cannot come and go",
                "give rollout_workers=auto, or placement=split",
            )
        elif workers != "auto" and ranks != "auto" and parallel != "auto" and workers * parallel != ranks:
            yield Contradiction(
                ("placement", "ranks", "rollout_workers", "engine.tensor_parallel_size"),
                self.placement,
                f"ranks={ranks} do not share their GPUs evenly with rollout_workers={workers} of "
                f"engine.tensor_parallel_size={parallel}",
                "give rollout_workers=auto, or as many shards of engines as ranks, or placement=split",
            )
