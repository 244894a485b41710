"""The verbs of a ledger, its files, and what is found when a run goes on."""

from __future__ import annotations

import pytest

from psyche_rl.errors import LedgerError
from psyche_rl.ledger.balance import Amount
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.ledger.ledger_files import LedgerFiles
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.store import RunStore
from rewards import Score


def request(group: str, n: int = 2) -> GenerationRequest:
    return GenerationRequest(id=group, prompt_ids=(1,), n=n, max_tokens=8)


def sample(group: str, index: int, tokens: int = 3) -> Sample:
    return Sample(
        id=f"{group}/{index}",
        request_id=group,
        index=index,
        prompt_ids=(1,),
        response_ids=(7,) * tokens,
        logprobs=(-1.0,) * tokens,
        weight_versions=(0,) * tokens,
        finish_reason="stop",
    )


def one_step(ledger: Ledger, step: int, group: str) -> None:
    """A group of two, one of which no scorer could score."""
    ledger.issued([request(group)], step - 1)
    samples = [sample(group, 0), sample(group, 1, tokens=4)]
    ledger.generated(samples, "w1")
    ledger.scored(samples, [Score(value=0.5), Score.failed("timeout", "late")])
    ledger.trained(step, {f"{group}/0": 3})


@pytest.fixture(params=["path", "url"])
def store(request, tmp_path) -> RunStore:
    return RunStore(str(tmp_path) if request.param == "path" else f"memory://{tmp_path.name}-ledger")


def test_a_run_from_issue_to_end(store):
    ledger = Ledger(store, "grpo")
    ledger.begin(0)
    one_step(ledger, 1, "0/0")
    assert ledger.balance().line("in flight") == Amount()
    assert ledger.step_ended(1) == ()
    ledger.issued([request("1/0")], 1)
    ledger.ended("surplus", 2, "1/0", {"1/0/0": 0, "1/0/1": 0})
    assert ledger.step_ended(2) == ()
    balance = ledger.close()
    assert balance.lines["issued"] == Amount(2, 4, 7)
    assert balance.lines["trained"] == Amount(1, 1, 3)
    assert balance.lines["errored"] == Amount(0, 1, 4)
    assert balance.lines["surplus"] == Amount(1, 2, 0)
    assert balance.workers == {"w1": Amount(0, 2, 7)}
    assert LedgerFiles(store, "grpo").parts() == [
        "grpo/ledger/part_0001_000001.jsonl",
        "grpo/ledger/part_0001_000002.jsonl",
        "grpo/ledger/part_0001_000003.jsonl",
    ]
    assert Ledger(store, "grpo").balance() == balance


def test_the_next_process_abandons_what_was_in_flight_and_rolls_back_to_its_checkpoint(store):
    first = Ledger(store, "grpo")
    first.begin(0)
    for step in (1, 2):
        one_step(first, step, f"{step - 1}/0")
        first.step_ended(step)
    first.issued([request("2/0")], 2)
    first.flush()
    second = Ledger(store, "grpo")
    second.begin(1)
    for step in (2, 3):
        one_step(second, step, f"{step - 1}/0")
        assert second.step_ended(step) == ()
    third = Ledger(store, "grpo")
    third.begin(3)
    balance = third.close()
    assert balance.lines["abandoned"] == Amount(1, 2, 0)
    assert balance.lines["rolled back"] == Amount(1, 1, 3)
    assert balance.lines["trained"] == Amount(3, 3, 9)
    assert (balance.steps_rolled_back, balance.incarnations) == (1, 3)


def test_a_line_cut_short_by_a_kill_was_never_written(tmp_path):
    first = Ledger(RunStore(str(tmp_path)), "grpo")
    first.begin(0)
    first.issued([request("0/0")], 0)
    part = tmp_path / "grpo/ledger/part_0001_000001.jsonl"
    part.write_text(part.read_text()[:-5])
    second = Ledger(RunStore(str(tmp_path)), "grpo")
    second.begin(0)
    one_step(second, 1, "0/0")
    second.step_ended(1)
    assert second.close().line("issued") == Amount(1, 2, 7)


def test_on_a_disk_an_entry_is_there_once_the_call_returns(tmp_path):
    ledger = Ledger(RunStore(str(tmp_path)), "grpo")
    ledger.begin(0)
    ledger.issued([request("0/0", n=3)], 0)
    last = list(LedgerFiles(RunStore(str(tmp_path)), "grpo").read())[-1]
    assert (last.event, last.samples, last.version, last.seq) == (
        "issued",
        ("0/0/0", "0/0/1", "0/0/2"),
        0,
        1,
    )


