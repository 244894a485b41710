"""Dynamic sampling in sync mode: what is replaced, when it ends, and going on after a cut, bit for bit."""

from __future__ import annotations

import pytest
from test_grpo_loop import GRPO, STEPS, Killed, Run

from psyche_rl.errors import DataError, RewardBudgetError
from psyche_rl.store import RunStore

P, N = GRPO["prompts_per_step"], GRPO["group_size"]
DYNAMIC = {"dynamic_sampling": True, "gen_batches": 3}
FLAT = "答案：A"


def letters(request, index):
    return f"<think>想</think>答案：{'ABCD'[index % 4]}"


def every_third_flat(request, index):
    return FLAT if sum(map(int, request.id.split("/"))) % 3 == 0 else letters(request, index)


def run_of(folder, reply=every_third_flat, grpo=DYNAMIC, **more) -> Run:
    made = Run(str(folder), grpo=grpo, **more)
    made.rollouts.reply = lambda r, i: letters(r, i) if r.id.startswith("dev/") else reply(r, i)
    return made


def asked(run: Run) -> list[list[str]]:
    return [
        [r.id for r in c[2]] for c in run.calls if c[0] == "generate" and not c[2][0].id.startswith("dev/")
    ]


def questions(run: Run) -> dict[int, list[str]]:
    return {step: [row.question_id for row in rows[::N]] for step, rows in run.kept.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    run = run_of(tmp_path_factory.mktemp("whole"))
    run()
    return run


def test_groups_without_variance_are_replaced_by_as_many(whole):
    rounds = asked(whole)
    # 0/0 and 0/3 teach nothing, nor does 0/6 (not asked): two more are asked, 0/4 and 0/5.
    assert rounds[:2] == [["0/0", "0/1", "0/2", "0/3"], ["0/4", "0/5"]]
    rows = whole.rows()[1:]
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert all(row["group/zero_variance_share"] == row["staleness/max"] == 0 for row in rows)
    assert rows[0]["group/filtered"] == 2
    assert rows[0]["group/errored"] == 0
    kept = [row.sample_id.rpartition("/")[0] for row in whole.kept[1]]
    assert kept == [name for name in ("0/1", "0/2", "0/4", "0/5") for _ in range(N)]
    assert [len(rows) for rows in whole.kept.values()] == [P * N] * STEPS
    balance = whole.ledger.close()
    assert balance.line("trained").groups == STEPS * P
    assert balance.line("filtered").groups == sum(row["group/filtered"] for row in rows)
    assert balance.line("issued").groups == sum(map(len, rounds))


def test_each_question_is_asked_once_before_any_is_asked_again(whole):
    asked_of = {r.id: r.prompt_ids for c in whole.calls if c[0] == "generate" for r in c[2]}
    order = [asked_of[name] for names in asked(whole) for name in names]
    assert len(set(order[:7])) == 7
    assert len({r.seed for c in whole.calls if c[0] == "generate" for r in c[2] if "dev" not in r.id}) == len(
        order
    )


def test_the_reference_sees_only_what_is_trained_on(whole):
    of_steps = [c for c in whole.calls if c[0] == "reference"]
    assert [c[1] for c in of_steps] == list(range(STEPS)), "once a step, when it is full"


@pytest.mark.parametrize("dies_after", [1, 2, 3, 5])
def test_a_run_that_is_cut_goes_on_bit_for_bit(whole, tmp_path, dies_after):
    with pytest.raises(Killed):
        run_of(tmp_path, dies_after=dies_after)()
    again = run_of(tmp_path)
    again()
    assert again.rows() == whole.rows()
    after = (dies_after - 1) // 2 * 2  # killed before the checkpoint of that step
    assert questions(again) == {step: q for step, q in questions(whole).items() if step > after}
    assert again.ledger.close().closes


def test_a_step_may_be_short_and_costs_no_more_than_gen_batches(tmp_path):
    one_in_six = lambda r, i: letters(r, i) if int(r.id.split("/")[1]) % 6 == 1 else FLAT  # noqa: E731
    run = run_of(tmp_path, one_in_six, grpo=DYNAMIC | {"gen_batches": 2})
    run()
    first = [name for names in asked(run) for name in names if name.startswith("0/")]
    assert len(first) <= 2 * P
    assert 0 < len(run.kept[1]) < P * N
    assert run.ledger.close().closes


def test_it_ends_by_name_where_nothing_is_left_to_teach(tmp_path):
    dull = lambda r, i: letters(r, i) if int(r.id.split("/")[0]) < 3 else FLAT  # noqa: E731
    run = run_of(tmp_path, dull, grpo=DYNAMIC | {"save_every": 10, "eval_every": 0})
    run()
    ((what, more),) = run.said
    assert (what, more["after_step"]) == ("grpo: nothing left to teach", 3)
    assert "of 12 groups 12 had no variance" in more["why"]
    assert run.loop.checkpoints.newest() == 3
    assert run.ledger.close().closes
    with pytest.raises(DataError, match="no variance"):
        run_of(tmp_path / "none", lambda *_: FLAT)()


def test_groups_with_too_few_scores_are_replaced_within_the_budget(tmp_path):
    run = run_of(tmp_path, letters)
    run.scorers.broken = lambda sample: sample.id.startswith("1/2/") and sample.id != "1/2/0"
    run()
    assert run.rows()[2]["group/errored"] == 1
    assert run.ledger.close().line("errored").groups == 1
    broken = run_of(tmp_path / "all", letters)
    broken.scorers.broken = lambda _: True
    with pytest.raises(RewardBudgetError):
        broken()


def test_a_stop_while_samples_are_generated_is_heeded_before_they_are_scored(tmp_path):
    run = run_of(tmp_path)
    generate = run.rollouts.generate

    def stopping(requests, version, counted=False):
        if requests[0].id == "1/0":
            run.loop.stop.request("SIGTERM")
        return generate(requests, version, counted)

    run.rollouts.generate = stopping
    with pytest.raises(KeyboardInterrupt, match="after step 1 of 5"):
        run()
    assert ("score", 1) not in {call[:2] for call in run.calls}


def test_a_stop_between_two_rounds_is_heeded(tmp_path):
    run = run_of(tmp_path)
    score = run.scorers.score

    def stopping(samples, version):
        if version == 1:
            run.loop.stop.request("SIGTERM")
        return score(samples, version)

    run.scorers.score = stopping
    with pytest.raises(KeyboardInterrupt, match="after step 1 of 5"):
        run()
    assert RunStore(str(tmp_path)).exists("grpo/checkpoints/step_000001")
    assert [name for names in asked(run) for name in names if name.startswith("1/")] == [
        "1/0",
        "1/1",
        "1/2",
        "1/3",
    ]
