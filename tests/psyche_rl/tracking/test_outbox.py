"""What reaches a tracker, however often it fails and the run is cut off. A tracker that only notes."""

import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyche_rl.store import RunStore
from psyche_rl.tracking.delivery_note import read_note
from psyche_rl.tracking.outbox import (
    MOST_TABLES,
    Figures,
    NamedTable,
    Outbox,
    Rewound,
    StageBegan,
    StepRow,
)
from psyche_rl.tracking.tracker import NotTakenError, Opening, Shown


def fresh() -> str:
    return f"memory://{uuid.uuid4().hex}"


class FakeServer:
    """Runs by id; ``down`` and ``refuses`` make every call fail."""

    def __init__(self, forgets=False, says_steps=False) -> None:
        self.runs: dict[str, list] = {}
        self.forgets, self.says_steps = forgets, says_steps
        self.down = self.refuses = False

    def client(self) -> "FakeClient":
        return FakeClient(self)


class FakeClient:
    def __init__(self, server: FakeServer) -> None:
        self.server, self.forgets = server, server.forgets

    def ask(self):
        if self.server.down:
            raise ConnectionError("no route; key sk-abcdefghij0123456789")
        if self.server.refuses:
            raise NotTakenError("no such name")

    def open(self, opening):
        self.ask()
        known = opening.run_id in self.server.runs
        self.run_id = opening.run_id if known else f"run{len(self.server.runs)}"
        self.rows_ = self.server.runs.setdefault(self.run_id, [])
        return self.run_id

    def where(self):
        return "http://somewhere"

    def newest_steps(self):
        if not self.server.says_steps:
            return None
        return {stage: max(s for t, s, _ in self.rows_ if t == stage) for stage, *_ in self.rows_}

    def rows(self, stage, rows):
        self.ask()
        self.rows_ += [(stage, row["step"], row["loss"]) for row in rows]

    def rewind(self, stage, step):
        self.ask()
        self.rows_[:] = [row for row in self.rows_ if row[0] != stage or row[1] <= step]

    def figures(self, figures):
        self.ask()

    def table(self, name, table, step=None):
        self.ask()

    def close(self, end):
        self.ask()


class Runs:
    """A run folder, and processes that follow one another in it."""

    def __init__(self, folder, server) -> None:
        self.store, self.server = RunStore(folder), server
        self.files: dict[str, list] = {"sft": [], "grpo": []}
        self.said: list[str] = []

    def process(self) -> Outbox:
        return Outbox("fake", self.server.client(), self.store, self.opening, lambda: self.files, self.say)

    def opening(self, run_id):
        return Opening(run_id, "run", {}, "", Path())

    def say(self, message, **figures):
        self.said.append(message)

    def train(self, outbox, stage, after, to, loss):
        """Steps of a loop that goes on after a checkpoint."""
        outbox.put(Rewound(stage, after))
        self.files[stage] = [row for row in self.files[stage] if row["step"] <= after]
        for step in range(after + 1, to + 1):
            self.files[stage].append({"step": step, "loss": loss})
            outbox.put(StepRow(stage, self.files[stage][-1]))


@pytest.fixture(params=[False, True], ids=["keeps", "forgets"])
def runs(request):
    return Runs(fresh(), FakeServer(forgets=request.param))


def test_a_resumed_run_goes_on_in_the_same_tracker_run_and_doubles_no_step(runs):
    first = runs.process()
    runs.train(first, "grpo", 0, 4, 1.0)
    assert first.deliver()
    second = runs.process()
    second.put(StageBegan("grpo", anew=False))
    runs.train(second, "grpo", 2, 5, 2.0)
    assert second.deliver()
    redone = [2.0, 2.0] if runs.server.forgets else [1.0, 1.0]
    losses = [1.0, 1.0, *redone, 2.0]
    assert runs.server.runs == {"run0": [("grpo", n, loss) for n, loss in enumerate(losses, 1)]}
    assert second.note.again == (0 if runs.server.forgets else 2)
    assert len(runs.said) == (0 if runs.server.forgets else 1)


