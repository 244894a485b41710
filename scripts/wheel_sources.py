"""Where wheels come from: pip's settings, said again in the words of uv.

Role: uv reads neither pip's configuration files nor ``PIP_*``, so that a mirror, an extra index or a folder
of wheels that pip knows would be invisible to it. This module reads them once, from ``pip config list``,
which has already merged files and environment.
Collaborators: ``install.py`` and ``lock.py``.
Invariants:
- Pure but for the look whether a local folder exists.
- Addresses may hold credentials, so they go into the environment of uv and never onto a command line or the
  screen.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""Public home of the ``+cpu`` wheels; asked only when the configured places do not have them."""

# pip lets the command's own section override [global], and the environment override both.
_SECTIONS = ("global", "install", ":env:")


@dataclass(frozen=True)
class WheelSources:
    """The settings of pip that decide where a wheel is found."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None


def parse_pip_config(listing: str) -> WheelSources:
    """Read the output of ``pip config list`` (lines like ``global.find-links='/wheels'``)."""
    settings: dict[str, str] = {}
    found: dict[tuple[str, str], str] = {}
    for line in listing.splitlines():
        name, separator, value = line.partition("=")
        section, dot, key = name.rpartition(".")
        if separator and dot:
            found[section, key] = _unquoted(value)
    for section in _SECTIONS:
        settings.update({key: value for (s, key), value in found.items() if s == section})
    return WheelSources(
        index_url=settings.get("index-url"),
        extra_index_urls=tuple(settings.get("extra-index-url", "").split()),
        find_links=tuple(settings.get("find-links", "").split()),
        no_index=settings.get("no-index", "").lower() in {"1", "true", "yes", "on"},
        trusted_hosts=tuple(settings.get("trusted-host", "").split()),
        cert=settings.get("cert"),
    )


def uv_environment(sources: WheelSources, environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` with pip's sources added for uv; what the user set for uv stays as it is."""
    wanted = {
        "UV_DEFAULT_INDEX": sources.index_url,
        "UV_INDEX": " ".join(sources.extra_index_urls),
        "UV_FIND_LINKS": ",".join(link for link in sources.find_links if not _missing_folder(link)),
        "UV_INSECURE_HOST": " ".join(sources.trusted_hosts),
        "SSL_CERT_FILE": sources.cert,
        # pip looks at all indexes for the best version; uv by default stops at the first that knows the
        # name, and a partial mirror would then hide the locked version.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    return {**{key: value for key, value in wanted.items() if value}, **environment}


def _missing_folder(link: str) -> bool:
    """A local find-links entry that is not there: pip warns and goes on, uv would stop."""
    parts = urlsplit(link)
    if parts.scheme not in {"", "file"}:
        return False
    return not Path(unquote(parts.path) if parts.scheme else link).expanduser().exists()


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value.strip()))
    except (SyntaxError, ValueError):
        return value.strip()
