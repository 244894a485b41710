"""The sums of a ledger, line by line, in groups, samples and tokens.

Pure. Invariants:
- Every line is a sum over the entries of one party; none is what is left of others.
- The books close if issued = trained + stale + filtered + errored + surplus + rolled back + abandoned +
  in flight, at each of three levels:
  * groups: as the dispatcher gave them out;
  * samples: likewise; a sample whose scorer failed is errored, whatever became of its group, and any other
    shares the end of its group;
  * tokens: response tokens. "issued" is what the workers handed out, since nobody knows a length before.
- "lost" stands beside the equation: work that died with its worker was never handed out, and the same samples
  are given out again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LINES = (
    "issued", "trained", "stale", "filtered", "errored", "surplus", "rolled back", "abandoned", "in flight",
)  # fmt: skip
LEVELS = ("groups", "samples", "tokens")


@dataclass(frozen=True)
class Amount:
    """Groups, samples and response tokens."""

    groups: int = 0
    samples: int = 0
    tokens: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.groups + other.groups, self.samples + other.samples, self.tokens + other.tokens)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.groups - other.groups, self.samples - other.samples, self.tokens - other.tokens)


@dataclass(frozen=True)
class Balance:
    """The lines of a ledger at one moment."""

    lines: dict[str, Amount] = field(default_factory=dict)
    """By name, see :data:`LINES`."""
    lost: Amount = field(default_factory=Amount)
    """Samples and tokens that died with their worker (groups: 0, since none is lost by it)."""
    steps_rolled_back: int = 0
    incarnations: int = 0
    workers: dict[str, Amount] = field(default_factory=dict)
    """What each worker handed out (groups: 0)."""
    findings: tuple[str, ...] = ()
    """Why the books do not close, in the order found; empty if they do."""

    @property
    def closes(self) -> bool:
        """Whether the sums agree and nothing was found."""
        return not self.findings

    def line(self, name: str) -> Amount:
        """A line's amount, nothing where it never occurred."""
        return self.lines.get(name, Amount())

    @property
    def gap(self) -> Amount:
        """Issued less all other lines: zero at each level where the sums agree."""
        rest = sum((self.line(name) for name in LINES if name != "issued"), Amount())
        return self.line("issued") - rest
