"""Which way weights take, when they are checked, and when a group is formed."""

import pytest

from psyche_rl.fleet.slot import Served
from psyche_rl.weights.transport import (
    BUCKET_BYTES,
    GPU_CHECKSUM_EVERY,
    Backend,
    DirectTransport,
    ObjectStoreTransport,
    bucket_bytes,
    checksum_due,
    choose_backend,
)


@pytest.mark.parametrize(
    ("placement", "on_gpu", "backend"),
    [
        ("split", False, Backend.OBJECT_STORE),
        ("colocated", False, Backend.OBJECT_STORE),
        ("split", True, Backend.NCCL),
        ("colocated", True, Backend.IPC),
    ],
)
def test_the_way_follows_from_placement_and_device(placement, on_gpu, backend):
    assert choose_backend(placement, on_gpu) is backend


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

    def load(self, members, held, version, checked):
        self._note("load", *members, held, version, checked)
        return [Served(version) for _ in members]

    def direct(self):
        return DirectTransport(self.form, self.send, self.put, self.load, lambda: self.version)

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


def test_who_joins_between_publishes_reads_an_object_as_long_as_the_learner_has_those_weights():
    calls = Calls()
    transport = calls.direct()
    transport.publish(["a"], 1, True)
    calls.version, calls.made = 1, []
    assert transport.bring("b", 1, True) == Served(1)
    assert calls.made == [("put", 1), ("load", "b", "object 1", 1, True)]
    calls.version = 2
    assert transport.bring("c", 1, True) is None


def test_the_object_store_serves_late_comers_the_object_that_was_published():
    calls = Calls()
    transport = ObjectStoreTransport(calls.put, calls.load)
    assert transport.bring("a", 0, True) is None
    assert transport.publish(["a", "b"], 1, True) == [Served(1), Served(1)]
    assert transport.bring("c", 1, False) == Served(1)
    assert transport.bring("c", 2, False) is None
    assert calls.made == [
        ("put", 1), ("load", "a", "b", "object 1", 1, True), ("load", "c", "object 1", 1, False),
    ]  # fmt: skip


def test_an_object_that_could_not_be_put_leaves_none():
    calls = Calls()
    transport = ObjectStoreTransport(calls.put, calls.load)
    transport.publish(["a"], 1, True)
    calls.fails = "put"
    with pytest.raises(OSError, match="put"):
        transport.publish(["a"], 2, True)
    assert transport.bring("b", 1, True) is None
