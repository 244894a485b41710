"""The two forms of a training curve agree, also after a resume and on a remote run folder."""

import uuid

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from psyche_rl.loops.metrics_log import MetricsLog, read_metrics
from psyche_rl.store import RunStore


def rows(first: int, last: int, loss: float) -> list[dict[str, float]]:
    return [{"step": step, "loss": loss + step, "reward/mean": 0.5} for step in range(first, last + 1)]


def curve(folder, tag: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_writes_both_files(tmp_path):
    store = RunStore(str(tmp_path))
    with MetricsLog(store, "sft") as log:
        for row in rows(1, 3, 0.0):
            log.append(row)
    assert read_metrics(store, "sft") == rows(1, 3, 0.0)
    assert curve(tmp_path / "sft/tensorboard", "loss") == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_rows_are_on_disk_before_the_log_is_closed(tmp_path):
    store = RunStore(str(tmp_path))
    log = MetricsLog(store, "sft")
    log.append({"step": 1, "loss": 2.0})
    assert read_metrics(store, "sft") == [{"step": 1, "loss": 2.0}]
    log.close()


def test_resume_drops_what_came_after_the_checkpoint(tmp_path):
    store = RunStore(str(tmp_path))
    with MetricsLog(store, "grpo") as log:
        for row in rows(1, 5, 0.0):
            log.append(row)
    with MetricsLog(store, "grpo") as log:
        log.truncate_after(2)
        for row in rows(3, 4, 10.0):
            log.append(row)
    assert read_metrics(store, "grpo") == rows(1, 2, 0.0) + rows(3, 4, 10.0)
    assert curve(tmp_path / "grpo/tensorboard", "loss") == [(1, 1.0), (2, 2.0), (3, 13.0), (4, 14.0)]


def test_a_line_cut_off_by_a_kill_is_dropped_and_not_glued_to_the_next(tmp_path):
    store = RunStore(str(tmp_path))
    with MetricsLog(store, "grpo") as log:
        log.append({"step": 1, "loss": 1.0})
    with (tmp_path / "grpo/metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    assert read_metrics(store, "grpo") == [{"step": 1, "loss": 1.0}]
    with MetricsLog(store, "grpo") as log:
        log.append({"step": 2, "loss": 2.0})
    assert [row["step"] for row in read_metrics(store, "grpo")] == [1, 2]


@pytest.fixture
def remote():
    store = RunStore(f"memory://{uuid.uuid4().hex}")
    yield store
    store.remove("")


def test_a_remote_run_folder_gets_rows_at_once_and_events_at_close(remote):
    log = MetricsLog(remote, "grpo")
    log.append({"step": 1, "loss": 1.0})
    assert read_metrics(remote, "grpo") == [{"step": 1, "loss": 1.0}]
    log.close()
    with MetricsLog(remote, "grpo") as resumed:
        resumed.truncate_after(0)
        resumed.append({"step": 1, "loss": 3.0})
    assert read_metrics(remote, "grpo") == [{"step": 1, "loss": 3.0}]
    assert len(remote.glob("grpo/tensorboard/events.out.tfevents.*")) == 2


def test_absent_metrics_are_no_rows(tmp_path):
    assert read_metrics(RunStore(str(tmp_path)), "sft") == []


def test_every_figure_but_the_step_has_a_curve(tmp_path):
    with MetricsLog(RunStore(str(tmp_path)), "sft") as log:
        log.append({"step": 1, "loss": 1.0, "lr": 0.5})
    events = EventAccumulator(str(tmp_path / "sft/tensorboard"))
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == ["loss", "lr"]


def test_rows_given_out_are_a_list_of_their_own(tmp_path):
    with MetricsLog(RunStore(str(tmp_path)), "sft") as log:
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
    log.close()
