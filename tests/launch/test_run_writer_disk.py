"""A run folder whose disk fills, or goes read-only, in the middle of a stage."""

import pytest
from small_disk import fill, read_only, small_disk

from launch.run_writer import writing
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.disk import RESERVE, DiskError
from psyche_rl.store.manifest import now


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def run_into(fault, disk):
    """A stage that writes when ``fault`` has happened."""
    store = RunStore(str(disk / "run"))
    with writing(store, 1.0) as writer:
        entry = StageEntry(status="running", started=now())
        writer.enter("synth", entry)
        fault(disk)
        try:
            store.write_bytes("synth/records", b"x" * 2**19)
        except BaseException as error:
            writer.fail(entry, error)
            raise
        finally:
            writer.save()


def test_a_full_disk_is_told_in_a_line_and_in_the_manifest_and_leaves_no_half_files(disk):
    for _ in range(3):
        with pytest.raises(DiskError, match=r"no space is left on the disk .0.* MiB free.; make room"):
            run_into(fill, disk)
        entry = Manifest.load(RunStore(str(disk / "run"))).stages["synth"]
        assert entry.status == "failed"
        assert "no space is left" in entry.error
        assert [f.name for f in (disk / "run").rglob("*") if f.is_file()] == ["manifest.json"]
        (disk / "ballast").unlink()


def test_a_disk_that_goes_read_only_is_told_too(disk):
    with pytest.raises(DiskError, match=r"/run/\S+json: the disk is mounted read-only .*; mount it for"):
        run_into(read_only, disk)


def test_a_good_end_leaves_no_reserve(disk):
    store = RunStore(str(disk / "run"))
    with writing(store, 1.0) as writer:
        writer.enter("synth", StageEntry(status="running", started=now()))
        assert store.exists(RESERVE)
    assert not store.exists(RESERVE)
