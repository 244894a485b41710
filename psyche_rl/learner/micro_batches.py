"""A rank's sequences as micro-batches, as many as the rank with the most has.

Collaborators: ``bundles``, ``packing`` and ``packed_batch`` in this order; ``opening`` says what the model
bears.
Invariants:
- All ranks get the same number of micro-batches, since each is a collective.
- The same sequences give the same micro-batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.bundles import bundles
from psyche_rl.learner.packed_batch import PackedBatch, collate, filler
from psyche_rl.learner.packing import Layout, pack
from psyche_rl.learner.ranks import largest
from psyche_rl.learner.sequence import TokenSequence


@dataclass
class TokenCounts:
    """What the micro-batches of a step were made of, in tokens of this rank."""

    laid: int = 0
    """Laid out in rows."""
    computed: int = 0
    """The same with padding."""
    unshared: int = 0
    """What there would be with a copy of the prompt for every sequence."""


@dataclass(frozen=True)
class MicroBatches:
    """Lays out sequences for one model on one rank; ``one_row`` as in :func:`collate`."""

    config: LearnerConfig
    layout: Layout
    one_row: bool
    device: torch.device

    def of(
        self, sequences: Sequence[TokenSequence], counts: TokenCounts | None = None
    ) -> Iterator[PackedBatch]:
        """The micro-batches of ``sequences``, counted into ``counts``. Collective."""
        limit = self.config.row_tokens
        shared = self.layout is Layout.SHARED
        laid = bundles(sequences, limit, shared)
        row_tokens = 0 if self.layout is Layout.ALONE else limit
        micros = pack([b.tokens for b in laid], row_tokens, self.config.micro_batch_tokens)
        (most,) = largest([len(micros)], self.device)
        for micro in micros:
            batch = collate(sequences, laid, micro, self.device, one_row=self.one_row, masked=shared)
            if counts is not None:
                counts.laid += batch.tokens
                counts.computed += batch.input_ids.numel()
                counts.unshared += sum(len(sequences[i].input_ids) - 1 for i in batch.members)
            yield batch
        for _ in range(int(most) - len(micros)):
            yield filler(self.device, one_row=self.one_row)
