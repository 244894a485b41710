"""Letters that complete the question's own words: ``The risk factors are A, C.``, ``处于（C）某阶段。``

Collaborators: ``reply_rules`` asks it where nothing is stated or judged; ``question`` knows the stem.
Invariants:
- The sentence repeats the end of the stem, or its subject is made of the stem's words; a negation, a hedge
  or a letter in the subject spoils it.
- The letters end their clause, or their option's text stands with them.
- Two such sentences with different letters are none.
"""

from __future__ import annotations

import re

from rewards.extraction.cues import END
from rewards.extraction.groups import LetterGroup, contradicted, read_group
from rewards.extraction.labelled import read_labelled
from rewards.extraction.options import OptionTable, phrase_key
from rewards.extraction.predicates import opposite
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.supposed import in_another_case
from rewards.extraction.units import IDEOGRAPHS, beginning
from rewards.extraction.wording import COUNTED

_PLACE = re.compile(
    r"(?<![A-Za-z0-9'.])(?:[Oo]ptions? |[Cc]hoices? |选项 ?|[Bb]oth |only |just |仅|只)?(?=[A-Z](?![a-z']))"
)
_COPULAS = "是为有"
REACH = 200
"""Characters before letters in which their sentence is looked for."""
MOST_LETTERS = 1_000
"""Places of letters that are looked at: no reply that answers has so many."""
_OF_THE_KIND = re.compile(
    r" ?(?:[其这]中,?)?(?:能|可以)?(?:属于|算作?|是|为|构成)?(?P<said>[\u4e00-\u9fff]{2,12}?)"
    r"(?:的(?:说法|选项|观点|内容|一?项)?)?(?:就|主要|分别|应该?)?(?:是|为|有|包括)[ :]*$"
)
"""Before letters: they are of the kind that the stem ends with (``属于误解的是``)."""
_VERBS = ("属于", "符合", "包括", "具有")
_BELOW_HEADING = re.compile(r": ?\n[ •·-]*\Z")
"""Before a text: it is the first of a list below a heading."""
_WHOLE_SENTENCE = re.compile(r"[。.!?;\n](?!\d)")
_POINTS = re.compile(
    r"(?:^|, ?) ?(?:(?i:so|thus|hence|therefore|then|overall|and|conclusion:) ?)?"
    r"(?:(?i:this|that|these|the|such|it|he|she|they|his|her|their|we)\b|这|那|该|此|其|本|题|上述|他|她"
    r"|因此|所以)"
)
"""In a sentence: it speaks of the case that the question tells of."""
_SUPPOSES = re.compile(r"(?i:\b(?:if|unless|when|whereas|while|had)\b)|如果|若|假如|当")
_ARTICLE = re.compile(r"(?<= )(?:an?|the) ?\Z")
LONGEST_ENDING = 12
"""Letters and ideographs of the stem's end that a sentence with more words before them repeats."""
ENDING = 6
"""Letters and ideographs of the stem's end that a reply repeats, at least; a shorter stem's all but two."""
SHORTEST = 4
"""Letters and ideographs of a sentence that is all of the stem's end."""
_SENTENCE_BREAK = re.compile(r"[。.!?;\n](?!\d)|[,:](?! ?(?:$|[A-Z](?![a-z])|option))")
_COPULA = re.compile(
    r"(?: (?:is|are|was|were|(?:must|should) be|includes?|included)(?: (?:therefore|thus"
    r"|indeed|likely|most likely|clearly|probably|best|typically|usually|often|called|termed|known as"
    r"|described as|as follows"
    r"|option|options))*(?: to| that)?"
    r"|(?:主要|应该?|就|分别|仅|只|正?应|通常)*+(?:包括|包含|属于|处于|称为|叫做?|[有是为])| ?:)[ :]*$"
)
_ASIDE = re.compile(
    r",(?: (?:as|which|according|originally|first|proposed|described|named|outlined|identified|defined|in|by"
    r"|per)\b"
    r"[^,.:;!?\n]{2,80}, ?(?=(?:are|is|were|was|includes?|consists? of)\b)"
    r"|(?:按照?|根据|依据?|据|由|如)[^,。:;!?\n]{2,40},(?=包括|包含|有|是|为|分为))"
)
"""Before a copula: who says so, between commas."""
_ENGLISH_WORD = re.compile(r"[a-z]{2,}")
_EMPTY_WORDS = frozenset(
    """
    the that this these those of in on at to for and or by as an is are was were be been with from
    which who whom what it its their his her your most following given based above here among there
    then so thus hence therefore among between likewise also
    all one ones option options statement statements choice choices item
    items answer answers factor factors feature features patient case person client question true
    correct best do does did has have can may will would
    """.split()  # noqa: SIM905
)
"""Words of a sentence that do not tell one question from another."""
_KINDS = frozenset(["factor", "factors", "feature", "features"])
"""Words that say something only where the stem has them."""
_SPOILS = re.compile(
    r"(?i:\b(?:not|n't|never|no|none|neither|nor|incorrect|wrong|false|except|unlike|if|unless|whether|why"
    r"|another"
    r"|other|others|first|initial|possible|may|might|could|would|example|distractor|tempting|rather|instead"
    r"|excluded?|ruled|opposed?|often|sometimes|confused|mistaken|first|second|alternative)\b)"
    r"|n't\b|不|非|没|未|误|错|除|如果|若|假如|可能|也许|例如|比如|其他|另|干扰|混淆|排除"
)
_NEGATES = re.compile(r"(?i:\b(?:not|except|incorrect|false|wrong|least)\b)|n't\b|不|非|没|错|无关|除")
_LIST_MARK = re.compile(r"(?<=[:是为有]) ?\n ?(?:[•·-]|\d{1,2}[.、])? ?\Z")
"""Between a heading and the first letter below it."""
_OWN_LETTER = re.compile(r"(?<![A-Za-z0-9])(?<!Type )[A-H](?![A-Za-z0-9'-])(?! [a-z])")
_LABELLED_TEXT = re.compile(r" ?[.:] ?[^\s\dA-Z]| ?[.:]? ?[A-Z][a-z]")
_REASON = re.compile(r",? (?:because|since|as|for|which|while|whereas|given|due)\b")
_EXPLAINED = re.compile(r" ?(?::|[—–-](?= ))")
"""After letters: their texts."""
_SENTENCE_ENDS = re.compile(r" ?(?:$|[。!\n]|\. |\.$)")
_TEXT_ENDS = re.compile(r" ?(?:$|[。;!\n]|\. |\.$)")
_COMMA = re.compile(" ?,")
_LIST_GOES_ON = re.compile(r"^[^,]{0,40},? (?:and|or) [a-z]+(?: [a-z]+)?$|^[ a-z'-]{0,12}$")
"""After an option's text and a comma: more of a list."""
_CLAUSE_END = re.compile(END + r"|[两三四五六][个种项类](?:情[境况]|选?项|说法|者)?" + END)


