"""Running a function over blocks: what Ray Data is asked for, on a stand-in that maps in this process."""

import logging
from types import SimpleNamespace

import pyarrow as pa
import pytest

from data_pipeline.rows import map_blocks as mapping
from data_pipeline.rows.map_blocks import BlockWorker, map_blocks
from psyche_rl.errors import PsycheError, RemoteWaitError, TeacherError
from psyche_rl.records import Passage
from psyche_rl.store import RunStore
from psyche_rl.store.record_file import written


class InProcess:
    """As much of ``ray.data`` as is used, with what it was asked for."""

    def __init__(self):
        options = SimpleNamespace(preserve_order=False)
        self.context = SimpleNamespace(execution_options=options, enable_progress_bars=True)
        self.DataContext = SimpleNamespace(get_current=lambda: self.context)
        self.ActorPoolStrategy = lambda **pool: pool
        self.asked, self.read = {}, {}

    def from_items(self, items, override_num_blocks):
        assert override_num_blocks == len(items)
        self.items = items
        return self

    def map_batches(self, worker, fn_kwargs=None, fn_constructor_kwargs=None, **asked):
        run = (
            worker(**fn_constructor_kwargs)
            if fn_constructor_kwargs
            else lambda part: worker(part, **fn_kwargs)
        )
        self.asked = {**asked, "worker": worker}
        self.parts = (run(pa.Table.from_pylist([item])) for item in self.items)
        return self

    def iter_batches(self, **read):
        self.read = read
        return self.parts


@pytest.fixture
def data(monkeypatch) -> InProcess:
    found = InProcess()
    resources = {"CPU": 4.0}
    monkeypatch.setattr(mapping, "ray", SimpleNamespace(data=found, cluster_resources=lambda: resources))
    return found


@pytest.fixture
def passages(tmp_path):
    rows = (Passage(id=f"p{n}", text="文", source="s", row=n) for n in range(5))
    return written(RunStore(str(tmp_path)), "p.parquet", Passage, rows)


def ids(block, prefix=""):
    return pa.table({"id": [f"{prefix}{name}" for name in block.column("id").to_pylist()]})


def test_blocks_come_back_in_order_as_large_as_asked(data, passages):
    parts = list(map_blocks(passages, ids, 2, prefix="x"))
    assert [part.column("id").to_pylist() for part in parts] == [["xp0", "xp1"], ["xp2", "xp3"], ["xp4"]]
    assert data.context.execution_options.preserve_order
    assert not data.context.enable_progress_bars
    assert data.asked.pop("worker") is not BlockWorker
    assert data.asked == {"batch_size": None, "batch_format": "pyarrow", "num_cpus": 0.5}
    assert data.read == {"batch_size": None, "batch_format": "pyarrow", "prefetch_batches": 0}


def test_many_blocks_go_to_a_pool_of_actors_and_give_the_same(data, passages, monkeypatch):
    few = list(map_blocks(passages, ids, 2))
    monkeypatch.setattr(mapping, "BLOCKS_FOR_A_POOL", 3)
    assert list(map_blocks(passages, ids, 2)) == few
    assert data.asked["worker"] is BlockWorker
    assert data.asked["compute"] == {"min_size": 1, "max_size": 8}


def test_nothing_asks_nothing(data, passages):
    assert list(map_blocks(passages[:0], ids, 2)) == []
    assert data.asked == {}


def test_a_users_error_comes_back_as_itself_and_ends_the_work(data, passages):
    def fail(block):
        if block.column("id")[0].as_py() == "p2":
            raise TeacherError("http://a: gone; start it again")
        return ids(block)

    parts = map_blocks(passages, fail, 2)
    assert next(parts).num_rows == 2
    with pytest.raises(TeacherError, match=r"^http://a: gone; start it again$"):
        next(parts)


def test_errors_made_of_parts_and_kinds_of_ones_own_come_back_too(data, passages):
    def lose(block):
        raise RemoteWaitError("LLM client", "rationales", None, "the actor died")

    with pytest.raises(RemoteWaitError, match=r"^LLM client in phase 'rationales': the actor died"):
        list(map_blocks(passages, lose, 9))

    class OwnError(PsycheError):
        pass

    def own(block):
        raise OwnError("mine")

    with pytest.raises(PsycheError, match=r"^mine$"):
        list(map_blocks(passages, own, 9))


def test_a_defect_is_no_users_error(data, passages):
    with pytest.raises(ZeroDivisionError):
        list(map_blocks(passages, lambda block: 1 / 0, 9))


def test_rays_own_chatter_is_not_shown(data, passages):
    ray_data = logging.getLogger("ray.data")
    before = ray_data.level
    try:
        ray_data.setLevel(logging.DEBUG)
        list(map_blocks(passages, ids, 2))
        assert ray_data.level == logging.ERROR
    finally:
        ray_data.setLevel(before)
