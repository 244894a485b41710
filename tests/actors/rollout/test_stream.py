"""The stream on real Ray with pretended workers: who joins, leaves, hangs and dies while groups are made."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import ray
from pretended_worker import pretended
from ray.exceptions import OutOfMemoryError, OwnerDiedError, RayTaskError

from actors.rollout.board import NAMESPACE, FleetPicture, RunSide, UserSide, board_name
from actors.rollout.crew import Crew, WorkerAnswer
from actors.rollout.stream import RolloutStream
from psyche_rl.errors import RemoteWaitError, RunFolderError, WeightSyncError
from psyche_rl.fleet.fleet import Fleet
from psyche_rl.fleet.health import Patience
from psyche_rl.fleet.sizing import Between, Fixed, Scaling
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest
from psyche_rl.rollout.streaming import GroupGivenUpError
from psyche_rl.store import RunStore

WEIGHTS = {"w": 1}
KINDS = ("work", "collect")


def group(name: str, n: int = 4) -> GenerationRequest:
    return GenerationRequest(id=name, prompt_ids=(1, 2), n=n, max_tokens=8, seed=abs(hash(name)) % 1000)


@pytest.fixture
def streams(ray_local, tmp_path):
    """Makes streams, with their ledgers, and ends them."""
    made = []

    def make(workers=2, seconds=0.0, **more):
        ledger = Ledger(RunStore(str(tmp_path / str(len(made)))), "grpo")
        ledger.begin(0)
        policy = workers if not isinstance(workers, int) else Fixed(workers)
        said = []
        stream = RolloutStream(
            pretended(seconds, more.pop("load_s", 0.0)), Scaling(policy), ledger=ledger,
            say=lambda what, **fields: said.append((what, fields)), **{"wait_s": 60, **more},
        )  # fmt: skip
        stream.said, stream.ledger = said, ledger
        made.append(stream)
        stream.start(0)
        return stream

    yield make
    for stream in made:
        stream.stop()


def run(stream, names, version=0):
    requests = [group(name) for name in names]
    stream.ledger.issued(requests, version)
    return [stream.submit(request) for request in requests]


def results(futures):
    return [future.result(60) for future in futures]


def wait_for(holds, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def serving(stream):
    return stream.metrics()["workers/serving"]


def test_every_group_is_whole_in_order_and_counted_by_its_workers(streams):
    stream = streams(workers=2)
    wait_for(lambda: serving(stream) == 2)
    found = results(run(stream, [f"g{i}" for i in range(20)]))
    for number, samples in enumerate(found):
        assert [s.id for s in samples] == [f"g{number}/{i}" for i in range(4)]
    workers = stream.ledger.balance().workers
    assert set(workers) == {"0", "1"}
    assert sum(amount.samples for amount in workers.values()) == 80
    assert stream.free == 2 * 256


def test_groups_that_are_submitted_together_go_out_in_few_calls(streams, monkeypatch):
    stream, sent, send = streams(workers=1), [], Crew.send
    monkeypatch.setattr(Crew, "send", lambda *call: sent.append(len(call[2])) or send(*call))
    with stream.together():
        futures = run(stream, [f"g{i}" for i in range(8)])
    assert [len(samples) for samples in results(futures)] == [4] * 8
    assert (sum(sent), len(sent) <= 2) == (32, True)  # the pump may send some meanwhile


def test_places_are_told_of_as_samples_end_not_only_whole_groups(streams):
    stream, told = streams(workers=1, seconds=0.2, cap=4), []
    (future,) = run(stream, ["g0"])
    stream.when_free(lambda: told.append((stream.free, future.done())))
    future.result(60)
    wait_for(lambda: any(done for _, done in told))
    assert {free for free, done in told if not done} & {1, 2, 3}


def test_an_idle_fleet_is_heard_at_once(streams, monkeypatch):
    """Not when the pump next looks around: an answer to what was asked meanwhile wakes it."""
    monkeypatch.setattr("actors.rollout.crew.COLLECT_S", 100.0)
    stream = streams(workers=2)
    wait_for(lambda: serving(stream) == 2)
    monkeypatch.setattr("actors.rollout.stream.POLL_S", 100.0)
    stream.publish(WEIGHTS, 1)  # the last look around that was begun as before
    with ThreadPoolExecutor(1) as shell:
        assert shell.submit(stream.publish, WEIGHTS, 2).result(50) == "0000000000000007"
    monkeypatch.undo()
    stream._crew._come.put(Future())  # the pump is woken, so that it can be stopped


@pytest.mark.slow
def test_versions_go_on_while_groups_are_made(streams):
    stream = streams(workers=2, seconds=0.02)
    futures = run(stream, [f"g{i}" for i in range(10)])
    assert stream.publish(WEIGHTS, 1) == "0000000000000007"
    futures += run(stream, ["last"], 1)
    found = results(futures)
    assert {v for s in found[-1] for v in s.weight_versions} == {1}
    assert stream.generate([group("dev")], 1)[0][0].weight_versions == (1, 1)
    assert "dev" not in stream.ledger.balance().lines


def test_a_killed_worker_costs_nothing_but_time(streams):
    stream = streams(workers=2, seconds=0.05)
    wait_for(lambda: serving(stream) == 2)
    futures = run(stream, [f"g{i}" for i in range(12)])
    lost = stream.pids()[0]
    os.kill(lost, signal.SIGKILL)
    found = results(futures)
    assert [s.id for samples in found for s in samples] == [f"g{i}/{j}" for i in range(12) for j in range(4)]
    wait_for(lambda: serving(stream) == 2)
    assert lost not in stream.pids()
    assert (
        stream.said[1][0],
        {"worker": stream.said[1][1]["worker"]},
    ) == ("rollout: worker lost", {"worker": 0}) or any(
        what == "rollout: worker lost" for what, _ in stream.said
    )
    assert stream.ledger.balance().lost.samples > 0
    assert stream.ledger.balance().closes


@pytest.mark.slow
def test_a_hanging_worker_is_cut_off_by_its_own_silence(streams):
    stream = streams(workers=2, patience=Patience(wait_s=3, join_s=60, load_s=60, sync_s=60))
    wait_for(lambda: serving(stream) == 2)
    (future,) = run(stream, ["hang"])
    assert len(future.result(60)) == 4
    assert any("no token for" in fields.get("why", "") for _, fields in stream.said)


@pytest.mark.slow
def test_a_group_at_which_workers_keep_dying_is_given_up(streams):
    stream = streams(workers=1)
    healthy, poison = group("ok"), group("poison", n=1)
    stream.ledger.issued([healthy, poison], 0)
    bad = stream.submit(poison)
    with pytest.raises(GroupGivenUpError, match="poison"):
        bad.result(120)
    assert len(stream.submit(healthy).result(60)) == 4


@pytest.mark.slow
def test_a_joiner_pulls_the_current_weights_before_it_takes_work(streams):
    stream = streams(workers=1)
    stream.publish(WEIGHTS, 3)
    assert "3 workers" in stream.scale(3)
    wait_for(lambda: serving(stream) == 3)
    found = results(run(stream, [f"g{i}" for i in range(30)], 3))
    assert {v for samples in found for s in samples for v in s.weight_versions} == {3}
    assert len(stream.ledger.balance().workers) == 3


@pytest.mark.slow
def test_who_leaves_finishes_what_he_has(streams):
    stream = streams(workers=3, seconds=0.05)
    wait_for(lambda: serving(stream) == 3)
    futures = run(stream, [f"g{i}" for i in range(15)])
    stream.scale(1)
    assert len(results(futures)) == 15
    wait_for(lambda: len(stream.pids()) == 1)
    assert stream.ledger.balance().lost.samples == 0


@pytest.mark.slow
def test_a_scale_beyond_the_bounds_says_what_holds(streams):
    stream = streams(workers=Between(1, 2))
    assert stream.scale(9) == "2 workers: 9 were asked for, 2 is the most"
    assert stream.asked == 9
    wait_for(lambda: serving(stream) == 2)


@pytest.mark.slow
def test_joins_asked_for_within_a_publish_wait_for_its_end(streams):
    stream = streams(workers=1, seconds=0.0)
    for version in range(1, 6):
        asking = threading.Thread(target=stream.scale, args=[1 + version % 2])
        asking.start()
        stream.publish(WEIGHTS, version)
        asking.join()
    found = results(run(stream, ["a", "b"], 5))
    assert {v for samples in found for s in samples for v in s.weight_versions} == {5}


@pytest.mark.slow
def test_a_worker_with_other_weights_ends_the_run_by_name(streams):
    stream = streams(workers=2)
    wait_for(lambda: serving(stream) == 2)
    with pytest.raises(WeightSyncError, match=r"rollout worker \d serves version 4"):
        stream.publish({"wrong": 1}, 4)
    with pytest.raises(WeightSyncError):
        stream.submit(group("later"))


def test_lost_weights_end_the_run_and_lost_workers_do_not():
    crew = Crew(Fleet(3), new_worker=lambda version: None)
    crew._actors = {0: object(), 1: object()}
    gone = OwnerDiedError("0" * 56, None, "")
    with pytest.raises(RemoteWaitError, match=r"learner 0 in phase 'publish weights' .*version 3.* are lost"):
        crew.heed([WorkerAnswer(0, "sync", error=gone)])
    memory = [WorkerAnswer(1, kind, error=OutOfMemoryError("the node runs low on memory")) for kind in KINDS]
    assert crew.heed(memory) == ([], [(1, "work: the node runs low on memory")])
    with pytest.raises(WeightSyncError):
        crew.heed(
            [WorkerAnswer(0, "sync", error=RayTaskError("f", "", WeightSyncError("a shape does not fit")))]
        )
    assert crew.heed([WorkerAnswer(7, "work", error=gone)]) == ([], []), "answers of those that are gone"


@pytest.mark.slow
def test_any_shell_sees_the_fleet_and_changes_it(streams):
    stream = streams(workers=Between(1, 3), board=RunSide("/runs/of-this-test"))
    wait_for(lambda: serving(stream) == 1)
    stream.publish(WEIGHTS, 4)
    user = UserSide("/runs/of-this-test")
    assert user.scale(2) == "2 workers: 2 were asked for"
    assert user.scale(9) == "3 workers: 9 were asked for, 3 is the most"
    wait_for(lambda: [row.state for row in user.picture().workers] == ["serving"] * 3)
    picture = user.picture()
    assert (picture.version, picture.wanted) == (4, 3)
    assert {row.version for row in picture.workers} == {4}
    assert {row.pid for row in picture.workers} == set(stream.pids())
    assert user.scale(None) == "as the policy says"
    assert UserSide(board_name("/runs/of-this-test")).picture().version == 4
    with pytest.raises(RunFolderError, match=r"/runs/other: no fleet to be found"):
        UserSide("/runs/other")


@pytest.mark.slow
def test_a_board_that_is_lost_is_made_anew_and_nobody_who_asks_is_told(streams):
    streams(workers=Between(1, 2), board=RunSide("/runs/of-a-lost-board"))
    user = UserSide("/runs/of-a-lost-board")
    wait_for(user.picture)
    ray.kill(ray.get_actor(board_name("/runs/of-a-lost-board"), namespace=NAMESPACE))
    wait_for(user.picture)
    assert user.scale(2) == "2 workers: 2 were asked for"


def test_a_board_that_was_just_made_is_given_time_for_its_first_picture(ray_local, monkeypatch):
    run = RunSide("/runs/just-begun")
    ray.get(run._actor.__ray_ready__.remote())
    user = UserSide("/runs/just-begun")
    with ThreadPoolExecutor(1) as shell:
        seen = shell.submit(user.picture)
        time.sleep(0.5)  # it has been asked by then, and has none
        run.exchange(FleetPicture(3, 1, "enough", 0))
        assert seen.result().version == 3
    monkeypatch.setattr("actors.rollout.board.ANEW_S", 0.1)
    another = RunSide("/runs/that-starts")
    ray.get(another._actor.__ray_ready__.remote())
    assert UserSide("/runs/that-starts").picture() is None


@pytest.mark.slow
def test_a_run_that_has_ended_answers_nobody(streams, monkeypatch):
    monkeypatch.setattr("actors.rollout.board.ANEW_S", 1.0)
    stream = streams(workers=Between(1, 2), board=RunSide("/runs/of-an-end"))
    user = UserSide("/runs/of-an-end")
    wait_for(user.picture)
    stream.stop()
    ray.kill(ray.get_actor(board_name("/runs/of-an-end"), namespace=NAMESPACE))

    def answers_nobody():  # a killed actor may answer once more: the signal is only sent
        try:
            user.picture()
        except RemoteWaitError as error:
            return "board of /runs/of-an-end" in str(error)
        return False

    wait_for(answers_nobody)


@pytest.mark.slow
def test_a_board_stays_while_its_stage_starts_again(streams):
    board = RunSide("/runs/that-starts-again")
    first = streams(workers=Between(1, 2), board=board)
    user = UserSide("/runs/that-starts-again")
    wait_for(user.picture)
    first.stop()
    with ThreadPoolExecutor(1) as shell:
        told = shell.submit(user.scale, 3)
        streams(workers=Between(1, 3), board=board)
        assert told.result() == "3 workers: 3 were asked for"
