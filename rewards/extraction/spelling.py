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
    **dict.fromkeys("👍👌🆗🙆🟢", "✓"),
    **dict.fromkeys("👎🙅🔴🚫✖❎☒⛔", "✗"),
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
    if code >= _EMOJI:
        return " "
    unseen = unicodedata.category(folded) in ("Cf", "Cc") or _VARIATION.match(folded)
    return _GONE if unseen else folded


_EMOJI = 0x1F300
_FOLDING = _Folding()
_LATEX_TEXT = re.compile(r"\\(?:text|math)(?:bf|it|rm|sf)?\{([^{}]{0,400})\}")
_CELL = re.compile(
    r"<(?:(?P<row>tr)|(?P<opens>t[dh])|/t(?:[dhr]|able|body|head)|t(?:able|body|head))(?: [^<>\n]{0,80})?>"
)
"""The tags of an HTML table."""
_LETTERS = r"[A-ZＡ-Ｚ](?:[、,，和与及/ ]{0,3}(?:and |or |或)?[A-ZＡ-Ｚ]){0,5}+"
_ASIDE = re.compile(
    rf"[（(\[【](?=\s?(?:选项|[Oo]ptions? )?{_LETTERS}(?![A-Za-z\\-])(?:选?项)?[ :：、.．,，]{{0,2}}+"
    r"(?![A-ZＡ-Ｚ、,，和与及/ .．:：)）\]】]|选?项|and\b|or\b|或)[^)）\]】\n])"
)
"""A bracket in which letters are spoken of, ``D（C项错误）``, ``A) x (D is too strong)``."""
_OPENS_AN_ANSWER = re.compile(
    r"(?:^|[\n:：=>→,，、;；。.!！?？（(]|[是为选案项和与及或]|\b(?:is|are|be|was|options?|choices?|answers?"
    r"|select|choose|both|either|and|or|box|boxed))[ *\"“`${]*\Z"
)
"""Before a bracket: its letters are the answer itself rather than an aside."""
_LABEL_CLOSES = re.compile(r"[A-ZＡ-Ｚ][)）\]】」』*`\"”$]")
_FUNCTION_WORDS = (
    r"(?:because|since|as|and|or|but|for|is|are|was|which|due|not|while|with|in|on|by|given|rather"
    r"|instead|too|also|only|here|based|where|when|from|option|choice|seems|would|should|must|if|after|it"
    r"|this|that"
    r"|the|best|fits|matches|describes|correctly|most|to|we|you|can|has|does|may|will|therefore|belongs?"
    r"|counts?"
    r"|appl(?:y|ies)|qualif(?:y|ies)|do|did|were|refers?|involves?|means|shows?|reflects?|explains?|helps?"
    r"|concerns?"
    r"|comes|falls|remains|who|whereas|then|about|have|had|could|might|cannot)"
)
_LABEL_IN_BRACKETS = re.compile(
    r"(?<![A-Za-z0-9'’])(?:(?<=[(（\[【「『*`\"“$ ])|(?<=\n)|^)([AIＡＩ])[)）\]】」』*`\"”$]"
    rf"(?=[)）\]】」』*`\"”$]{{0,5}} ?[*\"“]{{0,2}}(?!(?i:{_FUNCTION_WORDS})\b)[A-Za-z][a-z])"
    r"|(?<![A-Za-z0-9'’])([A-ZＡ-Ｚ])[)）\]】」』*`\"”$]"
    r"(?=[)）\]】」』*`\"”$]{0,5} ?[*\"“]{0,2}[A-Z]{2,8}(?![A-Za-z]))"
)
"""A letter in brackets or bold before a text: ``(A) mildly raised``, where it is no article, ``(A) ATP``."""
_OPENING = re.compile(r"\A\s{0,9}[（(][A-ZＡ-Ｚ][)）](?= ?[\u4e00-\u9fff])")
"""A letter in brackets that the reply opens with, before a text: ``(B) 共情是…``."""
_GLOSS = (
    r"[A-H]\*{0,2} ?[（(](?![^（()）\n]*(?:[√✓✔✅×✗✘❌]|正确|错|对[)）]|是[)）]|否|不|(?i:\b(?:true|false"
    r"|yes|no|not|correct|incorrect|right|wrong|[tfyn]|in|out)\b|\d%)))[^（()）\n]{3,80}[)）]"
)
_AFTER_A_GLOSS = "|".join(
    rf"(?<=[)）]{joint})|(?<=[)）]{joint}\*\*)|(?<=[)）]\*\*{joint}\*\*)"
    for joint in (", ", " and ", ", and ", "; ", " & ")
)
_GLOSSED = re.compile(
    rf"(?<![A-Za-z]){_GLOSS}"
    r"(?=\*{0,2}(?:[,，、;；] ?(?:and |和|与)?| and | & |和|与|及)\*{0,2}[A-H]\*{0,2} ?[（(])"
    rf"|(?=[A-H])(?:{_AFTER_A_GLOSS}){_GLOSS}(?=\*{{0,2}} ?(?:[.。,，;；!！\n]|$))"
)
"""A letter with a gloss in brackets, in a list of such: ``A (residuals), C (variances)``."""
_SMALL = re.compile(r"[（(][a-h][)）]")
_LETTER_AND_BRACKET = re.compile(r"[A-H]\*{0,2} ?[（(]")
_SMALL_OF_AN_OPTION = re.compile(
    r"(?:(?<![A-Za-z])(?i:(?:option|choice|answer|letter|pick)s?(?: given| listed| above)?(?: is| are|,|:)?"
    r"|(?P<chosen>(?:choose|select|pick|go with|going with|go for|opt for"
    r"|(?:I|I'd|I’d|would) (?:say|mark|tick|guess)|it's|it’s|it is|it must be|it would be|so|hence|thus"
    r"|therefore|between|either|leaves(?: us with)?)[,:]?))"
    r"|(?<=选)|(?<=[选填]择)|(?<=[应该就]是)) ?[*_]{0,3}[（(][a-h][)）]"
    r"(?:[*_]{0,3} ?(?:,|，|、|and|or|,? and|,? or|和|与|或) ?[*_]{0,3}[（(][a-h][)）]){0,6}"
    r"(?(chosen)(?=[*_]{0,3} ?(?:[.,;:!?—–\n]|$|(?:here|because|since|for|as|on|in|over|is|and|or)\b)))"
)
"""Small letters in brackets after a word that says that they are options': ``option (b)``, ``pick (b)``."""
_SMALL_LETTER = re.compile(r"(?<=[（(])[a-h](?=[)）])")
_TICKED = re.compile(r"\[[xX✓✔√]\]")
_BOX = re.compile(r"\[[xX✓✔√ ]\]")
"""The boxes of a list of tasks, of which some are ticked."""
_BLANK_LIKE = (
    r"~~[^~\n]{1,80}~~"  # struck out
    r"|</?(?:b|strong|i|em|u|p|span|font|code|mark|div|li|ul|ol)(?: [^<>\n]{0,80})?>|&nbsp;"
    r"|<\|[^|<>\n]{1,40}\|>|</?s>|<(?:eo[adst]|end of turn|start of turn|pad|bos)>|(?<= )/?INST(?= )"
    r"|\\(?:text(?:bf|it|rm|sf)?|math(?:rm|bf|sf|it)|bf|rm|left|right|q?quad)(?![A-Za-z])|\\[,;:! ]"
    r"|<(?=[A-Z]>)|(?<=<[A-Z])>"
    r"|(?<![^\n])>[> ]*+"  # a quoted block
    r"|<br ?/?>|\\n(?![a-z])"
    r"|'(?![A-Za-z])|(?<![A-Za-z])'(?=[A-Za-z])"  # quotes, not apostrophes
)
_SPACED_WORD = r"(?:(?<=^[一-鿿])|(?<=[^一-鿿][一-鿿])) (?=[一-鿿](?:[^一-鿿]|$))"
_RUNS = re.compile(
    rf"[ \n\x00]*(?:{_BLANK_LIKE})(?:[ \n\x00]|{_BLANK_LIKE})*+|{_SPACED_WORD}|[ \n\x00]{{2,}}|\x00"
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
    written = _LATEX_TEXT.sub(_bare_text, reply) if "\\" in reply else reply
    if "<t" in written:
        written = _CELL.sub(_as_table, written)
    brackets = "(" in written or "（" in written
    if brackets and _SMALL.search(written):
        written = _SMALL_OF_AN_OPTION.sub(_as_capital, written)
    if _LABEL_CLOSES.search(written):
        written = _LABEL_IN_BRACKETS.sub(_with_colon, written)
    if "[" in written and _TICKED.search(written):
        written = _BOX.sub(_mark, written)
    if written[:1] in "(（" or written[:1].isspace():
        written = _OPENING.sub(_with_colon, written)
    if brackets and _LETTER_AND_BRACKET.search(written):
        written = _GLOSSED.sub(_without_gloss, written)
    if brackets or "[" in written or "【" in written:
        written = _ASIDE.sub(_as_clause, written)
    same_length = written.translate(_FOLDING)
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


def _as_table(tag: re.Match[str]) -> str:
    """A row of an HTML table as a line, a cell as one of Markdown."""
    sign = "\n" if tag["row"] else "|" if tag["opens"] else " "
    return sign.ljust(len(tag[0]))


def _mark(box: re.Match[str]) -> str:
    return " × " if box[0] == "[ ]" else " ✓ "


def _with_colon(label: re.Match[str]) -> str:
    return label[0][:-1] + ":"


def _without_gloss(item: re.Match[str]) -> str:
    letter = min(at for sign in "(（" if (at := item[0].find(sign)) > 0)
    return item[0][:letter].ljust(len(item[0]))


def _as_capital(option: re.Match[str]) -> str:
    return _SMALL_LETTER.sub(lambda small: small[0].upper(), option[0])


def _as_clause(bracket: re.Match[str]) -> str:
    """A full stop in place of a bracket that begins an aside."""
    before = bracket.string[max(0, bracket.start() - 12) : bracket.start()]
    return bracket[0] if _OPENS_AN_ANSWER.search(before) else "。"


def _replacement(run: str) -> str:
    if any(mark in run for mark in _BREAKS):
        return "\n"
    return "" if run == " " or not run.strip("\x00") else " "
