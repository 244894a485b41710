"""The error budget: a share in a window, and one line that says what failed."""

from __future__ import annotations

import pytest

from psyche_rl.errors import RewardBudgetError
from psyche_rl.loops.error_budget import ErrorBudget
from rewards import RewardSample, Score

GOOD = Score.of(1.0)
FAILED = Score.failed("timeout", "no score within 10 s")


def samples(count: int) -> list[RewardSample]:
    return [RewardSample(id=f"0/{i}/0", response=f"答案：{i}", gold="A", kind="single") for i in range(count)]


def spend(budget: ErrorBudget, scores: list[Score]) -> None:
    budget.spend(samples(len(scores)), scores)


def test_the_share_may_be_used_up():
    spend(ErrorBudget("exam", 0.05), [FAILED] * 3 + [GOOD] * 57)
    with pytest.raises(RewardBudgetError):
        spend(ErrorBudget("exam", 0.05), [FAILED] * 3 + [GOOD] * 56)


def test_two_errors_in_a_small_first_step_are_no_trend():
    budget = ErrorBudget("exam", 0.05)
    spend(budget, [FAILED, FAILED, GOOD, GOOD])
    with pytest.raises(RewardBudgetError, match="3 of the last 8 scores failed"):
        spend(budget, [FAILED, GOOD, GOOD, GOOD])


def test_a_budget_of_nothing_allows_nothing():
    spend(ErrorBudget("exam", 0.0), [Score.of(0.0)] * 3)
    with pytest.raises(RewardBudgetError):
        spend(ErrorBudget("exam", 0.0), [GOOD, FAILED, GOOD])


def test_errors_leave_the_window_and_late_ones_are_not_drowned():
    budget = ErrorBudget("exam", 0.05, window=100)
    for _ in range(50):
        spend(budget, [GOOD] * 100)
    spend(budget, [FAILED] * 5 + [GOOD] * 15)
    spend(budget, [GOOD] * 100)
    spend(budget, [FAILED] * 5 + [GOOD] * 15)
    with pytest.raises(RewardBudgetError, match="6 of the last 100 scores failed"):
        spend(budget, [FAILED] + [GOOD] * 19)


def test_the_message_names_reward_errors_and_examples():
    judge = Score.failed("judge_unavailable", "no judge at\nhttp://127.0.0.1:9")
    with pytest.raises(RewardBudgetError) as caught:
        spend(ErrorBudget("exam", 0.05), [GOOD, FAILED, judge, GOOD, FAILED])
    assert str(caught.value) == (
        "reward 'exam': 3 of the last 5 scores failed (budget 5%): timeout (2), judge_unavailable (1); "
        "e.g. 0/1/0: no score within 10 s ['答案：1']; 0/2/0: no judge at http://127.0.0.1:9 ['答案：2']; "
        "0/4/0: no score within 10 s ['答案：4']"
    )


def test_unless_it_is_said_a_twentieth_of_512_may_fail():
    budget = ErrorBudget("exam")
    spend(budget, [FAILED] * 25 + [GOOD] * 600)
    assert len(budget._seen) == 512
    with pytest.raises(RewardBudgetError, match=r"26 of the last 512 scores failed \(budget 5%\)"):
        spend(budget, [FAILED] * 26)
