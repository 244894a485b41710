"""The books of the GRPO loop: they close over kills; a path that loses or doubles a group opens them."""

from __future__ import annotations

import pytest
from test_grpo_loop import STEPS, Killed, Run

from psyche_rl.errors import LedgerError
from psyche_rl.ledger.balance import Amount


def scored(run: Run) -> tuple[int, int]:
    """Samples and tokens with an advantage, by the rollout files."""
    rows = [row for rows in run.kept.values() for row in rows if row.advantage is not None]
    return len(rows), sum(row.response_length for row in rows)


def test_a_whole_run_trains_on_all_that_was_issued(tmp_path):
    run = Run(str(tmp_path))
    run()
    balance = run.loop.ledger.close()
    assert balance.line("issued") == balance.line("trained")
    assert balance.line("trained") == Amount(STEPS * 4, *scored(run))
    assert {name: made.samples for name, made in balance.workers.items()} == {"0": 40, "1": 40}


def test_samples_without_a_score_are_errored_and_so_are_groups_without_a_baseline(tmp_path):
    run = Run(str(tmp_path), {"reward": {"error_budget": 1.0, "min_scores": 2}})
    run.scorers.broken = lambda s: s.id == "0/1/2" or (s.id.startswith("1/3/") and not s.id.endswith("/0"))
    run()
    balance = run.loop.ledger.close()
    assert balance.line("errored").groups == 1
    assert balance.line("errored").samples == 1 + 4
    assert balance.line("trained") == Amount(STEPS * 4 - 1, *scored(run))


@pytest.mark.parametrize("dies_after", [0, 1, 3, 5])
def test_a_killed_run_that_goes_on_closes_with_its_lost_steps_on_their_own_line(tmp_path, dies_after):
    with pytest.raises(Killed):
        Run(str(tmp_path), dies_after=dies_after)()
    run = Run(str(tmp_path))
    run()
    balance = run.loop.ledger.close()
    lost = dies_after % 2  # a checkpoint every second step
    assert balance.line("trained").groups == STEPS * 4
    assert balance.line("rolled back").groups == lost * 4
    assert (balance.steps_rolled_back, balance.incarnations) == (lost, 2)


def test_what_was_in_flight_when_the_process_died_is_abandoned(tmp_path):
    cut = Run(str(tmp_path))

    def dies(samples, version):
        raise Killed

    cut.scorers.score = dies
    with pytest.raises(Killed):
        cut()
    run = Run(str(tmp_path))
    run()
    abandoned = run.loop.ledger.close().line("abandoned")
    assert (abandoned.groups, abandoned.samples) == (4, 16)
    assert abandoned.tokens > 16


def drop_from_training(run: Run) -> None:
    trained = run.loop.ledger.trained
    run.loop.ledger.trained = lambda step, samples: trained(
        step, [(s, n) for s, n in samples if not s.startswith("2/0/")]
    )


def train_twice(run: Run) -> None:
    trained = run.loop.ledger.trained
    run.loop.ledger.trained = lambda step, samples: (trained(step, samples), trained(step, samples))


def generate_twice(run: Run) -> None:
    generate = run.rollouts.generate

    def doubled(requests, version, counted=False):
        groups = generate(requests, version, counted)
        return [groups[1], *groups[1:]] if len(groups) == 4 else groups

    run.rollouts.generate = doubled


def train_on_one_sample_twice(run: Run) -> None:
    trained = run.loop.ledger.trained
    run.loop.ledger.trained = lambda step, samples: trained(step, [*samples, samples[-1]])


def generate_one_sample_twice(run: Run) -> None:
    generate = run.rollouts.generate

    def doubled(requests, version, counted=False):
        groups = generate(requests, version, counted)
        return [[*groups[0], groups[0][-1]], *groups[1:]] if len(groups) == 4 else groups

    run.rollouts.generate = doubled


@pytest.mark.parametrize(
    "fault",
    [drop_from_training, train_twice, generate_twice, train_on_one_sample_twice, generate_one_sample_twice],
)
def test_a_path_that_loses_or_doubles_a_group_opens_the_books(tmp_path, fault):
    run = Run(str(tmp_path))
    fault(run)
    run()
    with pytest.raises(LedgerError, match=r"the books do not close: (group|sample) "):
        run.loop.ledger.close()
