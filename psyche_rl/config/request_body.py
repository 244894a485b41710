"""What a server's request bodies hold besides, or instead of, what is always sent."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, JsonValue

from psyche_rl.config.base import RefusedValueError

OWN_FIELDS = ("messages", "model", "stream")
"""Never given by the user: the first two are the call itself, and replies are not read as a stream."""


def _sendable(extra: dict[str, Any]) -> dict[str, Any]:
    for name in OWN_FIELDS:
        if name in extra:
            raise RefusedValueError(f"'{name}' is the client's own field", f"take {name} out")
    try:
        json.dumps(extra, allow_nan=False)
    except ValueError:
        raise RefusedValueError("NaN and infinity are no JSON", "give a number") from None
    return extra


ExtraBody = Annotated[dict[str, JsonValue], AfterValidator(_sendable)]
"""Fields that are added to every request; they win over those that are always sent."""
OmittedField = Literal["temperature", "max_tokens", "seed"]
"""A field that is left out of every request, for servers that refuse it."""
