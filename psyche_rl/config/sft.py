"""SFT warm-up (paper section 4.1: lr 1e-5, batch 256, 2 epochs, cosine, warm-up 0.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from psyche_rl.config.base import Contradiction, MayChange, Section
from psyche_rl.config.bounds import Count, CountOrNone, LearningRate, ProcessesOrAuto, Share, Tokens
from psyche_rl.config.learner import LearnerConfig


class SftConfig(Section):
    """Supervised fine-tuning on replies only."""

    lr: LearningRate = 1e-5
    batch_size: Count = 256
    """Examples per optimizer step, over all ranks."""
    epochs: CountOrNone = 2
    warmup_ratio: Share = 0.1
    ranks: Annotated[ProcessesOrAuto, MayChange("gradients are added in another order")] = 1
    max_tokens: Tokens | None = None
    """Longest example, in tokens; unset, ``engine.max_model_len``."""
    learner: LearnerConfig = LearnerConfig()
    """What differs from the section ``learner``."""
    dev_share: Share = 0.0
    """Share of the examples whose loss is measured and that are not trained on; copies stay together."""
    dev_every: Count = 20
    """Steps between two measurements of the held-out loss."""
    patience: CountOrNone = 0
    """Training ends after so many measurements in a row without a new best; 0: it runs to its end."""
    keep_best: bool = False
    """The model is the one of the best held-out loss, and not the last."""
    skip: bool = False
    """Ablation: go to GRPO from the base model."""

    def contradictions(self) -> Iterator[Contradiction]:
        """What rests on the held-out loss needs held-out examples; some are left to train on."""
        if self.dev_share == 0 and (self.patience or self.keep_best):
            key = "patience" if self.patience else "keep_best"
            yield Contradiction(
                ("dev_share", key),
                self.dev_share,
                f"{key} goes by the held-out loss, and no example is held out",
                "set dev_share, 0.05 for instance",
            )
        if self.dev_share == 1:
            yield Contradiction(
                ("dev_share",), self.dev_share, "no example would be left to train on", "give a share below 1"
            )

    @property
    def trains(self) -> bool:
        """Whether a learner is started at all."""
        return not self.skip
