"""Conversations of several turns as the scripted teacher writes, checks and corrects them.

Invariants:
- Whoever seeks help says nothing but the post's own sentences, the counsellor advises nothing but the
  reply's.
- Turns alternate, the counsellor has the last word.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Sequence

MOST_PAIRS = 50
PROBLEM_SHARE = 0.2
"""Share of conversations in which it finds a problem."""
FEELINGS = (
    "听您这样说，我能感受到您的不容易。",
    "谢谢您愿意告诉我这些。",
    "您已经承受了很多，有这样的感受很自然。",
)
MORE = ("我有时不知道该怎么办。", "您说的我想再听一些。", "嗯，我想试试看。")
_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]*")
_PAIRS = re.compile(r"共\s*(\d+)\s*个来回")
_SPEAKER = re.compile(r"^(\w{1,8})：", re.MULTILINE)
_USUAL = ("求助者", "咨询师")


def written(prompt: str, post: str, reply: str, rng: random.Random) -> str:
    """A conversation of as many exchanges as the prompt asks for (3 if it does not say), as JSON."""
    found = _PAIRS.search(prompt)
    pairs = min(max(1, int(found[1][:4])), MOST_PAIRS) if found else 3
    turns = []
    for place, (said, advised) in enumerate(zip(_parts(post, pairs), _parts(reply, pairs), strict=True)):
        turns.append({"role": "user", "content": said or MORE[place % len(MORE)]})
        turns.append({"role": "assistant", "content": rng.choice(FEELINGS) + advised})
    return json.dumps(turns, ensure_ascii=False, indent=1)


def checked(rng: random.Random) -> str:
    """The problems of a conversation: none as a rule."""
    problems = ["第1轮：回应感受的话可以再具体一些。"] if rng.random() < PROBLEM_SHARE else []
    return json.dumps({"problems": problems}, ensure_ascii=False)


def mended(conversation: str) -> str:
    """The conversation as JSON, its first reply said more plainly."""
    seeker, other = _speakers(conversation)
    _, *parts = re.split(rf"^({seeker}|{other})：", conversation, flags=re.MULTILINE)
    turns = [
        {"role": "user" if speaker == seeker else "assistant", "content": said.strip()}
        for speaker, said in zip(parts[::2], parts[1::2], strict=True)
    ]
    first = next((turn for turn in turns if turn["role"] == "assistant"), None)
    if first is not None:
        first["content"] = "我听到了您说的事，也听到了其中的难处。" + first["content"]
    return json.dumps(turns, ensure_ascii=False, indent=1)


def _speakers(conversation: str) -> tuple[str, str]:
    """What a domain calls the one who seeks help, who speaks first, and the other."""
    names = list(dict.fromkeys(_SPEAKER.findall(conversation)))
    return (names[0], names[1]) if len(names) > 1 and _USUAL[0] not in names else _USUAL


def _parts(text: str, count: int) -> Sequence[str]:
    """The sentences of a text in ``count`` parts, in order, as even as can be; the last may be empty."""
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip()]
    edges = [len(sentences) * place // count for place in range(count + 1)]
    parts = ["".join(sentences[a:b]) for a, b in itertools.pairwise(edges)]
    return sorted(parts, key=lambda part: not part)
