"""Models against each other: averages over parts, unpaired items, Holm over all."""

import pytest

from psyche_rl.evaluation.benchmark_figures import figures_of
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.evaluation.comparison import compare_models
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.paired_tests import holm

SETTINGS = BootstrapSettings(draws=300)
PARTS = [f"{topic}_{kind}" for topic in ("theory", "moral", "case") for kind in ("single", "multiple")]


def row(model, part, at, strict, elastic):
    return ItemResult(
        benchmark="pceb", model=model, item=f"{part}{at}", sample=0, part=part, kind=part.split("_")[1],
        subject=None, level="second", cluster=f"{part}{at // 2}", prompt="[]", response="A" * (at + 1),
        reasoning="", gold="A", answer="A", rule=None, scores={"mcq_strict": strict, "mcq_elastic": elastic},
        unscored=(), notes={}, ended="stop", error=None, prompt_tokens=0, response_tokens=0,
    )  # fmt: skip


def model(name, right, items=20):
    """Right on ``right`` of the items of each part; half right on the others."""
    return [row(name, part, at, float(at < right), 1.0 if at < right else 0.5)
            for part in PARTS for at in range(items)]  # fmt: skip


def test_a_benchmarks_own_average_is_compared_on_the_same_draws():
    models = {"a": model("a", 10), "b": model("b", 14)}
    benchmark = find_benchmark("pceb")
    found = {
        row.metric: row
        for row in compare_models(models, ["mcq_strict"], SETTINGS, False, {"pceb": benchmark})
    }
    average = found["pceb_avg"].found
    assert (average.first, average.second) == (pytest.approx(0.5), pytest.approx(0.7))
    assert average.low < 0.2 < average.high
    assert average.low > 0.05  # paired: the drawn difficulties cancel
    assert found["pceb_avg_elastic"].found.difference == pytest.approx(0.15)
    assert found["mcq_strict"].win_rate.wins == 24
    ps = [row.found.p for row in found.values()]
    assert [row.holm_p for row in found.values()] == holm(ps)
    alone = figures_of(benchmark, models["a"], SETTINGS).figures
    assert alone["pceb_avg"].value == pytest.approx(0.5)
    assert alone["pceb_avg_elastic"].value == pytest.approx((3 * 0.5 + 3 * 0.75) / 6)


def test_items_of_one_model_alone_are_counted_and_left_out():
    models = {"a": model("a", 10), "b": model("b", 10, items=15)}
    (found,) = compare_models(models, ["mcq_strict"], SETTINGS)
    assert (found.found.n, found.unpaired, found.found.difference) == (90, 30, 0.0)
    by_part = compare_models(models, ["mcq_strict"], SETTINGS, by_part=True)
    assert [row.part for row in by_part] == [None, *sorted(PARTS)]


def test_an_average_whose_parts_are_not_all_there_is_not_made():
    benchmark = find_benchmark("pceb")
    some = [each for each in model("a", 10) if each.part != "case_single"]
    found = figures_of(benchmark, some, SETTINGS)
    assert "pceb_avg" not in found.figures
    assert found.headline == ("mcq_strict",)
    assert sum(figures["mcq_strict"].n for figures in found.by["length"].values()) == found.items == 100
    assert len(found.by["length"]) == 4
