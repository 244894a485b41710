"""The pool on real Ray with real engines: order, publishing, and workers that die or hang."""

import os
import signal
from contextlib import suppress
from dataclasses import replace

import pytest
import ray
from engine_checks import CONFIG, largest_error, requests
from tiny_models import save_tiny_model, weights_of

from actors.rollout.pool import RolloutPool
from actors.rollout.worker import start_worker
from actors.waits import wait
from psyche_rl.errors import ModelError, WeightSyncError
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.store import RunStore
from psyche_rl.weights.arrays import checksum as checksum_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    return (
        folder / "first",
        save_tiny_model(folder / "first", seed=0),
        save_tiny_model(folder / "second", seed=1),
    )


@pytest.fixture(scope="module")
def pool(ray_local, models):
    ledger = Ledger(RunStore(str(models[0].parent / "run")), "grpo")
    ledger.begin(0)
    with RolloutPool(str(models[0]), CONFIG, workers=2, wait_s=120, ledger=ledger) as pool:
        yield pool


def test_order_versions_and_published_weights(pool, models):
    _, first, second = models
    started = pool.generate(requests(7), 0)
    assert [g[0].request_id for g in started] == [f"r{i}" for i in range(7)]
    assert largest_error(first, started) < 1e-4
    ref = ray.put(weights_of(second))
    checksum = pool.publish(ref, 1)
    assert checksum == pool.publish(weights_of(second), 1) == f"{checksum_of(weights_of(second)):016x}"
    after = pool.generate(requests(7), 1)
    assert largest_error(second, after) < 1e-4
    assert {v for g in after for s in g for v in s.weight_versions} == {1}
    assert pool.generate([], 1) == []
    with pytest.raises(WeightSyncError, match="serves version 1, not 2"):
        pool.generate(requests(1), 2)


def test_a_version_between_two_checks_is_proved_without_a_checksum(pool, models, monkeypatch):
    monkeypatch.setattr(pool, "_checksum_every", 10)
    assert pool.publish(weights_of(models[2]), 3) == ""
    assert largest_error(models[2], pool.generate(requests(3), 3)) < 1e-4
    assert pool.publish(weights_of(models[2]), 10) != ""


def test_a_killed_worker_is_replaced_and_its_part_comes_out_the_same(pool, models):
    pool.publish(weights_of(models[2]), 5)
    asked, ledger = requests(9), pool._ledger
    before = pool.generate(asked, 5)
    lost, replaced = pool.pids()[1], pool.report().replaced
    os.kill(lost, signal.SIGKILL)
    ledger.issued(asked, 5)
    assert pool.generate(asked, 5, counted=True) == before
    balance = ledger.balance()
    assert balance.findings == ()
    assert set(balance.workers) == {"0", str(2 + replaced)}
    assert balance.lost.samples == sum(request.n for request in asked[1::2])
    assert pool.report().replaced == replaced + 1
    assert pool.pids()[1] != lost


def test_a_hanging_worker_is_replaced_too(pool, models, monkeypatch):
    pool.publish(weights_of(models[2]), 6)
    before = pool.generate(requests(5), 6)
    hung = pool.pids()[0]

    def impatient(refs, waiting):
        hanging = waiting.phase == "generate" and pool.pids()[0] == hung
        return wait(refs, replace(waiting, deadline_s=3) if hanging else waiting)

    monkeypatch.setattr("actors.rollout.pool.wait", impatient)
    os.kill(hung, signal.SIGSTOP)
    try:
        assert pool.generate(requests(5), 6) == before
    finally:
        with suppress(ProcessLookupError):
            os.kill(hung, signal.SIGKILL)
    assert pool.pids()[0] != hung


class Dying:
    """A worker whose process ends while its engine starts."""

    def load(self):
        os._exit(1)


def test_a_worker_lost_while_starting_is_replaced(ray_local, models, monkeypatch):
    first = iter([True])

    def start(*args):
        return ray.remote(Dying).options(num_cpus=0).remote() if next(first, False) else start_worker(*args)

    monkeypatch.setattr("actors.rollout.pool.start_worker", start)
    pool = RolloutPool(str(models[0]), CONFIG, workers=1, wait_s=120)
    pool.start(version=4)
    assert pool.report().replaced == 1
    assert largest_error(models[1], pool.generate(requests(2), 4)) < 1e-4
    pool.stop()


def test_a_worker_with_other_weights_than_published_takes_no_work(pool, models):
    with pytest.raises(WeightSyncError, match="checksum"):
        pool.publish(weights_of(models[1]), 8, checksum=1)


def test_a_model_folder_without_tokenizer_is_the_users_error(ray_local, models, tmp_path):
    save_tiny_model(tmp_path)
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match="no tokenizer"):
        RolloutPool(str(tmp_path), CONFIG, workers=1, wait_s=60).start()