def test_books_that_do_not_close_end_the_run_with_a_line_that_names_group_and_party(tmp_path):
    told = []
    ledger = Ledger(RunStore(str(tmp_path)), "grpo", told.append)
    ledger.begin(0)
    ledger.issued([request("0/0"), request("0/1")], 0)
    wrong = "ended by nobody and not held by the buffer after step 1"
    assert ledger.step_ended(1) == tuple(f"group 0/{i}: issued by the dispatcher, {wrong}" for i in (0, 1))
    assert ledger.step_ended(2, ["0/0", "0/1"], Amount(2, 4)) == ()  # told once
    assert [line[:10] for line in told] == ["group 0/0:", "group 0/1:"]
    with pytest.raises(LedgerError, match=r"do not close: group 0/0: issued .* \(and 1 more\)") as e:
        ledger.close()
    assert str(e.value).endswith("; psyche-rl ledger RUN tells all, --from grpo does the stage again")
    assert e.value.exit_code == 1


def test_the_buffers_own_count_is_held_against_the_books(tmp_path):
    ledger = Ledger(RunStore(str(tmp_path)), "grpo")
    ledger.begin(0)
    ledger.issued([request("0/0")], 0)
    assert ledger.step_ended(1, ["0/0"], Amount(1, 2, 0)) == ()
    assert "the buffer holds 1 groups, 1 samples, 0 tokens" in ledger.step_ended(2, ["0/0"], Amount(1, 1))[0]


def test_a_lost_sample_is_given_out_again_and_counted_once(tmp_path):
    ledger = Ledger(RunStore(str(tmp_path)), "grpo")
    ledger.begin(0)
    ledger.issued([request("0/0", n=1)], 0)
    ledger.lost("0/0", {"0/0/0": 2}, "w1")
    ledger.generated([sample("0/0", 0)], "w2", attempt=2)
    ledger.scored([sample("0/0", 0)], [Score(value=1.0)])
    ledger.trained(1, {"0/0/0": 3})
    assert ledger.step_ended(1) == ()
    balance = ledger.close()
    assert (balance.lost, balance.line("issued")) == (Amount(0, 1, 2), Amount(1, 1, 3))


def test_a_line_that_is_no_entry_is_named(tmp_path):
    store = RunStore(str(tmp_path))
    Ledger(store, "grpo").begin(0)
    store.append_text("grpo/ledger/part_0001_000001.jsonl", '{"event": "eaten"}\n')
    with pytest.raises(LedgerError, match=r"part_0001_000001.jsonl: line 2 is no entry of this version"):
        Ledger(store, "grpo")


def test_a_process_may_go_back_to_its_checkpoint_by_itself(store):
    ledger = Ledger(store, "grpo")
    ledger.begin(0)
    one_step(ledger, 1, "0/0")
    ledger.step_ended(1)
    ledger.issued([request("1/0")], 1)
    ledger.begin(0)
    one_step(ledger, 1, "0/0")
    assert ledger.step_ended(1) == ()
    balance = ledger.close()
    assert (balance.line("abandoned").groups, balance.line("rolled back").groups) == (1, 1)
    assert (balance.incarnations, balance.steps_rolled_back) == (2, 1)
    assert [part[17:] for part in LedgerFiles(store, "grpo").parts()] == [
        "0001_000001.jsonl",
        "0001_000002.jsonl",
        "0002_000001.jsonl",
        "0002_000002.jsonl",
    ]
    assert Ledger(store, "grpo").balance() == balance


def test_what_comes_for_a_group_that_was_let_go_is_lost_and_breaks_nothing(tmp_path):
    ledger = Ledger(RunStore(str(tmp_path)), "grpo")
    ledger.begin(0)
    ledger.issued([request("0/0", n=1), request("0/1", n=1)], 0)
    ledger.ended("surplus", 1, "0/0", {"0/0/0": 0})
    ledger.lost("0/0", {"0/0/0": 9}, "w1")
    ledger.generated([sample("0/1", 0)], "w1")
    ledger.scored([sample("0/1", 0)], [Score(value=1.0)])
    ledger.trained(1, {"0/1/0": 3})
    assert ledger.step_ended(1) == ()
    ledger.lost("0/1", {"0/1/0": 3}, "w2")
    assert ledger.step_ended(2) == (
        "group 0/1: lost by the dispatcher, but it was trained in step 1 already",
    )
    assert ledger.balance().lost == Amount(0, 2, 12)
