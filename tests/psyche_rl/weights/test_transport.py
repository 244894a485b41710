"""Which way weights take, when they are checked, and when a group is formed."""

import pytest

from psyche_rl.errors import WeightSyncError
from psyche_rl.fleet.slot import Served
from psyche_rl.weights.transport import (
    BUCKET_BYTES,
    GPU_CHECKSUM_EVERY,
    Backend,
    DirectTransport,
    bucket_bytes,
    checksum_due,
    choose_backend,
)


@pytest.mark.parametrize(
    ("asked", "colocated", "on_gpu", "fixed", "backend"),
    [
        ("auto", False, False, True, Backend.OBJECT_STORE),
        ("auto", True, False, True, Backend.OBJECT_STORE),
        ("auto", False, True, True, Backend.NCCL),
        ("auto", True, True, True, Backend.IPC),
        ("auto", False, True, False, Backend.OBJECT_STORE),
        ("ipc", True, True, True, Backend.IPC),
        ("ipc", True, False, True, Backend.OBJECT_STORE),
        ("nccl", False, True, True, Backend.NCCL),
        ("object_store", True, True, True, Backend.OBJECT_STORE),
    ],
)
def test_the_way_follows_from_config_placement_and_device(asked, colocated, on_gpu, fixed, backend):
    assert choose_backend(asked, colocated, on_gpu, fixed) is backend


def test_direct_backends_bear_the_names_that_vllm_knows():
    assert (Backend.IPC.value, Backend.NCCL.value) == ("ipc", "nccl")


def test_a_bucket_holds_the_largest_tensor():
    assert bucket_bytes([]) == bucket_bytes([5, 7]) == bucket_bytes([BUCKET_BYTES]) == BUCKET_BYTES
    embedding = 152_064 * 3584 * 2  # of a 7B Qwen2.5: more than vLLM's own gibibyte
    assert bucket_bytes([10, embedding, 20]) == embedding > 2**30


def test_a_checksum_is_taken_of_every_version_on_cpu_and_of_some_on_gpu():
    assert all(checksum_due(version, None, on_gpu=False) for version in range(12))
    on_gpu = [v for v in range(25) if checksum_due(v, None, on_gpu=True)]
    assert on_gpu == [0, GPU_CHECKSUM_EVERY, 2 * GPU_CHECKSUM_EVERY]
    for device in (False, True):
        assert [v for v in range(1, 10) if checksum_due(v, 3, device)] == [3, 6, 9]


class Calls:
    """Notes what a transport does."""

    def __init__(self):
        self.made, self.fails, self.version = [], None, 0

    def form(self, members):
        self._note("form", *members)

    def send(self, version, checked):
        self._note("send", version, checked)
        return [Served(version)]

    def put(self, version):
        self._note("put", version)
        return f"object {version}"

    def direct(self):
        return DirectTransport(self.form, self.send, self.put, lambda: self.version)

    def _note(self, *what):
        if what[0] == self.fails:
            raise OSError(what[0])
        self.made.append(what)


def test_a_group_is_formed_anew_only_when_its_members_change():
    calls = Calls()
    transport, members = calls.direct(), ["a", "b"]
    transport.publish(members, 1, True)
    transport.publish(["a", "b"], 2, False)
    members.append("c")
    transport.publish(members, 3, False)
    transport.publish(["b", "a", "c"], 4, False)
    assert [what for what in calls.made if what[0] == "form"] == [
        ("form", "a", "b"), ("form", "a", "b", "c"), ("form", "b", "a", "c"),
    ]  # fmt: skip
    assert [what[1:] for what in calls.made if what[0] == "send"] == [
        (1, True), (2, False), (3, False), (4, False),
    ]  # fmt: skip


@pytest.mark.parametrize("fails", ["form", "send"])
def test_after_a_failed_publish_the_group_is_formed_anew(fails):
    calls = Calls()
    transport = calls.direct()
    if fails == "send":
        transport.publish(["a"], 1, True)
    calls.fails = fails
    with pytest.raises(OSError, match=fails):
        transport.publish(["a"], 2, True)
    calls.fails, calls.made = None, []
    transport.publish(["a"], 3, True)
    assert calls.made == [("form", "a"), ("send", 3, True)]


def test_who_comes_between_publishes_gets_an_object_as_long_as_the_learner_has_those_weights():
    calls = Calls()
    transport = calls.direct()
    transport.publish(["a"], 1, True)
    calls.version, calls.made = 1, []
    assert transport.as_object(1) == "object 1"
    assert calls.made == [("put", 1)]
    calls.version = None
    with pytest.raises(WeightSyncError, match="no longer the weights of version 1"):
        transport.as_object(1)
