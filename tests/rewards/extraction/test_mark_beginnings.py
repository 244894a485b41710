"""The characters that each kind of mark is said to begin with are those that its pattern can begin with."""

import re
import re._constants as ops  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]

import pytest

from rewards.extraction import marks

LOOKS = (ops.AT, ops.ASSERT, ops.ASSERT_NOT)
REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)


def beginnings(sequence, flags=0):
    """The characters that a parsed pattern can begin with, and whether it can be empty."""
    found = set()
    for op, value in sequence:
        if op in LOOKS:
            continue
        begins, empty = one(op, value, flags)
        found |= begins
        if not empty:
            return found, False
    return found, True


def one(op, value, flags):
    if op is ops.LITERAL:
        return cased(chr(value), flags), False
    if op is ops.IN:
        assert {kind for kind, _ in value} <= {ops.LITERAL, ops.RANGE}, value
        spans = [(x, x) if kind is ops.LITERAL else x for kind, x in value]
        return {c for lo, hi in spans for code in range(lo, hi + 1) for c in cased(chr(code), flags)}, False
    if op is ops.BRANCH:
        each = [beginnings(branch, flags) for branch in value[1]]
        return set().union(*(begins for begins, _ in each)), any(empty for _, empty in each)
    if op is ops.SUBPATTERN:
        return beginnings(value[3], (flags | value[1]) & ~value[2])
    if op is ops.ATOMIC_GROUP:
        return beginnings(value, flags)
    assert op in REPEATS, op
    begins, empty = beginnings(value[2], flags)
    return begins, empty or value[0] == 0


def cased(character, flags):
    return {character, character.lower(), character.upper()} if flags & re.IGNORECASE else {character}


@pytest.mark.parametrize("kind", marks.BEGINNINGS)
def test_a_kind_of_mark_begins_with_its_characters_and_no_others(kind):
    begins, empty = beginnings(parser.parse(getattr(marks, kind.upper())))
    assert not empty
    assert "".join(sorted(begins)) == marks.BEGINNINGS[kind]
