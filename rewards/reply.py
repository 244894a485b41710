"""The answer part of a reply: what stands after the last closed think block.

>>> answer_part("<think>也许是 C</think>\\n答案：B\\n")
'答案：B'
>>> answer_part("<think>还没想完"), answer_part("答案：B")
('', '答案：B')
>>> stated_answer("先算两步。\\n最终答案：**12**\\n"), stated_answer(r"因此 \\boxed{\\frac{1}{2}}。")
('12', '\\\\frac{1}{2}')
"""

from __future__ import annotations

import re

from rewards.text.think_tags import answer_start

_STATEMENT = re.compile(
    r"(?:答案|\banswer)\s*(?:应?[是为]|is|(?=[:：]))\s*+[:：]?[ \t]*+(?P<said>[^\s][^\n]*)", re.IGNORECASE
)
_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\s*\{")


def answer_part(response: str) -> str:
    """The text after the last closed think block, stripped; empty where a block is never closed."""
    start = answer_start(response)
    return "" if start is None else response[start:].strip()


def stated_answer(answer: str) -> str:
    """What it states: the last ``<answer>…</answer>`` or ``\\boxed{…}``, else 答案：…, else all of it."""
    tagged, boxed, stated = _tagged(answer), _last(_BOXED, answer), _last(_STATEMENT, answer)
    if boxed and (not tagged or boxed.start() > tagged[0]):
        said = _braced(answer, boxed.end())
    elif tagged:
        said = answer[slice(*tagged)]
    elif stated:
        said = stated["said"]
    else:
        said = answer
    return said.strip().strip("*").strip()


def _tagged(text: str) -> tuple[int, int] | None:
    """Where the content of the last closed answer tag stands."""
    begin: int | None = None
    found: tuple[int, int] | None = None
    for tag in _TAG.finditer(text):
        if not tag[1]:
            begin = tag.end() if begin is None else begin
        elif begin is not None:
            found = (begin, tag.start())
            begin = None
    return found


def _last(form: re.Pattern[str], text: str) -> re.Match[str] | None:
    return max(form.finditer(text), key=lambda match: match.start(), default=None)


def _braced(text: str, start: int) -> str:
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[start:at]
    return text[start:]
