"""The sum of all claims is what is asked for, whatever comes and goes."""

from __future__ import annotations

import threading

from actors.placement.autoscaler import EXPIRES_S, Autoscaler


class Asked:
    def __init__(self) -> None:
        self.calls: list[list[dict[str, float]]] = []
        self.again = threading.Event()

    def __call__(self, bundles, expires_s):
        assert expires_s == EXPIRES_S
        self.calls.append(bundles)
        if len(self.calls) >= 4:
            self.again.set()


def test_each_call_is_the_sum_of_all_claims():
    asked = Asked()
    scaler = Autoscaler(asked, renew_s=1000)
    scaler.claim("learner", [{"GPU": 1}, {"GPU": 1}])
    scaler.claim("worker 0", [{"GPU": 4}])
    scaler.claim("learner", [{"GPU": 2}])
    scaler.release("worker 0")
    scaler.release("worker 0")
    scaler.close()
    scaler.close()
    assert asked.calls == [
        [{"GPU": 1}, {"GPU": 1}],
        [{"GPU": 1}, {"GPU": 1}, {"GPU": 4}],
        [{"GPU": 2}, {"GPU": 4}],
        [{"GPU": 2}],
        [],
    ]


def test_what_is_held_is_asked_for_again_before_it_is_forgotten():
    asked = Asked()
    scaler = Autoscaler(asked, renew_s=0.01)
    scaler.claim("learner", [{"GPU": 1}])
    assert asked.again.wait(20)
    scaler.close()
    assert asked.calls[:4] == [[{"GPU": 1}]] * 4
    assert asked.calls[-1] == []


def test_nothing_is_sent_where_nothing_was_claimed():
    asked = Asked()
    Autoscaler(asked).close()
    assert asked.calls == []
