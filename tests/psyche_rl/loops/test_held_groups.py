"""The buffer's own count, held against the books over every path that a group may take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import sample

from psyche_rl.ledger.balance import Amount
from psyche_rl.loops.held_groups import HeldGroups
from psyche_rl.records import GenerationRequest


def asked(name: str, n: int) -> GenerationRequest:
    return GenerationRequest(id=name, prompt_ids=(1,), n=n, max_tokens=8)


GROUP = st.tuples(
    st.integers(1, 4), st.sampled_from(["asked", "came", "scored", "gone", "given up"]), st.integers(0, 50)
)


@given(st.lists(GROUP, max_size=6))
def test_it_holds_what_was_asked_for_and_has_not_left(groups):
    held, coming, expected = HeldGroups(), {"of nobody": 99}, Amount()
    for number, (n, state, tokens) in enumerate(groups):
        name = f"g{number}"
        held.asked(asked(name, n))
        coming[name] = tokens  # as the stream says until it has told of the group
        if state in ("came", "scored", "gone"):
            held.came(name, [sample("abc", name, i) for i in range(n)])
        if state == "scored":
            held.scored(name, Amount(1, n - 1, 4 * (n - 1)))
        if state in ("gone", "given up"):
            held.gone(name)
        scored = Amount(1, n - 1, 4 * (n - 1))
        counts = {"asked": Amount(1, n, tokens), "came": Amount(1, n, 4 * n), "scored": scored}
        expected += counts.get(state, Amount())
    assert held.amount(coming) == expected
