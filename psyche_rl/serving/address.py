"""Where a server listens: the one listening socket.

Collaborators: the review page, the reward server and the scripted teacher.
Invariants:
- Loopback unless told otherwise, and nowhere else without a token.
- A token is long enough not to be guessed, and fit for a header and a URL.
- The socket takes connections before its URL is told.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from dataclasses import dataclass, field

from psyche_rl.errors import ConfigError

OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
SHORTEST_TOKEN = 16
_TOKEN = re.compile(rf"[A-Za-z0-9._~-]{{{SHORTEST_TOKEN},}}")


@dataclass(frozen=True)
class Address:
    """Host and port, where 0 takes a free one; and the bearer token that callers must send, if any."""

    port: int = 0
    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)
    token_variable: str = ""
    """The environment variable that a user sets for a token; named by the refusal."""

    @classmethod
    def of(cls, host: str, port: int, token_variable: str) -> Address:
        """With the token that the environment holds, if it does.

        Raises:
            ConfigError: what it holds is no token.
        """
        return cls(port, host, os.environ.get(token_variable) or None, token_variable)

    def __post_init__(self) -> None:
        if self.token is not None:
            checked_token(self.token, self.token_variable or "the token")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def own_names(self) -> tuple[str, ...]:
        """Names by which callers on this machine may call it; any other is a rebound one."""
        return (_in_url(self.host), *OWN_NAMES)

    def check(self) -> None:
        """Refuse to be reachable by others without a token.

        Raises:
            ConfigError: it would be.
        """
        if not self.token and not self.is_local:
            raise ConfigError(
                f"serving on {self.host} without a token is refused: set {self.token_variable}, "
                "or keep to 127.0.0.1"
            )

    def listen(self) -> socket.socket:
        """A socket that already takes connections.

        Raises:
            ConfigError: others could reach it and there is no token, or the address cannot be had.
        """
        self.check()
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            return socket.create_server((self.host, self.port), family=family)
        except (OSError, OverflowError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"cannot serve on {self.host} port {self.port}: {why}; try another --port or --host"
            ) from None


def checked_token(token: str, name: str) -> str:
    """``token``; ``name`` is what to call it.

    Raises:
        ConfigError: it could be guessed, or is not fit for a URL.
    """
    if not _TOKEN.fullmatch(token):
        raise ConfigError(
            f"{name} must hold at least {SHORTEST_TOKEN} letters, digits or any of ._~-; "
            "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return token


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_of(listener: socket.socket) -> str:
    """``http://host:port`` of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{_in_url(host)}:{port}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


ANY_FREE_PORT = Address()
"""On loopback, for callers of this machine."""