def test_what_a_tracker_missed_is_sent_by_the_next_process(runs):
    runs.server.down = True
    first = runs.process()
    runs.train(first, "sft", 0, 3, 1.0)
    assert not first.deliver()
    assert not first.deliver()
    first.end("failed")
    note = read_note(runs.store, "fake")
    assert (note.delivered, note.not_delivered) == (0, 3)
    assert note.why == "ConnectionError: no route; key ***"
    assert runs.said == ["track: fake does not take what it is told; the run goes on"]  # once
    runs.server.down = False
    second = runs.process()
    second.put(StageBegan("grpo", anew=True))
    runs.train(second, "grpo", 0, 1, 1.0)
    assert second.deliver()
    second.end("finished")
    expected = [("sft", 1, 1.0), ("sft", 2, 1.0), ("sft", 3, 1.0), ("grpo", 1, 1.0)]
    assert runs.server.runs == {"run0": expected}
    assert read_note(runs.store, "fake").not_delivered == 0


def test_a_stage_made_anew_is_shown_anew_and_earlier_stages_stay(runs):
    first = runs.process()
    runs.train(first, "sft", 0, 2, 1.0)
    runs.train(first, "grpo", 0, 3, 1.0)
    assert first.deliver()
    runs.files["grpo"] = []  # set aside
    second = runs.process()
    second.put(StageBegan("grpo", anew=True))
    runs.train(second, "grpo", 0, 1, 9.0)
    assert second.deliver()
    assert list(runs.server.runs) == (["run0"] if runs.server.forgets else ["run0", "run1"])
    newest = list(runs.server.runs.values())[-1]
    assert newest == [("sft", 1, 1.0), ("sft", 2, 1.0), ("grpo", 1, 9.0)]


def test_a_tracker_that_knows_its_steps_is_believed():
    runs = Runs(fresh(), FakeServer(says_steps=True))
    first = runs.process()
    runs.train(first, "grpo", 0, 4, 1.0)
    assert first.deliver()
    del runs.server.runs["run0"][3:]  # killed when the step was noted, and not yet sent
    second = runs.process()
    runs.train(second, "grpo", 2, 4, 1.0)
    assert second.deliver()
    assert [step for _, step, _ in runs.server.runs["run0"]] == [1, 2, 3, 4]


def test_what_is_refused_is_counted_and_holds_up_nothing():
    runs = Runs(fresh(), FakeServer())
    outbox = runs.process()
    assert outbox.deliver()
    runs.server.refuses = True
    outbox.put(Figures({"a": 1.0}))
    assert outbox.deliver()
    runs.server.refuses = False
    outbox.put(Figures({"b": 1.0}))
    assert outbox.deliver()
    outbox.end("finished")
    assert (outbox.note.delivered, outbox.note.not_delivered) == (1, 1)


def test_tables_that_wait_are_bounded_and_those_dropped_are_counted():
    runs = Runs(fresh(), FakeServer())
    runs.server.down = True
    outbox = runs.process()
    for step in range(MOST_TABLES + 3):
        outbox.put(NamedTable("grpo/samples", Shown(("a",), ()), step))
    assert not outbox.deliver()
    outbox.end("failed")
    assert outbox.note.not_delivered == MOST_TABLES + 3


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 5), st.booleans(), st.booleans()), min_size=1, max_size=6
    ),
    st.booleans(),
    st.booleans(),
)
def test_however_a_run_is_cut_the_tracker_has_every_step_once_and_in_order(attempts, forgets, says_steps):
    runs = Runs(fresh(), FakeServer(forgets, says_steps))
    done = 0
    for number, (back, steps, down, tries_first) in enumerate(attempts):
        runs.server.down = down
        outbox = runs.process()
        after = max(0, done - back)
        if tries_first:
            outbox.deliver()
        runs.train(outbox, "grpo", after, after + steps, float(number))
        done = after + steps
        outbox.deliver()
        outbox.end("failed")
    runs.server.down = False
    last = runs.process()
    runs.train(last, "grpo", done, done + 1, -1.0)
    assert last.deliver()
    (told,) = runs.server.runs.values()
    steps = [step for _, step, _ in told]
    assert steps == list(range(1, steps[-1] + 1))
    assert steps[-1] >= done + 1
    if forgets:
        assert told == [("grpo", row["step"], row["loss"]) for row in runs.files["grpo"]]
