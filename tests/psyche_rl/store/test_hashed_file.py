"""A file that is digested on its way to the disk."""

import hashlib

import numpy as np

from psyche_rl.store.hashed_file import HashedFile, Written


def test_size_and_digest_are_of_all_bytes_whatever_holds_them():
    written = Written()
    assert (written.size, written.sha256) == (0, hashlib.sha256().hexdigest())
    written.add(b"ab")
    written.add(np.arange(3, dtype=np.int64))
    assert written.size == 26
    assert written.sha256 == hashlib.sha256(b"ab" + np.arange(3, dtype=np.int64).tobytes()).hexdigest()


def test_bytes_go_through_and_so_do_flush_and_close(tmp_path):
    path = tmp_path / "f"
    file = HashedFile(path.open("wb"))
    assert file.write(b"abc") == 3
    file.flush()
    assert path.read_bytes() == b"abc"
    assert file.closed is False
    file.close()
    assert file.closed is True
    assert file._file.closed
    assert (file.written.size, file.written.sha256) == (3, hashlib.sha256(b"abc").hexdigest())
