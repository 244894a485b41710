"""Tables with a row for each option: the column whose cells judge them.

Collaborators: ``reply_rules`` asks it before other verdicts; ``named.py`` tells which option a row is on.
Invariants:
- Every option has a row, and no row is on anything else.
- One column alone judges (yes, no), or the one that the stem's words head; else the one whose cells
  have words of the stem in some rows, and none in the others.
"""

from __future__ import annotations

import re

from rewards.extraction.named import Names
from rewards.extraction.options import OptionTable
from rewards.extraction.predicates import claimed
from rewards.extraction.question import QuestionWording

_ROW = re.compile(r"(?:^|\n) ?\|(?P<cells>[^\n]{1,400}?)\|? ?(?=\n|$)")
_RULE = re.compile(r"[ :|—–-]*")
_GLOSSED = r"(?: ?[.。,;:—–-]| )[^|]{0,80}"
_AFTER = r"(?:[ 。.]*| ?[,;:—–-][^|]{0,80}| (?:because|since|as|due to|因)[^|]{1,80})"
"""After a plain yes or no, and after another verdict: the reason, or what it is instead (``No (mania)``)."""
_YES = re.compile(
    rf"[ ]*(?:(?:[√✓✔✅☑]|(?i:yes)\b|是(?![\u4e00-\u9fff]))(?:{_GLOSSED})?"
    r"|(?:(?i:true|correct|right|included|applies|fits|belongs|matches|valid|supported)\b"
    rf"|正确|对|属于|符合|支持|成立|匹配|有|选|应选|当选){_AFTER})"
)
_NO = re.compile(
    rf"[ ]*(?:(?:[×✗✘❌✕]|(?i:no)\b|否(?![\u4e00-\u9fff]))(?:{_GLOSSED})?"
    r"|(?:(?i:false|incorrect|wrong|excluded|invalid|unsupported|not [a-z]{2,12}"
    r"|does ?n[o']t [a-z]{3,12})\b"
    rf"|错误?|无|不(?:正确|对|是|属于|选|符合|支持|成立|匹配)){_AFTER})"
)
_WORD = re.compile(r"[a-z][a-z'-]+|[\u4e00-\u9fff]{2,}")


def table_verdicts(
    text: str, table: OptionTable, question: QuestionWording
) -> dict[str, tuple[bool, int, int]]:
    """Each option's verdict and where its row stands; empty where no column judges them all."""
    if text.count("|") < 2 * len(table.letters) or not table.closed:
        return {}
    names = Names(table)
    heading: list[str] = []
    rows: dict[str, tuple[list[str], int, int]] = {}
    for row in _ROW.finditer(text):
        cells = row["cells"].split("|")
        if _RULE.fullmatch(row["cells"]):
            continue
        letter = names.head(cells[0]) or (names.head(cells[1]) if len(cells) > 2 else "")
        if not heading and not letter:
            heading = cells
            continue
        if not letter or letter in rows:
            return {}
        begin = text.index(cells[0].strip() or letter, row.start("cells"))
        alone = text[begin] == letter and not text[begin + 1 : begin + 2].isalnum()
        rows[letter] = (cells, begin, begin + len(cells[0].strip()) if alone else row.end("cells"))
    if len(rows) != len(table.letters) or len(rows) < 2:
        return {}
    column = _column(heading, [cells for cells, _, _ in rows.values()], question)
    if not column:
        return {}
    verdicts = {x: (right, *rows[x][1:]) for x, right in zip(rows, column, strict=True)}
    return verdicts if len(set(column)) == 2 else {}


def _column(heading: list[str], rows: list[list[str]], question: QuestionWording) -> list[bool]:
    """The verdicts of the column that judges the rows; empty where none does."""
    width = min(len(cells) for cells in rows)
    judging = [at for at in range(1, width) if _judges([cells[at] for cells in rows])]
    if len(judging) > 1:
        judging = [at for at in judging if at < len(heading) and claimed(heading[at], question, True)]
    if len(judging) == 1:
        return [_YES.fullmatch(cells[judging[0]]) is not None for cells in rows]
    if judging or not question.key or question.negative or width != 2:
        return []
    told = [[question.says(word) for word in _WORD.findall(cells[1].lower())] for cells in rows]
    if not all(told) or any(True in one and not all(one) for one in told):
        return []
    return [all(one) for one in told]


def _judges(cells: list[str]) -> bool:
    return all(_YES.fullmatch(cell) or _NO.fullmatch(cell) for cell in cells)
