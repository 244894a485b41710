"""The whole config: one section per stage and a few keys that everything shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from psyche_rl.config.base import Contradiction, MayChange, Section, SpeedOnly
from psyche_rl.config.bounds import Seed
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.config.cluster import ClusterConfig
from psyche_rl.config.curriculum import without_pass_rates
from psyche_rl.config.data import DataConfig
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.config.dedup import DedupConfig
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.evaluation import EvalConfig
from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.config.inheritance import inherited
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.config.lora import LoraConfig
from psyche_rl.config.mini import MiniConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.config.publish import PublishConfig
from psyche_rl.config.review import ReviewConfig
from psyche_rl.config.selection import SelectConfig
from psyche_rl.config.sft import SftConfig
from psyche_rl.config.synth import SynthConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.config.tracking import TrackerConfig, Trackers


class RunFolderConfig(Section):
    """Who can read the run folder."""

    public: Annotated[bool, SpeedOnly("rights change nothing that is computed")] = False
    """Leave rights to the process's umask; else the folder is its owner's alone (700, files 600)."""


class RunConfig(Section):
    """A run, from text to report. ``psyche-rl run FILE key.sub=value`` reads and overrides it.

    ``learner`` and ``engine`` are defaults: a stage's own ``learner`` and ``engine`` state what differs.
    """

    seed: Seed = 0
    run_dir: Annotated[str, SpeedOnly("where the run stands")] = Field(min_length=1)
    """Local path, shared path, or fsspec URL."""
    run: RunFolderConfig = RunFolderConfig()
    device: Annotated[Literal["auto", "cpu", "gpu"], MayChange("devices round differently")] = "auto"
    """auto: GPUs where the cluster has some or may grow some; gpu refuses to start without."""
    cluster: ClusterConfig = ClusterConfig()
    track: Annotated[Trackers, SpeedOnly("a run is shown, and computes the same")] = (
        TrackerConfig(name="tensorboard"),
    )
    """Where the run is shown while it goes on."""
    model: str | None = None
    """Base model: Hugging Face folder or name. Unset: the mini world makes one."""
    mini: MiniConfig | None = None
    """Present: the run starts with a ``world`` stage that makes what is not given."""
    domain: str = Field("psychology", min_length=1)
    """Prompts, issue codes and wordings: ``psychology``, or a folder as ``psyche-rl domain new`` makes it."""
    data: DataConfig = DataConfig()
    clean: CleanConfig = CleanConfig()
    teacher: TeacherConfig = TeacherConfig()
    prompt: PromptConfig = PromptConfig()
    engine: EngineConfig = EngineConfig()
    learner: LearnerConfig = LearnerConfig()
    lora: LoraConfig | None = None
    """Present: SFT and GRPO train adapters. The mini world's own models are always trained whole."""
    synth: SynthConfig = SynthConfig()
    dedup: DedupConfig = DedupConfig()
    decontaminate: DecontaminateConfig = DecontaminateConfig()
    review: ReviewConfig = ReviewConfig()
    select: SelectConfig = SelectConfig()
    publish: PublishConfig = PublishConfig()
    sft: SftConfig = SftConfig()
    grpo: GrpoConfig = GrpoConfig()
    eval: EvalConfig = EvalConfig()

    @property
    def adapters(self) -> LoraConfig | None:
        """``lora`` with its seed."""
        if self.lora is None or self.lora.seed is not None:
            return self.lora
        return self.lora.model_copy(update={"seed": self.seed})

    @property
    def asks_engines(self) -> bool:
        """Whether selection starts engines: not where the sets are given."""
        return self.select.uses_engines and not self.data.has_own_sets

    @model_validator(mode="before")
    @classmethod
    def _stages_inherit(cls, tree: Any) -> Any:
        return inherited(tree) if isinstance(tree, Mapping) else tree

    def contradictions(self) -> Iterator[Contradiction]:
        """A reply leaves room for its prompt, adapters are their own reference, and there is a dev split
        where it is measured on."""
        for stage in (self.select, self.grpo, self.eval):
            name = {SelectConfig: "select", GrpoConfig: "grpo", EvalConfig: "eval"}[type(stage)]
            room, key = stage.engine.max_model_len, f"{name}.engine.max_model_len"
            if room == self.engine.max_model_len:
                key = "engine.max_model_len"
            if self.model is None and self.mini is not None and self.mini.model.max_positions < room:
                room, key = self.mini.model.max_positions, "mini.model.max_positions"
            if stage.max_tokens >= room:
                yield Contradiction(
                    (f"{name}.max_tokens", key),
                    stage.max_tokens,
                    f"{key}={room} leaves no room for a prompt",
                    f"lower {name}.max_tokens or raise {key}",
                )
        yield from without_pass_rates(self.grpo.curriculum, self.select)
        judge = (self.eval.judge_model or "").rpartition("#")[2]
        if judge and self.teacher.budget.cost is not None and judge not in self.teacher.prices:
            yield Contradiction(
                ("eval.judge.model", "teacher.prices", "teacher.budget.cost"),
                self.eval.judge.model,
                f"teacher.budget.cost needs a price of '{judge}'",
                f"add teacher.prices['{judge}']",
            )
        if self.lora is not None and self.grpo.reference_in_pool:
            yield Contradiction(
                ("grpo.reference_workers", "lora"),
                self.grpo.reference_workers,
                "with lora the reference is the learner's own model with its adapters switched off",
                "leave grpo.reference_workers at 0",
            )
        if self.data.questions and self.data.dev_share == 0 and self.grpo.eval_every:
            yield Contradiction(
                ("data.dev_share", "grpo.eval_every", "data.questions"),
                self.data.dev_share,
                "grpo.eval_every measures on the dev split, which would be empty",
                "give a share above 0, or set grpo.eval_every=0",
            )
