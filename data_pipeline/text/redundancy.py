"""The paper's rule on redundancy within a text: boilerplate lines, repeated lines and sentences.

Repeats across texts are the matter of ``repeats`` (exact) and of the deduplication stage (near).
Invariants:
- Idempotent.
- Of repeats the first stays.
"""

from __future__ import annotations

import re

SHORTEST_REPEAT = 8  # characters; shorter sentences ("好的。") recur in honest text
_BOILERPLATE = re.compile(
    r"(?:上一[页篇章]|下一[页篇章]|返回(?:目录|首页|顶部)|目录|展开(?:全文|阅读)|阅读(?:原文|全文)|点击查看更多|相关(?:阅读|推荐|文章)"
    r"|分享到.{0,20}|(?:责任)?编辑[:：].{0,20}|来源[:：].{0,30}|(?:阅读|浏览|点击)(?:量|次数|数)?[:：]?\s*\d+.{0,6}"
    r"|第\s*\d+\s*页(?:[,，]?\s*共\s*\d+\s*页)?|-\s*\d+\s*-|Page\s+\d+(?:\s+of\s+\d+)?|Copyright\b.{0,80}"
    r"|All rights reserved\.?|.{0,30}ICP备.{0,30}"
    r"|(?:未经|没有)(?:授权|许可|允许).{0,12}(?:转载|复制).{0,10}|(?:本文)?转载请注明.{0,40})",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^。！？!?\n]*(?:[。！？!?]+[”’」』]?|\n+|$)")


def boilerplate(text: str) -> str:
    """No lines of navigation, page numbers, sources and copyright notices."""
    if "\n" not in text and not _BOILERPLATE.fullmatch(text.strip()):
        return text
    return "\n".join(line for line in text.split("\n") if not _BOILERPLATE.fullmatch(line.strip()))


def repeated_lines(text: str) -> str:
    """Each line once (blank and very short ones, which may part paragraphs or list items, stay)."""
    if "\n" not in text:
        return text
    seen: set[str] = set()
    lines = []
    for line in text.split("\n"):
        bare = line.strip()
        if len(bare) >= SHORTEST_REPEAT and bare in seen:
            continue
        seen.add(bare)
        lines.append(line)
    return "\n".join(lines)


def repeated_sentences(text: str) -> str:
    """Each sentence of some length once."""
    sentences = _SENTENCE.findall(text)
    bare = [sentence.strip() for sentence in sentences]
    long = [sentence for sentence in bare if len(sentence) >= SHORTEST_REPEAT]
    if len(long) == len(set(long)):
        return text
    seen: set[str] = set()
    kept = []
    for sentence, key in zip(sentences, bare, strict=True):
        if len(key) < SHORTEST_REPEAT or key not in seen:
            kept.append(sentence)
        seen.add(key)
    return "".join(kept)
