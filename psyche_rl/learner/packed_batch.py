"""One micro-batch as tensors: packed rows for the forward pass, padded per sequence for the loss.

Collaborators: ``bundles`` and ``packing`` decide the layout; ``policy_model`` reads the rows,
``attention`` who sees whom; ``objectives`` reads ``[sequences, tokens]`` tensors made by
:meth:`PackedBatch.per_sequence`.
Invariants:
- Positions restart at 0 with every prompt and go on with every response to it.
- Padding counts as one more sequence and is never predicted from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from psyche_rl.learner.attention import Segments, segments_of, visible
from psyche_rl.learner.bundles import Bundle
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
    visible: torch.Tensor | None = None
    """[rows, 1, width, width] bool, which token sees which; None where the positions say it."""
    segments: Segments | None = None
    """The same for kernels that take one row of segments; None for the others."""
    tokens: int = 0
    """Tokens laid out, without padding."""

    def per_sequence(self, flat: torch.Tensor) -> torch.Tensor:
        """[R] -> [n, longest response], zero beyond each response; differentiable."""
        columns = np.arange(self.lengths.max(initial=0))
        inside = torch.from_numpy(columns[None, :] < self.lengths[:, None]).to(flat.device)
        padded = flat.new_zeros(inside.shape)
        return padded.masked_scatter(inside, flat)

    def split(self, flat: np.ndarray) -> list[np.ndarray]:
        """[R] -> one array per sequence, in layout order."""
        return np.split(flat, np.cumsum(self.lengths)[:-1]) if len(self.lengths) else []

    def scatter(self, flat: torch.Tensor, into: list[np.ndarray]) -> None:
        """Put the parts of [R] where their sequences stand in ``into``."""
        for index, part in zip(self.members, self.split(flat.detach().cpu().numpy()), strict=True):
            into[index] = part


def collate(
    sequences: Sequence[TokenSequence],
    bundles: Sequence[Bundle],
    micro: MicroBatch,
    device: torch.device,
    *,
    one_row: bool = False,
    masked: bool = False,
) -> PackedBatch:
    """Fill the arrays of ``micro``.

    Args:
        sequences: all sequences of the step on this rank; ``bundles`` hold indices into them.
        bundles: all bundles of the step on this rank; ``micro`` holds indices into them.
        one_row: lay all rows end to end without padding, for kernels of variable length.
        masked: say in a mask who sees whom, which bundles of several sequences need; else positions must do.
    """
    rows = (tuple(b for row in micro.rows for b in row),) if one_row else micro.rows
    width = sum(bundles[b].tokens for b in rows[0]) if one_row else micro.width
    ids = np.zeros((len(rows), width), dtype=np.int64)
    positions = np.zeros_like(ids)
    # Each prompt and each response has a number of its own; a token sees its own and that of its prompt.
    owner, prompt_of = np.full_like(ids, -1), np.full_like(ids, -1)
    members, predictors, targets = [], [], []
    for r, row in enumerate(rows):
        at = 0
        for bundle in (bundles[b] for b in row):
            first = sequences[bundle.members[0]]
            end = at + bundle.prompt
            ids[r, at:end] = first.input_ids[: bundle.prompt]
            positions[r, at:end] = np.arange(bundle.prompt)
            owner[r, at : at + bundle.tokens] = prompt_of[r, at : at + bundle.tokens] = r * width + at
            last = r * width + end - 1
            for index, laid in zip(bundle.members, bundle.responses, strict=True):
                response = sequences[index].input_ids[bundle.prompt :]
                ids[r, end : end + laid] = response[:laid]
                positions[r, end : end + laid] = np.arange(bundle.prompt, bundle.prompt + laid)
                if len(bundle.members) > 1:
                    owner[r, end : end + laid] = r * width + end
                predictors.append(np.concatenate([[last], r * width + np.arange(end, end + laid)]))
                targets.append(response)
                members.append(index)
                end += laid
            at = end
        positions[r, at:] = np.arange(width - at)
    return PackedBatch(
        members=tuple(members),
        input_ids=torch.from_numpy(ids).to(device),
        position_ids=torch.from_numpy(positions).to(device),
        predictors=torch.from_numpy(np.concatenate(predictors)).to(device),
        targets=torch.from_numpy(np.concatenate(targets).astype(np.int64)).to(device),
        lengths=np.asarray([response_length(sequences[i]) for i in members], dtype=np.int64),
        visible=visible(owner, prompt_of, device) if masked and not one_row else None,
        segments=segments_of([bundles[b] for b in rows[0]], device) if one_row else None,
        tokens=sum(bundles[b].tokens for row in rows for b in row),
    )


def filler(device: torch.device, *, one_row: bool = False) -> PackedBatch:
    """A batch of one prompt token and no response.

    Sharded layers gather their weights together, so a rank with fewer micro-batches than the others
    must still take part; this costs it next to nothing and adds exactly zero to the gradient.
    """
    one = torch.zeros((1, 1), dtype=torch.int64, device=device)
    none = torch.zeros(0, dtype=torch.int64, device=device)
    segments = segments_of([Bundle((), 1, ())], device) if one_row else None
    return PackedBatch((), one, one, none, none, np.zeros(0, dtype=np.int64), segments=segments)
