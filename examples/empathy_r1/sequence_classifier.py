"""A reward model: a sequence classifier with one output, as TRL's RewardTrainer and RLHFlow publish them.

- The value is the logit of (post, answer part) under the tokenizer's chat template, through a sigmoid where
  ``squash`` is on; the think block is not shown.
- The model is loaded at the first score of each scoring process: give the pool few workers, ``memory_mib``
  for the weights and a ``timeout_s`` that covers loading.
- A reply without an answer part is worth 0.0 squashed; unsquashed the model is shown the empty reply.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rewards import Reward, RewardSample, Score
from rewards.reply import answer_part


class SequenceClassifier(Reward):
    """The reward model's opinion of a reply. ``model``: a folder or a name on the hub; ``max_tokens``: longer
    chats lose their beginning."""

    name = "sequence_classifier"

    def __init__(self, model: str, squash: bool = True, max_tokens: int = 2048) -> None:
        self.model, self.squash, self.max_tokens = model, squash, max_tokens

    def score(self, sample: RewardSample) -> Score:
        """The logit, or its sigmoid in [0, 1]."""
        import torch

        answer = answer_part(sample.response)
        if not answer and self.squash:
            return Score.of(0.0)
        tokenizer, model = _loaded(self.model)
        turns = [{"role": "user", "content": sample.prompt or ""}, {"role": "assistant", "content": answer}]
        text = tokenizer.apply_chat_template(turns, tokenize=False)
        ids = tokenizer.encode(text, add_special_tokens=False)[-self.max_tokens :]
        with torch.inference_mode():
            logit = model(torch.tensor([ids], device=model.device)).logits[0, 0].float()
        return Score.of(float(torch.sigmoid(logit) if self.squash else logit))


@lru_cache(maxsize=2)
def _loaded(name: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(1)  # other scoring processes have the other cores
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForSequenceClassification.from_pretrained(name, num_labels=1).eval()
    return tokenizer, model.to("cuda" if torch.cuda.is_available() else "cpu")
