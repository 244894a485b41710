"""The rules of extraction in their order, on the text that may answer.

1. Only the part that answers the question asked is read (``segments.py``).
2. A part that is one option's text, or says 以上都是, and nothing else, is just that.
3. An explicit statement beats verdicts and bare letters; the last one wins (``statements.py``).
4. Without one: letters that complete the question's words (``restated.py``); letters only, in a reply or
   its first or last lines (``bare.py``); option texts; a letter before prose (``leading.py``); a letter in
   brackets at the end of a sentence (``brackets.py``); what the prose speaks for (``weighing.py``).

Hedges (A或B) are ambiguous; a letter that the options lack is out of range; neither is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from rewards.extraction.additions import REACH, added_letters, dropped_letters
from rewards.extraction.bare import bare_answer
from rewards.extraction.blocks import option_verdicts
from rewards.extraction.brackets import bracketed_letter
from rewards.extraction.closing import closing_verdicts
from rewards.extraction.concluded import concluded_text
from rewards.extraction.conclusions import Conclusions
from rewards.extraction.courtesies import OTHERS, without_courtesies
from rewards.extraction.findings import Findings
from rewards.extraction.glossed import glossed_letters
from rewards.extraction.identified import identified_option
from rewards.extraction.in_turn import verdicts_in_turn
from rewards.extraction.leading import leading_letters, opening_option
from rewards.extraction.listed import list_before_remark
from rewards.extraction.options import OptionTable, option_table
from rewards.extraction.prose import prose_answer
from rewards.extraction.question import QuestionWording, question, spoken_of
from rewards.extraction.reading import Extraction, Reading, Rule
from rewards.extraction.restated import restated_answer
from rewards.extraction.segments import parts
from rewards.extraction.small_labels import with_large_labels
from rewards.extraction.spelling import fold
from rewards.extraction.stated_texts import announced_text, texts_alone
from rewards.extraction.statements import read_statements
from rewards.extraction.summing_up import summed_up
from rewards.extraction.tables import table_verdicts
from rewards.extraction.tenable import another_tenable
from rewards.extraction.walks import breaks_off, walk_begins
from rewards.extraction.weighing import weighed_option

_TURN_MARK = re.compile(
    r"<[|｜](?:im_end|im_start|endoftext|eot_id|eom_id|end_of_text|end|user|observation"
    r"|end▁of▁sentence)[|｜]>"
    r"|</s>|<eo[ads]>|<end_of_turn>|\[UNUSED_TOKEN_145\]|\n[#* ]{0,6}(?:Human|User|用户)[* ]{0,3}[:：]"
)
_TAKEN_BACK = re.compile(
    r"\b(?:withdraw|retract|disregard|ignore) (?:that|this|it|my|the (?:answer|choice|above|previous))\b"
    r"|\b(?:answer|choice|that|this|it)(?: is| was)? (?:withdrawn|retracted)\b|\b[Ss]cratch that\b"
    r"|\b[Nn]ever mind\b"
    r"|(?:\bnot|n't be|\bcannot be) (?:really |at all )?(?:certain|sure|confident) (?:about|of) any\b"
    r"|\bshould(?: not|n't) (?:state|say|have (?:stated|said)) (?:that|it|so)\b"
    r"|\btak(?:e|ing) (?:(?:it|that|this|my answer|the answer) back|back (?:that|this|my|the) )"
    r"|\b(?:I|I'd|I'm)\b[^.\n]{0,24}(?:withdraw|retract|stand behind|no longer (?:think|believe|sure)"
    r"|not so sure (?:any ?more|now))\b"
    r"|(?:收回|撤回|作废|不作数)(?:这|刚|上|我|前|答|之前|[。,;!\n]|$)|不(?:太|再)?(?:确定|肯定)了"
)
"""After a statement: it is taken back, and nothing stated in its stead."""
_UNDECIDED = re.compile(
    r"\b(?:I|we|one)(?: (?:really|honestly|simply))? (?:can't|cannot|couldn't|could not|am unable to"
    r"|'m unable to|am not able to|'m not able to)"
    r"(?: [a-z]+){0,3} (?:which|one out|between|the answer|for (?:certain|sure))\b"
    r"|\b(?:does|do)(?: not|n't) (?:allow|let|permit|enable) (?:me|us|one|anyone)\b|\b(?:not"
    r"|n't) (?:certain|sure) (?:about|of) (?:any|which|either)\b"
    r"|\beither (?:one )?(?:could|may|might|can) be\b"
    r"|(?:我|[仅单]凭|题干|题目|目前|现有|信息)[^。;!?\nA-Z]{0,20}(?:没法|无法|不能|难以)(?:判断|确定|断定"
    r"|区分|取舍|给出)"
    r"|(?:题干|题目)没有?(?:给出|说明|交代)[^。!?\nA-Z]{0,30}需要[^。!?\n]{0,14}(?:才能|方能)(?:确定|判断"
    r"|作答|回答)"
    r"|[两二]者都(?:说得通|有可能|有道理|讲得通)[^。!?\n]{0,60}才能[^。!?\n]{0,20}(?:确定|判断|作答|回答"
    r"|区分|取舍)"
)
"""After letters: it cannot be told which is right."""
_DRAFT = re.compile(r"\s{0,9}(?:analysis\b|#{1,4} ?(?:Thinking|思考(?:过程)?) ?\n)")
_FINAL = re.compile(r"\n(?:(?:assistant ?)?final|#{1,4} ?(?:Final Response|最终回[答复])) ?\n")
"""A draft that a reply begins with by its channel's name, and the heading of what is said at last."""
_LETTERS_ABOVE = re.compile(
    r"[ \n]*(?P<said>[A-Z](?:(?: ?[,、/&+和与及] ?|,? and | )?[A-Z]){0,7}) ?[.。]? ?\n(?= ?\S)"
)
_LETTERS_ALONE = re.compile(r"[ \n]*[A-Z](?:[、, ]{0,2}[A-Z]){0,7}[ \n]?[.。]?[ \n]*")
"""The most frequent reply: nothing else needs to be looked for in it."""
_NEXT_LETTER = re.compile(r"[A-Z](?![a-z])")
NOTHING = Extraction(None, None, "none")


