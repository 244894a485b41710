"""Addresses of OpenAI-compatible servers, as they may stand in a config.

Invariant: the config is written into the run folder, so an address holds no secret.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from psyche_rl.config.base import RefusedError

SCHEMES = ("http://", "https://")


def server_address(url: str) -> str:
    """``url`` without a slash at its end.

    Raises:
        RefusedError: it is no address of a server, or holds what should not be written down.
    """
    if "@" in url or "?" in url:
        raise RefusedError(
            "no user, password or query in an address",
            "the key comes from the variable that api_key_env names",
            secret=True,
        )
    try:
        parts = urlsplit(url)
        good = url.startswith(SCHEMES) and bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:  # a port that is no number, a bracket that is not closed
        good = False
    if not good or any(letter.isspace() for letter in url):
        raise RefusedError("not the address of a server", "write it as http(s)://host[:port]/v1")
    return url.rstrip("/")


Address = Annotated[str, AfterValidator(server_address)]
