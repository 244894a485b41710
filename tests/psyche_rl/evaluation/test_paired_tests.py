"""Paired tests against independent computations, and what they find where the truth is known."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from psyche_rl.evaluation.cluster_draws import BootstrapSettings, ClusterDraws, drawn_counts
from psyche_rl.evaluation.paired_tests import bootstrap_p, compared, holm, mcnemar_clustered_p, mcnemar_p

ITEMS, CASE, DRAWS = 2000, 5, 1000
SETTINGS = BootstrapSettings(draws=500, seed=1)


def test_mcnemar_is_that_of_statsmodels():
    rng = np.random.default_rng(0)
    for only_first, only_second in rng.integers(0, 40, size=(200, 2)):
        theirs = mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue
        assert mcnemar_p(int(only_first), int(only_second)) == pytest.approx(min(1.0, theirs))


def test_the_clustered_form_is_its_formula_and_without_clusters_the_plain_one():
    rng = np.random.default_rng(1)
    difference = rng.choice([-1.0, 0.0, 1.0], size=200, p=[0.1, 0.7, 0.2])
    cases = [f"c{at // 4}" for at in range(200)]
    sums = difference.reshape(50, 4).sum(axis=1)
    assert mcnemar_clustered_p(difference, cases) == pytest.approx(
        chi2.sf(sums.sum() ** 2 / (sums**2).sum(), 1)
    )
    b, c = (difference < 0).sum(), (difference > 0).sum()
    alone = mcnemar_clustered_p(difference, [str(at) for at in range(200)])
    assert alone == pytest.approx(chi2.sf((b - c) ** 2 / (b + c), 1))
    assert mcnemar_clustered_p(np.zeros(4), ["a", "b", "c", "d"]) == 1.0


def test_holm_is_that_of_statsmodels():
    rng = np.random.default_rng(4)
    for size in (1, 2, 5, 30):
        ps = list(rng.random(size) ** 3)
        assert holm(ps) == pytest.approx(list(multipletests(ps, method="holm")[1]))
    assert holm([]) == []


def test_the_interval_of_items_without_clusters_is_about_the_normal_one():
    values = np.random.default_rng(2).normal(3.0, 2.0, size=400)
    draws = ClusterDraws([str(at) for at in range(400)], settings=SETTINGS)
    means, drawn = draws.means(values[:, None])
    low, high = draws.interval(drawn[:, 0])
    half = 1.96 * values.std() / 20
    assert means[0] == pytest.approx(values.mean())
    assert (low, high) == (pytest.approx(means[0] - half, abs=0.06), pytest.approx(means[0] + half, abs=0.06))


def test_items_that_share_a_case_widen_the_interval():
    of_case = np.repeat(np.random.default_rng(3).integers(0, 2, size=80).astype(float), 5)
    found = {}
    for name, cases in {"alone": range(400), "shared": [at // 5 for at in range(400)]}.items():
        draws = ClusterDraws([str(case) for case in cases], settings=SETTINGS)
        low, high = draws.interval(draws.means(of_case[:, None])[1][:, 0])
        found[name] = high - low
    assert found["shared"] == pytest.approx(found["alone"] * 5**0.5, rel=0.15)


def test_a_part_with_few_items_keeps_its_size_in_every_draw():
    parts = ["large"] * 300 + ["small"] * 6
    draws = ClusterDraws([str(at) for at in range(306)], parts, SETTINGS)
    column = np.where(np.array(parts) == "small", 1.0, np.nan)[:, None]
    assert np.isfinite(draws.means(column)[1]).all()


def test_scores_that_are_not_paired_are_refused():
    with pytest.raises(ValueError, match="not paired"):
        compared(np.zeros(2), np.zeros(3), ["a", "b"])


def test_a_comparison_tells_both_and_the_discordant_items():
    first, second = np.array([1.0, 1.0, 0.0, 0.0] * 20), np.array([1.0, 0.0, 1.0, 1.0] * 20)
    found = compared(first, second, [str(at) for at in range(80)], SETTINGS)
    assert (found.first, found.second, found.difference, found.discordant) == (0.5, 0.75, 0.25, (20, 40))
    assert found.low < 0.25 < found.high
    assert found.mcnemar_p == pytest.approx(binomtest(20, 60, 0.5).pvalue)
    assert compared(first / 2, second, ["a"] * 80, SETTINGS).mcnemar_p is None


def planted(rng, better_by):
    """(first, second) of DRAWS pairs of models, (draws, items): a case has a difficulty that both share, and
    5 % of the items are discordant."""
    chance = np.repeat(rng.beta(7, 3, size=(DRAWS, ITEMS // CASE)), CASE, axis=1)
    first = (rng.random((DRAWS, ITEMS)) < chance).astype(np.int8)
    discordant = rng.random((DRAWS, ITEMS)) < 0.05
    wins = rng.random((DRAWS, ITEMS)) < 0.5 + better_by / 0.05 / 2
    first = np.where(discordant, ~wins, first).astype(np.int8)
    return first, np.where(discordant, wins, first).astype(np.int8)


def paired_p(first, second):
    """The clustered bootstrap's p of each draw, (draws,)."""
    by_case = (second - first).reshape(DRAWS, ITEMS // CASE, CASE).sum(axis=2).astype(float)
    weights = drawn_counts(np.random.default_rng(9), 1000, ITEMS // CASE)
    drawn = weights @ by_case.T / ITEMS
    return np.array([bootstrap_p(f, d) for f, d in zip(by_case.sum(axis=1) / ITEMS, drawn.T, strict=True)])


def unpaired_p(first, second):
    from scipy.stats import norm

    a, b = first.mean(axis=1), second.mean(axis=1)
    pooled = (a + b) / 2
    return 2 * norm.sf(np.abs(b - a) / np.sqrt(2 * pooled * (1 - pooled) / ITEMS))


def test_a_planted_difference_is_found_and_none_is_not():
    rng = np.random.default_rng(5)
    pair = planted(rng, 0.02)
    found, by_unpaired = paired_p(*pair) < 0.05, unpaired_p(*pair) < 0.05
    assert found.mean() >= 0.90
    assert by_unpaired.mean() < found.mean() - 0.3
    assert abs((paired_p(*planted(rng, 0.0)) < 0.05).mean() - 0.05) <= 0.015


def test_the_test_that_is_simulated_is_the_one_that_is_used():
    rng = np.random.default_rng(6)
    difference = rng.choice([-1.0, 0.0, 1.0], size=100, p=[0.1, 0.7, 0.2])
    cases = [f"{at // 5:02d}" for at in range(100)]
    used = compared(np.where(difference < 0, 1.0, 0.0), np.where(difference > 0, 1.0, 0.0), cases, SETTINGS)
    weights = drawn_counts(np.random.default_rng(SETTINGS.seed), SETTINGS.draws, 20)
    drawn = weights @ difference.reshape(20, 5).sum(axis=1) / 100
    assert used.p == bootstrap_p(float(difference.mean()), drawn)
