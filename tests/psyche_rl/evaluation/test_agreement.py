"""Agreement against its formulas, and win rates with ties."""

import math
import random

import numpy as np
import pytest

from psyche_rl.evaluation.agreement import cohens_kappa, krippendorffs_alpha, win_rate
from psyche_rl.evaluation.cluster_draws import BootstrapSettings


def test_kappa_is_its_formula():
    rng = random.Random(0)
    for _ in range(200):
        first = [rng.choice("abc") for _ in range(30)]
        second = [value if rng.random() < 0.6 else rng.choice("abc") for value in first]
        seen = sum(a == b for a, b in zip(first, second, strict=True)) / 30
        chance = sum(first.count(name) * second.count(name) for name in "abc") / 900
        assert cohens_kappa(first, second) == pytest.approx((seen - chance) / (1 - chance))
    assert math.isnan(cohens_kappa(["a", "a"], ["a", "a"]))


def alpha(first, second, distance):
    """Krippendorff's alpha of two judges who rate all: 1 - observed / expected disagreement."""
    pairs = list(zip(first, second, strict=True))
    every = [*first, *second]
    observed = sum(distance(a, b) for a, b in pairs) / len(pairs)
    n = len(every)
    expected = sum(distance(a, b) for a in every for b in every) / (n * (n - 1))
    return 1 - observed / expected


def test_alpha_is_its_formula():
    rng = random.Random(1)
    for _ in range(50):
        first = [float(rng.randint(0, 4)) for _ in range(25)]
        second = [value if rng.random() < 0.5 else float(rng.randint(0, 4)) for value in first]
        squared = alpha(first, second, lambda a, b: (a - b) ** 2)
        assert krippendorffs_alpha([first, second]) == pytest.approx(squared)
        unequal = alpha(first, second, lambda a, b: float(a != b))
        assert krippendorffs_alpha([first, second], "nominal") == pytest.approx(unequal)


def test_what_a_judge_did_not_rate_is_missing():
    full = krippendorffs_alpha([[1.0, 2.0, 3.0], [1.0, 2.0, 2.0]])
    assert krippendorffs_alpha([[1.0, 2.0, 3.0, None], [1.0, 2.0, 2.0, 5.0]]) == pytest.approx(full)
    assert math.isnan(krippendorffs_alpha([[1.0, None], [None, 2.0]]))


def test_a_tie_is_half_a_win():
    first = np.array([0.0] * 5 + [1.0] * 5)
    second = np.array([1.0] * 5 + [1.0] * 2 + [0.0] * 3)
    found = win_rate(first, second, [str(at) for at in range(10)], BootstrapSettings(draws=200))
    assert (found.value, found.wins, found.ties, found.losses) == (0.6, 5, 2, 3)
    assert found.low < 0.6 < found.high
