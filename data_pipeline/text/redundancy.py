"""The paper's rule on redundancy within a text: boilerplate lines, repeated lines and sentences.

Repeats across texts are the matter of ``repeats`` (exact) and of the deduplication stage (near).
Invariants:
- Idempotent.
- Of repeats the first stays.
- What a person says or does twice in a conversation was said or done twice: turns stay, and so do silences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

SHORTEST_REPEAT = 8  # word characters; shorter sentences ("好的。") recur in honest text
_PUBLISHER = (
    r".{0,20}(?:网|网站|日报|晚报|报社|出版社|杂志|杂志社|公众号|微博|百科|知乎|豆瓣|(?:https?:|www\.)\S*)"
)
_BOILERPLATE = re.compile(
    r"(?:上一[页篇章]|下一[页篇章]|返回(?:目录|首页|顶部)|目录|展开(?:全文|阅读)|阅读(?:原文|全文)|点击查看更多|相关(?:阅读|推荐|文章)"
    rf"|分享到.{{0,20}}|(?:责任)?编辑[:：].{{0,8}}|来源[:：]{_PUBLISHER}|(?:阅读|浏览|点击)(?:量|次数|数)?[:：]?\s*\d+.{{0,6}}"
    r"|第\s*\d+\s*页(?:[,，]?\s*共\s*\d+\s*页)?|-\s*\d+\s*-|Page\s+\d+(?:\s+of\s+\d+)?|Copyright\b.{0,80}"
    r"|All rights reserved\.?|.{0,30}ICP备.{0,30}"
    r"|(?:未经|没有)(?:授权|许可|允许).{0,12}(?:转载|复制).{0,10}|(?:本文)?转载请注明.{0,40})",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^。！？!?\n]*(?:[。！？!?]+[”’」』]?|\n+|$)")
TURN = re.compile(r"[^\S\n]*[\w （）()]{1,12}[:：]")
"""How a turn of a conversation or an entry of a form begins: ``求助者：``."""
_ASIDE = re.compile(r"[（(【\[][^（）()【】\[\]\n]*[）)】\]]")
_NOT_WORD = re.compile(r"[\W_]+")


def without_boilerplate(text: str) -> tuple[str, list[str]]:
    """The text without lines of navigation, page numbers, sources and copyright notices; and those lines."""
    lines = text.split("\n")
    gone = [line for line in lines if _BOILERPLATE.fullmatch(line.strip())]
    return ("\n".join(line for line in lines if line not in gone), gone) if gone else (text, [])


def repeated_lines(text: str) -> str:
    """Each line once; blank and very short ones, which may part paragraphs or list items, and turns stay."""
    if "\n" not in text:
        return text
    seen: set[str] = set()
    lines = []
    for line in text.split("\n"):
        bare = line.strip()
        if _counts(bare) and not TURN.match(bare):
            if bare in seen:
                continue
            seen.add(bare)
        lines.append(line)
    return "\n".join(lines)


def repeated_sentences(text: str) -> str:
    """Each sentence of some length once; those of turns stay."""
    sentences = [(sentence, sentence.strip()) for sentence in _SENTENCE.findall(text)]
    if not _has_repeat(bare for _, bare in sentences):
        return text
    seen: set[str] = set()
    kept = []
    in_turn = False
    begins_line = True
    for sentence, bare in sentences:
        if begins_line:
            in_turn = bool(TURN.match(bare))
        begins_line = sentence.endswith("\n")
        if in_turn or not _counts(bare) or bare not in seen:
            kept.append(sentence)
        if not in_turn:
            seen.add(bare)
    return "".join(kept)


def _counts(bare: str) -> bool:
    """Whether there are enough words for a repeat; pauses and asides such as （沉默） are none."""
    return len(bare) >= SHORTEST_REPEAT and len(_NOT_WORD.sub("", _ASIDE.sub("", bare))) >= SHORTEST_REPEAT


def _has_repeat(sentences: Iterator[str]) -> bool:
    long = [bare for bare in sentences if len(bare) >= SHORTEST_REPEAT]
    return len(long) != len(set(long))
