"""One micro-batch as tensors: packed rows for the forward pass, padded per sequence for the loss.

Collaborators: ``packing`` decides the layout; ``policy_model`` reads ``rows``; ``objectives`` reads
``[sequences, tokens]`` tensors made by :meth:`PackedBatch.per_sequence`.
Invariants:
- Positions restart at 0 with every sequence, which is also what keeps packed sequences apart (transformers
  derives masks and flash-attn's cu_seqlens from them).
- Padding counts as one more sequence and is never predicted from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from psyche_rl.learner.packing import MicroBatch
from psyche_rl.learner.sequence import TokenSequence, response_length


@dataclass(frozen=True)
class PackedBatch:
    """``R`` response tokens of ``n`` sequences in ``rows`` x ``width`` packed tokens."""

    members: tuple[int, ...]
    """Which of the caller's sequences these are, in layout order; empty for a filler batch."""
    input_ids: torch.Tensor
    """[rows, width] int64."""
    position_ids: torch.Tensor
    """[rows, width] int64."""
    predictors: torch.Tensor
    """[R] flat positions (row * width + column) whose hidden state predicts a response token."""
    targets: torch.Tensor
    """[R] the response tokens."""
    lengths: np.ndarray
    """[n] response tokens of each sequence; ``R`` is their sum."""

    def per_sequence(self, flat: torch.Tensor) -> torch.Tensor:
        """[R] -> [n, longest response], zero beyond each response; differentiable."""
        columns = np.arange(self.lengths.max(initial=0))
        inside = torch.from_numpy(columns[None, :] < self.lengths[:, None]).to(flat.device)
        padded = flat.new_zeros(inside.shape)
        return padded.masked_scatter(inside, flat)

    def split(self, flat: np.ndarray) -> list[np.ndarray]:
        """[R] -> one array per sequence, in layout order."""
        return np.split(flat, np.cumsum(self.lengths)[:-1]) if len(self.lengths) else []


def collate(
    sequences: Sequence[TokenSequence], micro: MicroBatch, one_row: bool, device: torch.device
) -> PackedBatch:
    """Fill the arrays of ``micro``.

    Args:
        sequences: all sequences of the step on this rank; ``micro`` holds indices into them.
        one_row: lay all rows end to end without padding, the layout of variable-length flash-attn.
    """
    rows = (tuple(micro.members),) if one_row else micro.rows
    width = sum(len(sequences[i].input_ids) for i in rows[0]) if one_row else micro.width
    ids = np.zeros((len(rows), width), dtype=np.int64)
    positions = np.zeros((len(rows), width), dtype=np.int64)
    predictors, targets, lengths = [], [], []
    for r, row in enumerate(rows):
        start = 0
        for index in row:
            sequence = sequences[index]
            stop = start + len(sequence.input_ids)
            ids[r, start:stop] = sequence.input_ids
            positions[r, start:stop] = np.arange(stop - start)
            first = r * width + start + sequence.prompt_length - 1
            predictors.append(np.arange(first, r * width + stop - 1))
            targets.append(sequence.input_ids[sequence.prompt_length :])
            lengths.append(response_length(sequence))
            start = stop
        positions[r, start:] = np.arange(width - start)
    return PackedBatch(
        members=tuple(index for row in rows for index in row),
        input_ids=torch.from_numpy(ids).to(device),
        position_ids=torch.from_numpy(positions).to(device),
        predictors=torch.from_numpy(np.concatenate(predictors)).to(device),
        targets=torch.from_numpy(np.concatenate(targets).astype(np.int64)).to(device),
        lengths=np.asarray(lengths, dtype=np.int64),
    )


def filler(device: torch.device) -> PackedBatch:
    """A batch of one prompt token and no response.

    Sharded layers gather their weights together, so a rank with fewer micro-batches than the others
    must still take part; this costs it next to nothing and adds exactly zero to the gradient.
    """
    one = torch.zeros((1, 1), dtype=torch.int64, device=device)
    none = torch.zeros(0, dtype=torch.int64, device=device)
    return PackedBatch((), one, one, none, none, np.zeros(0, dtype=np.int64))
