"""Whether servers are there and take our key, before work is planned on them; and how to say if not.

Collaborators: ``http_transport`` sends the calls with the same headers and tells refusals in the same words.
"""

from __future__ import annotations

import asyncio
import os

import aiohttp

from psyche_rl.config.teacher import EndpointConfig, TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm.bounded_body import ACCEPTED
from psyche_rl.llm.proxies import proxy_for
from psyche_rl.masking import mask_of_process

PROBE_S = 15.0  # a server that does not answer GET /models in this time is taken for dead
MOST_SHOWN = 200


async def probe(config: TeacherConfig) -> None:
    """See that a server is there before work is planned on it (with several, one is enough).

    Raises:
        TeacherError: nobody answers, or the key is refused.
        ModelError: the model folder of ``engine: vllm`` is unusable.
    """
    if config.engine == "vllm":
        from psyche_rl.model_folder import model_folder

        await asyncio.to_thread(model_folder, config.model)
        return
    need_address(config.servers())
    errors = await asyncio.gather(*(_probe(server, config.model) for server in config.servers()))
    found = [error for error in errors if error is not None]
    if len(found) == len(errors):
        raise found[0]


async def _probe(server: EndpointConfig, model: str) -> TeacherError | None:
    timeout, proxy = aiohttp.ClientTimeout(total=PROBE_S), proxy_for(server.base_url)
    try:
        async with (
            aiohttp.ClientSession(headers=headers_for(server), timeout=timeout) as session,
            session.get(
                f"{server.base_url}/models",
                headers=proxy.headers,
                proxy=proxy.url,
                proxy_headers=proxy.connect_headers,
                allow_redirects=False,
            ) as response,
        ):
            status = response.status  # any other answer will do: not every server lists its models
    except Exception as error:  # as in a call
        return unreachable([server], mask_of_process().text(str(error))[:MOST_SHOWN] or type(error).__name__)
    return refusal(server, server.model or model, status) if status in (401, 403) else None


def unreachable(servers: tuple[EndpointConfig, ...] | list[EndpointConfig], why: str) -> TeacherError:
    """Nobody is there."""
    where = ", ".join(server.base_url for server in servers)
    return TeacherError(
        f"teacher at {where} cannot be reached ({why}); start it or correct teacher.base_url, "
        f"then run again: finished calls are kept"
    )


def refusal(
    server: EndpointConfig, model: str, status: int, message: str = "", says_remedy: bool = False
) -> TeacherError:
    """Somebody is there and will not have us."""
    told = f"teacher at {server.base_url} refuses calls with HTTP {status} {message}"
    if says_remedy:
        return TeacherError(told)
    remedy = (
        f"check teacher.model ('{model}') and teacher.base_url"
        if status == 404
        else f"put a valid key into the environment variable {server.api_key_env}"
    )
    return TeacherError(f"{told}; {remedy}")


def need_address(servers: tuple[EndpointConfig, ...]) -> None:
    """Refuse servers without an address."""
    if not all(server.base_url for server in servers):
        raise TeacherError("teacher.base_url is not set; give the address of an OpenAI-compatible server")


def _key(server: EndpointConfig) -> str:
    """The key in the environment, empty for none.

    Raises:
        TeacherError: it is no text that a header can hold.
    """
    key = os.environ.get(server.api_key_env or "", "").strip()
    if not (key.isascii() and key.isprintable()):
        raise TeacherError(
            f"the environment variable {server.api_key_env} holds what no key is (line breaks, or letters "
            f"other than ASCII); put the key alone into it"
        )
    return key


def headers_for(server: EndpointConfig) -> dict[str, str]:
    """The headers of every request, the key among them."""
    key = _key(server)
    headers = {"Content-Type": "application/json", "Accept-Encoding": ACCEPTED}
    return headers | ({"Authorization": f"Bearer {key}"} if key else {})
