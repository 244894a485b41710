"""No command ends in another way than the others: the handler stands above all of them."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer
from typer.testing import CliRunner, Result

from launch.cli.app import app
from launch.cli.errors import defects_told
from psyche_rl.errors import ConfigError, RemoteWaitError

ROOT = Path(__file__).resolve().parents[3]
TREE = typer.main.get_command(app)


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Path and command of everything that can be run."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, one in below.items():
        yield from leaves(one, (*path, name))


COMMANDS = dict(leaves(TREE))


def ended_by(path: tuple[str, ...], error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Result:
    """The end of a command whose work raises ``error``."""

    def fails(*_: object, **__: object) -> NoReturn:
        raise error

    command = COMMANDS[path]
    monkeypatch.setattr(command, "callback", fails)
    needed = [
        word
        for parameter in command.params
        if parameter.required
        for word in ([] if parameter.param_type_name == "argument" else parameter.opts[:1]) + ["x"]
    ]
    monkeypatch.setattr("typer.testing._get_command", lambda _: TREE)  # which would make it anew
    return CliRunner().invoke(app, [*path, *needed])


def test_the_walk_finds_the_commands_of_sub_apps():
    assert {("run",), ("grpo",), ("doctor",), ("rewards", "test"), ("rewards", "serve")} <= COMMANDS.keys()


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("no\nsuch  key"), 2, "error: no such key\n"),
        (
            RemoteWaitError("rank 1", "step", 3, "gone"),
            3,
            "error: rank 1 in phase 'step' at weight version 3: gone\n",
        ),
        (KeyboardInterrupt(), 130, None),
    ],
    ids=["user", "remote", "interrupt"],
)
def test_every_command_ends_with_one_line_and_the_code_of_its_error(path, error, code, said, monkeypatch):
    result = ended_by(path, error, monkeypatch)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.count("\n") == 1
    assert said is None or result.stderr == said


def test_only_what_can_go_on_says_so(monkeypatch):
    for path in (("run",), ("synth",), ("grpo",)):
        assert ended_by(path, KeyboardInterrupt(), monkeypatch).stderr.startswith(
            "interrupted; the same command"
        )
    for path in (("calls",), ("rewards", "serve")):
        assert ended_by(path, KeyboardInterrupt(), monkeypatch).stderr == "interrupted\n"


class AskedToStop(KeyboardInterrupt):
    exit_code = 143


def test_an_interrupt_may_bring_its_own_line_and_code(monkeypatch):
    result = ended_by(("run",), AskedToStop("grpo: stopped at step 3"), monkeypatch)
    assert (result.exit_code, result.stderr) == (143, "grpo: stopped at step 3\n")
    assert ended_by(("run",), AskedToStop(), monkeypatch).stderr.startswith("interrupted; the same command")


def test_a_fault_of_the_disk_is_a_line_whatever_it_came_through(monkeypatch):
    full = ValueError("what came of it")
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device", "/nowhere/run")
    ended = ended_by(("status",), full, monkeypatch)
    assert ended.exit_code == 2
    assert ended.stderr.startswith("error: /nowhere/run: no space is left on the disk")
    assert len(ended.stderr.splitlines()) == 1


def test_a_defect_keeps_its_traceback(monkeypatch):
    result = ended_by(("status",), ZeroDivisionError("a defect"), monkeypatch)
    assert isinstance(result.exception, ZeroDivisionError)
    broken = ended_by(("status",), BrokenPipeError("not of our output"), monkeypatch)
    assert broken.exit_code != 141


def test_the_traceback_of_a_defect_holds_no_key(monkeypatch, capsys):
    monkeypatch.setenv("SOME_API_KEY", "planted-key-9")
    with pytest.raises(SystemExit) as ended, defects_told():
        raise ZeroDivisionError("said planted-key-9")
    told = capsys.readouterr().err
    assert (ended.value.code, "Traceback" in told, "said ***" in told, "planted" in told) == (
        1,
        True,
        True,
        False,
    )


PRINTS = "print('x' * 200_000)"
RICH = "from psyche_rl.terminal.console import PlainConsole; PlainConsole().print('x ' * 100_000)"
SMALL = "print('x')"


@pytest.mark.parametrize("work", [PRINTS, RICH, SMALL], ids=["print", "rich", "small"])
def test_when_the_reader_has_gone_the_command_ends_silently(work):
    script = f"""
import os, typer
from launch.cli.errors import Commands
app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
@app.callback()
def top() -> None: ...
@app.command()
def tell() -> None:
    {work}
app(["tell"])
"""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", script],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def handlers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            yield from (name.id for name in ast.walk(node.type) if isinstance(name, ast.Name))


def test_no_command_handles_errors_by_itself():
    for file in sorted((ROOT / "launch" / "cli").rglob("*.py")):
        if file.name != "errors.py":
            caught = set(handlers(ast.parse(file.read_text("utf-8"))))
            assert not caught & {"PsycheError", "Exception", "BaseException"}, file
