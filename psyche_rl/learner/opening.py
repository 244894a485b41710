"""What a model bears, found out when it is opened: a few short texts in every layout.

Role: no list of families says how a model may be trained. Its log-probabilities as the learner computes
them are compared with the model's own whole forward pass, and layout with layout.
Collaborators: ``policy_model`` (both ways to compute), ``packed_batch`` (the layouts).
Invariants:
- A model whose log-probabilities the learner gets wrong is refused, and so is one that computes other ones
  each time.
- What breaks packing (linear attention, state spaces) trains unpacked; what breaks shared prompts trains
  unshared.
- All ranks compute the same and come to the same end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from psyche_rl.errors import ModelError
from psyche_rl.learner.bundles import bundles
from psyche_rl.learner.packed_batch import collate
from psyche_rl.learner.packing import Layout, MicroBatch
from psyche_rl.learner.policy_model import PolicyModel, log_softmax, score
from psyche_rl.learner.sequence import SftSequence
from psyche_rl.rollout.sampling import PLAIN

TOLERANCE = {torch.float64: 1e-5, torch.float32: 2e-3, torch.bfloat16: 0.08}
"""Largest mean difference, in nats, that rounding explains; a leak or a scale left out is far above it."""
PROMPTS, RESPONSES = (9, 5), (7, 4)
"""Tokens of the texts: each prompt with a response of each length, as a group has them."""


@torch.no_grad()
def find_layout(model: PolicyModel, compute: torch.dtype, device: torch.device, name: str) -> Layout:
    """The most sparing layout in which the model's log-probabilities are its own. Collective.

    Args:
        compute: the type of the forward pass.
        name: what errors call the model.

    Raises:
        ModelError: the learner's log-probabilities are not the model's own, or two passes differ.
    """
    texts = _texts(_vocabulary(model))
    own = _own_logprobs(model, texts, device)
    limit = TOLERANCE[compute]
    if not _gap(own, _own_logprobs(model, texts, device)) <= limit / 1000:
        raise ModelError(
            f"{name}: two passes over one text differ; something in it is random (router, dropout)"
        )
    if not (gap := _gap(own, _logprobs(model, texts, Layout.ALONE, device))) <= limit:
        raise ModelError(
            f"{name}: the learner's log-probabilities are {gap:.3g} nats off the model's own on average; "
            "this architecture cannot be trained here"
        )
    for layout in (Layout.SHARED, Layout.PACKED):
        if layout is Layout.SHARED and has_windows(model.lm.config):
            continue  # these texts are shorter than a window
        if _gap(own, _logprobs(model, texts, layout, device)) <= limit:
            return layout
    return Layout.ALONE


def has_windows(config: Any) -> bool:
    """Whether some layer sees only the newest tokens, so that a position in a row is not one in a text."""
    text = config.get_text_config()
    kinds = getattr(text, "layer_types", None)
    if kinds is not None:
        return any(kind != "full_attention" for kind in kinds)
    return getattr(text, "sliding_window", None) is not None and getattr(text, "use_sliding_window", True)


def _texts(vocabulary: int) -> list[SftSequence]:
    dice = np.random.default_rng(0)
    prompts = [dice.integers(0, vocabulary, tokens) for tokens in PROMPTS]
    return [
        SftSequence(np.concatenate([prompt, dice.integers(0, vocabulary, tokens)]), len(prompt))
        for prompt in prompts
        for tokens in RESPONSES
    ]


def _own_logprobs(model: PolicyModel, texts: Sequence[SftSequence], device: torch.device) -> list[np.ndarray]:
    found = []
    with model.attention("eager"):
        for text in texts:
            ids = torch.from_numpy(text.input_ids).to(device)
            every = log_softmax(model.whole_logits(ids))[text.prompt_length - 1 : -1]
            found.append(every.gather(1, ids[text.prompt_length :, None])[:, 0].cpu().numpy())
    model.reshard()
    return found


def _logprobs(
    model: PolicyModel, texts: Sequence[SftSequence], layout: Layout, device: torch.device
) -> list[np.ndarray]:
    shared = layout is Layout.SHARED
    laid = bundles(texts, 10**6, shared)
    rows = [(i,) for i in range(len(laid))] if layout is Layout.ALONE else [tuple(range(len(laid)))]
    micros = [MicroBatch((row,), sum(laid[i].tokens for i in row)) for row in rows]
    batches = (collate(texts, laid, micro, device, one_row=model.one_row, masked=shared) for micro in micros)
    return score(model, batches, len(texts), PLAIN)


def _gap(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """Mean difference; not a number where either is none, which no bound lets through."""
    return float(np.abs(np.concatenate(one) - np.concatenate(other)).mean())


def _vocabulary(model: PolicyModel) -> int:
    return int(model.lm.config.get_text_config().vocab_size)
