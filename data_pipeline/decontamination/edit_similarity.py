"""How alike two comparable texts are, in edits of characters.

Pure. Source: Myers' bit-vector algorithm for approximate matching (J. ACM 46, 1999), in Hyyrö's form (2003).
Invariant: similarities are in [0, 1]; 1 is equality (of :func:`standing_in`: the pattern is in the text).

    >>> round(alike("安全型", "安金型"), 2), standing_in("陌生情境", "请答题陌生情景中哭得")
    (0.67, 0.75)
"""

from __future__ import annotations

from collections.abc import Collection


def alike(a: str, b: str) -> float:
    """1 less the edits that make one of the other, as a share of the longer."""
    longest = max(len(a), len(b))
    return 1.0 if a == b else 1.0 - _distance(a, b, anywhere=False) / longest


def standing_in(pattern: str, text: str) -> float:
    """The same for the stretch of the text that is most like the pattern, as a share of the pattern."""
    return 1.0 if pattern in text else 1.0 - _distance(pattern, text, anywhere=True) / len(pattern)


def best_matches(wanted: Collection[str], given: Collection[str]) -> float:
    """The mean over ``wanted`` of the similarity to the most similar of ``given``."""
    return sum(max((alike(one, other) for other in given), default=0.0) for one in wanted) / len(wanted)


def _distance(pattern: str, text: str, anywhere: bool) -> int:
    length = len(pattern)
    if not length or not text:
        return length if anywhere else max(length, len(text))
    whole, last = (1 << length) - 1, 1 << (length - 1)
    bits: dict[str, int] = {}
    for at, character in enumerate(pattern):
        bits[character] = bits.get(character, 0) | (1 << at)
    more, less, distance = whole, 0, length
    least = length
    for character in text:
        equal = bits.get(character, 0)
        vertical = equal | less
        horizontal = (((equal & more) + more) ^ more) | equal
        up, down = less | (~(horizontal | more) & whole), more & horizontal
        if up & last:
            distance += 1
        elif down & last:
            distance -= 1
        up = ((up << 1) | (0 if anywhere else 1)) & whole
        down = (down << 1) & whole
        more, less = (down | ~(vertical | up)) & whole, up & vertical
        least = min(least, distance)
    return least if anywhere else distance
