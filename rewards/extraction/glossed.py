"""A reply of letters with brackets that explain them: ``D (it shows surprise)``, ``C（转化冲动）。``

Collaborators: ``reply_rules`` asks it where nothing else is stated. Reads the reply as it was written, since
folding drops brackets. Invariants:
- The letters with their brackets are the first line, or the first sentence of a reply that gives a reason.
- A bracket that doubts, rejects or names another option spoils them, and so does another letter elsewhere.
"""

from __future__ import annotations

import re

from rewards.extraction.options import OptionTable
from rewards.extraction.reading import Reading
from rewards.extraction.spelling import fold
from rewards.text.phrases import phrase_key

_ITEM = (
    r"(?:(?i:option|choice|answer:?)|选项)?[ :：]{0,2}[（(\[【]?(?:\*\*|__)?[A-HＡ-Ｈ](?:\*\*|__)?[)）\]】]?"
    r"[.．、:：]?(?:选?项)?(?:\*\*|__)? ?[（(][^()（）\n]{2,300}[)）]"
)
_GLOSSED = re.compile(
    rf"[\s*>•·-]{{0,6}}(?P<items>{_ITEM}"
    rf"(?:(?:[,，、;； ]{{1,2}}(?:(?:and|&|和|与|及) ?)?|[和与及]){_ITEM}){{0,7}})(?:\*\*)?[ .。!！]{{0,2}}"
    r"(?:$|\n|,? ?(?:because|since|as)\b|[,，]?(?:因为|由于)|(?<=[.。!！] )(?=[A-Z\u4e00-\u9fff])"
    r"|(?<=[。！])(?=[\u4e00-\u9fff]))"
)
_PARTS = re.compile(r"(?P<letter>[A-HＡ-Ｈ])(?![A-Za-z])[^()（）]{0,8}?[（(](?P<gloss>[^()（）]+)[)）]")
_LETTER = re.compile(r"(?<![A-Za-z0-9'’-])(?:[B-HＢ-Ｈ]|[AＡ](?! [a-z]))(?![A-Za-z0-9'’-])")
_DOUBTS = re.compile(
    r"\s*(?:(?i:(?:not|no|wrong|incorrect|false|untrue|maybe|perhaps|possibly|or|unsure|guess|rejected"
    r"|excluded|ruled out|eliminated|less|least|tempting|distractor|though|although|but|x)\b)"
    r"|[?？✗×❌✘]|不|错|非|误|排除|可能|也许|或|猜|存疑|待定|干扰|未|无|虽|但"
    r"|\d+ ?(?:分|%|(?i:points?|marks?)))"
    r"|.{0,300}(?:(?i:\b(?:not (?:so |quite |entirely )?(?:sure|certain)|unsure|uncertain|guess(?:ing)?)\b)"
    r"|确定|把握|猜)"
)
"""In a bracket: it does not explain why the letter is the answer."""
_REJECTS = re.compile(
    r"(?i:\b(?:incorrect|wrong|false|not (?:the|an) answer|reject(?:ed)?|retract|scratch that|wait|actually"
    r"|no longer|changed my mind|correction)\b)|[?？]|错误|不对|不正确|更正|等等|重新"
)
SHORTEST = 4
"""Letters and ideographs of a bracket that explains."""


def glossed_letters(reply: str, table: OptionTable) -> Reading | None:
    """The letters that the reply, as written, begins with, each explained in a bracket."""
    whole = _GLOSSED.match(reply)
    if whole is None:
        return None
    letters = ""
    for part in _PARTS.finditer(whole["items"]):
        letter = fold(part["letter"]).text
        told = table.meaning(fold(part["gloss"]).text)
        if len(phrase_key(part["gloss"])) < SHORTEST:
            return None
        if _DOUBTS.match(part["gloss"]) or _LETTER.search(part["gloss"]) or told not in ("", letter):
            return None
        letters += letter
    rest = reply[whole.end() :]
    if len(set(letters)) < len(letters) or not table.exists(letters) or set(letters) == set(table.letters):
        return None  # a list of all options says nothing
    named = any(fold(m[0]).text not in letters for m in _LETTER.finditer(rest))
    if named or _REJECTS.search(rest):
        return None
    return Reading(letters, *whole.span("items"))
