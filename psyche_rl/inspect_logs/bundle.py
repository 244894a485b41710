"""A static folder with inspect's viewer and the logs in it, for any web server.

Collaborators: inspect_ai makes the bundle; ``store.atomic`` puts it in place as a whole.
Invariant: the folder is new or an earlier bundle; nothing else is replaced.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from psyche_rl.errors import DataError
from psyche_rl.inspect_logs.inspect_extra import inspect_log
from psyche_rl.store.atomic import written_folder

_CONTEXT = re.compile(r'(<script id="log_dir_context"[^>]*>)(.*?)(</script>)', re.DOTALL)


def bundle(out: Path, write: Callable[[Path], list[Path]]) -> int:
    """Make ``out`` of the logs that ``write`` puts into the folder it is given; returns their number.

    Raises:
        DataError: ``out`` holds something that is no bundle.
        ConfigError: the extra ``inspect`` is not installed.
    """
    log = inspect_log()
    if out.exists() and not _is_ours(out):
        raise DataError(f"{out} holds something else; name a new folder")
    with tempfile.TemporaryDirectory(prefix="psyche-rl-") as scratch, written_folder(out) as folder:
        count = len(write(Path(scratch) / "logs"))
        made = Path(scratch) / "bundle"
        with _quiet():
            log.bundle_log_dir(str(Path(scratch) / "logs"), str(made))
        _forget_place(made / "index.html")
        shutil.copytree(made, folder, dirs_exist_ok=True)
    return count


def _is_ours(out: Path) -> bool:
    """Whether it is an empty folder or an earlier bundle."""
    if not out.is_dir():
        return False
    page = out / "index.html"
    return not any(out.iterdir()) or (page.is_file() and bool(_CONTEXT.search(page.read_text("utf-8"))))


def _forget_place(page: Path) -> None:
    """The page names the folder that the logs were made in: a path of this machine, of no use elsewhere."""
    text = page.read_text("utf-8")

    def without(found: re.Match[str]) -> str:
        told = json.loads(found[2])
        told.pop("abs_log_dir", None)
        return f"{found[1]}{json.dumps(told)}{found[3]}"

    page.write_text(_CONTEXT.sub(without, text), "utf-8")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """inspect draws a progress bar for what takes a moment."""
    before = os.environ.get("INSPECT_DISPLAY")
    os.environ["INSPECT_DISPLAY"] = "none"
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        if before is None:
            del os.environ["INSPECT_DISPLAY"]
        else:
            os.environ["INSPECT_DISPLAY"] = before
