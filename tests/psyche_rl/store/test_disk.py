"""Which errors are faults of a disk, and what is said of them."""

import errno
import os
import sqlite3

import pytest

from psyche_rl.errors import ConfigError
from psyche_rl.store.disk import DiskError, Reserve, disk_fault


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space is left"), (errno.EDQUOT, "quota is used up"),
        (errno.EROFS, "mounted read-only"),
        (errno.EIO, "input/output error"), (errno.ESTALE, "mount is gone"), (errno.ENOTCONN, "mount is gone"),
        (errno.EACCES, "permission is denied"),
    ],
)  # fmt: skip
def test_a_fault_is_known_by_its_number_and_told_with_path_room_and_remedy(number, words, tmp_path):
    fault = str(disk_fault(OSError(number, os.strerror(number), str(tmp_path / "not" / "there"))))
    assert fault.startswith(f"{tmp_path}/not/there: ")
    assert words in fault
    assert "MiB free)" in fault
    assert fault.endswith(", and the same command goes on from here")


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError("PytorchStreamWriter failed: No space left on device"),
        OSError("[Errno 28] Error writing bytes: No space left on device"),
    ],
)
def test_a_fault_is_known_by_its_words_where_a_library_drops_the_number(error, tmp_path):
    assert str(disk_fault(error, str(tmp_path))).startswith(f"{tmp_path}: no space is left")


class FromElsewhere(Exception):
    """As Ray's errors bring theirs."""

    def __init__(self, cause):
        self.cause = cause


def test_a_fault_is_found_behind_what_came_of_it():
    full = OSError(errno.ENOSPC, "No space left on device", "/a")
    behind = ValueError("later")
    behind.__cause__ = FromElsewhere(full)
    assert str(disk_fault(behind)).startswith("/a: no space is left")
    assert disk_fault(disk_fault(full)) is not None
    circle = ValueError("a")
    circle.__context__ = circle.__cause__ = KeyError("b")
    circle.__cause__.__context__ = circle
    assert disk_fault(circle) is None


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file", "/a"), ConfigError("no space left on device"),
        ValueError("no space left on device"), KeyError(28), OSError("odd"),
    ],
)  # fmt: skip
def test_what_may_be_a_defect_is_no_fault_of_the_disk(error):
    assert disk_fault(error) is None


def test_a_url_has_no_room_to_be_told():
    fault = str(disk_fault(OSError(errno.EIO, "io"), "s3://bucket/run"))
    assert fault == (
        "s3://bucket/run: the disk reports an input/output error; see to the disk, and the same command goes "
        "on from here"
    )
    assert isinstance(disk_fault(OSError(errno.EIO, "io")), DiskError)


def test_the_reserve_is_taken_once_and_released_once(tmp_path):
    reserve = Reserve(tmp_path)
    assert not reserve.release()
    reserve.take()
    reserve.take()
    assert [file.stat().st_size for file in tmp_path.iterdir()] == [256 * 1024]
    assert reserve.release()
    assert not reserve.release()
    Reserve(tmp_path / "absent").take()
