"""Which calls are spoiled: shares, kinds, and what a retry meets."""

import json
from collections import Counter

import pytest

from psyche_rl.mini.teacher.faults import (
    ALL_FAULTS,
    HTTP_FAULTS,
    IN_PIPELINE,
    REPLY_FAULTS,
    FaultPlan,
    spoiled,
)

DIGESTS = [f"digest {i}" for i in range(1000)]


def attempts(plan, json_reply=True, n=6):
    return [[plan.of_attempt(0, digest, a, json_reply) for a in range(n)] for digest in DIGESTS]


def test_http_faults_depend_on_the_attempt_so_that_retries_get_through():
    plan = FaultPlan(0.3, HTTP_FAULTS)
    faults = attempts(plan)
    assert faults == attempts(plan)
    first = Counter(row[0] for row in faults)
    assert 0.25 < 1 - first[None] / 1000 < 0.35
    assert set(first) == {None, *HTTP_FAULTS}
    assert sum(None not in row for row in faults) < 5
    assert not any(map(any, attempts(FaultPlan())))


def test_reply_faults_stay_with_the_request():
    plan = FaultPlan(0.3, REPLY_FAULTS)
    found = Counter(plan.of_reply(0, digest) for digest in DIGESTS)
    assert set(found) == {None, *REPLY_FAULTS}
    assert 0.25 < 1 - found[None] / 1000 < 0.35
    assert not any(map(any, attempts(plan)))
    assert not any(FaultPlan(1.0, HTTP_FAULTS).of_reply(0, digest) for digest in DIGESTS)


def test_all_kinds_together_make_up_the_asked_share_also_where_a_reply_is_plain_text():
    plan = FaultPlan(0.3, ALL_FAULTS)
    either = [plan.of_attempt(0, d, 0, True) or plan.of_reply(0, d) for d in DIGESTS]
    plain = [plan.of_attempt(0, d, 0, False) for d in DIGESTS]
    for found in (either, plain):
        assert 0.23 < sum(fault is not None for fault in found) / 1000 < 0.35


def test_a_run_of_its_own_meets_429_and_500_half_each():
    first = Counter(row[0] for row in attempts(FaultPlan(0.4)))
    assert set(first) == {None, *IN_PIPELINE}
    assert all(150 < first[kind] < 250 for kind in IN_PIPELINE)


@pytest.mark.parametrize(
    "reply", ['[{"stem": "题", "gold": "A"}]', '```json\n[{"a": "b"}]\n```', '{"a": "b"}']
)
def test_spoiled_replies_are_no_json_or_have_other_fields(reply):
    for fault in ("reply_cut", "reply_malformed"):
        with pytest.raises(ValueError, match=r"."):
            json.loads(spoiled(reply, fault))
    wrong = json.loads(spoiled(reply, "reply_wrong_fields"))
    assert isinstance(wrong, list) == ("[" in reply)
    rows = wrong if isinstance(wrong, list) else [wrong]
    assert not set(rows[0]) & {"a", "stem", "gold"}
