"""Python processes of our own: started where nothing of the working directory is imported.

Role: the one way to spell the command and the environment of such a process.
Collaborators: the mini teacher, the fork server of rewards, the smokes of ``doctor``, and Ray's workers.
Invariants:
- ``-P``, and no empty entry of a path: a file ``pydantic.py`` in a downloaded folder is never run because
  somebody stands in that folder.
- What is imported here is found there, by the same places.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import psyche_rl

CODE = str(Path(psyche_rl.__file__).parents[1])
"""Where the five packages are."""


def python(*arguments: str) -> list[str]:
    """The command of this interpreter with ``arguments``."""
    return [sys.executable, "-P", *arguments]


def search_path(places: Iterable[str] = ()) -> str:
    """A PYTHONPATH: ours, then ``places``, else those of the caller's own PYTHONPATH."""
    named = [*places] or os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys(os.path.abspath(place) for place in (CODE, *named) if place))
