"""A file that is digested while it is written.

- What is recorded of an output is what was meant to be written, not what a disk gives back later.
- Collaborators: ``RunStore`` writes every file through it and keeps its :class:`Written`.
"""

from __future__ import annotations

import hashlib
from typing import Any


class Written:
    """Size and running sha256 of the bytes of one file."""

    def __init__(self) -> None:
        self.size = 0
        self._sha = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The digest of all bytes so far, in hex."""
        return self._sha.hexdigest()

    def add(self, data: Any) -> None:
        """Count bytes (anything with the buffer protocol)."""
        self._sha.update(data)
        self.size += memoryview(data).nbytes


class HashedFile:
    """A binary file open for writing; ``written`` tells what has gone through it."""

    def __init__(self, file: Any) -> None:
        self._file, self.written = file, Written()

    @property
    def closed(self) -> bool:
        """Whether the file below is closed."""
        return bool(self._file.closed)

    def write(self, data: Any) -> int:
        """Write and digest."""
        self.written.add(data)
        return int(self._file.write(data))

    def flush(self) -> None:
        """Flush the file below."""
        self._file.flush()

    def close(self) -> None:
        """Close the file below."""
        self._file.close()
