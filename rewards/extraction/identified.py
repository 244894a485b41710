"""The option that a reply says this is, by its text: ``This is called transference.``, ``这属于合理化，…``.

Collaborators: ``reply_rules`` asks it where nothing is stated. Invariants:
- The stem is known, and the words before the text point at what is asked and at nothing else.
- The text ends its clause; what is supposed, asked or said of an example is none.
- Texts that differ are none; where other options are named too, only the first or the last sentence counts.
"""

from __future__ import annotations

import re
from itertools import islice

from rewards.extraction.options import OptionTable
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.stated_texts import with_the_noun

_THING = (
    r"(?:term|concept|word|name|phenomenon|effect|mechanism|theory|technique|process|principle|disorder"
    r"|diagnosis|approach|bias|method|design|test|type|kind|one|option|choice|defen[cs]e|stage|pattern"
    r"|style|response|solution|answer"
    r"|scenario|example|case|situation|description|behaviou?r|tendency|ability|error|illusion|distortion"
    r"|syndrome|condition|procedure|model|schedule|strategy|skill|variable|measure|statistic|structure"
    r"|region|part|period|state|law|rule|role|form|sort|idea|notion|belief|feeling|fear|process(?:es)?"
    r"|problem"
    r"|quality|trait|factor|figure|person|author|researcher|psychologist)"
)
_IS = (
    r"(?:'s| is| are| was| must be| would be| has to be| can only be| should be| will be| has got to be"
    r"|'s got to be|'d be|'ll be)"
)
_SHOWN = (
    r"(?:behaviou?r|condition|style|case|presentation|picture|symptoms?|pattern|response|reaction|state"
    r"|thinking|reasoning|attachment|approach|strategy)"
)
_BE_SEEN = (
    r"(?: is|(?: would| should| can| must| will| has to)(?: therefore| thus| then| best)? be)"
    r"(?: therefore| thus| then| best| most likely| clearly| usually| typically){0,2}"
    r" (?:classified|categori[sz]ed|diagnosed|labell?ed|described|identified|regarded|considered|seen|viewed"
    r"|understood|characteri[sz]ed|conceptuali[sz]ed)(?: (?:as|with)(?: (?:having|being|showing))?)?"
)
_CALLED = (
    r"(?: (?:called|termed|known as|named|referred to as|an? (?:clear |classic |typical |good "
    r"|textbook |perfect |prime )?"
    r"(?:example|case|instance|form|presentation|picture|description|illustration) of|clearly"
    r"|most likely|likely|therefore|thus|then|definitely|surely"
    r"|really"
    r"|obviously|indeed|exactly|simply|best described as|best called|usually called))*"
)
_ENGLISH = (
    r"(?:(?:so|thus|hence|therefore|then|overall|clearly|obviously|in short|in sum|in summary|in conclusion"
    r"|to conclude|to sum up|conclusion|in psychology|by definition|yes|sure|of course|here"
    r"|i think(?: that)?|i believe(?: that)?|i'd say|in my (?:opinion|view)|personally"
    r"|(?:since|as|because|given that) [^,.;:!?\n]{3,80}(?=,))[,:]? ){0,4}"
    r"(?:the only (?:option|choice|one|term|answer|concept)(?: listed| here)?(?: that| which) "
    r"(?:(?!n't|\b(?:not|less|no|never)\b)[^,.:;!?\n]){3,80}? is|(?:this|that|it|these|what(?: is|'s"
    r"| was) (?:being )?(?:described|shown"
    r"|meant|illustrated|depicted)"
    r"(?: here| above)?|what we (?:have|see) here|what (?:best )?fits(?: here| best)?|what is (?:asked"
    r"|looked) for"
    rf"|(?:the|this|that|his|her|their) (?:[a-z'-]+ ){{0,2}}{_THING}(?: here| for (?:this|it)"
    r"| described(?: here)?| in question| shown"
    rf"| (?:that )?you(?:'re| are) (?:looking for|after|describing|asking (?:about|for)|thinking of"
    r"|referring to)"
    rf"| (?:that )?you (?:want|describe|mention|need)| being described| at work(?: here)?"
    rf"| (?:that|which) (?:best )?fits(?: best| here)?|, of course,|, then,)?){_IS}"
    rf"{_CALLED}"
    rf"|(?:this|that|such an?) (?:[a-z-]+ ){{1,3}}(?:is|was) (?:(?:usually|also|commonly|often|generally) )?"
    rf"(?:called|termed|known as|named|referred to as|labell?ed)"
    r"|(?:what )?(?:this|it|that|(?:the|this|that) (?:description|scenario|example|case|vignette|situation"
    r"|question|passage"
    r"|behaviou?r|phenomenon|statement|saying|proverb|idiom|quotation|quote|phrase|maxim|remark|story"
    r"|anecdote))(?: here| above)? (?:clearly |best |most clearly )?"
    r"(?:describes|illustrates|matches|reflects|refers to|points to|fits|exemplifies|demonstrates|represents"
    r"|corresponds to|suggests|indicates|is consistent with|is in line with|is (?:best )?(?:described"
    r"|captured) by)(?: here)?(?: is)?"
    r"|the answer is (?:clear|simple|obvious):|the (?:[a-z]+ ){0,3}(?:choice|answer|option|term|word):"
    r"|(?:we|psychologists|clinicians|therapists|researchers|one|the [a-z]+)(?: would| usually| commonly)?"
    r" (?:calls?|names?|terms?|labels?) (?:this|it|that)"
    rf"|(?:this|that|the|such an?|(?:his|her|their)(?: [a-z]+)?(?= {_SHOWN}))"
    rf"(?: [a-z'-]+){{1,4}}{_BE_SEEN}"
    rf"|(?:this|that|it|he|she){_BE_SEEN}"
    r"|(?:we|i|one|clinicians|psychologists|researchers)(?: would| should| can| could)?"
    r"(?: therefore| thus| best)? (?:classify|categori[sz]e|diagnose|label|describe|identify|regard|view)"
    r" (?:this|that|it|him|her|them|(?:the|this|that|his|her|their) [a-z]+(?: [a-z]+)?) (?:as|with)"
    r"|the [a-z]+ would say|one speaks of|i(?:'d| would) (?:say|answer|call (?:it|this|that))"
    r"|(?:the|this|that|his|her|our) (?:patient|client|child|man|woman|boy|girl|person|student"
    r"|[a-z]+'s [a-z]+)"
    r"(?: (?:here|therefore|thus|clearly|most likely))? (?:has|suffers from|meets(?: the"
    r"| all)?(?: full)? criteria for"
    r"|qualifies for)|[a-z]+'s (?:presentation|picture|case|history) meets (?:the "
    r"|all )?(?:full )?criteria for"
    r"|(?:such|[^,.;:!?\n]{3,80}?) is an? (?:clear|classic|perfect|typical|textbook|prime) (?:example|case"
    r"|instance|illustration) of) (?:(?:the|an?) )?"
    r"|(?:so|thus|hence|therefore|in short|in conclusion|to sum up|conclusion)[,:]? (?:the |an? )?"
)
_CHINESE = (
    r"(?:(?:您好|你好|好的|答|结论|所以|因此|因而|故此?|综上(?:所述)?|总之|由此(?:可见|判断|可知)?|可见|显然"
    r"|明显|毫无疑问"
    r"|根据(?:定义|题意|描述|题干)|从(?:题干|定义|描述)(?:来)?看|在心理学[中上里]|心理学[中上里]?|我认为"
    r"|我觉得|个人认为)[,:]?){0,4}+"
    r"(?:我们?)?(?:(?:(?:这|那|它|此|其)|这里|题[干目]中?(?:的?(?:现象|情况|行为|做法|表现|机制|方法))?"
    r"|(?:这[名位个]|该|本)(?:患者|来访者|病人|个案|婴儿|儿童|孩子|被试|学生|求助者)(?:的(?:症状|表现|行为"
    r"|情况|问题))?"
    r"|(?:这[种句个则段首一条]?|该|上述|此[种句]?|本)"
    r"(?:现象|情况|行为|做法|表现|机制|方法|心理|反应|俗语|俗话|谚语|成语|古语|诗句?|话|名言|歇后语|典故"
    r"|故事|寓言|例子?|案例|描述|情[境景])"
    r"|(?:其|专业)?(?:名称|术语)|(?:这位|该)?[^,。;:!?\n的不]{1,6}的(?:表现|情况|行为|做法)|最合适的术语)?"
    r"(?:所?(?:描述|体现|反映|说|述|指|对应|讲)(?:的|了)?(?:情况|现象)?)?(?:[把将](?:[它这其]|(?:这[种一]|该"
    r"|上述)[^,。;:!?\n不]{1,6}))?"
    r"(?:就|正|便|恰恰|当然|肯定|显然|毫无疑问|明显|只能|必然|应该?|可以(?:确定|判断|判定)|可(?:判断|判定)"
    r"|可以?)?"
    r"(?:是|为|叫做?|称为|称作|称之为|被称[为作]|属于|即|对应|归(?:类为|为|于|入)|判[断定]为|诊断为|视为"
    r"|[更最][为加]?(?:符合|接近|像|吻合|贴近)于?)"
    r"|(?:所以|因此|故)?,?(?:这[种句个则段首一条]?|该|上述|此[种句]?|本)(?:现象|俗语|俗话|谚语|成语|古语"
    r"|诗句?|话|名言|歇后语|典故|故事"
    r"|寓言|例子?|案例|情[境景])所?(?:体现|反映|说明|描述|表现|诠释|印证)(?:的|了|出了?)?(?:正|恰恰?|就)?是?"
    r"|唯一符合的是|符合(?:了)?|体现(?:了)|与|典型的"
    r"|(?<=所以|因此|综上|所述|总之|结论)|(?<=(?:所以|因此|综上|所述|总之|结论)[,:]))(?:典型的)?"
)
_OPENERS = re.compile(
    rf"(?:^ ?|(?<=[。;!?\n,:])|(?<=[.;!?,:—–\n] ))(?:(?i:{_ENGLISH})(?=[^ ])"
    rf"|{_CHINESE}(?=[\u4e00-\u9fffA-Z ]))"
)
_AN_ARTICLE = re.compile(r" ((?i:the|an?) )\Z")
"""Before a text: words that point may have taken it from the option's own."""
_PHRASE = re.compile(r" ?(?P<said>[^\n\x03<]+)")
_ENDS = tuple(
    map(
        re.compile,
        (
            r"[。;!]|\.(?: |$)|$|(?=\n)",
            r"[,:]| [—–]",
            r" (?=(?:because|since|as|here|it is|in this|at work|in action)\b)",
            r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fffA-Za-z ]{2,40}[。,;!\n])(?!和|与|及|或|以及)",
            r"的?(?:最好|典型)?(?:体现|表现|定义(?:相符)?|特点(?:相符)?|特征(?:相符)?"
            r"|描述(?:相符)?)(?=[。,;!\n]|$)",
        ),
    )
)
_SENTENCE = re.compile(r"[^。!?\n;.]*\Z")
_SUPPOSED = re.compile(
    r"如果|若|假如|要是|倘若|假设|例如|比如|譬如|有人|以为|起初|乍|一开始|容易|可能|也许|或许|相反|区别"
    r"|不同的是|另一[种个类]"
    r"|(?i:\b(?:if|unless|for example|for instance|e\.g|might|may|could|perhaps|maybe|students?|some|others?"
    r"|the (?:older|wrong|incorrect|initial|tempting|alternative|opposite|previous|other|first|second|third"
    rf"|next|usual|common) {_THING} (?:is|was)"
    r"|first glance|at first|in contrast|by contrast|conversely|sometimes|often|whereas|while|otherwise)\b)"
)
_DENIED = re.compile(r"[^。.!?\n;]{0,30}(?:\?|吗|么[?。]|还是|或)")
_GAP = re.compile(r"[\s。.!?,;]*")
_OPENS_WITH = re.compile(
    r"[ \n]?(?:the |an? )?(?P<said>[^\n\x03,。!—–.:;]+?) ?(?:[,!]|[—–-] )", re.IGNORECASE
)
_OPENS_WITH_REASON = re.compile(
    r"[ \n]?(?:the |an? )?(?P<said>[^\n\x03,。!—–.:;]+?),? ?(?:because|since|as it|因为|由于)", re.IGNORECASE
)
_OPENS_SENTENCE = re.compile(
    r"[ \n]?(?:(?:most likely|very likely|definitely|certainly|clearly|surely|obviously|simply"
    r"|almost certainly)"
    r",? )?(?:the |an? )?(?P<said>[^\n\x03,。!—–.:;?]+)(?:。|\.(?=[ \n][A-Z\u4e00-\u9fff]))"
    r"(?! ?(?:wrong|no|not|incorrect|false|sorry|wait|错|不|误|非)(?![a-z]))",
    re.IGNORECASE,
)
"""An option's text that is the first sentence; the next one does not take it back."""
_ALONE = re.compile(r" ?(?:$|[。.:,;!?\n—–(-])")
_BELONGS = re.compile(
    r" ?(?:(?i:this|it|that|these|they|here)\b(?! (?:is|are|was|does|do)(?: not|n't))|这|它|该|其)"
)
"""After an option's text: it is explained, and may be one of those that belong."""
_BEGINS = re.compile(
    r"(?:^|[。.!?\n;]) ?(?:[-•·] ?|\d{1,2}[.、] ?)?(?:the |an? |[A-H][.、:)]? ?)?\Z", re.IGNORECASE
)
_LAST = re.compile(
    r"(?:^|[。!?\n;] ?|[.] )(?:the |an? )?(?P<said>[^\n\x03,。!?;]+?)[。.!]?[ \n]*\Z", re.IGNORECASE
)
_SENTENCE_ON = re.compile(r"[^。!?\n;.]*")
_NOT = re.compile(r"不|非|错|误|(?i:\b(?:not|wrong|incorrect|false|never)\b)|n't\b|是指|指的是|是一种")
_BREAK = re.compile(r"[。!?\n;]|[.] ")
_GOES_ON = re.compile(r"[。!?\n;]\s*[^\s]|[.]\s+[^\s]")
MOST_OPENERS = 200
"""Places that are looked at: no reply that answers has so many."""
LONGEST_GLOSS = 40
"""Characters of an option's text and what stands with it, beyond the texts' own."""


