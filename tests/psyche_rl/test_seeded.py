"""Draws from named parts: pinned, since records of earlier runs were drawn by them."""

import hashlib
import random

from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.seeded import generator, rank, share, whole_number

PARTS = st.lists(st.integers() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4)


@given(PARTS, st.sampled_from(["/", "|", "-", "\x1f"]))
def test_draws_are_those_of_the_joined_parts(parts, between):
    text = between.join(map(str, parts))
    digest = hashlib.sha256(text.encode()).digest()
    assert generator(*parts, between=between).random() == random.Random(text).random()
    assert rank(*parts, between=between) == digest
    assert share(*parts, between=between) == int.from_bytes(digest[:8], "big") / 2**64


def test_numbers_are_pinned():
    assert whole_number(0, "selector", "q1") == int.from_bytes(rank(0, "selector", "q1")[:4], "big")
    assert whole_number(0, "a") != whole_number(0, "b") != whole_number(1, "b")
    assert 0 <= share("x") < 1
