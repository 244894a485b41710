"""A filesystem like an object store: files in memory, but a folder is no thing that could be moved."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


class KeyedFiles(MemoryFileSystem):
    """``keyed://``, as fsspec behaves on S3: moving the key of a folder fails."""

    protocol = "keyed"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).replace("keyed://", "memory://"))

    def mv(self, path1: str, path2: str, **options: Any) -> None:
        if not self.isfile(path1):
            raise FileNotFoundError(path1)
        super().mv(path1, path2, **options)


def keyed_url() -> str:
    """The URL of an empty folder."""
    fsspec.register_implementation("keyed", KeyedFiles, clobber=True)
    return f"keyed://{uuid.uuid4().hex}"
