"""Whether words that look like a cue of a crisis are one, by what stands around them.

Role: :func:`stands` is the rule of ``crisis`` on one hit: denied, another sense, a subject, a helper's words,
long over.
Collaborators: ``crisis_lexicon`` has the words; ``tokens`` cuts Chinese sentences: 他 in 利他 is no person,
没 in 没用 denies nothing.
Invariants:
- Pure. jieba's dictionary is loaded only for a text with a hit.
- When in doubt a hit stands: what is missed is seen by nobody.
"""

from __future__ import annotations

import re

from data_pipeline.cleaning.crisis_lexicon import CueKind, Lexicon
from data_pipeline.text.tokens import tokens_of

_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*")
_CLAUSE_END = re.compile(r"[,，、：:;；。！？!?\n.]|但|可是|而是|\bbut\b|\band\b")
_DENIES_ITSELF = re.compile(r"[不没无别懒]|dont|do not|never|cant|cannot|wont|no\b|nobody|not\b|didnt|doesnt")
_ENGLISH_DENIAL = re.compile(
    r"\b(?:dont|do not|didnt|did not|doesnt|never|not|isnt|wasnt|havent|hasnt|no longer|wouldnt|wont"
    r"|without|no|"
    r"have never|has never|hasnt ever|zero)(?: (?:ever|really|actually|want to|going to|have|had|any|to"
    r"|have any|"
    r"thoughts of|thinking (?:of|about)|plans? to|feeling|in|being|a|been|once|intention of|about"
    r"|hit me or))* ?$"
)
_SECOND_PERSON = re.compile(r"[你您]|题主|楼主|来访者|求助者|\byou\b|\byour\b|\bsomeone\b|\banyone\b")
_FIRST_PERSON = re.compile(r"我(?!们(?:做|一般|会|的热线|学校|校|中心))|\b(?:i|im|ive|id|my|me|myself)\b")
_FICTION = re.compile(r"[女男]主|主角|主人公|反派|凶手|角色|剧|\b(?:character|protagonist|hero|heroine)\b")
_LOSS = ("passive_ideation", "active_ideation", "self_harm", "method", "threat_by_other")
_ANSWERED_NO = re.compile(
    r"[^。！？!?\n]{0,16}(?:我|都|一律|回答|选)(?:说|答|选|回|是)?(?:的是)?(?:没有|没|不是|否|无|从不)"
    r"|[^。！？!?\n]{0,10}[？?]\s*(?:我[:：]?)?(?:没有|没|不|no\b)"
)
_OTHERS_LOSS = re.compile(
    r"外婆|姥爷|爷爷|奶奶|爸|妈|哥|姐|弟|妹|表|堂|叔|姨|老师|同学|朋友|狗|猫|他|她|\b(?:brother|sister|mum|mom|dad|"
    r"teacher|uncle|aunt|friend|cousin|father|mother|grand\w+)\b"
)


def stands(words: Lexicon, kind: CueKind, text: str, start: int, end: int) -> bool:
    """Whether the hit text[start:end], of a folded text, is a cue."""
    begin, sentence = _sentence(text, start)
    at, to = start - begin, min(end - begin, len(sentence))
    if _other_sense(words, sentence, at, to) or _denied(words, sentence, at, text[start:]):
        return False
    if _helper(words, sentence, at) or _subject(words, text, sentence, at, to):
        return False
    return not _over(words, kind, text, sentence)


def _sentence(text: str, at: int) -> tuple[int, str]:
    """The sentence around a place, and where it begins."""
    for found in _SENTENCE.finditer(text):
        if found.start() <= at < found.end():
            return found.start(), found[0]
    return 0, text


def _other_sense(words: Lexicon, sentence: str, at: int, to: int) -> bool:
    return any(found.start() < to and at < found.end() for found in words.other_sense.finditer(sentence))


def _denied(words: Lexicon, sentence: str, at: int, rest: str) -> bool:
    """Whether a negation stands before a hit in its clause, with nothing between that ends its reach."""
    hit = sentence[at:]
    if _ANSWERED_NO.match(rest) and re.search("有没有|是否|有无|问", sentence[:at]):
        return True
    if _DENIES_ITSELF.match(hit):
        return False
    clause = _CLAUSE_END.split(sentence[:at])[-1]
    return bool(_ENGLISH_DENIAL.search(clause)) or _negated(words, clause, hit[:8])


def _negated(words: Lexicon, clause: str, hit: str) -> bool:
    """Whether only tokens that carry a negation on stand between one and the end of a clause."""
    if not any(negation in clause for negation in words.negation):
        return False
    # The hit is cut together with its clause, or its first word could be joined to the one before it.
    tokens, length = [], 0
    for token in tokens_of(clause + hit):
        if length >= len(clause):
            break
        tokens.append(token)
        length += len(token)
    for token in reversed(tokens):
        if token in words.negation:
            return True
        if token.strip() and token not in words.bridge:
            return False
    return False


def _helper(words: Lexicon, sentence: str, at: int) -> bool:
    """Whether somebody asks after, or advises, whoever the hit is about."""
    if not words.helper.search(sentence):
        return False
    persons = list(_FIRST_PERSON.finditer(sentence[:at]))
    others = list(_SECOND_PERSON.finditer(sentence[:at]))
    if not persons:
        return True
    return bool(others) and others[-1].start() > persons[-1].start()


def _subject(words: Lexicon, text: str, sentence: str, at: int, to: int) -> bool:
    """Whether the text treats of the subject, and its sentence of nobody at risk."""
    if not words.subject.search(sentence) and not words.subject.search(text):
        return False
    near = sentence[max(0, at - 12) : to + 6]
    if re.search(r"\b(?:i|im|ive|my|me|myself)\b", near):
        return False
    return not any(token in words.person for token in tokens_of(near)) or bool(_FICTION.search(near))


def _over(words: Lexicon, kind: CueKind, text: str, sentence: str) -> bool:
    """Whether it was long ago, and well now; or an old loss."""
    if words.present.search(sentence):
        return False
    if words.past.search(text) and words.well_now.search(text):
        return True
    return kind in _LOSS and bool(words.long_ago.search(sentence)) and bool(_OTHERS_LOSS.search(sentence))
