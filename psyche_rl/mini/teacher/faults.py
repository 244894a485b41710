"""Which calls the scripted teacher spoils, and how: faults of HTTP, and faults of the reply itself.

Collaborators: ``server`` carries them out and logs their names. Two sorts, for a reason:
- An *HTTP fault* is decided by (seed, request, number of the attempt). A client that tries again may get
  through, and what it gets is what it would have got at once. They change no record.
- A *reply fault* is a good HTTP reply whose message is not the JSON asked for. It is decided by (seed,
  request) alone, as a model's bad habit is. The same request meets it again, another wording or sample may
  not. If it went away by itself, a run that is cut off and asks again would get other records.

Invariant: never by the order in which requests arrive.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Literal, get_args

from psyche_rl.seeded import generator

HttpFault = Literal[
    "rate_limited",  # 429 with Retry-After
    "rate_limited_bare",  # 429 without
    "server_error",  # 500
    "closed",  # the connection is closed without a reply
    "hang",  # no reply for ``hang_s``, then the connection is closed
    "cut_json",  # the body ends in the middle
    "malformed_json",  # a whole body, but not JSON
    "html_200",  # an error page that says 200
    "html_502",  # an error page that says 502
    "wrong_fields",  # JSON, but no chat completion
    "empty",  # a chat completion without text
]
ReplyFault = Literal[
    "reply_cut",  # the message's JSON ends in the middle
    "reply_malformed",  # the message's JSON is not JSON
    "reply_wrong_fields",  # the message is JSON of another schema
]
Fault = HttpFault | ReplyFault

HTTP_FAULTS: tuple[HttpFault, ...] = get_args(HttpFault)
REPLY_FAULTS: tuple[ReplyFault, ...] = get_args(ReplyFault)
ALL_FAULTS: tuple[Fault, ...] = HTTP_FAULTS + REPLY_FAULTS
IN_PIPELINE: tuple[Fault, ...] = ("rate_limited", "server_error")
"""What a run that starts its own teacher meets (``mini.fault_rate``)."""


@dataclass(frozen=True)
class FaultPlan:
    """How many calls are spoiled and by what.

    Attributes:
        rate: Share of calls, in [0, 1]; each of ``kinds`` gets an equal part of it. Where a reply is plain
            text by right, reply faults do not apply and the HTTP faults among ``kinds`` take their part.
        retry_after_s: What ``rate_limited`` asks for, in seconds.
        hang_s: How long ``hang`` keeps a client waiting that does not leave by itself, in seconds.
    """

    rate: float = 0.0
    kinds: tuple[Fault, ...] = IN_PIPELINE
    retry_after_s: float = 0.05  # the standard's unit is whole seconds; a demo cannot wait for those
    hang_s: float = 150.0

    def of_attempt(self, seed: int, digest: str, attempt: int, json_reply: bool) -> HttpFault | None:
        """What the ``attempt``-th (from 0) arrival of the request ``digest`` is met with."""
        kinds = tuple(kind for kind in HTTP_FAULTS if kind in self.kinds)
        if not kinds or self.rate <= 0:
            return None
        rng = draw(seed, f"fault-{attempt}", digest)
        share = len(kinds) / len(self.kinds) if json_reply else 1.0
        if rng.random() >= self.rate * share:
            return None
        return kinds[int(rng.random() * len(kinds))]

    def of_reply(self, seed: int, digest: str) -> ReplyFault | None:
        """How the JSON that the request ``digest`` asks for is spoiled, whenever it is asked for."""
        kinds = tuple(kind for kind in REPLY_FAULTS if kind in self.kinds)
        if not kinds or self.rate <= 0:
            return None
        rng = draw(seed, "reply-fault", digest)
        if rng.random() >= self.rate * len(kinds) / len(self.kinds):
            return None
        return kinds[int(rng.random() * len(kinds))]


def draw(seed: int, purpose: str, content: str) -> random.Random:
    """The generator for one decision about one content."""
    return generator(seed, purpose, content, between="|")


def spoiled(reply: str, fault: ReplyFault) -> str:
    """The message of a JSON reply as ``fault`` leaves it."""
    if fault == "reply_cut":
        return reply[: len(reply) * 2 // 3]
    if fault == "reply_malformed":
        return reply.replace('"', "'").replace(":", " =>")
    wrong = {"status": "ok", "result": "已完成", "items": 0}
    return json.dumps([wrong] if reply.lstrip("`json \n").startswith("[") else wrong, ensure_ascii=False)
