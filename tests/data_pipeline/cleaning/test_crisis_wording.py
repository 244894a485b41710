"""What is read of a text beside the lexicon: its windows, and how like danger their wording is."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.cleaning.crisis import DOUBTED, SURE, Cue, crisis_cues
from data_pipeline.cleaning.crisis_lexicon import folded
from data_pipeline.cleaning.crisis_wording import (
    LONGEST_WINDOW,
    around,
    log_odds,
    runs_of,
    telling,
    windows,
    wordings,
)

ROOT = Path(__file__).parents[3]
FAREWELL = "妈妈以后就拜托你们了，房租我交到了月底。"


def test_a_farewell_that_names_no_death_is_a_cue_by_its_wording():
    (cue,) = crisis_cues(f"今天天气不错。{FAREWELL}")
    assert cue == Cue("wording", telling(folded(f"今天天气不错。{FAREWELL}")))
    assert 0 < len(cue.words) <= 3


def test_a_window_that_has_a_cue_of_the_lexicon_is_not_named_twice():
    assert crisis_cues("我想自杀。") == [Cue("active_ideation", "想自杀")]


def test_the_log_odds_are_those_of_the_table():
    table = wordings()
    known = [table.runs[run] for run in runs_of("想死") if run in table.runs]
    length = math.sqrt(sum(rarity**2 for rarity, _ in known))
    assert log_odds("想死") == pytest.approx(table.bias + sum(r * w for r, w in known) / length)
    assert log_odds("") < SURE
    assert DOUBTED < SURE


def test_runs_are_of_one_to_three_tokens_with_the_ends():
    assert runs_of("I 死") == {"^", "死", "$", "^ 死", "死 $", "^ 死 $"}, "folded text has small letters only"
    assert "i want to" not in runs_of("i want, to")


@given(st.text(alphabet="我想死 a1，。！\n", max_size=400))
def test_every_word_is_in_a_window_and_no_window_is_longer_than_it_may_be(text):
    read = windows(text)
    for at, character in enumerate(text):
        if character in "我想死a1":
            assert any(True for _ in around(read, at)), at
    for window in read:
        assert len([c for c in text[window.start : window.end] if c in "我想死，。！"]) <= LONGEST_WINDOW
    assert [window.start for window in read] == sorted({window.start for window in read})
    assert [window.end for window in read] == sorted({window.end for window in read})


@pytest.mark.slow
def test_the_table_is_what_the_labelled_sentences_give(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    from fit_crisis_wordings import fitted, tuned_rows

    made, kept = fitted([row for rows in tuned_rows().values() for row in rows]), wordings()
    assert made.runs.keys() == kept.runs.keys()
    assert made.bias == pytest.approx(kept.bias, abs=0.02)
    for run, (rarity, weight) in made.runs.items():
        assert kept.runs[run] == pytest.approx((rarity, weight), abs=0.06)
