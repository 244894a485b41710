"""Documents are parsed in a process of their own, which can be killed.

Role: :func:`killable_document` and :func:`killable_rows` do what ``read_document`` and ``xlsx_rows`` do.
Collaborator: ``parse_worker``, the process; one serves this process for as long as it lasts.
Invariants:
- A file that takes too long, too much memory, or ends the parser costs itself: a ``ValueError`` says which.
- The worker ends with this process, at the latest when the deadline of its file is over.
"""

from __future__ import annotations

import atexit
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from data_pipeline.ingest.document import Document
from psyche_rl.own_python import python, search_path

KILLABLE_SUFFIXES = (".html", ".htm", ".xhtml", ".epub", ".pdf", ".docx")
"""Documents of formats in which a small file can cost much; plain text and Markdown cannot."""
MEMORY_BYTES = 4 << 30
_SECONDS, _SECONDS_A_MIB = 120.0, 20.0
HEADER = struct.Struct("<Qd16s")
"""Bytes of the file, seconds, suffix; the answer is its length and a pickle."""
LENGTH = struct.Struct("<Q")


def killable_document(content: bytes, suffix: str) -> Document:
    """The text of a file's bytes, as ``read_document`` gives it.

    Raises:
        ValueError: the file is broken, encrypted, holds no text, or takes too much to read.
    """
    document: Document = _READER.ask(content, suffix)
    return document


def killable_rows(content: bytes) -> list[tuple[str, int, dict[str, str]]]:
    """The rows of a workbook, as ``xlsx_rows`` gives them.

    Raises:
        ValueError: as ``killable_document``.
    """
    rows: list[tuple[str, int, dict[str, str]]] = _READER.ask(content, ".xlsx")
    return rows


class FileReader:
    """Asks one worker after another; any thread may use it."""

    def __init__(self, seconds: float = _SECONDS, memory: int = MEMORY_BYTES) -> None:
        self._seconds, self._memory = seconds, memory
        self._one_at_a_time = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    def ask(self, content: bytes, suffix: str) -> Any:
        """What the worker makes of the file.

        Raises:
            ValueError: it cannot be read, or not within the bounds.
        """
        seconds = self._seconds + _SECONDS_A_MIB * len(content) / 2**20
        order = HEADER.pack(len(content), seconds, suffix.encode())
        with self._one_at_a_time:
            for _ in range(2):
                worker = self._started()
                if worker.stdin is not None:
                    with suppress(BrokenPipeError):  # it ended while it had nothing to do
                        worker.stdin.write(order + content)
                        worker.stdin.flush()
                        break
                self.close()
            is_read, value = self._answer(seconds)
        if not is_read:
            raise ValueError(value)
        return value

    def close(self) -> None:
        """End the worker."""
        worker, self._worker = self._worker, None
        if worker is None or self._owner != os.getpid():
            return
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():  # a fork has it from its parent, who uses it
            self._worker, self._owner = None, os.getpid()
        if self._worker is not None and self._worker.poll() is not None:
            self.close()
        if self._worker is None:
            self._worker = subprocess.Popen(
                python("-m", "data_pipeline.ingest.parse_worker", str(self._memory)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # what parsers say quotes the file
                env={**os.environ, "PYTHONPATH": search_path(sys.path)},
            )
        return self._worker

    def _answer(self, seconds: float) -> tuple[bool, Any]:
        end = time.monotonic() + seconds
        try:
            (length,) = LENGTH.unpack(self._received(LENGTH.size, end))
            is_read, value = pickle.loads(self._received(length, end))
        except TimeoutError:
            self.close()
            return False, f"reading it takes more than {seconds:.0f} s"
        except EOFError:
            code = self._worker.wait() if self._worker is not None else 0
            self.close()
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return False, f"reading it ended the process that did so ({name})"
        except BaseException:  # such as Ctrl-C: the rest of its answer would be taken for the next one
            self.close()
            raise
        return bool(is_read), value

    def _received(self, size: int, end: float) -> bytes:
        if self._worker is None or self._worker.stdout is None:
            raise EOFError
        file = self._worker.stdout.fileno()
        poll = select.poll()
        poll.register(file, select.POLLIN)
        pieces = list[bytes]()
        while size:
            if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
                raise TimeoutError
            piece = os.read(file, min(size, 1 << 20))
            if not piece:
                raise EOFError
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


_READER = FileReader()
atexit.register(_READER.close)
