"""Sequences laid out for one forward pass."""

from __future__ import annotations

import torch

from psyche_rl.learner.bundles import bundles
from psyche_rl.learner.packed_batch import PackedBatch, collate
from psyche_rl.learner.packing import pack


def collated(sequences, *, shared=False, one_row=False, row_tokens=999) -> PackedBatch:
    """All sequences in one micro-batch."""
    laid = bundles(sequences, row_tokens, shared)
    (micro,) = pack([b.tokens for b in laid], row_tokens, 10**6)
    return collate(sequences, laid, micro, torch.device("cpu"), one_row=one_row, masked=shared)
