"""Every page is walked: its commands are typed one after another, and end as the page says.

How, and with what words, is in ``how_commands_are_run.yaml``. With ``PSYCHE_RL_WALK_TIMES=FILE`` the file is
told what each command took.
"""

from __future__ import annotations

import os
import shutil
import socket
import time

import pytest
from command_table import Walk, command_table
from page_reader import PageReader, differences
from shown_commands import Shown, shown_commands
from walk_ground import GROUND, AnyChat, clone

TABLE = command_table()
COMMANDS = shown_commands()
TOOLS = ("curl", "git")
"""What a page may use and no file of the project installs."""
WALKS: dict[str, list[tuple[Shown, Walk]]] = {}
for _shown in COMMANDS:
    if (_entry := TABLE.of(_shown)) and _entry.walk:
        WALKS.setdefault(_shown.page, []).append((_shown, _entry.walk))


@pytest.fixture(scope="module")
def chat():
    served = AnyChat()
    yield served.url
    served.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", WALKS)
def test_the_commands_of_a_page_do_what_it_says(page, finished_run, chat, tmp_path):
    folder = clone(tmp_path / "clone", finished_run)
    if page in GROUND:
        GROUND[page](folder, [shown for shown in COMMANDS if shown.page == page])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        places = {"{server}": chat, "{port}": str(free.getsockname()[1])}
    wrong, missing = [], set()
    with PageReader(folder, TABLE.swaps[page], places) as reader:
        for shown, walk in WALKS[page]:
            program = shown.text.split()[0]
            if program in TOOLS and shutil.which(program) is None:
                missing.add(program)
                continue
            began = time.monotonic()
            wrong += reader.read(shown, walk)
            if times := os.environ.get("PSYCHE_RL_WALK_TIMES"):
                with open(times, "a", encoding="utf-8") as file:
                    file.write(f"{time.monotonic() - began:6.1f} {shown}\n")
    shutil.rmtree(folder)
    assert not wrong, "\n".join(wrong)
    if missing:
        pytest.skip(f"the page's other commands hold; this machine lacks {', '.join(sorted(missing))}")


SHOWN = Shown("a.md", 1, "psyche-rl status RUN", ("stage  status", "grpo   done "))


@pytest.mark.parametrize(
    ("said", "code", "walk", "wrong"),
    [
        ("stage status\n", 0, Walk(says=("stage status",)), ""),
        ("stage  status\ngrpo   done\n\n", 0, Walk(as_shown=True), ""),
        ("stage  status\n", 0, Walk(as_shown=True), "prints other lines than the page"),
        ("error: no run here\n", 2, Walk(), "ended with 2, not 0"),
        ("", 0, Walk(exit=2), "ended with 0, not 2"),
        ("Traceback (most recent call last)", 2, Walk(exit=2), "a traceback"),
        ("stage", 0, Walk(says=("stage status",)), "does not print 'stage status'"),
        ("", None, Walk(), "ended with None, not 0"),
    ],
)
def test_what_goes_otherwise_is_told(said, code, walk, wrong):
    found = differences(said, code, SHOWN, walk)
    assert found == ([wrong, f"printed: {said}"] if wrong else [])
