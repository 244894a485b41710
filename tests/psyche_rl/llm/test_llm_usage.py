import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.config.teacher import BudgetConfig, PriceConfig, TeacherConfig
from psyche_rl.llm import ChatRequest
from psyche_rl.llm.usage import Budget, Spent, Usage, cost_of, most_tokens, spent

PRICE = PriceConfig(prompt=1.0, completion=4.0)


def ask(text="问", most=100):
    return ChatRequest("m", (("user", text),), 0.0, most)


def budget(used=None, **caps):
    return Budget(TeacherConfig(model="m", prices={"m": PRICE}, budget=caps), used or Spent())


def test_prices_are_per_million_tokens_and_unpriced_models_are_free():
    assert cost_of(PRICE, 1_000_000, 500_000) == 3.0
    assert spent({"m": PRICE}, {"m": (1_000_000, 0), "own": (5, 5)}) == Spent(1_000_010, 1.0)


def test_a_calls_bound_counts_bytes_and_the_longest_reply():
    assert most_tokens(ask("一二三", most=50)) == (9 + 16, 50)
    two = ChatRequest("m", (("system", "ab"), ("user", "c")), 0.0, 7)
    assert most_tokens(two) == (3 + 2 * 16, 7)


def test_the_bound_holds_reply_and_schema_as_well_as_the_prompt():
    schema = '{"name": "回答", "schema": {}}'
    plain = ask("一二三", most=50)
    with_schema = dataclasses.replace(plain, schema=schema)
    prompt, completion = most_tokens(plain)
    assert most_tokens(with_schema) == (prompt + len(schema.encode()), completion)
    kept = budget(cost=1.0)
    assert kept.bound(plain) == Spent(prompt + 50, cost_of(PRICE, prompt, 50))
    assert kept.bound(with_schema).tokens == prompt + len(schema.encode()) + 50


def test_without_a_cap_all_is_allowed():
    free = budget()
    assert not free.is_capped
    assert free.allows(Spent(10**12, 1e9))


def test_promises_count_until_they_are_settled():
    kept = budget(tokens=1000)
    bound = Spent(600, 0.0)
    assert kept.allows(bound)
    kept.promise(bound)
    assert not kept.allows(bound)
    kept.settle(bound, "m", (100, 100))
    assert kept.used == Spent(200, 0.0005)
    assert kept.allows(bound)


def test_what_earlier_sessions_used_counts():
    assert not budget(Spent(0, 4.9), cost=5.0).allows(Spent(0, 0.2))
    assert budget(Spent(0, 4.9), cost=6.0).allows(Spent(0, 0.2))
    assert "4.9 of 5 USD" in budget(Spent(0, 4.9), cost=5.0).reached()
    assert "1,200 of 1,300 tokens" in budget(Spent(1200, 0), tokens=1300).reached()


@given(st.lists(st.tuples(st.integers(1, 80), st.integers(0, 100)), max_size=60), st.integers(1, 8))
def test_the_cap_is_never_passed_whatever_order_calls_land_in(calls, at_once):
    kept, flying = budget(tokens=1500), []
    for text, reply in calls:
        bound = kept.bound(ask("x" * text))
        while flying and (len(flying) >= at_once or not kept.allows(bound)):
            kept.settle(*flying.pop(0))
        if kept.allows(bound):
            kept.promise(bound)
            flying.append((bound, "m", (text, reply)))
        assert kept.used.tokens + kept.promised.tokens <= 1500
    while flying:
        kept.settle(*flying.pop())
    assert kept.used.tokens <= 1500
    assert kept.promised == Spent()


def test_the_dearest_endpoint_bounds_a_call():
    endpoints = [{"base_url": "http://a"}, {"base_url": "http://b", "model": "dear"}]
    prices = {"m": PriceConfig(prompt=1.0), "dear": PriceConfig(prompt=9.0)}
    teacher = TeacherConfig(model="m", endpoints=endpoints, prices=prices, budget=BudgetConfig(cost=1.0))
    prompt, _ = most_tokens(ask())
    assert Budget(teacher, Spent()).bound(ask()).cost == 9.0 * prompt / 1e6


def test_sums_add_up_field_by_field_under_the_name_of_the_first():
    one, other = Usage("a", "m", 1, 2, 30, 40, 0.5), Usage("b", "n", 10, 20, 300, 400, 0.25)
    assert one + other == Usage("a", "m", 11, 22, 330, 440, 0.75)
    assert Spent(5, 0.5) + Spent(2, 0.25) == Spent(7, 0.75)
    assert Spent(5, 0.5) - Spent(2, 0.25) == Spent(3, 0.25)
    assert Spent() == Spent(0, 0.0)


def test_either_cap_is_one_and_it_may_be_used_to_the_last_token():
    assert budget(cost=1.0).is_capped
    assert budget(tokens=1).is_capped
    assert budget(tokens=10).allows(Spent(10, 5.0))
    assert not budget(tokens=10).allows(Spent(11, 0.0))
    assert budget(cost=1.0).allows(Spent(10**9, 1.0))
    assert not budget(cost=1.0, tokens=10).allows(Spent(11, 0.5))


def test_one_of_two_promises_stays_when_the_other_is_settled():
    kept = budget(tokens=1000)
    kept.promise(Spent(300, 0.5))
    kept.promise(Spent(200, 0.25))
    assert (kept.promised, kept.in_flight) == (Spent(500, 0.75), 2)
    kept.settle(Spent(300, 0.5), "m", (1, 2))
    assert (kept.promised, kept.in_flight, kept.used.tokens) == (Spent(200, 0.25), 1, 3)
