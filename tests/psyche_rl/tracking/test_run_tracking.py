"""A run with trackers: TensorBoard's files read back, a tracker that hangs or fails, what is not sent."""

import json
import threading
import uuid

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from psyche_rl.config import parse_config
from psyche_rl.loops.metrics_log import MetricsLog
from psyche_rl.records import ScoredSample
from psyche_rl.store import RunStore
from psyche_rl.tracking import RunTracking, run_tracking
from psyche_rl.tracking.delivery_note import read_notes

SAMPLE = ScoredSample(
    step=1, group_id="g", question_id="q", sample_id="s", prompt="p", response="<think>…</think>答案：A",
    gold="A", response_length=5, finish_reason="stop", reward=1.5, reward_parts={}, reward_error=None,
    advantage=0.0, weight_version=0, stem="下列哪项 | 正确？",
)  # fmt: skip


@pytest.fixture(autouse=True)
def names_in_order(monkeypatch):
    """TensorBoard reads the files of a folder by their names, which within a second end in this counter."""
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(100))


class Run:
    """Processes that follow one another in one run folder."""

    def __init__(self, url, **sections) -> None:
        self.store = RunStore(url)
        self.config = parse_config({"run_dir": url, **sections}, "test")
        self.said: list[tuple[str, dict]] = []
        self.made: list = []

    def tracking(self, tmp_path, make=None) -> RunTracking:
        options = {} if make is None else {"make": make}
        say = lambda message, **figures: self.said.append((message, figures))  # noqa: E731
        return RunTracking(self.config, self.store, tmp_path / "scratch", say, **options)


def train(run, tracking, after, to, loss, anew=False):
    tracking.stage_begins("grpo", anew)
    log = MetricsLog(run.store, "grpo", follower=tracking)
    log.truncate_after(after)
    for step in range(after + 1, to + 1):
        tracking.samples("grpo", step, [SAMPLE] * 9)
        log.append({"step": step, "loss": loss})


def scalars(folder, tag):
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def texts(folder):
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return {
        tag.removesuffix("/text_summary"): [
            e.tensor_proto.string_val[0].decode() for e in events.Tensors(tag)
        ]
        for tag in events.Tags()["tensors"]
    }


@pytest.fixture(params=["local", "remote"])
def run(request, tmp_path):
    url = str(tmp_path / "run") if request.param == "local" else f"memory://{uuid.uuid4().hex}"
    run = Run(url)
    yield run
    run.store.remove("")


def fetched(run, tmp_path):
    """The run folder on a disk."""
    if run.store.is_local:
        return run.store.local_path("")
    run.store.fs.get(run.store.path(""), str(tmp_path / "copy"), recursive=True)
    return tmp_path / "copy"


def test_tensorboard_shows_a_resumed_run_as_if_it_had_never_been_cut_off(run, tmp_path):
    first = run.tracking(tmp_path)
    train(run, first, 0, 5, 1.0, anew=True)
    first.end("failed")
    second = run.tracking(tmp_path)
    train(run, second, 2, 4, 3.0)
    run.store.write_json(
        "eval/summary.json",
        {"grpo": {"strict_accuracy": 0.75, "format_rate": 1.0, "n": 40, "interval": [0.6, 0.9]}},
    )
    second.stage_ended("eval", {"questions": 40})
    second.end("finished")
    folder = fetched(run, tmp_path)
    curve = scalars(folder / "grpo/tensorboard", "loss")
    assert curve == [(1, 1.0), (2, 1.0), (3, 3.0), (4, 3.0)]
    assert scalars(folder / "tracking/tensorboard", "test/grpo/high") == [(0, pytest.approx(0.9))]
    (samples,) = texts(folder / "grpo/tensorboard")["samples"]
    assert samples.count("下列哪项 \\| 正确？") == 4  # the first few, and a bar that parts no cells
    assert "seed: 0" in texts(folder / "tracking/tensorboard")["config"][0]
    note = read_notes(run.store)["tensorboard"]
    assert (note.steps, note.not_delivered) == ({"grpo": 4}, 0)


def test_events_of_an_older_version_are_not_shown_beside_the_new(tmp_path):
    run = Run(str(tmp_path / "run"))
    first = run.tracking(tmp_path)
    train(run, first, 0, 3, 1.0, anew=True)
    first.end("failed")
    run.store.remove("tracking/tensorboard.json")
    second = run.tracking(tmp_path)
    train(run, second, 3, 4, 2.0)
    second.end("finished")
    curve = scalars(tmp_path / "run/grpo/tensorboard", "loss")
    assert curve == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 2.0)]


class Hanging:
    forgets = False

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def open(self, opening):
        self.let_go.wait()
        raise ConnectionError("too late")


def test_a_tracker_that_hangs_holds_up_neither_the_run_nor_another_tracker(tmp_path, monkeypatch):
    monkeypatch.setattr(run_tracking, "END_S", 0.01)
    run = Run(str(tmp_path / "run"), track=[{"name": "mlflow", "offline": True}])
    hanging = Hanging()
    tracking = run.tracking(tmp_path, lambda config, store: hanging)
    train(run, tracking, 0, 12, 1.0)
    tracking.end("finished")
    (message, figures) = run.said[-1]
    assert message == "track: mlflow"
    assert figures["not_delivered"] == 14  # twelve rows and the samples of two steps
    assert figures["why"] == "it did not answer in time"
    assert json.loads(run.store.read_bytes("tracking/mlflow.json"))["not_delivered"] == 14
    hanging.let_go.set()


class Noting:
    forgets = False

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def open(self, opening):
        self.opening = opening
        return "run1"

    def where(self):
        return "nowhere"

    def newest_steps(self):
        return None

    def __getattr__(self, name):
        return lambda *args: self.calls.append((name, *args))


def test_without_samples_no_text_of_the_data_leaves_and_secrets_never_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "topsecret-0123456789")
    run = Run(str(tmp_path / "run"), track=[{"name": "wandb", "samples": 0}, {"name": "mlflow"}])
    run.store.write_text("report/report.html", "a page with topsecret-0123456789")
    made = {"wandb": Noting(), "mlflow": Noting()}
    tracking = run.tracking(tmp_path, lambda config, store: made[config.name])
    train(run, tracking, 0, 1, 1.0)
    tracking.stage_ended("report", {"missing": 0})
    tracking.end("finished")
    names = {tracker: {call[0] for call in noting.calls} for tracker, noting in made.items()}
    assert names["wandb"] == {"rows", "figures", "close"}
    assert names["mlflow"] == {"rows", "figures", "close", "table", "page"}
    (page,) = [call for call in made["mlflow"].calls if call[0] == "page"]
    assert page[2] == "a page with ***"
    assert made["wandb"].opening.config["seed"] == 0


def test_a_run_without_trackers_writes_nothing(tmp_path):
    run = Run(str(tmp_path / "run"), track=[])
    tracking = run.tracking(tmp_path)
    train(run, tracking, 0, 2, 1.0)
    tracking.stage_ended("report", {})
    tracking.end("finished")
    assert run.said == []
    assert list(run.store.files("")) == ["grpo/metrics.jsonl"]
