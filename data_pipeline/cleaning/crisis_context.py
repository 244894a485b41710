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
from functools import lru_cache

from data_pipeline.cleaning.crisis_lexicon import CueKind, Lexicon
from data_pipeline.text.tokens import tokens_of

_WINDOW = 200  # characters to either side: what is further away says nothing, and costs
_ENDS = "。！？!?；;\n"
_END = re.compile(f"[{_ENDS}]+")
_CLAUSE_END = re.compile(r"[,，、：:;；。！？!?\n.]|但|可是|而是|\bbut\b|\band\b")
_DENIES_ITSELF = re.compile(r"[不没无别懒]|dont|do not|never|cant|cannot|wont|no\b|nobody|not\b|didnt|doesnt")
_DENIES_A_DENIAL = re.compile(r"(?:(?<!是)不是|没有|并非|不至于|谁说)$")
_ENGLISH_DENIAL = re.compile(
    r"\b(?:dont|do not|didnt|did not|doesnt|never|not|isnt|wasnt|havent|hasnt|no longer|wouldnt|wont"
    r"|without|no|"
    r"have never|has never|hasnt ever|zero)(?: (?:ever|really|actually|want to|going to|have|had|any|to"
    r"|have any|"
    r"thoughts of|thought (?:of|about)|thinking (?:of|about)|plans? to|feel|feeling|in|being"
    r"|a|been|once|intention of|about|hit me or))* ?$"
)
_SECOND_PERSON = re.compile(r"[你您]|题主|楼主|来访者|求助者|\byou\b|\byour\b|\bsomeone\b|\banyone\b")
_FIRST_PERSON = re.compile(
    r"我(?!们(?:做|一般|会|来|约定|的热线|学校|校|中心))|\b(?:i|im|ive|id|my|me|myself)\b"
)
_FICTION = re.compile(r"[女男]主|主角|主人公|反派|凶手|角色|剧|\b(?:character|protagonist|hero|heroine)\b")
_JESTS = ("passive_ideation", "active_ideation", "method", "harm_to_others", "violence", "threat_by_other")
_EARNEST = re.compile(r"认真的?|不是(?:在)?开玩笑|说真的|不是玩笑|not (?:even )?(?:joking|kidding)|serious")
_PLAIN = re.compile(r"死(?!机|锁)|自杀|轻生|遗书|自残|kill (?:my|him|her)self|suicid|to die")
_DONE_TO = ("violence", "sexual_violence", "harm_to_others")
_NOT_DONE = re.compile(
    r"没(?:有)?(?:对|打|动|碰|伤|做|再|被)|从不|\bnever (?:hit|laid|raised|touched|hurt|been)"
)
_LOSS = ("passive_ideation", "active_ideation", "self_harm", "method", "threat_by_other")
_ANSWERED_NO = re.compile(
    r"[^。！？!?\n]{0,16}(?:我|都|一律|回答|选)(?:说|答|选|回|是)?(?:的是)?(?:没有|没|不是|否|无|从不)"
    r"|[^。！？!?\n]{0,10}[？?]\s*(?:我[:：]?)?(?:没有|没|不|no\b)"
)
_GOES_ON = re.compile(
    r"我(?:也|就|又|还|总|天天|每天|只|真|最近){0,3}(?:想|要|准备|打算|割)|最近|又开始"
    r"|\b(?:again|i want|lately)\b"
)
_OTHERS_LOSS = re.compile(
    r"邻居|姑|舅|伯|师兄|同事|姑娘|有人|外婆|姥爷|爷爷|奶奶|爸|妈|哥|姐|弟|妹|表|堂|叔|姨|老师|同学|朋友|狗|猫|他|她|\b(?:brother|sister|mum|mom|dad|"
    r"teacher|uncle|aunt|friend|cousin|father|mother|grand\w+|neighbou?r|roommate"
    r"|classmate|she|he|her|him|someone)\b"
)


