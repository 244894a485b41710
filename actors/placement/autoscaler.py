"""The one way by which a run asks the autoscaler for more: the sum of all it holds, renewed while it lives.

Ray's ``request_resources`` keeps only the last call of the whole cluster. Ray Data and Ray Train therefore
send theirs through one coordinator actor, which adds up its requesters and sends the sum. So do we, or the
next tick of either would take our nodes away.
Invariants:
- Each claim replaces the one of the same name; what is sent is always the sum.
- A request ends by itself soon after the process that made it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

Bundle = dict[str, float]
EXPIRES_S = 300.0
RENEW_S = 100.0
Send = Callable[[list[Bundle], float], None]
"""Bundles and the seconds after which they are forgotten."""


class Autoscaler:
    """Of one run. ``send``: as :func:`to_coordinator` makes one; it is first called at the first claim."""

    def __init__(self, send: Send, renew_s: float = RENEW_S) -> None:
        self._send, self._renew_s = send, renew_s
        self._claims: dict[str, list[Bundle]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None

    def claim(self, name: str, bundles: Sequence[Bundle]) -> None:
        """Have the cluster hold at least these as well, until they are released."""
        with self._lock:
            self._claims[name] = [dict(bundle) for bundle in bundles]
            self._send_all()
            if self._renewing is None:
                self._renewing = threading.Thread(target=self._renew, daemon=True, name="autoscaler-claims")
                self._renewing.start()

    def release(self, name: str) -> None:
        """No longer; harmless if there is no such claim."""
        with self._lock:
            if self._claims.pop(name, None) is not None:
                self._send_all()

    def close(self) -> None:
        """Release all."""
        self._ended.set()
        with self._lock:
            if self._claims:
                self._claims.clear()
                self._send_all()

    def _renew(self) -> None:
        while not self._ended.wait(self._renew_s):
            with self._lock:
                if self._claims:
                    self._send_all()

    def _send_all(self) -> None:
        self._send([bundle for bundles in self._claims.values() for bundle in bundles], EXPIRES_S)


def to_coordinator(requester: str) -> Send:
    """Sends through the coordinator that Ray Data and Train share."""
    client: Any = None

    def send(bundles: list[Bundle], expires_s: float) -> None:
        nonlocal client
        if client is None:
            from ray.data._internal.cluster_autoscaler import default_autoscaling_coordinator as shared

            client = shared.DefaultAutoscalingCoordinator(requester)
        if bundles:
            client.request_resources(bundles, expires_s)
        else:
            client.cancel_request()

    return send
