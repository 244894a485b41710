"""Conclusions without a cue: ``所以B。``, ``I'd say A.``, ``which is C``.

Collaborators: ``statements.py`` calls it for the marks of these kinds. Invariants:
- The letters end their clause, or their text begins the next sentence.
- They count where nothing has been declared, or where what was declared is only possible.
"""

from __future__ import annotations

import re

from rewards.extraction import cues, marks
from rewards.extraction.findings import Findings
from rewards.extraction.groups import LetterGroup, read_group
from rewards.extraction.judgements import alternative, verdict
from rewards.extraction.options import OptionTable
from rewards.extraction.supposed import in_another_case
from rewards.extraction.tenable import tenable_too

_BUT = re.compile(r"(?:\bbut\b|\bhowever\b|但|不过|然而)[^。.;!?\n]*\Z")
"""After possibilities: what is said next decides."""
_DESCRIPTION = re.compile(
    r" ?(?:[一二两三四五六]个?(?:选?项|选项)"
    r"|(?:选?项)?的(?:描述|定义|特征|特点|表现|情况|说法|标准|疾病|诊断|内容|意思|含义|位置|做法|观点)"
    r"|(?:选?项)?[里中]?(?:所?[说述指写列讲]|所?(?:描述|提到|写到|列出|概括|表述|表达|讲到|给出))的?"
    r"[^,。;:!?\n\x03A-Z不非没]{0,24}|[类上](?= ?[。,;\n]| ?$)"
    r"| that (?:we|you|the question|it|they)(?:'re|'s| are| is| asks?| wants?)\b[a-z' ]{0,24}"
    r"| in(?:,| and) ?[A-H](?:(?:, | and |, and )[A-H]){0,3} out"
    r"|(?:选?项)?(?:同义|一致|吻合|相符|对得?上|是一回事))"
)
_WOULD = re.compile("would|'d ")
_SENTENCE_STOPS = re.compile(r" ?(?:$|[。;\n]|\.(?: |$|\n))")


def hence(text: str, mark: re.Match[str], found: Findings) -> int:
    """A conclusion without a cue word (``所以B。``): counts where nothing has been declared."""
    group = read_group(text, mark.end(), found.table)
    if group and found.declared is None and found.judged and tenable_too(text, group, found.table):
        return alternative(group.reading(found.table), found, found.judged_reading()) or group.end
    if (
        group is None
        or marks.OF_SOMEONE.search(text, max(0, mark.start() - 48), mark.start())
        or cues.FIRST_THOUGHT.search(text, max(0, mark.start() - 40), mark.start())
        or not found.table.exists(group.letters)
        or (_WOULD.search(mark[0]) and in_another_case(text, mark.start()))
        or not (
            cues.CLAUSE_END.match(text, _described(text, group, found.table))
            or _next_sentence(text, mark, group)
        )
        or ("剩" not in mark[0] and cues.NEGATIVE_CLAUSE.search(text, mark.start() - 40, mark.start()))
        or (
            found.question.polarity == "plain"
            and cues.NEGATIVE_WORDS.search(text, mark.start() - 60, mark.start())
        )
        or (
            group.split_loose()[1] is not None
            and not _SENTENCE_STOPS.match(text, _described(text, group, found.table))
        )
        or verdict(text, group, Findings(found.table))
    ):
        return mark.start()
    if "leav" in mark[0] and len(group.letters) > 1 and not found.question.several:
        return mark.start()
    if mark["soft"] and set(group.letters) == set(found.table.letters):
        return mark.start()  # "The options are A, B, C and D."
    possible = found.tentative or (found.declared and found.declared.trouble == "ambiguous")
    if mark["soft"] and possible and _BUT.search(text, max(0, mark.start() - 120), mark.start()):
        return found.declare(group.reading(found.table))
    if mark["soft"]:
        found.suggest(group.reading(found.table))
        if _BUT.search(text, max(0, mark.start() - 40), mark.start()):
            found.soft = group.reading(found.table)
    elif found.declared is None or found.corrected:
        found.declare(group.reading(found.table))
    return group.end


def _next_sentence(text: str, mark: re.Match[str], group: LetterGroup) -> bool:
    """Whether the letter's text begins a sentence of its own: ``I'd say A. Scaffolding is …``."""
    last = group.items[-1]
    return mark["soft"] is None and last.told and text[last.start + 1 : last.start + 3] == ". "


def _described(text: str, group: LetterGroup, table: OptionTable) -> int:
    """Where letters end with the words that go with them: ``符合A选项的描述``, or a gloss."""
    words = _DESCRIPTION.match(text, group.end)
    own = table.texts.get(group.letters, "")
    if words is None and len(own) > 4 and text[group.end : group.end + 1] == " ":
        said = text[group.end + 1 : group.end + 1 + len(own)]
        shared = next(
            (at for at, (one, other) in enumerate(zip(said, own, strict=False)) if one != other), len(said)
        )
        return group.end + 1 + shared if shared > 3 else group.end  # the beginning of its text
    return words.end() if words else group.end
