"""Compositions: sums, products and first-applicable, sync and async alike."""

import asyncio
import threading

import pytest

from rewards import FirstApplicable, Product, Reward, RewardSample, Score, WeightedSum
from rewards.batch_scoring import score_batch
from rewards.blocking import run_blocking


def sample(kind="single", **fields):
    return RewardSample(**{"id": "q/0", "response": "答案：B", "gold": "B", "kind": kind, **fields})


class Fixed(Reward):
    """Always the same score, and how often it was asked."""

    def __init__(self, label, value, complaint=None):
        self.label, self.value, self.complaint, self.name = label, value, complaint, label
        self.asked = []

    def score(self, sample):
        self.asked.append(sample.id)
        if isinstance(self.value, Exception):
            raise self.value
        return self.value if isinstance(self.value, Score) else Score.of(self.value)

    def check(self, sample):
        return self.complaint


class Waiting(Fixed):
    """The same after a turn of the event loop."""

    async def ascore(self, sample):
        await asyncio.sleep(0)
        return Fixed.score(self, sample)

    def score(self, sample):
        return Reward.score(self, sample)


@pytest.fixture(params=[Fixed, Waiting])
def make(request):
    return request.param


def both_ways(reward, sample):
    score = reward.score(sample)
    assert asyncio.run(reward.ascore(sample)) == score
    return score


def test_a_sum_weighs_its_parts(make):
    reward = WeightedSum([make("a", 0.5).as_part(2.0), make("b", 0.25).as_part(-1.0)], name="set")
    score = both_ways(reward, sample())
    assert score.value == 0.75
    assert score.parts == {"a": 0.5, "b": 0.25}


def test_a_product_stops_at_zero(make):
    gate, judge = make("gate", 0.0), make("judge", RuntimeError("asked in vain"))
    score = both_ways(Product([gate, judge]), sample())
    assert (score.value, score.parts, judge.asked) == (0.0, {"gate": 0.0}, [])
    assert both_ways(Product([make("gate", 0.5), make("judge", 3.0)]), sample()).value == 1.5


def test_the_first_that_takes_the_kind_scores(make):
    choice, rest = make("choice", 1.0), make("rest", 0.5)
    reward = FirstApplicable([choice.as_part(kinds=["single", "multiple"]), rest])
    assert both_ways(reward, sample("multiple")).parts == {"choice": 1.0}
    assert both_ways(reward, sample("short")).parts == {"rest": 0.5}


def test_a_kind_that_nothing_takes_is_a_bad_question(make):
    reward = FirstApplicable([make("choice", 1.0).as_part(kinds=["single"])], name="exam")
    assert both_ways(reward, sample("short")).error.kind == "bad_gold"
    assert "'short'" in reward.check(sample("short"))
    assert reward.check(sample("single")) is None


@pytest.mark.parametrize("compose", [WeightedSum, Product, FirstApplicable])
@pytest.mark.parametrize(
    ("broken", "kind"),
    [(Score.failed("judge_unavailable", "503"), "judge_unavailable"), (ValueError("x"), "scorer_exception")],
)
def test_errors_pass_through_any_depth(make, compose, broken, kind):
    inner = compose([make("judge", broken)], name="inner")
    score = both_ways(WeightedSum([inner], name="outer"), sample())
    assert score.error.kind == kind
    assert score.error.message.startswith("inner: judge: ")


def test_nested_parts_are_named_by_their_path(make):
    inner = Product([make("gate", 1.0), make("judge", 2.0)], name="talk")
    assert both_ways(WeightedSum([inner.as_part(0.5)]), sample()).parts == {
        "talk": 2.0,
        "talk.gate": 1.0,
        "talk.judge": 2.0,
    }


def test_checks_name_the_part():
    fine, bad = Fixed("fine", 1.0), Fixed("bad", 1.0, complaint="gold is empty")
    assert WeightedSum([fine, bad]).check(sample()) == "bad: gold is empty"
    assert Product([fine]).check(sample()) is None
    assert FirstApplicable([bad.as_part(kinds=["short"]), fine]).check(sample()) is None


@pytest.mark.parametrize("compose", [Product, FirstApplicable])
def test_a_weight_has_no_meaning_outside_a_sum(compose):
    with pytest.raises(ValueError, match="weight"):
        compose([Fixed("a", 1.0).as_part(0.5)])