def read_answer(said: str, options: tuple[str, ...], stem: str | None) -> Extraction:
    """What the text after the think block commits to; the span is in that text."""
    if _DRAFT.match(said) and (final := _FINAL.search(said)):
        return _further_on(read_answer(said[final.end() :], options, stem), final.end())
    table = option_table(options)
    turn = first_turn(said)
    start, stop = without_courtesies(turn, table.texts.values())
    turn = with_large_labels(turn[start:stop], table)
    found = _read_turn(turn, table, stem)
    if found is NOTHING and "\n" in turn and (others := OTHERS.search(turn)):
        found = _read_turn(turn[: others.start()], table, stem)
    return _further_on(found, start)


def _further_on(found: Extraction, start: int) -> Extraction:
    """What was read in a text that begins there."""
    if found.span is None or not start:
        return found
    return found._replace(span=(found.span[0] + start, found.span[1] + start))


def _read_turn(said: str, table: OptionTable, stem: str | None) -> Extraction:
    reply = fold(said)
    asked = question(stem)
    if asked.polarity == "unknown":
        asked = spoken_of(reply.text)
    for part in parts(reply.text, table, asked):
        found = _read_part(reply.text[part.start : part.end], table, asked)
        if found.span is not None:
            begin, end = found.span
            return found._replace(span=reply.original(begin + part.start, end + part.start))
    walk = walk_begins(said, table)
    before = said if walk is None else said[:walk]
    last = glossed_letters(before, table) or bracketed_letter(before, table, asked)
    if last is None and walk is None and (weighed := weighed_option(reply.text, table, asked)):
        start, end = reply.original(weighed.start, weighed.end)
        last = weighed._replace(start=start, end=end)
    if last and (another_tenable(reply.text, "", table) or _UNDECIDED.search(reply.text)):
        last = last._replace(trouble="ambiguous")
    return _extraction(last, "statement") if last else NOTHING


def first_turn(said: str) -> str:
    """The text up to where its turn ends, if a marker says so."""
    begin = 0
    if "<" not in said and "\n" not in said and "[" not in said and "｜" not in said:
        return said
    for mark in _TURN_MARK.finditer(said):
        if said[begin : mark.start()].strip():
            return said[: mark.start()]
        begin = mark.end()
    return said


