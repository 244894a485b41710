"""Some of the options below a heading in the question's words, before a remark: ``MI uses these: …``.

Collaborators: ``reply_rules`` asks it where letters and texts alone say nothing. Invariants:
- The heading says most of what the stem asks, and nothing that negates or hedges it.
- Every line of the list is an option, by letter or text; two or more, and not all of them.
- A heading in other words counts before a remark that names all the others, or says that these are right.
- The question may have several answers by its wording.
"""

from __future__ import annotations

import re

from rewards.extraction.bare import lettered_line
from rewards.extraction.options import OptionTable, phrase_key
from rewards.extraction.predicates import other_sign
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.wording import overlap, spoilt

_SENTENCE = re.compile(r"(?:[^。!?\n.]|\.(?! ))*\Z")
_ITEM = re.compile(r"(?:\A|\n) ?(?:[-•·] ?|\d{1,2}[.、] ?)?(?P<said>[^\n]+)")
_MARKED = re.compile(r"\n ?(?:[-•·]|\d{1,2}[.、]|[A-Z] ?(?:[.、:–—-]|\n))")
_PERMITS = re.compile(r"\b(?:one|you|we|they|[a-z]+s) (?:may|can|could|might)(?: (?:do|use|try|also))? ?\Z")
"""At the end of a heading: no hedge."""
_STOP = " .。;；,，、"
_REJECTS = re.compile(
    r"(?i:\b(?:avoid|reject|exclud|oppos|discourag|forbid|lack|myth|misconception|error|wrong|mistaken|confus"
    r"|unlike|instead|other|some|many)\w*)|避免|反对|误|混淆|其他|有人"
)
_DENIES = re.compile(r"\b(?:is|are|does|do|was|were)(?: not|n't)\b|不(?:是|属于|包括|在)|并非")
_NEGATES = re.compile(
    r"(?i:\b(?:not|no|never|except|excluding|false|none|neither|cannot|unrelated|irrelevant|distractors?"
    r"|candidates?|first|start|begin|plausible|tempting|eliminate\w*|rule\w*"
    r"|likely|may|might|could|maybe|perhaps|possibly|options? are|choices? are|if|unless|whether)\b)|n't\b"
    r"|不|非|没|无|未|错|除|排除|可能|也许|如果|选项(?:是|有|为|包括|如下)?:"
)
"""In a heading in other words than the question's: its list is not the answer."""
_WALKS = re.compile(
    r"(?i:\b(?:let|go|going|look\w*|analy\w+|compar\w+|consider\w*|examin\w+|review\w*|check\w*"
    r"|one by one)\b)"
    r"|分析|逐|比较|考察|辨析|来看|对照"
)
"""In a heading: the options are gone through."""
_HOLDS = re.compile(
    r"(?i:\b(?:fit|apply|qualify|belong|hold|remain|count))\Z|(?:符合|属于|成立|正确)[^,。;]{0,8}\Z"
)
"""At the end of a heading: what comes of it."""
_AFFIRMS = re.compile(
    r" ?(?:[这以上述]{1,2}(?P<count>[两二三四五])[个项者种条]|(?:All |[Tt]hese )(?P<number>two|three"
    r"|four|five)\b)"
    r"[^。;.\n不非没错误]{0,20}(?:符合|正确|属于|当选|应选|是|\bare\b|\bapply\b|\bqualify\b|\bcorrect\b)"
)
_NUMBERS = ("", "", "两二two", "三three", "四four", "五five")
_OTHERS = re.compile(
    r" ?(?:(?:[Tt]he|[Aa]ll) (?:other|remaining)s?\b|[Tt]he rest\b|(?:其[余他它]|剩[余下])(?:的"
    r"|[一两二三四]?[个项者]|选项)*)"
)
_PUTS_OFF = re.compile(
    r"(?i:\b(?:needs?|later|next|discuss\w*|look|consider\w*|examine\w*|check|unclear|debatable)\b)"
    r"|需要|进一步|再看|讨论|接下来|有争议|待"
)
"""In a remark on the others: they are not set aside."""
_SENTENCES = re.compile("[;。]|[.] ")
_CLAUSES = re.compile("[,;。]|[.] | and | while ")
_LACKS = re.compile(
    r"(?i:\b(?:no|without|lack|rather|instead|less|opposite|nothing)\w*)|没有|缺乏|无|反|其他|另"
)
_GLOSS = re.compile(r" ?(?:[:—–]|- )")
_PREDICATE = re.compile(
    r"(?i:\b(?:is|are|was|were|has|have|had|does|do|did|can|will|would|and|or|but|also|belongs?"
    r"|refers?|means?"
    r"|involves?|requires?|describes?|reflects?|shows?|reduces?|increases?|lowers?)\b)"
    r"|是|属于|指|能够|可以|用于"
)
"""After an option's text: it is the subject of a sentence, and no gloss in brackets follows."""
LONGEST_GLOSS = 60
_ARTICLES = re.compile(r"\b(?:the|an?) ")
_LETTER = re.compile(r"(?<![A-Za-z0-9'-])(?:[B-H]|A(?! [a-z]))(?![A-Za-z0-9'-])")
"""In the remark: the others are none."""
_ADDS = re.compile(
    r"(?i:\b(?:also|too|as well|likewise|in addition|moreover|besides)\b)"
    r"|也(?!不|非|没)|还[要有应]|同样|另外|此外"
)
"""In the remark: another option may be meant too."""
LONGEST = 300
"""Characters of a heading."""
MOST = 4
"""Headings that are looked at."""


