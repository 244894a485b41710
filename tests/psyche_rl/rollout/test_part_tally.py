"""What a pool's workers hand out, by worker, also where one is lost over its part."""

from __future__ import annotations

from psyche_rl.ledger.balance import Amount
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.part_tally import PartTally
from psyche_rl.store import RunStore


def asked(name: str) -> GenerationRequest:
    return GenerationRequest(id=name, prompt_ids=(1,), n=2, max_tokens=8)


def made(request: GenerationRequest) -> list[Sample]:
    three = {"response_ids": (7,) * 3, "logprobs": (0.0,) * 3, "weight_versions": (0,) * 3}
    common = {"request_id": request.id, "prompt_ids": (1,), "finish_reason": "stop", **three}
    return [Sample(id=f"{request.id}/{index}", index=index, **common) for index in range(request.n)]


def test_each_sample_counts_for_the_worker_that_handed_it_out(tmp_path):
    ledger = Ledger(RunStore(str(tmp_path)), "grpo")
    ledger.begin(0)
    parts = [[asked("0/0"), asked("0/2")], [asked("0/1")]]
    ledger.issued([request for part in parts for request in part], 0)
    tally = PartTally(ledger, parts)
    tally.given(0, 0)
    tally.given(1, 1)
    tally.given(1, 2)  # worker 1 was lost
    tally.given(1, 5)  # and so was its replacement
    for slot, part in enumerate(parts):
        tally.came(slot, [made(request) for request in part])
    balance = ledger.balance()
    assert balance.findings == ()
    assert balance.workers == {"0": Amount(0, 4, 12), "5": Amount(0, 2, 6)}
    assert balance.lost == Amount(0, 4, 0)


def test_without_books_nothing_is_entered():
    tally = PartTally(None, [[asked("0/0")]])
    tally.given(0, 0)
    tally.given(0, 1)
    tally.came(0, [made(asked("0/0"))])
