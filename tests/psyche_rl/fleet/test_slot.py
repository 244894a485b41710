"""A worker's life: every event in every state, and what no order of events can reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.errors import WeightSyncError
from psyche_rl.fleet.slot import IllegalTransitionError, Served, Slot, SlotState, WorkerProgress

WANTED = Served(3, 7)
S = SlotState

EVENTS = {
    "placed": lambda slot, now: slot.placed(now, "node"),
    "loaded": Slot.loaded,
    "published": Slot.published,
    "proved": lambda slot, now: slot.proved(now, WANTED, WANTED),
    "given work": Slot.given_work,
    "progressed": lambda slot, now: slot.progressed(now, slot.progress.tokens + 1),
    "silent": Slot.silent,
    "drain": lambda slot, now: slot.drain(now, "asked"),
    "drained": Slot.drained,
    "lost": lambda slot, now: slot.lost(now, "killed"),
}
FOLLOWS = {
    S.JOINING: {"placed": S.LOADING, "published": S.JOINING, "drain": S.GONE},
    S.LOADING: {"loaded": S.SYNCING, "published": S.LOADING, "drain": S.GONE},
    S.SYNCING: {
        "published": S.SYNCING,
        "proved": S.SERVING,
        "progressed": S.SYNCING,
        "drain": S.DRAINING,
    },
    S.SERVING: {
        "published": S.SYNCING,
        "given work": S.SERVING,
        "progressed": S.SERVING,
        "silent": S.SUSPECT,
        "drain": S.DRAINING,
    },
    S.SUSPECT: {
        "published": S.SYNCING,
        "progressed": S.SERVING,
        "silent": S.SUSPECT,
        "drain": S.DRAINING,
    },
    S.DRAINING: {"published": S.DRAINING, "progressed": S.DRAINING, "drain": S.DRAINING, "drained": S.GONE},
    S.GONE: {"published": S.GONE, "drain": S.GONE},
}


def in_state(state, since=0.0):
    return Slot(4, state, since, WorkerProgress(since), node="node", why="before" if state is S.GONE else "")


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("event", EVENTS)
def test_each_event_in_each_state_leads_where_the_table_says_or_is_refused(state, event):
    slot = in_state(state)
    follows = FOLLOWS[state].get(event) if event != "lost" else S.GONE
    if follows is None:
        with pytest.raises(
            IllegalTransitionError, match=rf"worker 4 is {state.value}, so '{event}' cannot happen"
        ):
            EVENTS[event](slot, 5.0)
    else:
        after = EVENTS[event](slot, 5.0)
        assert (after.state, after.since) == (follows, 5.0 if follows is not state else 0.0)


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=12))
def test_nothing_serves_without_a_proof_since_the_last_publish(events):
    """A restarted engine that answers holds the weights it started with (NeMo-RL fleet_health)."""
    slot, proved = Slot.joining(0, 0.0), False
    for event in events:
        try:
            slot = EVENTS[event](slot, 1.0)
        except IllegalTransitionError:
            continue
        proved = event == "proved" or (proved and event != "published")
        assert proved or slot.state not in {S.SERVING, S.SUSPECT}


def test_a_proof_of_other_weights_is_an_error_and_an_older_one_is_not_enough():
    slot = in_state(S.SYNCING)
    for proof in (Served(3, 8), Served(3, None), Served(4, 7)):
        with pytest.raises(WeightSyncError, match=f"worker 4 serves version {proof.version} with checksum"):
            slot.proved(1.0, proof, WANTED)
    older = slot.proved(2.0, Served(2, 99), WANTED)
    assert (older.state, older.served, older.since) == (S.SYNCING, Served(2, 99), 2.0)
    serving = older.proved(3.0, WANTED, WANTED)
    assert (serving.state, serving.served, serving.since) == (S.SERVING, WANTED, 3.0)
    assert serving.progress.at == 3.0


def test_a_worker_that_serves_less_than_it_has_proved_was_restarted_unseen():
    slot = in_state(S.SYNCING).proved(1.0, WANTED, WANTED).published(2.0)
    with pytest.raises(WeightSyncError, match="version 2 with checksum 1, after version 3"):
        slot.proved(3.0, Served(2, 1), Served(4, 0))
    assert slot.proved(3.0, WANTED, WANTED).state is S.SERVING


def test_weights_without_a_checksum_are_proved_by_their_version():
    assert in_state(S.SYNCING).proved(1.0, Served(0), Served(0)).state is S.SERVING


def test_a_publish_gives_no_new_time_to_a_worker_that_owes_the_last_proof():
    assert in_state(S.SYNCING, since=1.0).published(9.0).since == 1.0
    assert in_state(S.SERVING, since=1.0).published(9.0).since == 9.0


def test_progress_is_more_tokens_and_its_gap_becomes_a_habit():
    slot = in_state(S.SERVING)
    assert slot.progressed(5.0, 0) == slot
    slot = slot.progressed(2.0, 10)
    assert slot.progress == WorkerProgress(2.0, 10, 2.0)
    slot = slot.progressed(3.0, 11)
    assert slot.progress == WorkerProgress(3.0, 11, pytest.approx(2.0 + 0.2 * (1.0 - 2.0)))
    assert slot.progressed(4.0, 11) == slot
    assert slot.progressed(4.0, 9) == slot


def test_silence_counts_from_the_work_and_not_from_the_idle_time_before():
    assert in_state(S.SERVING).given_work(50.0).progress == WorkerProgress(50.0)


def test_a_suspect_that_generates_serves_again():
    slot = in_state(S.SERVING).silent(1.0)
    assert slot.progressed(2.0, 0).state is S.SUSPECT
    back = slot.progressed(2.0, 5)
    assert (back.state, back.since, back.progress.tokens) == (S.SERVING, 2.0, 5)
    assert back.progressed(3.0, 6).since == 2.0


def test_why_a_worker_left_is_kept_and_the_first_reason_stays():
    leaving = in_state(S.SERVING).drain(1.0, "scaled down")
    assert leaving.drain(2.0, "again") == leaving
    assert leaving.drained(3.0).why == "scaled down"
    gone = in_state(S.SERVING).lost(1.0, "killed")
    assert gone.lost(2.0, "no answer") == gone
    assert (gone.why, gone.since) == ("killed", 1.0)


def test_a_joiner_has_no_node_until_it_is_placed():
    slot = Slot.joining(2, 1.0)
    assert (slot.id, slot.state, slot.node, slot.since, slot.progress) == (
        2,
        S.JOINING,
        None,
        1.0,
        WorkerProgress(1.0),
    )
    assert (slot.progress.tokens, slot.progress.gap_s, slot.why) == (0, 0.0, "")
    assert slot.placed(2.0, "10.0.0.1").node == "10.0.0.1"


def test_gone_is_not_returned_from_by_any_order_of_events():
    gone = in_state(S.GONE)
    for event in EVENTS.values():
        try:
            assert event(gone, 9.0) == gone
        except IllegalTransitionError:
            continue
