"""Who takes work, and who comes and goes when."""

import pytest

from psyche_rl.errors import WeightSyncError
from psyche_rl.fleet.fleet import Ended, Fleet
from psyche_rl.fleet.slot import Served, SlotState


def serving(count, checksum=7):
    fleet = Fleet(version=0, checksum=checksum)
    for slot in fleet.join(0.0, count):
        bring_up(fleet, slot.id)
    return fleet


def bring_up(fleet, id, node="a"):
    load(fleet, id, node)
    assert fleet.proved(id, Served(0, 7), 3.0)


def load(fleet, id, node="a"):
    fleet.placed(id, 1.0, node)
    fleet.loaded(id, 2.0)


def test_a_joiner_takes_work_once_it_has_proved_the_weights():
    fleet = Fleet(version=0, checksum=7)
    (slot,) = fleet.join(0.0)
    assert (slot.id, fleet.staying, fleet.takes_work) == (0, (0,), ())
    load(fleet, 0)
    assert (fleet.to_sync, fleet.takes_work) == ((0,), ())
    with pytest.raises(WeightSyncError):
        fleet.proved(0, Served(0, 8), 3.0)
    assert fleet.takes_work == ()
    assert fleet.proved(0, Served(0, 7), 3.0)
    assert (fleet.to_sync, fleet.takes_work) == ((), (0,))


def test_the_first_proof_states_the_checksum_and_the_others_must_agree():
    fleet = Fleet(version=0)
    for slot in fleet.join(0.0, 3):
        load(fleet, slot.id)
    assert fleet.proved(0, Served(0, 5), 3.0)
    with pytest.raises(WeightSyncError, match="published were version 0 with checksum 5"):
        fleet.proved(1, Served(0, 6), 3.0)
    with pytest.raises(WeightSyncError, match="published were version 0 with checksum 5"):
        fleet.proved(2, Served(0), 3.0)
    assert fleet.begin_publish(1, 4.0) == (0, 1, 2)
    assert not fleet.proved(0, Served(0, 5), 5.0)  # of the version before, so it states nothing
    assert fleet.proved(1, Served(1, 9), 5.0)
    assert fleet.proved(0, Served(1, 9), 5.0)
    assert not fleet.proved(2, Served(0, 9), 5.0)
    with pytest.raises(WeightSyncError):
        fleet.proved(2, Served(1, 8), 5.0)


def test_a_wrong_first_proof_states_nothing():
    fleet = serving(1)
    fleet.begin_publish(2, 1.0)
    with pytest.raises(WeightSyncError):
        fleet.proved(0, Served(3, 1), 2.0)
    assert fleet.proved(0, Served(2, 4), 3.0)


def test_a_publish_stops_all_work_until_each_has_proved_it():
    fleet = serving(3)
    fleet.silent(2, 3.0)
    assert fleet.begin_publish(1, 4.0, checksum=8) == (0, 1, 2)
    assert (fleet.version, fleet.publishing, fleet.takes_work) == (1, True, ())
    assert fleet.pending == (0, 1, 2)
    assert fleet.to_sync == ()
    fleet.proved(1, Served(1, 8), 5.0)
    assert (fleet.pending, fleet.takes_work) == ((0, 2), (1,))
    assert fleet.end_publish() == Ended()
    assert (fleet.publishing, fleet.pending, fleet.to_sync) == (False, (), (0, 2))


def test_versions_and_publishes_do_not_overlap_or_go_back():
    fleet = serving(1)
    fleet.begin_publish(2, 1.0, 9)
    with pytest.raises(WeightSyncError, match="version 3 is published while version 2"):
        fleet.begin_publish(3, 1.0, 9)
    fleet.end_publish()
    with pytest.raises(WeightSyncError, match="version 1 is published after version 2"):
        fleet.begin_publish(1, 1.0, 9)
    with pytest.raises(WeightSyncError, match="never began"):
        fleet.end_publish()
    fleet.begin_publish(2, 1.0, 9)


