"""One chat completion from an OpenAI-compatible endpoint, tried again where trying again can help.

Collaborator: httpx, by a client per call, so that a judge can be pickled and used from any event loop.
Invariants:
- The key comes from the environment at the time of the call and stands in no message.
- Only connection failures and the statuses 408, 409, 429 and 5xx are tried again.
- Of an answer no more than ``MOST_BYTES`` is held, and what it says stands in no message.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rewards.text.unicode import whole_characters

if TYPE_CHECKING:
    import ssl

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
"""Pauses between tries: up to the first, then up to twice that, … up to the longest, drawn at random."""
MOST_BYTES = 4 << 20
_PASSING = {408, 409, 429}


class JudgeUnavailableError(Exception):
    """The endpoint gave no completion; the text says why, on one line."""


class PassingFailureError(JudgeUnavailableError):
    """A failure that may be gone at the next try."""


@dataclass(frozen=True)
class JudgeEndpoint:
    """``url`` is the base that ends in /v1; ``attempts`` counts all tries of one call."""

    url: str
    model: str
    api_key_env: str | None
    attempts: int

    async def complete(self, messages: list[dict[str, str]]) -> str:
        """The text of the completion at temperature 0.

        Raises:
            JudgeUnavailableError: all tries failed, or the first failed for good.
        """
        import httpx
        from tenacity import (
            AsyncRetrying,
            retry_if_exception_type,
            stop_after_attempt,
            wait_random_exponential,
        )

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait_random_exponential(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S),
            retry=retry_if_exception_type(PassingFailureError),
            reraise=True,
        )
        headers = self._headers()
        # The caller's deadline bounds the call as a whole.
        async with httpx.AsyncClient(headers=headers, timeout=None, verify=_trusted()) as client:
            return str(await retrying(self._once, client, messages))

    async def _once(self, client: Any, messages: list[dict[str, str]]) -> str:
        import json

        import httpx

        body = {"model": self.model, "messages": messages, "temperature": 0.0}
        try:
            address = f"{self.url.rstrip('/')}/chat/completions"
            async with client.stream("POST", address, json=body) as response:
                answer = await _bounded(response.aiter_bytes()) if response.status_code == 200 else b""
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise PassingFailureError(f"{self.url}: {type(error).__name__}") from None
        if response.status_code in _PASSING or response.status_code >= 500:
            raise PassingFailureError(f"{self.url}: HTTP {response.status_code}")
        if response.status_code != 200:
            raise JudgeUnavailableError(f"{self.url}: HTTP {response.status_code}")
        try:
            said = str(json.loads(answer)["choices"][0]["message"]["content"])
            return whole_characters(said.replace(self._key(), "***") if self._key() else said)
        except (ValueError, LookupError, TypeError, RecursionError):
            raise PassingFailureError(f"{self.url}: the answer is no chat completion") from None

    def _headers(self) -> dict[str, str]:
        if self.api_key_env is None:
            return {}
        if not self._key():
            raise JudgeUnavailableError(f"the environment variable {self.api_key_env} holds no key")
        return {"Authorization": f"Bearer {self._key()}"}

    def _key(self) -> str:
        return os.environ.get(self.api_key_env or "", "").strip()


async def _bounded(chunks: AsyncIterator[bytes]) -> bytes:
    """What has come, cut where it is longer than any answer; that is then no JSON."""
    answer = bytearray()
    async for chunk in chunks:
        answer += chunk[: MOST_BYTES + 1 - len(answer)]
        if len(answer) > MOST_BYTES:
            break
    return bytes(answer[:MOST_BYTES])


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    import ssl

    # Loading the certificates takes 20 ms, too long for every call.
    return ssl.create_default_context()
