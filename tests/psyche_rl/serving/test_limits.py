"""The one rule by which requests are refused."""

from __future__ import annotations

import pytest

from psyche_rl.serving import Address, RequestLimits

LIMITS = RequestLimits("t", max_body=100, request_s=1.0, hosts=Address().own_names)
JSON = {"content-type": "application/json; charset=utf-8"}
GOOD = {"host": "127.0.0.1:80", "authorization": "Bearer t", "content-length": "100"} | JSON


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, None),
        ({"host": "localhost"}, None),
        ({"host": "[::1]:80"}, None),
        ({"host": "evil.example:80"}, 400),
        ({"host": ""}, 400),
        ({"authorization": "Bearer no"}, 401),
        ({"authorization": "t"}, 401),
        ({"authorization": "Bearer é"}, 401),
        ({"content-length": "101"}, 413),
        ({"content-length": "-1"}, 413),
        ({"content-length": "²"}, 413),
        ({"content-length": "9" * 5000}, 413),
        ({"host": "LOCALHOST:80"}, None),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": ""}, 415),
        ({"content-type": "", "content-length": "0"}, None),
        ({"content-type": "", "content-length": "0", "transfer-encoding": "chunked"}, 415),
        ({"content-encoding": "gzip"}, 415),
    ],
)
def test_each_limit(changed, status):
    refusal = LIMITS.refusal("/score", GOOD | changed)
    assert (refusal[0] if refusal else None) == status


def test_open_paths_need_no_token_but_a_name():
    assert LIMITS.refusal("/health", {"host": "localhost"}) is None
    refusal = LIMITS.refusal("/health", {"host": "evil.example"})
    assert refusal is not None
    assert refusal[0] == 400


def test_a_loopback_address_of_its_own_is_one_of_the_names():
    for host, said in (("127.0.0.2", "127.0.0.2:80"), ("::1", "[::1]:80")):
        limits = RequestLimits(None, 100, 1.0, Address(host=host).own_names)
        assert limits.refusal("/", {"host": said}) is None


def test_without_names_any_will_do():
    assert RequestLimits(None, 100, 1.0).refusal("/", {"host": "anything"}) is None
