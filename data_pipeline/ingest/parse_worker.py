"""The process that parses documents: ``python -m data_pipeline.ingest.parse_worker BYTES_OF_MEMORY``.

Collaborator: ``parsing``, which starts it, writes files to its standard input and reads what they hold.
Invariants:
- It writes nothing but answers; what a parser prints or logs goes nowhere.
- A file that holds it up is ended by an alarm, also when whoever asked is gone.
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import resource
import signal
import sys
from typing import Any

from data_pipeline.ingest.documents import read_document
from data_pipeline.ingest.parsing import HEADER, LENGTH
from data_pipeline.ingest.xlsx import xlsx_rows

_LATE_S = 5
"""After the deadline, by which whoever asked has killed this process if it is still there."""


def main(memory: int) -> None:
    """Answer until there is nobody to ask."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    logging.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asks
    while order := sys.stdin.buffer.read(HEADER.size):
        size, seconds, suffix = HEADER.unpack(order)
        signal.alarm(math.ceil(seconds) + _LATE_S)
        answer = _answer(sys.stdin.buffer.read(size), suffix.rstrip(b"\0").decode(), memory)
        signal.alarm(0)
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def _answer(content: bytes, suffix: str, memory: int) -> bytes:
    try:
        value: Any = list(xlsx_rows(content)) if suffix == ".xlsx" else read_document(content, suffix)
        return pickle.dumps((True, value))
    except MemoryError:
        why = f"reading it takes more than {memory >> 20:,} MiB of memory"
    except RecursionError:
        why = "it is nested too deeply"
    except ValueError as error:
        why = str(error)
    except Exception as error:  # a broken file fails in many ways
        why = f"{type(error).__name__}: {error}"
    return pickle.dumps((False, why))


if __name__ == "__main__":
    main(int(sys.argv[1]))
