"""Where servers listen, and what is refused in one line."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest

from psyche_rl.errors import ConfigError
from psyche_rl.serving import Address, RequestLimits, is_loopback, url_of


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "203.0.113.1", "reward.example"])
def test_what_others_can_reach_needs_a_token(host):
    with pytest.raises(ConfigError, match="without a token is refused: set TOKEN_OF_X"):
        Address(host=host, token_variable="TOKEN_OF_X").listen()
    Address(host=host, token="t" * 16).check()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_loopback_needs_none(host):
    assert is_loopback(host)
    Address(host=host).check()


def test_the_token_comes_from_the_environment_and_is_not_shown(monkeypatch):
    monkeypatch.setenv("TOKEN_OF_X", "secret-of-16-or-more")
    address = Address.of("127.0.0.1", 0, "TOKEN_OF_X")
    assert address.token == "secret-of-16-or-more"
    assert "secret-of" not in repr(address) + repr(RequestLimits(address.token, 1, 1.0))
    monkeypatch.setenv("TOKEN_OF_X", "")
    assert Address.of("127.0.0.1", 0, "TOKEN_OF_X").token is None


def test_connections_are_taken_before_the_url_is_told():
    with Address().listen() as listener:
        url = url_of(listener)
        assert url == f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises((TimeoutError, urllib.error.URLError)):  # nobody answers yet, but it connects
            urllib.request.urlopen(url, timeout=0.2)
        socket.create_connection(listener.getsockname(), timeout=5).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "999.1.1.1", "a..b"])
def test_an_address_that_cannot_be_had_is_one_line(host):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot serve on {host} port {port}: .*try another --port"):
            Address(port, host, token="t" * 16).listen()


def test_a_port_that_is_none_is_one_line():
    with pytest.raises(ConfigError, match="port 70000"):
        Address(70_000).listen()


@pytest.mark.parametrize("token", ["short", "t" * 15, "with a blank in it", "字" * 20, " " * 20])
def test_a_token_that_could_be_guessed_is_refused_without_being_shown(token, monkeypatch):
    monkeypatch.setenv("TOKEN_OF_X", token)
    with pytest.raises(ConfigError, match="TOKEN_OF_X must hold at least 16") as caught:
        Address.of("127.0.0.1", 0, "TOKEN_OF_X")
    assert token.strip() not in str(caught.value) or not token.strip()
