"""A reply in one spelling, and the way back to its own offsets.

Full-width forms, look-alikes and the traditional characters that the rules speak of are folded one to
one; brackets, quotes, Markdown and LaTeX ornaments become blanks, since they never decide what an
answer is; ``}`` ends a clause. Then runs of blanks become one and invisible characters go, so that no
rule meets a long run of blanks.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

from rewards.text.canonical import LETTER_LOOK_ALIKES, LOOK_ALIKES

CLAUSE_END = "\x03"
_GONE = "\x00"
_ORNAMENTS = '()[]{【】「」『』《》〈〉〔〕〖〗“”„‟"‘*`$_#"'
_TRADITIONAL = dict(
    zip(
        "選擇應該錯誤對為爲項個題確當與並還們說認覺無關後終結論從這僅餘屬於檢驗類別將會給見兩種來過須準標參綜據嗎麼處錄論"
        "屬實際據視總體質問號開經連邊樣數條專業導師內隱憶覺諮詢憂鬱強焦慮測敘陳觀點斷構註釋較優貼適猶難單複獨雙備齊異義絕",
        "选择应该错误对为为项个题确当与并还们说认觉无关后终结论从这仅余属于检验类别将会给见两种来过须准标参综据吗么处录论"
        "属实际据视总体质问号开经连边样数条专业导师内隐忆觉咨询忧郁强焦虑测叙陈观点断构注释较优贴适犹难单复独双备齐异义绝",
        strict=True,
    )
)
_MARKS = {
    **_TRADITIONAL,
    **dict.fromkeys(_ORNAMENTS, " "),
    **dict.fromkeys("\n\r\x0b\x0c\x85\u2028\u2029", "\n"),
    "’": "'",
    **dict.fromkeys("⇒➡➜➔⟶", "→"),
    "〜": "~",
    "−": "-",
    "…": " ",
    "}": CLAUSE_END,
}


_VARIATION = re.compile("[\ufe00-\ufe0f]")
"""How the character before is drawn."""


class _Folding(dict[int, str]):
    """Code point -> its one-character folding, worked out when first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(code)
        return folded


def _fold(code: int) -> str:
    character = chr(code)
    normal = unicodedata.normalize("NFKC", character)
    folded = LOOK_ALIKES.get(code) or (normal if len(normal) == 1 else character)
    folded = LETTER_LOOK_ALIKES.get(code) or LETTER_LOOK_ALIKES.get(ord(folded)) or folded
    if folded in _MARKS:
        return _MARKS[folded]
    if folded.isspace():
        return " "
    unseen = unicodedata.category(folded) in ("Cf", "Cc") or _VARIATION.match(folded)
    return _GONE if unseen else folded


_FOLDING = _Folding()
_LATEX_TEXT = re.compile(r"\\(?:text|math)(?:bf|it|rm|sf)?\{([^{}]{0,400})\}")
_ASIDE = re.compile(
    "(?<=[A-ZＡ-Ｚ])[（(](?=[A-ZＡ-Ｚ](?:[、，,和与]?[A-ZＡ-Ｚ]){0,5}(?:选?项)?[都均皆]?(?:错|不|无|有误|误|[与为是属偏]))"
)
"""A bracket in which other letters are spoken of, ``D（C项错误）``: it begins a clause."""
_BLANK_LIKE = (
    r"~~[^~\n]{1,80}~~"  # struck out
    r"|</?(?:b|strong|i|em|u|p|span|font|code|mark|div|li|ul|ol)(?: [^<>\n]{0,80})?>|&nbsp;"
    r"|<\|\w{1,20}\|>|</s>"
    r"|\\(?:text(?:bf|it|rm|sf)?|math(?:rm|bf|sf|it)|bf|rm|left|right|q?quad)(?![A-Za-z])|\\[,;:! ]"
    r"|<(?=[A-Z]>)|(?<=<[A-Z])>"
    r"|(?<![^\n])>[> ]*"  # a quoted block
    r"|<br ?/?>|\\n(?![a-z])"
    r"|(?<![A-Za-z])'|'(?![A-Za-z])"  # quotes, not apostrophes
)
_SPACED_WORD = r"(?:(?<=^[一-鿿])|(?<=[^一-鿿][一-鿿])) (?=[一-鿿](?:[^一-鿿]|$))"
_RUNS = re.compile(
    rf"[ \n\x00]*(?:{_BLANK_LIKE})(?:[ \n\x00]|{_BLANK_LIKE})*|{_SPACED_WORD}|[ \n\x00]{{2,}}|\x00"
)
_BREAKS = ("\n", "<br", "\\n")


@dataclass(frozen=True, slots=True)
class Folded:
    """``text`` is the folded reply; ``original`` gives offsets in the reply it was made from."""

    text: str
    starts: list[int]
    shifts: list[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The range of the reply that the non-empty range of ``text`` was read from."""
        return self._back(start), self._back(end - 1) + 1

    def _back(self, at: int) -> int:
        return at + self.shifts[bisect_right(self.starts, at) - 1]


def fold(reply: str) -> Folded:
    """The reply in one spelling."""
    same_length = _ASIDE.sub("。", _LATEX_TEXT.sub(_bare_text, reply)).translate(_FOLDING)
    pieces: list[str] = []
    starts, shifts = [0], [0]
    at = length = 0
    for run in _RUNS.finditer(same_length):
        begin, end = run.span()
        stays = _replacement(run[0])
        pieces += same_length[at:begin], stays
        length += begin - at + len(stays)
        at = end
        starts.append(length)
        shifts.append(at - length)
    pieces.append(same_length[at:])
    return Folded("".join(pieces), starts, shifts)


def _bare_text(latex: re.Match[str]) -> str:
    """The text of ``\\text{…}`` with blanks in place of the command and its braces."""
    return " " * (latex.start(1) - latex.start()) + latex[1] + " "


def _replacement(run: str) -> str:
    if any(mark in run for mark in _BREAKS):
        return "\n"
    return "" if run == " " or not run.strip("\x00") else " "
