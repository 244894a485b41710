"""Ray takes SIGTERM for itself when it starts; a run that has a handler keeps it."""

from __future__ import annotations

import signal
import sys

import pytest

from actors import cluster


@pytest.fixture
def handler():
    got: list[int] = []

    def ours(number, frame) -> None:
        got.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, ours)
    yield ours, got
    signal.signal(signal.SIGTERM, before)


def rays_own(number, frame) -> None:
    sys.exit(number)


def start(monkeypatch, then) -> None:
    def init(**_) -> None:
        signal.signal(signal.SIGTERM, rays_own)
        then()

    monkeypatch.setattr(cluster.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(cluster.ray, "init", init)
    cluster.connect()


def test_the_handler_of_the_run_is_there_after_ray_has_started(monkeypatch, handler):
    start(monkeypatch, lambda: None)
    assert signal.getsignal(signal.SIGTERM) is handler[0]


def test_a_signal_while_ray_starts_reaches_it(monkeypatch, handler):
    with pytest.raises(KeyboardInterrupt):
        start(monkeypatch, lambda: signal.raise_signal(signal.SIGTERM))
    assert handler[1] == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is handler[0]


def test_without_a_handler_rays_stays(monkeypatch):
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        start(monkeypatch, lambda: None)
        assert signal.getsignal(signal.SIGTERM) is rays_own
    finally:
        signal.signal(signal.SIGTERM, before)
