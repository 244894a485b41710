"""Running a function over blocks: what Ray Data is asked for, on a stand-in that maps in this process."""

import logging
from types import SimpleNamespace

import pyarrow as pa
import pytest

from data_pipeline.rows import map_blocks as mapping
from data_pipeline.rows.map_blocks import map_blocks
from psyche_rl.errors import PsycheError, RemoteWaitError, TeacherError
from psyche_rl.records import Passage, Quarantined

PASSAGES = [Passage(id=f"p{n}", text="文", source="s", row=n) for n in range(5)]


class InProcess:
    """As much of ``ray.data`` as is used, with what it was asked for."""

    def __init__(self):
        options = SimpleNamespace(preserve_order=False)
        self.context = SimpleNamespace(execution_options=options, enable_progress_bars=True)
        self.DataContext = SimpleNamespace(get_current=lambda: self.context)
        self.asked, self.read = {}, {}

    def from_arrow(self, slices):
        self.slices = slices
        return self

    def map_batches(self, function, fn_kwargs, **asked):
        self.asked, self.parts = asked, [function(part, **fn_kwargs) for part in self.slices]
        return self

    def iter_batches(self, **read):
        self.read = read
        return iter(self.parts)


@pytest.fixture
def data(monkeypatch) -> InProcess:
    found = InProcess()
    monkeypatch.setattr(mapping, "ray", SimpleNamespace(data=found))
    return found


def ids(block, prefix=""):
    return pa.table({"id": [f"{prefix}{name}" for name in block.column("id").to_pylist()]})


def test_blocks_come_back_in_order_as_large_as_asked(data):
    seen = []
    table = map_blocks(PASSAGES, ids, 2, (Quarantined,), seen.append, prefix="x")
    assert table.column("id").to_pylist() == ["xp0", "xp1", "xp2", "xp3", "xp4"]
    assert [part.num_rows for part in seen] == [2, 2, 1]
    assert data.context.execution_options.preserve_order
    assert not data.context.enable_progress_bars
    assert data.asked == {"batch_size": None, "batch_format": "pyarrow", "num_cpus": 0.5}
    assert data.read == {"batch_size": None, "batch_format": "pyarrow"}


def test_records_may_be_given_as_their_table(data):
    table = Passage.to_table(PASSAGES).append_column("more", [[1] * 5])
    assert map_blocks(table, lambda block: block, 3, (Quarantined,)).column_names[-1] == "more"


def test_nothing_asks_nothing_and_is_an_empty_table_of_the_kinds(data):
    nothing = map_blocks([], ids, 2, (Passage, Quarantined))
    assert (nothing.num_rows, nothing.column_names) == (0, ["Passage", "Quarantined"])
    assert data.asked == {}


def test_a_users_error_comes_back_as_itself_and_ends_the_work(data):
    seen = []

    def fail(block):
        if block.column("id")[0].as_py() == "p2":
            raise TeacherError("http://a: gone; start it again")
        return ids(block)

    with pytest.raises(TeacherError, match=r"^http://a: gone; start it again$"):
        map_blocks(PASSAGES, fail, 2, (Quarantined,), seen.append)
    assert len(seen) == 1


def test_errors_made_of_parts_and_kinds_of_ones_own_come_back_too(data):
    def lose(block):
        raise RemoteWaitError("LLM client", "rationales", None, "the actor died")

    with pytest.raises(RemoteWaitError, match=r"^LLM client in phase 'rationales': the actor died"):
        map_blocks(PASSAGES, lose, 9, (Quarantined,))

    class OwnError(PsycheError):
        pass

    def own(block):
        raise OwnError("mine")

    with pytest.raises(PsycheError, match=r"^mine$"):
        map_blocks(PASSAGES, own, 9, (Quarantined,))


def test_a_defect_is_no_users_error(data):
    with pytest.raises(ZeroDivisionError):
        map_blocks(PASSAGES, lambda block: 1 / 0, 9, (Quarantined,))


def test_a_stage_that_gives_no_block_back_is_an_empty_table_of_the_kinds(data):
    data.iter_batches = lambda **_: iter(())
    nothing = map_blocks(PASSAGES, ids, 2, (Passage, Quarantined))
    assert (nothing.num_rows, nothing.column_names) == (0, ["Passage", "Quarantined"])


def test_rays_own_chatter_is_not_shown(data):
    ray_data = logging.getLogger("ray.data")
    before = ray_data.level
    try:
        ray_data.setLevel(logging.DEBUG)
        map_blocks(PASSAGES, ids, 2, (Passage,))
        assert ray_data.level == logging.ERROR
    finally:
        ray_data.setLevel(before)