def _read_part(reply: str, table: OptionTable, asked: QuestionWording) -> Extraction:
    if letters := table.meaning(reply):
        return _extraction(_whole(reply, letters), "option_text")
    if _LETTERS_ALONE.fullmatch(reply) and (alone := bare_answer(reply, table)):
        return _extraction(alone, "letters")
    found = read_statements(reply, table, asked)
    conclusions = Conclusions(reply, table, asked)
    if found.declared is None:
        if reading := conclusions.firm():
            found.declare(reading)
        elif (verdicts := table_verdicts(reply, table, asked)) or (
            not found.judges_all()
            and (
                verdicts := option_verdicts(reply, table, asked)
                or verdicts_in_turn(reply, table, asked)
                or closing_verdicts(reply, table, asked)
            )
        ):
            found.judge_each(verdicts)
    said = found.conclude() or _unstated(reply, table, found, conclusions)
    if said.rule == "judgement" and said.span:
        if breaks_off(reply, said.span[0], table):
            return NOTHING
        if sum_up := summed_up(reply, said.span[1], table, asked):
            said = _extraction(sum_up, "statement")
        elif first := _first_line(reply, found):
            said = _extraction(first, "letters")
    if found.conditional and said.rule == "ambiguous" and said.span:
        line = reply.rfind("\n", 0, said.span[0]) + 1
        before = _read_part(reply[:line], table, asked) if reply[:line].strip() else NOTHING
        said = before if before.letters else said
    said = _with_additions(reply, table, said)
    if not said.letters or not said.span:
        return said
    back = said.rule == "statement" and _TAKEN_BACK.search(reply, said.span[1])
    undecided = said.rule in ("statement", "judgement") and _UNDECIDED.search(reply, said.span[1])
    if back or undecided:
        return Extraction(None, said.span, "negated")
    return said


def _first_line(reply: str, found: Findings) -> Reading | None:
    """Letters alone on the first line, above verdicts that do not reject them."""
    line = _LETTERS_ABOVE.match(reply)
    letters = "".join(re.findall("[A-Z]", line["said"])) if line else ""
    if not line or not found.table.exists(letters) or set(letters) == set(found.table.letters):
        return None
    if not found.question.negative and set(letters) & found.wrong.keys():
        return None
    return Reading(letters, *line.span("said"))


def _with_additions(reply: str, table: OptionTable, said: Extraction) -> Extraction:
    if not said.letters or not said.span or len(reply) - said.span[1] < 3 or said.rule == "option_text":
        return said
    if not _NEXT_LETTER.search(reply, said.span[1], said.span[1] + REACH):
        return said
    more, end = added_letters(reply, said.span[1], table)
    letters = {*said.letters, *more}
    less = letters - set(dropped_letters(reply, said.span[1])) if len(letters) > 1 else letters
    if letters == set(said.letters) == less or not less:
        return said
    return Extraction("".join(sorted(less)), (said.span[0], end), said.rule)


def _unstated(reply: str, table: OptionTable, found: Findings, conclusions: Conclusions) -> Extraction:
    """What a part without a statement or verdicts says by letters or texts alone."""
    asked = found.question
    if (walk := walk_begins(reply, table)) is not None:
        reply = reply[:walk]
        conclusions = Conclusions(reply, table, asked)
        if not reply.strip():
            return NOTHING
    restated = cache(lambda: restated_answer(reply, table, asked))
    readers: tuple[tuple[Callable[[], Reading | None], Rule], ...] = (
        (lambda: announced_text(reply, table, asked), "statement"),
        (lambda: opening_option(reply, table) if restated() else None, "letters"),
        (restated, "statement"),
        (lambda: bare_answer(reply, table), "letters"),
        (lambda: texts_alone(reply, table, asked), "option_text"),
        (lambda: list_before_remark(reply, table, asked), "option_text"),
        (lambda: leading_letters(reply, table, found.wrong), "letters"),
        (lambda: prose_answer(reply, table, asked), "statement"),
        (lambda: identified_option(reply, table, asked), "statement"),
        (conclusions.weak, "statement"),
        (lambda: concluded_text(reply, table, asked), "statement"),
    )
    for read, rule in readers:
        if reading := read():
            if another_tenable(reply, reading.letters, table):
                reading = reading._replace(trouble="ambiguous")
            return _extraction(reading, rule)
    return NOTHING


def _whole(reply: str, letters: str) -> Reading:
    return Reading(letters, len(reply) - len(reply.lstrip()), len(reply.rstrip()))


def _extraction(reading: Reading, rule: Rule) -> Extraction:
    span = reading.start, reading.end
    if reading.trouble:
        return Extraction(None, span, reading.trouble)
    return Extraction("".join(sorted(set(reading.letters))), span, rule)
