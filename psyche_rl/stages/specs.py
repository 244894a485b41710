"""The table of stages: the only place where a stage is described.

- Pure data in the order of a run; nothing here runs anything.
- Collaborators: ``launch.pipeline`` binds each stage to its module; staleness, inputs, checks, status,
  report, publish and the table in ``docs/architecture.md`` read it.
- Every config key belongs to a stage or is marked as one that may change (a test walks all keys).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Given:
    """What the user must give where no mini world makes it."""

    key: str
    unless: tuple[str, ...] = ()
    """Keys any of which makes it needless when it is set; false, 0 and empty count as not set."""


@dataclass(frozen=True)
class Devices:
    """Processes of one kind that take a GPU each where there are GPUs."""

    role: str
    count: str | int
    """A config key, or a number."""
    each: str | int = 1
    """GPUs for one of them: a config key, or a number."""
    only_if: str = ""
    """A key or property of the config that must be set, or ``key=value``."""
    alone: bool = True
    """Whether one has its GPU for itself; else they share those there are."""


@dataclass(frozen=True)
class StageSpec:
    """One stage: what it depends on, reads and leaves."""

    name: str
    does: str
    settings: tuple[str, ...] = ()
    """Config keys and sections that its result depends on."""
    reads: tuple[str, ...] = ()
    """Files of the run folder."""
    models: tuple[str, ...] = ()
    """Model folders of the run folder that it reads."""
    files: tuple[str, ...] = ()
    """Config keys that name files or folders of the user that it reads."""
    writes: tuple[str, ...] = ()
    """Files and folders of the run folder that are there when it is done."""
    needs: tuple[Given, ...] = ()
    devices: tuple[Devices, ...] = ()
    only_with: str = ""
    """The config section without which the stage does not exist."""
    without: tuple[str, ...] = ()
    """Config keys any of which makes the stage needless when it is set."""


_SPECS = (
    StageSpec(
        name="world",
        does="makes what a real run is given: exam, base model, selectors",
        settings=(
            "seed", "prompt", "learner",
            "mini.model", "mini.pretrain_steps", "mini.pretrain_lr", "mini.selectors", "mini.selector_steps",
            "mini.exam_dev", "mini.exam_test", "mini.exam_multiple_share", "mini.selector_key_omission",
        ),
        writes=("world/exam_dev.parquet", "world/exam_test.parquet", "world/base", "world/selectors"),
        devices=(Devices("learner", 2, alone=False),),
        only_with="mini",
    ),
    StageSpec(
        name="synth",
        does="questions with rationales, and empathetic replies, from texts",
        settings=(
            "seed", "domain", "data.passages", "data.posts", "data.licence", "data.exchanges",
            "data.chunk_chars", "data.chunk_overlap", "data.follow_links",
            "clean", "synth", "dedup", "review",
            "teacher.engine", "teacher.model", "teacher.temperature", "teacher.max_tokens",
            "teacher.structured_output", "teacher.vllm", "teacher.base_url", "teacher.endpoints",
            "teacher.timeout_s", "teacher.attempts", "teacher.call_s", "teacher.vllm_engines",
            "teacher.extra_body", "teacher.omit",
            "mini.key_omission", "mini.wrong_rationale", "mini.malformed", "mini.fault_rate",
        ),
        files=("data.passages", "data.posts"),
        writes=(
            "synth/passages.parquet", "synth/questions.parquet", "synth/rationales.parquet",
            "synth/dialogues.parquet", "synth/teacher_wrong.parquet", "synth/rationale_history.parquet",
            "synth/outcomes.parquet", "synth/quarantine.parquet", "synth/domain.json",
        ),
        needs=(
            Given("data.passages"), Given("data.posts"),
            Given("teacher.base_url", unless=("teacher.is_given",)),
        ),
        devices=(Devices("teacher engine", "teacher.vllm_engines", "teacher.vllm.tensor_parallel_size",
                         only_if="teacher.engine=vllm"),),
        without=("data.train_chats", "data.train_questions"),
    ),
    StageSpec(
        name="select",
        does="several LLMs answer; hard questions go to GRPO, the rest to SFT",
        settings=(
            "seed", "select", "decontaminate", "review", "data.questions", "data.train_chats",
            "data.train_questions", "data.follow_links", "prompt",
        ),
        reads=(
            "synth/questions.parquet", "synth/rationales.parquet", "synth/dialogues.parquet",
            "synth/passages.parquet", "synth/teacher_wrong.parquet",
            "world/exam_dev.parquet", "world/exam_test.parquet",
        ),
        models=("world/selectors",),
        files=("data.questions", "data.train_chats", "data.train_questions", "decontaminate.against"),
        writes=(
            "select/sft.parquet", "select/grpo.parquet", "select/verdicts.parquet",
            "select/verdict_table.parquet", "select/label_audit.parquet", "select/outcomes.parquet",
            "select/quarantine.parquet", "select/selection.json",
        ),
        needs=(Given("select.selectors", unless=("select.skip", "data.has_own_sets")),),
        devices=(Devices("selector engine", "select.engines_per_selector",
                         "select.engine.tensor_parallel_size", only_if="asks_engines"),),
    ),
    StageSpec(
        name="sft",
        does="supervised warm-up on replies",
        settings=("seed", "model", "sft", "lora", "prompt", "engine.max_model_len"),
        reads=("select/sft.parquet",),
        models=("world/base",),
        files=("model",),
        writes=("sft/model",),
        needs=(Given("model"),),
        devices=(Devices("learner", "sft.ranks", only_if="sft.trains"),),
    ),
    StageSpec(
        name="grpo",
        does="policy optimisation with rollout workers, learners, reference and rewards",
        settings=("seed", "grpo", "lora", "prompt", "data.questions", "data.follow_links", "data.dev_share"),
        reads=("select/grpo.parquet", "select/verdict_table.parquet", "world/exam_dev.parquet"),
        models=("sft/model",),
        files=("data.questions", "grpo.reward.config"),
        writes=("grpo/model", "grpo/metrics.jsonl", "grpo/rollouts", "grpo/ledger", "grpo/reward.json"),
        needs=(Given("data.questions", unless=("grpo.measures_nothing",)),),
        devices=(
            Devices("learner", "grpo.ranks"),
            Devices("rollout worker", "grpo.rollout_workers", "grpo.engine.tensor_parallel_size"),
            Devices("reference", "grpo.reference_workers", only_if="grpo.reference_in_pool"),
        ),
    ),
    StageSpec(
        name="eval",
        does="accuracy of base, SFT and GRPO models on the held-out exam",
        settings=(
            "seed", "model", "prompt", "data.questions", "data.follow_links", "data.dev_share",
            "data.max_questions",
            "eval.workers", "eval.engine", "eval.temperature", "eval.max_tokens", "eval.bootstrap_samples",
            "eval.confidence", "eval.extraction", "eval.judge.model", "eval.judge.max_tokens",
        ),
        reads=("world/exam_test.parquet",),
        models=("world/base", "sft/model", "grpo/model"),
        files=("model", "data.questions"),
        writes=(
            "eval/questions.parquet", "eval/base.parquet", "eval/sft.parquet", "eval/grpo.parquet",
            "eval/judged.parquet", "eval/quarantine.parquet", "eval/summary.json",
        ),
        needs=(Given("model"), Given("data.questions")),
        devices=(Devices("engine", "eval.workers", "eval.engine.tensor_parallel_size"),),
    ),
    StageSpec(
        name="report",
        does="one HTML page and report.json",
        settings=("eval.rollout_samples",),
        writes=("report/report.html", "report/report.json", "report/metrics.jsonl"),
    ),
)  # fmt: skip

STAGES: dict[str, StageSpec] = {spec.name: spec for spec in _SPECS}