def test_membership_waits_for_the_end_of_a_publish():
    """miles PR#2115: a cell stopped inside an update leaves the broadcast waiting for ever."""
    fleet = serving(2)
    fleet.begin_publish(1, 4.0, checksum=8)
    assert fleet.join(4.5, 2) == ()
    assert fleet.join(4.5) == ()
    assert not fleet.drain(0, 4.5, "scaled down")
    assert not fleet.drain(0, 4.6, "again")
    assert fleet.slot(0).state is SlotState.SYNCING
    assert fleet.staying == (0, 1)
    assert fleet.end_publish() == Ended(joins=3, drains=((0, "scaled down"),))
    assert fleet.drain(0, 6.0, "scaled down")
    assert (fleet.slot(0).state, fleet.slot(0).since) == (SlotState.DRAINING, 6.0)
    assert [slot.id for slot in fleet.join(6.0, 3)] == [2, 3, 4]


def test_a_member_lost_in_a_publish_is_waited_for_no_longer():
    fleet = serving(2)
    fleet.begin_publish(1, 4.0, checksum=8)
    fleet.drain(0, 4.2, "scaled down")
    fleet.lost(0, 4.5, "killed")
    assert fleet.pending == (1,)
    fleet.proved(1, Served(1, 8), 5.0)
    assert fleet.pending == ()
    assert fleet.end_publish() == Ended(broken=(0,))
    assert fleet.slot(0).why == "killed"


def test_who_has_loaded_in_a_publish_is_no_member_of_it():
    fleet = serving(1)
    fleet.join(1.0)
    fleet.placed(1, 2.0, "a")
    assert fleet.begin_publish(1, 4.0, checksum=8) == (0,)
    fleet.loaded(1, 4.5)
    assert (fleet.pending, fleet.to_sync) == ((0,), (1,))


def test_newcomers_have_ids_of_their_own():
    """prime-rl PR#1745: health checks by a name that is used again reject newcomers."""
    fleet = serving(2)
    fleet.lost(1, 1.0, "killed")
    (new,) = fleet.join(2.0)
    assert new.id == 2
    assert fleet.slot(1).state is SlotState.GONE
    assert [slot.id for slot in fleet.slots] == [0, 1, 2]


def test_reports_of_those_that_are_gone_change_nothing():
    fleet = serving(1)
    fleet.progressed(0, 4.0, 5)
    assert fleet.slot(0).progress.tokens == 5
    fleet.lost(0, 5.0, "killed")
    fleet.progressed(0, 6.0, 9)
    assert fleet.slot(0).progress.tokens == 5


def test_a_suspect_gets_no_work_until_it_generates():
    fleet = serving(1)
    fleet.given_work(0, 4.0)
    assert fleet.slot(0).progress.at == 4.0
    fleet.silent(0, 5.0)
    assert (fleet.takes_work, fleet.staying) == ((), (0,))
    fleet.progressed(0, 6.0, 1)
    assert fleet.takes_work == (0,)


def test_counts_name_every_state():
    fleet = serving(3)
    fleet.join(1.0, 2)
    fleet.drain(0, 1.0, "scaled down")
    fleet.drained(0, 2.0)
    assert fleet.counts() == {
        "joining": 2,
        "loading": 0,
        "syncing": 0,
        "serving": 2,
        "suspect": 0,
        "draining": 0,
        "gone": 1,
    }


def test_the_newest_that_have_not_come_yet_leave_first():
    fleet = serving(3)
    fleet.join(1.0, 5)  # 3 to 7
    fleet.placed(3, 1.0, "a")
    load(fleet, 4)
    fleet.silent(0, 1.0)
    fleet.drain(7, 1.0, "asked")
    assert fleet.surplus(0) == (6, 5, 3, 4, 0, 2, 1)
    assert fleet.surplus(5) == (6, 5)
    assert fleet.surplus(7) == fleet.surplus(9) == ()
