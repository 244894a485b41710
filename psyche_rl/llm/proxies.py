"""Which proxy of the environment a server is reached through.

Source: HTTPS_PROXY, HTTP_PROXY and NO_PROXY as ``urllib`` reads them (both cases of letters); a proxy without
a scheme is an http one, as with curl.
Invariants:
- A server of this machine is never asked through a proxy, which could not reach it.
- No message holds a proxy's user or password.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from psyche_rl.errors import TeacherError
from psyche_rl.serving.address import is_loopback


class Proxy(NamedTuple):
    """Its address without user and password (None: no proxy), and the headers that hold these.

    ``headers`` go with each request to a plain server, which the proxy reads; ``connect_headers`` go to the
    proxy alone, where it only passes on what it cannot read.
    """

    url: str | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    connect_headers: Mapping[str, str] | None = None


def proxy_for(address: str) -> Proxy:
    """The proxy for a server's address.

    Raises:
        TeacherError: the environment names a proxy of a kind that cannot be used.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    given = getproxies().get(parts.scheme)
    if not given or is_loopback(host) or proxy_bypass(host):
        return Proxy()
    proxy = urlsplit(given if "://" in given else f"http://{given}")
    try:
        port = proxy.port
    except ValueError:
        port = -1
    if proxy.scheme != "http" or not proxy.hostname or port == -1:
        raise TeacherError(
            f"{parts.scheme.upper()}_PROXY names {proxy.scheme}://{proxy.hostname or ''} for {address}; "
            f"a proxy is http://HOST:PORT: correct the variable, or put {host} into NO_PROXY"
        )
    name = f"[{proxy.hostname}]" if ":" in proxy.hostname else proxy.hostname
    url = f"http://{name}:{port or 80}"
    if proxy.username is None:
        return Proxy(url)
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    header = {"Proxy-Authorization": f"Basic {b64encode(login.encode()).decode()}"}
    return Proxy(url, connect_headers=header) if parts.scheme == "https" else Proxy(url, headers=header)
