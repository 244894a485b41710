"""One chat completion from an OpenAI-compatible endpoint, tried again where trying again can help.

Collaborator: httpx, by a client per call, so that a judge can be pickled and used from any event loop.
Invariants:
- The key comes from the environment at the time of the call and stands in no message.
- Only connection failures and the statuses 408, 409, 429 and 5xx are tried again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rewards.text.unicode import whole_characters

if TYPE_CHECKING:
    import ssl

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
"""Pauses between tries: up to the first, then up to twice that, … up to the longest, drawn at random."""
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
        import httpx

        body = {"model": self.model, "messages": messages, "temperature": 0.0}
        try:
            response = await client.post(f"{self.url.rstrip('/')}/chat/completions", json=body)
        except httpx.TransportError as error:
            raise PassingFailureError(f"{self.url}: {type(error).__name__}") from None
        if response.status_code in _PASSING or response.status_code >= 500:
            raise PassingFailureError(f"{self.url}: HTTP {response.status_code}")
        if response.status_code != 200:
            raise JudgeUnavailableError(f"{self.url}: HTTP {response.status_code}")
        try:
            return whole_characters(str(response.json()["choices"][0]["message"]["content"]))
        except (ValueError, LookupError, TypeError):
            raise PassingFailureError(f"{self.url}: the answer is no chat completion") from None

    def _headers(self) -> dict[str, str]:
        if self.api_key_env is None:
            return {}
        key = os.environ.get(self.api_key_env)
        if not key:
            raise JudgeUnavailableError(f"the environment variable {self.api_key_env} holds no key")
        return {"Authorization": f"Bearer {key}"}


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    import ssl

    # Loading the certificates takes 20 ms, too long for every call.
    return ssl.create_default_context()
