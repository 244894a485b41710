"""What planned calls would take, counted by hand."""

from psyche_rl.config.teacher import PriceConfig, TeacherConfig
from psyche_rl.llm.estimate import PlannedCalls, estimate, rough_tokens
from psyche_rl.llm.usage import Usage


def test_tokens_are_told_by_the_kind_of_character():
    assert rough_tokens("") == 0.0
    assert rough_tokens("abcdefgh") == 2.0
    assert rough_tokens("一二三四五六七") == 5.0
    assert rough_tokens("abcd一二三四五六七") == 6.0
    assert rough_tokens("\x7f" * 4) == 1.0
    assert rough_tokens("\x80" * 7) == 5.0


def test_replies_are_bounded_by_max_tokens_and_priced_as_the_first_server_names_the_model():
    teacher = TeacherConfig(
        model="m",
        endpoints=[{"base_url": "http://a/v1", "model": "dear"}, {"base_url": "http://b/v1"}],
        prices={"dear": PriceConfig(prompt=2.0, completion=10.0), "m": PriceConfig(prompt=1.0)},
        max_tokens=100,
    )
    planned = [PlannedCalls("questions", 10, 20.24, 50.0), PlannedCalls("rationales", 3, 1.0, 400.0)]
    assert estimate(planned, teacher) == [
        Usage("questions", "dear", 10, 0, 202, 500, (2.0 * 202 + 10.0 * 500) / 1e6),
        Usage("rationales", "dear", 3, 0, 3, 300, (2.0 * 3 + 10.0 * 300) / 1e6),
    ]


def test_without_a_server_or_a_price_it_is_the_configs_model_and_costs_nothing():
    assert estimate([PlannedCalls("s", 2, 5.0, 6.0)], TeacherConfig(model="m")) == [
        Usage("s", "m", 2, 0, 10, 12, 0.0)
    ]
