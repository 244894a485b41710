"""Sequences that begin with the same prompt, bundled over one copy of it. Pure: sequences in, indices out.

Role: what a forward pass need not compute twice. The samples of a group differ in their responses only, so
one copy of the prompt serves them all.
Collaborators: ``packing`` lays bundles out in rows, ``packed_batch`` fills the arrays, ``attention`` keeps
the responses of a bundle from seeing each other.
Invariants:
- Every sequence is in exactly one bundle.
- The members of a bundle have equal prompts, token for token.
- A bundle has no more than ``limit`` tokens unless it is a single longer sequence.
- The same sequences give the same bundles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psyche_rl.learner.sequence import TokenSequence, response_length


@dataclass(frozen=True)
class Bundle:
    """One prompt and the responses to it. The last token of a response predicts nothing and is not laid
    out."""

    members: tuple[int, ...]
    """Indices of the sequences."""
    prompt: int
    """Tokens of the prompt."""
    responses: tuple[int, ...]
    """Tokens laid out of each response."""

    @property
    def tokens(self) -> int:
        """Tokens that it takes in a row."""
        return self.prompt + sum(self.responses)


def bundles(sequences: Sequence[TokenSequence], limit: int, shared: bool) -> list[Bundle]:
    """Bundle ``sequences``; each stays alone where ``shared`` is False."""
    groups: dict[object, list[int]] = {}
    for index, sequence in enumerate(sequences):
        key = sequence.input_ids[: sequence.prompt_length].tobytes() if shared else index
        groups.setdefault(key, []).append(index)
    return [bundle for group in groups.values() for bundle in _cut(sequences, group, limit)]


def _cut(sequences: Sequence[TokenSequence], group: list[int], limit: int) -> list[Bundle]:
    """The group in its own order, a new copy of the prompt wherever the limit is reached."""
    prompt = sequences[group[0]].prompt_length
    parts: list[list[int]] = []
    tokens = 0
    for index in group:
        laid = response_length(sequences[index]) - 1
        if not parts or tokens + laid > limit:
            parts.append([])
            tokens = prompt
        parts[-1].append(index)
        tokens += laid
    return [
        Bundle(tuple(part), prompt, tuple(response_length(sequences[i]) - 1 for i in part)) for part in parts
    ]
