"""Modules of one's own rewards: loaded as files, and able to travel as text.

Role: ``module:Class`` in a reward set names a file.
Collaborators: ``registry`` (asks for the class), ``actors.scoring.shipping`` (takes the text to processes
that do not see the file).
Invariants:
- A file is looked for beside the reward set, then in the working directory, never on ``sys.path``.
- Its module has a name made from its content, so that two files of one name never mix and a changed file is
  another module.
- Loading what is loaded already does nothing.
"""

from __future__ import annotations

import hashlib
import linecache
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class OwnModule:
    """``written`` is how a reward set names the file, ``origin`` where it was; ``text`` is all of it."""

    written: str
    origin: str
    text: str

    @property
    def name(self) -> str:
        """Its name in ``sys.modules``."""
        digest = hashlib.sha256(f"{self.written}\0{self.text}".encode()).hexdigest()[:16]
        return f"own_reward_{digest}"


_LOADED: dict[str, OwnModule] = {}


def load_own_module(written: str, beside: Path | None) -> ModuleType:
    """The module of a file named as ``package.module`` or as a path that ends in ``.py``.

    Raises:
        ValueError: there is no such file, or it cannot be run; the text says where it was looked for.
    """
    relative = written if written.endswith(".py") else written.replace(".", "/") + ".py"
    folders = [folder for folder in (beside, Path.cwd()) if folder is not None]
    places = dict.fromkeys((folder / Path(relative).expanduser()).resolve() for folder in folders)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ValueError(f"no file {' or '.join(map(str, places))}")
    try:
        module = OwnModule(written, str(found), found.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{found} cannot be read: {error}") from None
    return install(module)


def install(module: OwnModule) -> ModuleType:
    """Run the module's text, unless this process has done so.

    Raises:
        ValueError: running it raises.
    """
    if module.name in sys.modules:
        return sys.modules[module.name]
    made = ModuleType(module.name)
    made.__file__ = module.origin
    sys.modules[module.name] = made
    # So that a traceback shows the line also where the file is not.
    lines = module.text.splitlines(keepends=True)
    linecache.cache[module.origin] = (len(module.text), None, lines, module.origin)
    try:
        exec(compile(module.text, module.origin, "exec"), made.__dict__)
    except Exception as error:
        del sys.modules[module.name]
        raise ValueError(f"{module.origin} cannot be loaded: {type(error).__name__}: {error}") from None
    _LOADED[module.name] = module
    return made


def loaded_as(written: str) -> ModuleType | None:
    """What was loaded last under this name, for descriptions made from it."""
    names = [name for name, module in _LOADED.items() if module.written == written]
    return sys.modules.get(names[-1]) if names else None


def written_name(module: str) -> str:
    """How a reward set names a module, by its name in ``sys.modules``."""
    return _LOADED[module].written if module in _LOADED else module


def own_modules() -> Iterable[OwnModule]:
    """All that this process has loaded."""
    return tuple(_LOADED.values())
