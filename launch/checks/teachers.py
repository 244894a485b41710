"""Whether something listens where a server is said to be. Nothing is asked of it, so nothing is paid."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.config.selection import is_remote
from psyche_rl.errors import TeacherError
from psyche_rl.llm.proxies import proxy_for

CONNECT_S = 5.0


def check_servers(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """Each address of the wanted stages takes a connection."""
    for key, url, variable in _servers(config, stages):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            proxy = proxy_for(url).url
        except TeacherError as error:
            findings.problem(key, url, str(error), "correct the variable")
            continue
        if proxy is not None:
            findings.skip(f"{key}: {url} is reached through the proxy {proxy}")
        else:
            try:
                socket.create_connection((parts.hostname or "", port), CONNECT_S).close()
            except OSError as error:
                wrong = f"nothing answers at {parts.hostname}:{port}: {error}"
                findings.problem(key, url, wrong, "start the server, or correct the address")
        if not os.environ.get(variable):
            findings.skip(f"{key}: the variable {variable} is not set, so {url} is asked without a key")
        findings.skip(f"{key}: whether {url} serves the model; the stage asks it before anything else")


def _servers(config: RunConfig, stages: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Key, address and variable of the API key."""
    teacher = config.teacher
    if "synth" in stages and teacher.engine == "http" and teacher.is_given:
        for index, server in enumerate(teacher.servers()):
            key = f"teacher.endpoints[{index}].base_url" if teacher.endpoints else "teacher.base_url"
            yield key, server.base_url, server.api_key_env or teacher.api_key_env
    if "select" in stages and not config.select.skip:
        for index, name in enumerate(config.select.selectors):
            if is_remote(name):
                yield f"select.selectors[{index}]", name.partition("#")[0], config.select.api_key_env
    judge = config.eval.judge_model
    if "eval" in stages and judge is not None and is_remote(judge):
        yield "eval.judge.model", judge.partition("#")[0], config.eval.judge.api_key_env
