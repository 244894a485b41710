"""Whatever is killed when, books that were kept by the rules close, and a dropped ending never does."""

from __future__ import annotations

from book_story import Story, book_of, numbered
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.ledger.balance import Amount

GROUPS = 3


def run_with_kills(draw) -> Story:
    """A run of four steps, killed at random places, going on from a random earlier step each time."""
    told, done, starts = Story(), 0, 0
    while done < 4:
        starts += 1
        told.say("opened", step=done)
        book = book_of(numbered(told.entries))
        for event, by_old in (("abandoned", book.in_flight()), ("rolled_back", book.ended_after(done))):
            for old, groups in by_old.items():
                told.say(event, of=old, groups=tuple(groups))
        checkpoint = done
        for step in range(done + 1, 5):
            dies_in = draw(st.integers(0, 2 * GROUPS)) if starts < 4 else GROUPS
            for i in range(min(GROUPS, dies_in)):
                told.train(f"{step - 1}/{i}", step, step - 1)
            if dies_in < GROUPS:
                told.issue(f"{step - 1}/{dies_in}", step - 1)
                break
            told.say("held", step=step)
            done = step
        if done < 4:
            done = draw(st.integers(min(checkpoint, done), done))
    told.say("closed", step=4)
    return told


@given(st.data())
def test_books_close_over_any_kills(data):
    balance = book_of(numbered(run_with_kills(data.draw).entries)).balance(done=True)
    assert balance.findings == ()
    assert balance.gap == Amount()
    assert balance.line("trained") == Amount(4 * GROUPS, 8 * GROUPS, 48 * GROUPS)


@given(st.data())
def test_an_ending_that_is_dropped_in_a_finished_step_is_found(data):
    entries = run_with_kills(data.draw).entries
    finished = [
        i for i, e in enumerate(entries)
        if e.event == "trained" and any(
            o.event == "held" and (o.incarnation, o.step) == (e.incarnation, e.step) for o in entries
        )
    ]  # fmt: skip
    dropped = data.draw(st.sampled_from(finished))
    found = book_of(numbered(entries[:dropped] + entries[dropped + 1 :])).balance(done=True).findings
    assert any(entries[dropped].group in line for line in found)
