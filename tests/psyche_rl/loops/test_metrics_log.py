"""A training curve, after a resume and a kill too, and who is told of it."""

import uuid

import pytest

from psyche_rl.loops.metrics_log import MetricsLog, read_metrics
from psyche_rl.run_follower import NobodyFollows
from psyche_rl.store import RunStore


class Noting(NobodyFollows):
    def __init__(self) -> None:
        self.told: list[tuple] = []

    def row(self, stage, row):
        self.told.append((stage, row["step"], row["loss"]))

    def rewound(self, stage, step):
        self.told.append((stage, "after", step))


def rows(first: int, last: int, loss: float) -> list[dict[str, float]]:
    return [{"step": step, "loss": loss + step, "reward/mean": 0.5} for step in range(first, last + 1)]


@pytest.fixture(params=["local", "remote"])
def store(request, tmp_path):
    store = RunStore(str(tmp_path) if request.param == "local" else f"memory://{uuid.uuid4().hex}")
    yield store
    store.remove("")


def test_rows_are_there_at_once(store):
    log = MetricsLog(store, "sft")
    log.append({"step": 1, "loss": 2.0})
    assert read_metrics(store, "sft") == [{"step": 1, "loss": 2.0}]


def test_resume_drops_what_came_after_the_checkpoint_and_its_follower_is_told(store):
    log = MetricsLog(store, "grpo")
    for row in rows(1, 5, 0.0):
        log.append(row)
    follower = Noting()
    log = MetricsLog(store, "grpo", follower=follower)
    log.truncate_after(2)
    for row in rows(3, 4, 10.0):
        log.append(row)
    assert read_metrics(store, "grpo") == rows(1, 2, 0.0) + rows(3, 4, 10.0)
    assert follower.told == [("grpo", "after", 2), ("grpo", 3, 13.0), ("grpo", 4, 14.0)]


def test_a_line_cut_off_by_a_kill_is_dropped_and_not_glued_to_the_next(tmp_path):
    store = RunStore(str(tmp_path))
    MetricsLog(store, "grpo").append({"step": 1, "loss": 1.0})
    with (tmp_path / "grpo/metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    assert read_metrics(store, "grpo") == [{"step": 1, "loss": 1.0}]
    MetricsLog(store, "grpo").append({"step": 2, "loss": 2.0})
    assert [row["step"] for row in read_metrics(store, "grpo")] == [1, 2]


def test_absent_metrics_are_no_rows(tmp_path):
    assert read_metrics(RunStore(str(tmp_path)), "sft") == []


def test_rows_given_out_are_a_list_of_their_own(tmp_path):
    log = MetricsLog(RunStore(str(tmp_path)), "sft")
    log.append({"step": 1})
    log.rows().clear()
    assert log.rows() == [{"step": 1}]


def test_a_row_in_which_an_alarm_begins_says_so_and_who_asked_is_told(tmp_path):
    told = []
    log = MetricsLog(RunStore(str(tmp_path)), "grpo", told.append)
    for step in range(1, 9):
        log.append({"step": step, "kl/mean": 0.01 if step < 7 else 2.0})
    assert [row.get("alarm/kl_spike") for row in log.rows()] == [None] * 6 + [1.0, None]
    assert read_metrics(RunStore(str(tmp_path)), "grpo") == log.rows()
    assert [str(alarm) for alarm in told] == ["kl_spike at step 7: kl/mean is 2, it was 0.01"]
