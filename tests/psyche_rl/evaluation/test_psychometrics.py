"""Alpha and correlations against what pingouin and R's psych give for the same data; tables of replies."""

import json
import math

import numpy as np
import pytest
from item_rows import item_row as row

from psyche_rl.evaluation.psychometrics import correlation, cronbach_alpha, item_table

X = math.nan
# The data set cronbach_wide_missing of pingouin, after real-statistics.com: 12 people, 11 binary items.
PEOPLE = np.array([
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0], [X, 0, 1, 1, X, 1, 1, 1, 1, 0, 0],
    [1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0], [0, 1, X, 0, 1, 1, 1, 1, 0, 0, 0],
    [1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0], [0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 0],
    [1, 0, 0, 1, 0, 1, 0, 0, X, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
])  # fmt: skip


@pytest.mark.parametrize(
    ("missing", "alpha", "people"),
    [("pairwise", 0.732660835214447, 12), ("listwise", 0.8016949152542373, 9)],
)
def test_alpha_is_that_of_pingouin_and_psych(missing, alpha, people):
    found = cronbach_alpha(PEOPLE, missing)
    assert found.alpha == pytest.approx(alpha, abs=1e-12)
    assert (found.people, found.items) == (people, 11)


def test_its_interval_is_that_of_pingouin():
    """Pairwise; for its listwise one pingouin counts those who were left out, too."""
    found = cronbach_alpha(PEOPLE)
    assert (round(found.low, 3), round(found.high, 3)) == (0.435, 0.909)


def test_alpha_is_refused_or_nan_where_there_is_nothing_to_measure():
    assert math.isnan(cronbach_alpha(np.ones((5, 3))).alpha)
    with pytest.raises(ValueError, match="at least two items"):
        cronbach_alpha(np.ones((5, 1)))
    with pytest.raises(ValueError, match="at least two people who answered, got 1"):
        cronbach_alpha(np.array([[1.0, 2.0], [X, 1.0]]), "listwise")


def test_a_correlation_leaves_out_who_lacks_a_score_and_gives_the_interval_of_fisher():
    first, second = [1, 2, 3, 4, 5, X, 7], [2, 1, 4, 3, 7, 9, X]
    found = correlation(first, second)
    r = np.corrcoef([1, 2, 3, 4, 5], [2, 1, 4, 3, 7])[0, 1]
    width = 1.959963984540054 / math.sqrt(5 - 3)
    assert (found.value, found.pairs) == (pytest.approx(r), 5)
    assert found.low == pytest.approx(math.tanh(math.atanh(r) - width))
    assert found.high == pytest.approx(math.tanh(math.atanh(r) + width))
    assert correlation([1, 2, 3, 100], [1, 2, 3, 4], "spearman").value == pytest.approx(1)
    assert math.isnan(correlation([1, 1, 1, 1], [1, 2, 3, 4]).value)
    with pytest.raises(ValueError, match="at least three people with both scores, got 2"):
        correlation([1, 2, X], [1, 2, 3])


def reply(number, said, gold=None):
    answer = "\n".join(f"{item}. {score}" for item, score in said.items())
    written = json.dumps(gold or {"1": 1, "2": 3})
    return row(item=str(number), kind="short", gold=written, response=f"<think>1. 0</think>{answer}")


def test_replies_become_a_table_of_people_and_items():
    table = item_table([reply(1, {1: 2, 2: 3}), reply(2, {1: 9})], 0, 3)
    assert table.items == ("1", "2")
    assert table.said[0].tolist() == [2, 3]
    assert np.isnan(table.said[1]).all()  # one is off the scale, one is not there
    assert table.gold.tolist() == [[1, 3], [1, 3]]
    with pytest.raises(ValueError, match="2 has other items than 1"):
        item_table([reply(1, {}), reply(2, {}, {"1": 1})], 0, 3)
