"""The commands that the pages show: read from their blocks, without running anything.

Role: ``shown_commands`` gives every command line of the indented and fenced blocks of ``PAGES``, and what a
page prints below it. ``how_commands_are_run.yaml`` says of each how it is run; tests hold them to it.
Invariants:

- pure: it reads the pages it is given and nothing else;
- from the first line with ``$`` on, what has none is output; before it, and in a block without, a line is a
  command if its first word is a program's name;
- a line that ends with a backslash goes on in the next, and a remark after ``#`` is no part of a command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
MAY_HOLD_COMMANDS = ("", "```", "```console", "```bash", "```sh")  # how a block begins; "": it is indented
PROGRAMS = {
    ".ci/run", "cat", "cd", "curl", "docker", "export", "for", "git", "kubectl", "lm_eval", "make", "pip",
    "pre-commit", "psyche-rl", "pytest", "python", "ray", "sbatch", "sky", "srun", "tensorboard", "uv",
}  # fmt: skip
SETTING = re.compile(r"[A-Z][A-Z0-9_]*=\S*")  # a variable of the environment before a command
OPEN_END = re.compile(r"^([A-Z]+)…$")  # PATHS…: one or more
REMARK = re.compile(r"\s+#\s.*$")
LOOP = re.compile(r"for (?P<name>\w+) in (?P<values>[^;]+); do (?P<body>.+); done")


@dataclass(frozen=True)
class Shown:
    """One command of a page: what a reader would type, and the lines that the page prints below it."""

    page: str
    line: int
    text: str
    output: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def shown_commands(pages: list[Path] = PAGES) -> list[Shown]:
    """Every command of the pages, in their order."""
    return [
        Shown(str(page.relative_to(ROOT)), *found)
        for page in pages
        for number, block in blocks(page.read_text("utf-8"))
        for found in commands_of(number, block)
    ]


def blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line, and the lines, of each block that may hold commands."""
    fence, start, held, before = "", 0, [], ""
    for number, line in enumerate([*text.splitlines(), "end"], 1):
        mark = line.strip()
        fenced = mark.startswith("```")
        inside = not fenced and (fence or (line.startswith("    ") and (held or not before.strip())))
        if inside or (held and not fenced and not mark):  # an empty line within a block belongs to it
            start = start if held else number
            held.append(line)
        elif held:
            if fence in MAY_HOLD_COMMANDS:
                yield start, held
            held = []
        if fenced:
            fence = "" if fence else mark
        before = line


def commands_of(start: int, block: list[str]) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Line, text and printed output of each command of a block."""
    found: list[tuple[int, list[str], list[str]]] = []
    asked = going_on = False
    indent = 0
    for number, line in enumerate(block, start):
        typed = line.strip()
        if typed.startswith("$ "):
            asked, indent = True, line.index("$")
        if going_on:
            found[-1][1].append(without_remark(typed))
        elif typed.startswith("$ ") or (not asked and begins_with_a_program(typed)):
            found.append((number, [without_remark(typed.removeprefix("$ "))], []))
        else:
            if asked:
                found[-1][2].append(line[indent:])
            continue
        going_on = typed.endswith("\\")
    for number, parts, output in found:
        text = " ".join(part.removesuffix("\\").rstrip() for part in parts)
        yield number, text, tuple("\n".join(output).strip("\n").splitlines())


def without_remark(line: str) -> str:
    """A line without a remark behind it; one with an open quote (a program's text) is left as it is."""
    return REMARK.sub("", line)


def begins_with_a_program(line: str) -> bool:
    """Whether a line of a block is a command rather than a setting, a formula or a listing."""
    words = without_settings(line.split())
    return bool(words) and program(words[0]) in PROGRAMS


def without_settings(words: list[str]) -> list[str]:
    """The words of a command without the variables set before it."""
    while words and SETTING.fullmatch(words[0]):
        words = words[1:]
    return words


def program(word: str) -> str:
    """The name that a program has, however it is reached."""
    return re.sub(r"^(\$PWD/)?\.venv/bin/", "", word)


def calls(text: str) -> Iterator[list[str]]:
    """Words of each call within a command: each of a loop, and what a job runs behind ``--``.

    Settings of the environment before a call are left out, and so are the brackets of a synopsis.
    """
    if loop := LOOP.fullmatch(text):
        for value in loop["values"].split():
            yield from calls(loop["body"].replace(f"${loop['name']}", value))
        return
    plain = re.sub(r"\[(--[^\]]*|key[^\]]*)\]", r"\1", text)
    words = [OPEN_END.sub(r"\1", word) for word in shlex.split(plain)]
    words = without_settings([word for word in words if word not in ("…", "key.sub=value")])
    yield [program(words[0]), *words[1:]]
    if "--" in words:
        yield from calls(shlex.join(words[words.index("--") + 1 :]))
    if words[0] == "sbatch":  # the script hands on what stands behind its name
        script = next(at for at, word in enumerate(words) if word.endswith(".sbatch"))
        yield ["psyche-rl", "run", *words[script + 1 :]]
