"""What the stages of a run are: one table, and the rules that read it."""

from psyche_rl.stages.specs import STAGES, StageSpec

__all__ = ["STAGES", "StageSpec"]
