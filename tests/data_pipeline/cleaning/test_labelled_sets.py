"""The figures of docs/safety.md are those of the rules, on sentences that the rules' author has not seen."""

from pathlib import Path

import labelled_figures as figures
import pytest

DOCS = Path(__file__).parents[3] / "docs" / "safety.md"


@pytest.mark.parametrize("table", [figures.crisis_table, figures.pii_table])
def test_the_docs_say_what_is_measured(table):
    said = DOCS.read_text("utf-8").splitlines()
    assert [line for line in table() if line not in said] == []


def test_what_was_tuned_on_holds():
    assert figures.recall("tuned") >= 0.97
    assert figures.precision("tuned") >= 0.97
    counts = figures.pii_counts()["tuned"]
    kinds = {row["kind"] for row in figures.rows("pii")}
    assert {kind: counts[f"{kind} right"] for kind in kinds} == {
        kind: counts[f"{kind} all"] for kind in kinds
    }


def test_half_of_the_sets_is_held_and_half_of_the_sentences_have_no_cue():
    crisis, pii = figures.rows("crisis"), figures.rows("pii")
    assert (len(crisis), len(pii)) >= (400, 300)
    for rows in (crisis, pii):
        assert abs(sum(row["half"] == "held" for row in rows) - len(rows) / 2) <= 0.02 * len(rows)
    assert sum(not row["cue"] for row in crisis) >= len(crisis) / 2


def test_the_goals_on_the_held_half():
    assert figures.recall("held") >= 0.95
    assert figures.precision("held") >= 0.85