@pytest.mark.parametrize("compose", [WeightedSum, Product])
def test_kinds_have_no_meaning_outside_first_applicable(compose):
    with pytest.raises(ValueError, match="kinds"):
        compose([Fixed("a", 1.0).as_part(kinds=["single"])])


def test_an_async_part_makes_the_whole_async():
    assert WeightedSum([Product([Waiting("judge", 1.0)])]).is_async
    assert not WeightedSum([Fixed("a", 1.0)]).is_async


def test_parts_of_a_sum_wait_side_by_side():
    class Meeting(Reward):
        """Comes back only once both have been asked."""

        def __init__(self, label, asked):
            self.name, self.asked = label, asked

        async def ascore(self, sample):
            self.asked.append(self.name)
            while len(self.asked) < 2:
                await asyncio.sleep(0)
            return Score.of(1.0)

    asked = []
    assert WeightedSum([Meeting("a", asked), Meeting("b", asked)]).score(sample()).value == 2.0


def test_an_async_reward_is_scored_from_within_a_loop_too():
    async def from_async_code():
        return Waiting("judge", 0.5).score(sample())

    assert asyncio.run(from_async_code()).value == 0.5


def test_a_reward_that_scores_nothing_is_refused_when_made():
    with pytest.raises(TypeError, match="neither score nor ascore"):
        type("Empty", (Reward,), {"name": "empty"})()


def test_a_coroutine_runs_in_this_thread_where_no_loop_does_and_in_another_where_one_does():
    async def where():
        return threading.get_ident()

    async def around():
        return run_blocking(where())

    assert run_blocking(where()) == threading.get_ident()
    assert asyncio.run(around()) != threading.get_ident()

    async def fails():
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        run_blocking(fails())


def test_a_batch_keeps_its_order_and_makes_exceptions_errors(make):
    reward = make("a", RuntimeError("boom\ntwice"))
    for score in score_batch(reward, [sample(id="1"), sample(id="2")]):
        assert (score.error.kind, score.error.message) == ("scorer_exception", "RuntimeError: boom twice")
    assert score_batch(make("b", 1.0), []) == []


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_weight_is_finite(weight):
    with pytest.raises(ValueError, match="the weight of 'a' is not finite"):
        WeightedSum([Fixed("a", 1.0).as_part(weight)])


@pytest.mark.parametrize(("compose", "name"), [(WeightedSum, "sum"), (Product, "product")])
def test_a_composition_has_the_name_of_its_kind_unless_given_one(compose, name):
    assert compose([Fixed("a", 1.0)]).name == name
    assert compose([Fixed("a", 1.0)], name="own").name == "own"
    assert FirstApplicable([Fixed("a", 1.0)]).name == "first_applicable"


def test_the_whole_fails_by_the_first_part_that_does_and_checks_in_order(make):
    parts = [
        make("a", 1.0),
        make("b", Score.failed("timeout", "late")),
        make("c", Score.failed("bad_gold", "x")),
    ]
    assert both_ways(WeightedSum(parts), sample()).error.message == "b: late"
    assert (
        WeightedSum([Fixed("a", 1, None), Fixed("b", 1, "no"), Fixed("c", 1, "never")]).check(sample())
        == "b: no"
    )
    assert WeightedSum([Fixed("a", 1)]).check(sample()) is None


def test_a_part_with_a_value_of_a_few_in_a_product_multiplies(make):
    score = both_ways(Product([make("a", 0.5), make("b", 3.0), make("c", -1.0)]), sample())
    assert (score.value, score.parts) == (-1.5, {"a": 0.5, "b": 3.0, "c": -1.0})


def test_a_part_without_kinds_takes_all(make):
    first = FirstApplicable([make("a", 1.0).as_part(kinds=["short"]), make("b", 2.0)])
    assert both_ways(first, sample("single")).parts == {"b": 2.0}
    assert both_ways(first, sample("short")).parts == {"a": 1.0}
    lacking = FirstApplicable([make("a", 1.0).as_part(kinds=["short"])], name="f")
    error = both_ways(lacking, sample("single")).error
    assert (error.kind, error.message) == ("bad_gold", "sample q/0: no reward of 'f' takes kind 'single'")
    odd = FirstApplicable([Fixed("a", 1.0, "odd")])
    assert odd.check(sample()) == "a: odd"
