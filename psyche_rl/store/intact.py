"""What a reader finds wrong with a file of a run, told in one line.

Collaborators: ``run_store`` reads inside it.
Invariant: a fault of the disk, which has a number, is none of the file's (see ``disk``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import yaml
from pydantic import ValidationError

from psyche_rl.errors import RunFolderError

_DAMAGE = (
    ValueError, OSError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError,
    pa.ArrowException, yaml.YAMLError,
)  # fmt: skip
"""What readers raise at bytes, and at values, that they did not write."""


@contextmanager
def intact(path: str, rel: str) -> Iterator[None]:
    """Parse the file at ``path``, which is ``rel`` in the run folder, inside.

    Raises:
        RunFolderError: it is damaged, or of another program.
    """
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        stage, inside, _ = rel.partition("/")
        anew = f"make it again with --from {stage}" if inside else "use a new run_dir"
        raise RunFolderError(
            f"{path} is damaged ({_what(error)}); bring back a whole copy, or {anew}"
        ) from None


def _what(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else first["msg"]
    told = " ".join(str(error).split())[:200] or type(error).__name__
    return told if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {told}"