def list_before_remark(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The options listed below a heading of the folded reply that says what the question asks."""
    if not (question.several and question.key and table.closed) or question.negative:
        return None
    if not question.opposed and (reading := _list(text, 0, table, question, "texts")):
        return reading
    at = text.find(":\n")
    for _ in range(MOST):
        if at < 0:
            return None
        heading = _SENTENCE.search(text, max(0, at - LONGEST), at)
        needs = _remark_needed(heading[0], question) if heading else None
        if needs is not None and (reading := _list(text, at + 1, table, question, needs)):
            return reading
        at = text.find(":\n", at + 1)
    return None


def _remark_needed(heading: str, question: QuestionWording) -> str | None:
    """What the remark after a list below the heading has to say; None where it is no answer whatever it says.

    "" where the heading says most of what the question asks.
    """
    heading = _PERMITS.sub("", heading)
    if _REJECTS.search(heading) or spoilt(heading, question):
        return None
    if other_sign(heading, question):
        return None
    shared = overlap(heading, question)
    if not question.opposed and shared.covers >= 0.5 and shared.told > 1:
        return ""
    if _NEGATES.search(heading):
        return None
    walks = _WALKS.search(heading) and not _HOLDS.search(heading)
    return "affirmed" if walks else "others"


def _list(text: str, at: int, table: OptionTable, question: QuestionWording, needs: str) -> Reading | None:
    """The options of the lines from there on, if a remark that adds none to them follows.

    ``needs``: ``texts`` if the remark has to deny all the others by their texts, ``others`` if it has to name
    them all or affirm those listed, ``affirmed`` if only that counts.
    """
    letters, begin, end = "", at, at
    while item := _ITEM.match(text, end):
        letter = _option_of(text, item, table)
        if len(letter) != 1 or letter in letters:
            break
        begin, end = begin if letters else item.start("said"), item.end()
        letters += letter
    remark = text[end:].strip()
    if len(letters) < 2 or len(letters) == len(table.letters) or not remark or _MARKED.match(text, end):
        return None
    said = remark.split("\n", 1)[0]
    others = {x: own.lower() for x, own in table.texts.items() if x not in letters}
    if _ADDS.search(said):
        return None
    if needs == "texts" and not (
        _DENIES.search(said) and all(own in said.lower() for own in others.values())
    ):
        return None
    if needs == "affirmed" and not _affirms(said, letters):
        return None
    if needs == "others" and not (_affirms(said, letters) or _sets_aside(said, others, question)):
        return None
    return Reading(letters, begin, end)


def _option_of(text: str, item: re.Match[str], table: OptionTable) -> str:
    """The letter of the option that a line is: by letter, by text or by both, a gloss after them allowed."""
    said = item["said"].strip(_STOP)
    gloss = _GLOSS.search(said)
    lettered = lettered_line(text, item.start("said"), item.end(), table)
    return (
        table.from_text(said)
        or (table.from_text(said[: gloss.start()]) if gloss else "")
        or (lettered.letters if lettered and not lettered.trouble else "")
        or _begun(said, table)
    )


def _begun(said: str, table: OptionTable) -> str:
    """The option that a line begins with, or is but for articles, before a gloss in brackets."""
    low = _ARTICLES.sub("", said.lower())
    for letter, own in table.texts.items():
        text = _ARTICLES.sub("", own.lower())
        for form in (text, f"{letter.lower()}. {text}", f"{letter.lower()} {text}"):
            rest = low[len(form) :]
            if (
                low.startswith(form)
                and not rest[:1].isalnum()
                and len(rest) <= LONGEST_GLOSS
                and not (_PREDICATE.search(rest) or _NEGATES.search(rest))
            ):
                return letter
    return table.by_key.get(phrase_key(low), "")


def _affirms(said: str, letters: str) -> bool:
    """Whether a remark says of the listed, by their number, that they are right."""
    affirms = _AFFIRMS.match(said)
    number = (affirms["count"] or affirms["number"] or "") if affirms else ""
    return bool(number) and len(letters) < len(_NUMBERS) and number in _NUMBERS[len(letters)]


def _is_one(clause: str, question: QuestionWording) -> bool:
    """Whether a clause on another option says of it something of what the question asks."""
    denied = _DENIES.search(clause) or _LACKS.search(clause) or other_sign(clause, question)
    return not denied and overlap(clause, question).told > 0


def _sets_aside(said: str, others: dict[str, str], question: QuestionWording) -> bool:
    """Whether a remark speaks of all the options that are not listed, and of nothing else."""
    named = set(_LETTER.findall(said))
    low = rest = said.lower()
    for own in others.values():
        rest = rest.replace(own, "")
    if named - set(others) or _PUTS_OFF.search(rest):
        return False
    if _OTHERS.match(said):
        return True
    for sentence in _SENTENCES.split(said):
        if not _DENIES.search(sentence) and any(_is_one(one, question) for one in _CLAUSES.split(sentence)):
            return False
    return all(own in low or x in named for x, own in others.items())
