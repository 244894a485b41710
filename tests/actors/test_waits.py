"""Waiting on remote work: in time, too late, on the dead, and on those that raise."""

import os
import pickle
import time

import pytest

from actors.waits import Waiting, wait
from psyche_rl.errors import ModelError, RemoteWaitError

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def worker(ray_local):
    @ray.remote(num_cpus=0)
    class Worker:
        def echo(self, value):
            return value

        def sleep(self, seconds):
            time.sleep(seconds)

        def die(self):
            os._exit(1)

        def refuse(self):
            raise ModelError("gone: no config.json; give a Hugging Face model folder")

        def wait_in_vain(self):
            raise RemoteWaitError("engine 0", "generate", 4, "no answer within 5 s")

        def divide(self):
            return 1 / 0

    return Worker


@pytest.fixture(scope="module")
def alive(worker):
    return worker.remote()


def test_what_comes_in_time_is_returned_one_or_many_in_order(alive):
    assert wait(alive.echo.remote(1), Waiting("worker 0", "echo")) == 1
    assert wait([alive.echo.remote(i) for i in range(3)], Waiting("worker 0", "echo")) == [0, 1, 2]


def test_a_deadline_that_passes_names_actor_phase_version_and_seconds(worker):
    slow = worker.remote()
    with pytest.raises(RemoteWaitError) as caught:
        wait(slow.sleep.remote(60), Waiting("rollout worker 1", "generate", 7, deadline_s=1.0))
    ray.kill(slow)
    assert str(caught.value) == (
        "rollout worker 1 in phase 'generate' at weight version 7: no answer within 1 s"
    )
    assert (caught.value.actor, caught.value.phase, caught.value.version) == (
        "rollout worker 1",
        "generate",
        7,
    )


def test_an_actor_that_dies_is_named_too(worker):
    with pytest.raises(RemoteWaitError, match=r"learner rank 0 in phase 'train': the actor died: "):
        wait(worker.remote().die.remote(), Waiting("learner rank 0", "train"))


def test_a_users_mistake_comes_back_as_itself(alive):
    with pytest.raises(ModelError, match=r"^gone: no config\.json; give a Hugging Face model folder$"):
        wait(alive.refuse.remote(), Waiting("worker 0", "open"))


def test_a_wait_that_failed_over_there_comes_back_as_itself(alive):
    with pytest.raises(RemoteWaitError) as caught:
        wait(alive.wait_in_vain.remote(), Waiting("worker 0", "relay"))
    assert str(caught.value) == "engine 0 in phase 'generate' at weight version 4: no answer within 5 s"
    assert pickle.loads(pickle.dumps(caught.value)).version == 4


def test_a_defect_keeps_its_traceback(alive):
    with pytest.raises(ZeroDivisionError, match="in divide"):
        wait(alive.divide.remote(), Waiting("worker 0", "divide"))
