"""Bytes as text: the one place that decides on an encoding.

Role: :func:`decode` for whole texts, :class:`LineDecoder` for files that are read line by line.
The order: a byte order mark; UTF-16 by its zero bytes; UTF-8; else GB 18030, Big5 or UTF-16, whichever makes
the larger share of common characters (of 4 characters of Chinese text all of 120 samples are told right).
Invariants:
- Bytes that are no text cost their place where the rest of the line is UTF-8, else their line, never the
  file.
- Cut characters never become other characters: what stands for them is :data:`LOST`.
- Lines may be of several encodings; line ends are the caller's matter (:func:`decode` makes them ``\\n``).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

LOST = "\ufffd"
"""Stands for bytes that are no text."""
SAMPLE = 1 << 18  # bytes that tell the encoding of a file's lines
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins in the same way
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEGACY = ("gb18030", "big5hkscs")
_WIDE = ("utf-16-le", "utf-16-be")
_MARKS_OF_TEXT = frozenset("，。、：；？！（）「」『』《》“”‘’…—·　①②③④⑤")
_LEAST_COMMON = 0.6  # of the characters beyond ASCII; true texts have over 0.9, misread ones under 0.5
_BROKEN = re.compile(f"{LOST}+")
_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?]?")


@dataclass(frozen=True)
class Decoded:
    """A text and the numbers, from 1, of its lines in which bytes were no text."""

    text: str
    encoding: str
    damaged: tuple[int, ...] = ()


def wide_encoding(head: bytes) -> str | None:
    """The encoding of more than one byte for line ends too, if the first bytes of a file tell one."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return None if encoding == "utf-8-sig" else encoding
    if b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    guess = "utf-16-le" if odd > even else "utf-16-be"
    whole = head[: len(head) // 2 * 2]
    return guess if _share(whole.decode(guess, "ignore"), None) >= _LEAST_COMMON else None


def decode(content: bytes) -> Decoded:
    """Any text; never raises."""
    wide = wide_encoding(content[:SAMPLE])
    if wide is not None:
        text = _lines(content.decode(wide, "replace"))
        lines = tuple(n for n, line in enumerate(text.split("\n"), 1) if LOST in line)
        return Decoded(text, wide, lines)
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return Decoded(_lines(content.decode("utf-8")), "utf-8")
    except UnicodeDecodeError:
        pass
    decoder = LineDecoder(content[:SAMPLE])
    if decoder.hint in _WIDE:
        return Decoded(_lines(content.decode(decoder.hint, "replace")), decoder.hint)
    texts, damaged = list[str](), list[int]()
    for number, line in enumerate(re.split(b"\r*\n|\r", content), 1):
        text, is_whole = decoder.line(line)
        texts.append(text)
        if not is_whole:
            damaged.append(number)
    return Decoded("\n".join(texts), decoder.hint or "utf-8", tuple(damaged))


def without_lost(text: str) -> str:
    """A text without the sentences that lost characters; where only bytes between sentences were lost,
    without those.

    >>> without_lost("记忆分三类。\ufffd遗忘先快后慢。短时记忆容\ufffd有限。完。")
    '记忆分三类。遗忘先快后慢。完。'
    """
    if LOST not in text:
        return text
    kept = []
    for sentence in _SENTENCE.findall(text + "\n"):
        bare = sentence.strip().strip(LOST).strip()
        ends_whole = not sentence.rstrip().endswith(LOST) or not bare
        kept.append(_BROKEN.sub("", sentence) if LOST not in bare and ends_whole else "")
    return _joined(text, kept)


class LineDecoder:
    """Decodes lines one by one; ``sample`` are the first bytes of their file.

    >>> LineDecoder(b"").line("短时记忆的容量有限".encode("gb18030"))
    ('短时记忆的容量有限', True)
    """

    def __init__(self, sample: bytes) -> None:
        others = [line for line in sample.split(b"\n") if not _is_utf8(line)]
        self.hint = _best(b"\n".join(others)) if others else None
        """The encoding of the lines that are not UTF-8."""

    def line(self, raw: bytes) -> tuple[str, bool]:
        """The text of a line, and whether all of its bytes are text."""
        try:
            return raw.decode("utf-8"), True
        except UnicodeDecodeError:
            pass
        if _is_nearly_utf8(raw):
            return raw.decode("utf-8", "replace"), False
        for encoding in (self.hint, _best(raw)):
            text = None if encoding is None else _strict(raw, encoding)
            if text is not None and _share(text, None) >= _LEAST_COMMON:
                return text, True
        return raw.decode("utf-8", "replace"), False


def _best(raw: bytes) -> str | None:
    """The encoding that makes most sense of bytes which are not UTF-8, if any does."""
    scores = {e: s for e in (*_LEGACY, *_WIDE) if (s := _sense(raw, e)) >= _LEAST_COMMON}
    return max(scores, key=scores.__getitem__) if scores else None


def _sense(raw: bytes, encoding: str) -> float:
    text = _strict(raw, encoding)
    if text is None and encoding in _LEGACY:  # of many lines a bad one does not decide
        text = "\n".join(t for line in raw.split(b"\n") if (t := _strict(line, encoding)) is not None)
    return _share(text, encoding) if text else 0.0


def _strict(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _share(text: str, encoding: str | None) -> float:
    """The share of characters beyond ASCII that are common in texts of an encoding (None: of any)."""
    beyond = [c for c in text if c > "\x7f"]
    controls = sum(c < " " and c not in "\t\r\n" for c in text)
    if not beyond:
        return 1.0 if text and not controls else 0.0
    return sum(_is_common(c, encoding) for c in beyond) / (len(beyond) + controls)


@lru_cache(maxsize=65536)
def _is_common(character: str, encoding: str | None) -> bool:
    """Level 1 of GB 2312 (rows B0 to D7) or of Big5 (A4 to C6), by frequency; marks; other alphabets."""
    if character in _MARKS_OF_TEXT:
        return True
    if encoding not in _LEGACY and character < "\u2000":
        return character.isalpha()
    if encoding != "big5hkscs" and _leads(character, "gb2312", 0xB0, 0xD7):
        return True
    return encoding != "gb18030" and _leads(character, "big5", 0xA4, 0xC6)


def _leads(character: str, encoding: str, first: int, last: int) -> bool:
    try:
        raw = character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return len(raw) == 2 and first <= raw[0] <= last


def _is_utf8(line: bytes) -> bool:
    return _strict(line, "utf-8") is not None or _is_nearly_utf8(line)


def _is_nearly_utf8(line: bytes) -> bool:
    """Whether a few bytes of a line of UTF-8 are bad: one byte in three characters at most."""
    text = line.decode("utf-8", "replace")
    lost = len(_BROKEN.findall(text))
    whole = sum(c >= "\u0800" for c in text) - text.count(LOST)
    return whole >= 3 * lost or (lost == 1 and whole >= 1)


def _lines(text: str) -> str:
    return re.sub("\r*\n|\r", "\n", text)


def _joined(text: str, sentences: list[str]) -> str:
    """Sentences with the line ends that stood between them."""
    parts, at = list[str](), 0
    for found, kept in zip(_SENTENCE.finditer(text + "\n"), sentences, strict=True):
        parts += [text[at : found.start()], kept]
        at = found.end()
    return "".join(parts)
