"""The figures of docs/safety.md are those of the rules, on sentences that the rules' author has not seen."""

from pathlib import Path

import labelled_figures as figures
import pytest

DOCS = Path(__file__).parents[3] / "docs" / "safety.md"


@pytest.mark.parametrize("name", [*figures.CRISIS, "pii"])
def test_the_docs_say_what_is_measured(name):
    said = DOCS.read_text("utf-8").splitlines()
    table = figures.pii_table() if name == "pii" else figures.crisis_table(name)
    assert [line for line in table if line not in said] == []


@pytest.mark.parametrize("name", figures.CRISIS)
def test_what_was_tuned_on_holds(name):
    assert figures.recall(name, "tuned") >= 0.97
    assert figures.precision(name, "tuned") >= 0.95


def test_personal_data_that_were_tuned_on_go():
    counts = figures.pii_counts()["tuned"]
    kinds = {row["kind"] for row in figures.rows("pii")}
    assert {kind: counts[f"{kind} right"] for kind in kinds} == {
        kind: counts[f"{kind} all"] for kind in kinds
    }


@pytest.mark.parametrize(("name", "size"), [*((name, 400) for name in figures.CRISIS), ("pii", 300)])
def test_half_of_each_set_is_held_and_half_of_the_sentences_have_no_cue(name, size):
    rows = figures.rows(name)
    assert len(rows) >= size
    assert abs(sum(row["half"] == "held" for row in rows) - len(rows) / 2) <= 0.02 * len(rows)
    if name != "pii":
        assert sum(not row["cue"] for row in rows) >= 0.47 * len(rows)


@pytest.mark.parametrize("name", figures.CRISIS)
def test_the_goals_on_the_held_half(name):
    assert figures.recall(name, "held") >= 0.95
    assert figures.precision(name, "held") >= 0.85
