"""Waiting on remote work: in time, too late, on the dead, and on those that raise."""

import os
import pickle
import time

import pytest
import ray
from ray import exceptions

from actors.waits import Waiting, first_line, lost, understood, wait
from psyche_rl.errors import ModelError, RemoteWaitError

ID = "0" * 56
LOST = [
    exceptions.ActorDiedError(),
    exceptions.ActorUnavailableError("away", None),
    exceptions.ActorUnschedulableError("no such node"),
    exceptions.ActorPlacementGroupRemoved(),
    exceptions.LocalRayletDiedError(),
    exceptions.NodeDiedError("the node died"),
    exceptions.ObjectFetchTimedOutError(ID, None, ""),
    exceptions.ObjectFreedError(ID, None, ""),
    exceptions.ObjectLostError(ID, None, ""),
    exceptions.ObjectReconstructionFailedError(ID, None, "", 0, "max_retries"),
    exceptions.OutOfDiskError("the disk is full"),
    exceptions.OutOfMemoryError("the node runs low on memory"),
    exceptions.OwnerDiedError(ID, None, ""),
    exceptions.ReferenceCountingAssertionError(ID, None, ""),
    exceptions.RuntimeEnvSetupError("no such environment"),
    exceptions.TaskCancelledError(),
    exceptions.TaskPlacementGroupRemoved(),
    exceptions.TaskUnschedulableError("no such node"),
    exceptions.WorkerCrashedError(),
]
WAITING = Waiting("rollout worker 1", "generate", 7, 5.0)


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


@pytest.mark.parametrize("error", LOST, ids=lambda e: type(e).__name__)
def test_whatever_is_gone_behind_a_call_is_a_lost_process_alike(error):
    told = understood(error, WAITING)
    assert isinstance(told, RemoteWaitError)
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    assert str(told).startswith("rollout worker 1 in phase 'generate' at weight version 7: ")
    assert str(told).endswith(" ".join(first.split()))
    # A call whose arguments are gone fails by an error of the task, in as many wraps as there were calls.
    wrapped = exceptions.RayTaskError(
        "f", "", exceptions.RayTaskError("g", "", error, "p", 1, "ip"), "p", 1, "ip"
    )
    assert lost(wrapped) == lost(error) != ""
    assert str(understood(wrapped, WAITING)) == str(told)


def test_every_way_of_ray_to_lose_something_is_in_the_list():
    """Those that Ray makes from what the cluster reports; a new one is to be looked at."""
    answered = {"RayTaskError", "GetTimeoutError", "RayActorError"}  # the last: only by its subclasses
    of_channels = ("Channel", "Cgraph", "Streaming", "Stream", "DirectTransport", "OutOfBand", "OufOfBand")
    of_the_caller = {
        "RayError", "CrossLanguageError", "UserCodeException", "AuthenticationError", "ObjectStoreFullError",
        "RpcError", "PlasmaObjectNotAvailable", "AsyncioActorExit", "PendingCallsLimitExceeded",
        "UnserializableException", "ActorAlreadyExistsError", "ActorHandleNotFoundError", "RaySystemError",
    }  # fmt: skip
    known = {
        name
        for name, kind in vars(exceptions).items()
        if isinstance(kind, type) and issubclass(kind, exceptions.RayError)
        if not any(part in name for part in of_channels)
    }
    assert known - answered - of_the_caller == {type(error).__name__ for error in LOST}


def test_late_and_broken_are_not_lost():
    late = exceptions.GetTimeoutError("late")
    assert lost(late) is None
    assert str(understood(late, WAITING)).endswith("at weight version 7: no answer within 5 s")
    broken = exceptions.RayTaskError("f", "", ZeroDivisionError("by zero"), "p", 1, "ip")
    late_there = exceptions.RayTaskError("f", "", late, "p", 1, "ip")
    unsent = exceptions.RayTaskError("f", "", exceptions.RayError("not serializable"), "p", 1, "ip")
    for answered in (broken, late_there, unsent, ZeroDivisionError("here")):
        assert lost(answered) is None
        assert understood(answered, WAITING) is answered
    ours = exceptions.RayTaskError("f", "", ModelError("unfit"), "p", 1, "ip")
    assert understood(ours, WAITING) is ours.cause


def test_a_call_whose_argument_died_with_its_maker_is_lost_too(worker, alive):
    never = worker.remote().die.remote()
    with pytest.raises(RemoteWaitError, match=r"^worker 0 in phase 'echo': the actor died: "):
        wait(alive.echo.remote(never), Waiting("worker 0", "echo", deadline_s=60.0))


def test_a_lost_peer_is_told_rather_than_what_its_loss_made_others_raise(worker, alive):
    """Whatever of both comes first, and in whichever order they were asked."""
    for ours in (alive.divide, alive.refuse):
        refs = [ours.remote(), worker.remote().die.remote()]
        for asked in (refs, refs[::-1]):
            with pytest.raises(RemoteWaitError, match=r"^learner in phase 'train': the actor died: "):
                wait(asked, Waiting("learner", "train", deadline_s=60.0))
    with pytest.raises(ModelError, match="gone"):
        wait([alive.echo.remote(1), alive.refuse.remote()], Waiting("learner", "open"))


TRACEBACK = """\x1b[36mray::Engine.__init__()\x1b[39m (pid=7, ip=10.0.0.1, actor_id=ab, repr=<Engine>)
  File "/code/actors/engine.py", line 3, in __init__
    self._model = load(folder)
  File "/code/psyche_rl/model_folder.py", line 9, in load
    raise ModelError(
psyche_rl.errors.ModelError: /models/x: no whole safetensors file (a header of
9 bytes in a file of 8); download it again"""


def test_what_a_constructor_raised_is_told_whole_and_without_colours():
    error = exceptions.ActorDiedError()
    error._actor_init_failed = True
    error.error_msg = f"The actor died because of an error raised in its creation task, {TRACEBACK}"
    assert lost(error) == (
        "the actor cannot start: psyche_rl.errors.ModelError: /models/x: no whole safetensors file "
        "(a header of 9 bytes in a file of 8); download it again"
    )
    assert first_line(RuntimeError("\x1b[31mred\x1b[0m\nmore")) == "red"


def test_a_real_constructor_that_fails(ray_local):
    @ray.remote(num_cpus=0)
    class Broken:
        def __init__(self):
            raise ModelError("gone: no config.json; give a Hugging Face model folder")

        def echo(self):
            return 1

    with pytest.raises(
        RemoteWaitError, match=r"cannot start: .*gone: no config.json; give a Hugging"
    ) as caught:
        wait(Broken.remote().echo.remote(), WAITING)
    assert "\x1b" not in str(caught.value)