def restated_answer(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The letters of the sentences of the folded reply that restate the question."""
    if not question.key:
        return None
    found = _restated_text(text, table, question)
    exact = False
    at = places = 0
    while (place := _PLACE.search(text, at)) and (places := places + 1) <= MOST_LETTERS:
        group = read_group(text, place.end(), table)
        at = place.end() + 1
        if group is None:
            continue
        head, tail = group.split_loose()
        if tail is not None and tail.items[-1].told and not _CLAUSE_END.match(text, tail.end):
            group = head  # a clause of its own: ``is A (甲); B (乙) means …``
        at = group.end
        before = text[max(0, place.start() - REACH) : place.start()]
        before = _LIST_MARK.sub("", before)
        if (
            not _complete(text, group)
            or not _restates(before, question)
            or in_another_case(text, place.start())
        ):
            continue
        reading = read_labelled(text, group, table).reading(table)
        ends = _ends_like(before, question)
        if found is not None and exact and not ends:
            continue  # another heading, in fewer of the question's words
        if ends and not exact:
            found = None
        exact = exact or ends
        if contradicted(text, group, table):
            reading = reading._replace(trouble="ambiguous")
        if found is not None and set(found.letters) != set(reading.letters):
            return reading._replace(letters=found.letters + reading.letters, trouble="ambiguous")
        found = reading
    return found


def _ends_like(before: str, question: QuestionWording) -> bool:
    """Whether the words before letters are, to their beginning, the end of the stem."""
    lines = before.rstrip(" :\n").rsplit("\n", 1)[-1]
    said = phrase_key(_SENTENCE_BREAK.split(lines)[-1]).rstrip(_COPULAS + "的")
    return len(said) >= SHORTEST and question.key.rstrip(_COPULAS + "的").endswith(said)


def _says_the_ending(before: str, question: QuestionWording) -> bool:
    """Whether the words before a text end like the stem and say its words of what they point at."""
    ending = question.key.rstrip(_COPULAS)[-LONGEST_ENDING:]
    if not phrase_key(before[-2 * REACH // 5 :]).endswith(ending):
        return False
    sentence = _WHOLE_SENTENCE.split(before.rstrip())[-1]
    points = _POINTS.search(sentence)
    supposed = _SUPPOSES.search(sentence) is not None
    return points is not None and not supposed and _words_of_the_stem(sentence.lower(), question)


def _restated_text(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The options whose texts, alone in their sentence's rest, the question's own words end with."""
    found: Reading | None = None
    folded = text.lower()
    for own in table.texts.values():
        at = folded.find(own.lower())
        while at >= 0:
            before = _ARTICLE.sub("", text[max(0, at - REACH) : at])
            leads = not _BELOW_HEADING.search(before) and (
                _COPULA.search(" " + before[-30:])
                or _ends_like(before, question)
                or _says_the_ending(before, question)
            )
            reading = (
                _texts_at(text, at, own, table, question.several)
                if leads and _restates(before, question) and not in_another_case(text, at)
                else None
            )
            if reading and (question.several or set(reading.letters) != set(table.letters)):
                if found is not None and found.letters != reading.letters:
                    return None
                found = reading
            at = folded.find(own.lower(), at + len(own))
    return found


def _texts_at(text: str, at: int, own: str, table: OptionTable, several: bool) -> Reading | None:
    """The option texts from there to the end of their sentence or clause."""
    for end in (_SENTENCE_ENDS, _TEXT_ENDS, None if several else _COMMA):
        stop = end.search(text, at + len(own), at + table.reach) if end else None
        if stop and (letters := table.from_text(text[at : stop.start()])):
            if end is _COMMA and len(letters) == 1 and COUNTED.search(text, max(0, at - 60), at):
                break
            if end is _COMMA and _names_another(text, stop.end(), letters, table):
                break
            return Reading(letters, at, stop.start())
    return None


def _names_another(text: str, at: int, letters: str, table: OptionTable) -> bool:
    """Whether the sentence goes on with another option, or with a list's last item."""
    stop = _SENTENCE_ENDS.search(text, at)
    rest = text[at : stop.start() if stop else len(text)].lower()
    return _LIST_GOES_ON.search(rest) is not None or any(
        own.lower() in rest for letter, own in table.texts.items() if letter not in letters
    )


def _complete(text: str, group: LetterGroup) -> bool:
    """Whether the letters end what is said: a clause ends after them, or an option's text follows."""
    single = len(group.letters) == 1
    return (
        group.items[-1].told
        or _CLAUSE_END.match(text, group.end) is not None
        or _REASON.match(text, group.end) is not None
        or (not single and _EXPLAINED.match(text, group.end) is not None)
        or (single and _LABELLED_TEXT.match(text, group.end) is not None)
    )


def _restates(before: str, question: QuestionWording) -> bool:
    """Whether the words before letters end like the stem, or say what it asks for in its own words."""
    if before.endswith(("\n", "\n ")) and before.rstrip()[-1:] not in (":", "是", "为", "有"):
        return False  # the letter begins a line of its own
    before = _ASIDE.sub("", before) if "," in before else before
    sentence = _SENTENCE_BREAK.split(before)[-1]
    if _OWN_LETTER.search(sentence) or opposite(sentence, question):
        return False
    key = phrase_key(before).rstrip(_COPULAS)
    stem = question.key.rstrip(_COPULAS)
    ending = stem[-max(ENDING, min(LONGEST_ENDING, len(stem) - 2)) :]
    said = phrase_key(sentence).rstrip(_COPULAS)
    if question.opposed and 2 * len(said) < len(stem):
        return False
    repeats = (
        (len(ending) >= 3 and key.endswith(ending))
        or (len(said) >= SHORTEST and stem.endswith(said))
        or _of_the_kind(sentence, stem, question)
    )
    if repeats and (question.negative or not _spoilt(sentence, question)):
        return True
    copula = _COPULA.search(" " + sentence)
    if copula is None or question.opposed:
        return False
    spoils = (m[0] != "可能" and question.says(m[0].lower()) for m in _SPOILS.finditer(sentence))
    spoilt = _NEGATES.search(sentence) is None if question.negative else not all(spoils)
    return not spoilt and _words_of_the_stem(sentence[: max(0, copula.start() - 1)].lower(), question)


def _of_the_kind(sentence: str, stem: str, question: QuestionWording) -> bool:
    """``属于误解的是``, ``属于的有``: the kind that the stem ends with, or the verb that it asks with."""
    kind = None if question.negative else _OF_THE_KIND.match(sentence)
    if kind is None or kind["said"].startswith("可能"):
        return False
    return stem.rstrip("的").endswith(kind["said"]) or (kind["said"] in _VERBS and kind["said"] in stem)


def _spoilt(sentence: str, question: QuestionWording) -> bool:
    """Whether words negate or hedge that the stem does not have."""
    return not all(question.says(m[0].lower()) for m in _SPOILS.finditer(sentence))


def _words_of_the_stem(subject: str, question: QuestionWording) -> bool:
    """Whether two thirds of what the subject says stand in the stem."""
    words = [w for w in _ENGLISH_WORD.findall(subject) if w not in _EMPTY_WORDS]
    if not words:
        words = [w for w in _ENGLISH_WORD.findall(subject) if w in _KINDS and w in question.words]
    runs = [run for whole in IDEOGRAPHS.findall(subject) for run in whole.split("的")]
    pairs = [run[at : at + 2] for run in runs for at in range(len(run) - 1)]
    told = [any(w.startswith(beginning(word)) for w in question.words) for word in words]
    told += [pair in question.key for pair in pairs]
    return (len(words) > 0 or len(pairs) > 1) and 3 * sum(told) >= 2 * len(told)