def identified_option(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The option that the folded reply says this is."""
    if not question.key or not table.by_key:
        return None
    said = text.lower()
    named = [letter for letter, own in table.texts.items() if own.lower() in said]
    if not named:
        return None
    found = None if question.negative else _pointed_at(text, table, question)
    if found is not None and set(named) - set(found.letters) and not _at_an_edge(text, found):
        found = None
    if question.several and not table.numerals and (found is None or len(found.letters) == 1):
        return None  # the others may be there in other words
    if found is None and not question.negative:
        return _opening(text, table, alone=len(named) == 1)
    if found is None and not question.several:
        return _opens_with_the_exception(text, table)
    return found if found is None or found.letters else None


def _opens_with_the_exception(text: str, table: OptionTable) -> Reading | None:
    """``Forgiveness. The five stages are …``, where the option that does not belong is asked for."""
    first = _OPENS_SENTENCE.match(text, 0, table.reach + LONGEST_GLOSS)
    letters = table.meaning(first["said"]) if first else ""
    if first is None or len(letters) != 1 or _another_begins(text, first.end(), table):
        return None
    return None if _BELONGS.match(text, first.end()) else Reading(letters, *first.span("said"))


def _pointed_at(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The option that words point at; one without letters where they point at several."""
    found: Reading | None = None
    for opener in islice(_OPENERS.finditer(text), MOST_OPENERS):
        reading = _text_at(text, opener.end(), table, question)
        if reading is None or _supposed(text, opener.start(), reading.end):
            continue
        if found is not None and found.letters != reading.letters:
            return reading._replace(letters="")
        found = found or reading
    return found


def _text_at(text: str, at: int, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The option texts that a clause from there on consists of."""
    phrase = _PHRASE.match(text, at, at + table.reach + LONGEST_GLOSS)
    if phrase is None:
        return None
    begin, end = phrase.span("said")
    article = _AN_ARTICLE.search(text, max(0, at - 5), at)
    the = article[1] if article else ""
    for mark in _ENDS:
        stop = mark.search(text, begin, end + 1)
        said = text[begin : stop.start()] if stop else ""
        letters = table.from_text(said) or table.meaning(the + said) or with_the_noun(said, table, question)
        if said and stop and letters:
            return None if set(letters) == set(table.letters) else Reading(letters, begin, stop.start())
    return None


def _supposed(text: str, start: int, end: int) -> bool:
    """Whether the sentence up to there only supposes, or goes on to ask."""
    before = _SENTENCE.search(text, max(0, start - 160), end)
    return bool(before and _SUPPOSED.search(before[0])) or _DENIED.match(text, end) is not None


def _at_an_edge(text: str, reading: Reading) -> bool:
    """Whether the reading stands in the first or the last sentence of the text."""
    after = _GAP.match(text, reading.end)
    first = not _BREAK.search(text[: reading.start].strip())
    return first or (after is not None and not _GOES_ON.search(text, after.end()))


def _another_begins(text: str, at: int, table: OptionTable) -> bool:
    """Whether a sentence or line after a place is an option's text, so that each is explained."""
    said = text.lower()
    for own in table.texts.values():
        found = said.find(own.lower(), at)
        while found >= 0:
            if _BEGINS.search(text, max(0, found - 12), found) and _ALONE.match(text, found + len(own)):
                return True
            found = said.find(own.lower(), found + len(own))
    return False


def _opening(text: str, table: OptionTable, alone: bool) -> Reading | None:
    """The option that the reply opens with before a reason; the only one also if it is the last sentence."""
    if not alone:
        first = _OPENS_WITH_REASON.match(text, 0, table.reach + LONGEST_GLOSS)
        if first is None or not table.meaning(first["said"]):
            first = _OPENS_SENTENCE.match(text, 0, table.reach + LONGEST_GLOSS)
            if first and _another_begins(text, first.end(), table):
                return None
        letters = table.meaning(first["said"]) if first else ""
        return Reading(letters, *first.span("said")) if first and len(letters) == 1 else None
    for edge in (
        _OPENS_SENTENCE.match(text, 0, table.reach + LONGEST_GLOSS),
        _OPENS_WITH.match(text, 0, table.reach + LONGEST_GLOSS),
        _LAST.search(text, max(0, len(text) - table.reach)),
    ):
        letters = table.meaning(edge["said"]) if edge else ""
        if edge and len(letters) == 1 and not _supposed(text, edge.start("said"), edge.end("said")):
            first = _SENTENCE_ON.match(text, edge.end("said"))
            goes_on = edge.re is _OPENS_SENTENCE
            if goes_on or (first and not _SUPPOSED.search(first[0]) and not _NOT.search(first[0])):
                return Reading(letters, *edge.span("said"))
    return None