def stands(words: Lexicon, kind: CueKind, text: str, start: int, end: int) -> bool:
    """Whether the hit text[start:end], of a folded text, is a cue."""
    begin, sentence = _sentence(text, start)
    at, to = start - begin, min(end - begin, len(sentence))
    if _other_sense(words, sentence, at, to) or _harmless(words, kind, sentence, at, to):
        return False
    if _denied(words, kind, sentence, at, to, text[start : start + _WINDOW]):
        return False
    term = bool(words.term.fullmatch(text, start, end))
    if _helper(words, sentence, at) or _subject(words, text, sentence, at, to, term):
        return False
    if term and not _somebody(words, sentence):
        return False
    return not _over(words, kind, text, sentence)


def _sentence(text: str, at: int) -> tuple[int, str]:
    """The sentence around a place, and where it begins; of one without end, what is near."""
    near = max(0, at - _WINDOW)
    begin = max(text.rfind(mark, near, at) + 1 for mark in _ENDS)
    stop = _END.search(text, at, at + _WINDOW)
    return max(begin, near), text[max(begin, near) : stop.end() if stop else at + _WINDOW]


def _other_sense(words: Lexicon, sentence: str, at: int, to: int) -> bool:
    """Whether one end of a hit lies in words of another sense; what lies in its middle says nothing of it."""
    senses = words.other_sense.finditer(sentence)
    return any(found.start() <= at < found.end() or found.start() < to <= found.end() for found in senses)


def _harmless(words: Lexicon, kind: CueKind, sentence: str, at: int, to: int) -> bool:
    """Whether its sentence jests, or speaks of something that makes such words harmless."""
    if kind in _JESTS and words.jest.search(sentence) and not _EARNEST.search(sentence):
        return True
    if kind not in words.harmless or _PLAIN.search(sentence[at:to]):
        return False
    return bool(words.harmless[kind].search(sentence))


def _somebody(words: Lexicon, sentence: str) -> bool:
    """Whether a sentence with the name of a matter speaks of a person, or of a wish."""
    if words.wish.search(sentence):
        return True
    return any(token in words.person for token in tokens_of(sentence))


def _denied(words: Lexicon, kind: CueKind, sentence: str, at: int, to: int, rest: str) -> bool:
    """Whether a negation stands before a hit in its clause, with nothing between that ends its reach."""
    hit = sentence[at:]
    if _ANSWERED_NO.match(rest) and re.search("有没有|是否|有无|问", sentence[:at]):
        return True
    if kind in _DONE_TO and _NOT_DONE.search(sentence[at:to]):
        return True
    clause = _CLAUSE_END.split(sentence[:at])[-1]
    if _DENIES_ITSELF.match(hit):
        return bool(_DENIES_A_DENIAL.search(clause))
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
        tokens.append(token[: len(clause) - length])  # 没打过我 may be one token with its denial
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


def _subject(words: Lexicon, text: str, sentence: str, at: int, to: int, term: bool) -> bool:
    """Whether the sentence (for a term, the text) treats of the subject, and speaks of nobody at risk."""
    if not words.subject.search(sentence) and not (term and _somewhere(words.subject, text)):
        return False
    near = sentence[max(0, at - 12) : to + 6]
    if re.search(r"\b(?:i|im|ive|my|me|myself)\b", near):
        return False
    return not any(token in words.person for token in tokens_of(near)) or bool(_FICTION.search(near))


def _over(words: Lexicon, kind: CueKind, text: str, sentence: str) -> bool:
    """Whether it was long ago, and well now; or an old loss."""
    if kind in _LOSS and words.long_ago.search(sentence) and _OTHERS_LOSS.search(sentence):
        return not _GOES_ON.search(sentence)
    if words.present.search(sentence):
        return False
    return _somewhere(words.past, text) and _somewhere(words.well_now, text)


@lru_cache(maxsize=16)
def _somewhere(words: re.Pattern[str], text: str) -> bool:
    """Whether a text has one of the words; asked once for all hits of a text."""
    return bool(words.search(text))
