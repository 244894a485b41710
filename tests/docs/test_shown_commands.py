"""Every command that a page shows is one that the programs know: name, options, settings and files."""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from shown_commands import PAGES, ROOT, Shown, blocks, calls, commands_of, shown_commands, without_remark

from launch.cli.app import app
from psyche_rl.config import RunConfig, load_config
from psyche_rl.config.bench import bench_config

MINI = "launch/configs/mini.yaml"
SHOWN = shown_commands()
SELDOM = ("slow", "chaos", "nightly")
OPTION = re.compile(r"--[a-z][a-z-]*")
INLINE = re.compile(r"`psyche-rl ([^`]+)`")
OWN_FOLDERS = ("benchmarks/", "examples/", "launch/", "scripts/", "tests/")


def calls_of(*programs: str) -> list[tuple[Shown, list[str]]]:
    """Each call of these programs with the line that shows it."""
    return [(shown, words[1:]) for shown in SHOWN for words in calls(shown.text) if words[0] in programs]


def names_of(found: list[tuple[Shown, list[str]]]) -> list[str]:
    return [f"{shown.page}:{shown.line}" for shown, _ in found]


def every(*programs: str) -> pytest.MarkDecorator:
    found = calls_of(*programs)
    return pytest.mark.parametrize(("shown", "words"), found, ids=names_of(found))


def command_of(words: list[str]) -> tuple[object, list[str]]:
    """The command of psyche-rl that words begin with, and the words that are left for it."""
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        assert words[0] in command.commands, f"psyche-rl has no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@every("psyche-rl")
def test_psyche_rl_takes_its_words(shown, words):
    command, rest = command_of(words)
    told = command.make_context("psyche-rl", list(rest)).params
    if any(line.startswith("error: ") for line in shown.output):
        return  # the page shows what is said of a mistake
    if "overrides" in told:
        config = MINI if told["config"] == "CONFIG" else told["config"]
        load_config(ROOT / config, told["overrides"] or [])
    if "settings" in told:
        bench_config(told["settings"] or [])


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "a", "b"],
        ["status", "RUN", "--jsn"],
        ["rewards", "scroe", "a"],
        ["run", "CONFIG", "--from"],
    ],
)
def test_what_psyche_rl_does_not_take_is_seen(words):
    with pytest.raises(Exception, match=r"Missing|unexpected|No such option|no command|requires an argument"):
        test_psyche_rl_takes_its_words(SHOWN[0], words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_mentions_of_psyche_rl_is_there(page):
    """Also within a sentence, where arguments may be left out."""
    for mentioned in INLINE.findall(page.read_text("utf-8")):
        alternatives, *rest = mentioned.split()
        for name in alternatives.split("|"):
            command, _ = command_of([name, *rest])
            known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
            assert not set(OPTION.findall(mentioned)) - known - {"--help", "--version"}, mentioned


def loose_settings(page: Path) -> list[list[str]]:
    """Lines of a page's blocks that are settings alone, to be put behind a config."""
    lines = [without_remark(line) for _, block in blocks(page.read_text("utf-8")) for line in block]
    section = re.compile(rf"\s+'?(?:{'|'.join(RunConfig.model_fields)})\.\w+=")
    return [shlex.split(line) for line in lines if section.match(line)]


@pytest.mark.parametrize(
    ("page", "words"),
    [(page, words) for page in PAGES for words in loose_settings(page)],
    ids=lambda given: given.name if isinstance(given, Path) else given[0].partition("=")[0],
)
def test_settings_that_stand_alone_are_taken(page, words):
    load_config(ROOT / MINI, words)


@cache
def marks_of(file: Path) -> dict[str, set[str]]:
    """Names of a file's tests, and which of the marks that leave a test out each has."""
    source = file.read_text("utf-8")
    tree = ast.parse(source)

    def marks(nodes: list[ast.AST]) -> set[str]:
        return {m for node in nodes for m in re.findall(r"mark\.(\w+)", ast.unparse(node)) if m in SELDOM}

    whole = [n for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "pytestmark"]
    return {
        node.name: marks([*whole, *(d for d in node.decorator_list if not is_of_parameters(d))])
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def is_of_parameters(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).startswith("pytest.mark.parametrize")


def selected(words: list[str]) -> int:
    """How many tests a call of pytest would run, by the names and marks in their files."""
    given = dict(pairwise(words))
    files = [
        file
        for word in words
        if word.startswith("tests")
        for file in ([ROOT / word] if word.endswith(".py") else sorted((ROOT / word).rglob("test_*.py")))
    ]
    wanted, part = given.get("-m"), given.get("-k", "")
    return sum(
        part in f"{file.name} {name}" and (wanted in marks if wanted else not marks)
        for file in files
        for name, marks in marks_of(file).items()
    )


@every("pytest")
def test_each_path_of_a_pytest_line_has_tests_to_run(shown, words):
    paths = [word for word in words if word.startswith("tests")]
    assert paths
    for path in paths:
        assert selected([word for word in words if word == path or word not in paths]), path


def test_a_file_whose_tests_are_all_left_out_is_seen():
    file = "tests/psyche_rl/learner/test_invariance.py"
    assert not selected([file])
    assert selected(["-m", "slow", file])
    assert not selected(["-m", "slow", file, "-k", "no_such_thing"])


@every("make")
def test_make_has_its_target(shown, words):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for word in words:
        target, setting, _ = word.partition("=")
        assert re.search(rf"^{target}:" if not setting else rf"\b{target}\b", makefile, re.MULTILINE), word


@every("python")
def test_a_script_is_there_and_knows_its_options(shown, words):
    if words[0] == "-c":
        compile(words[1], str(shown), "exec")
        return
    if words[0] == "-m":
        assert words[1] == "http.server"
        return
    folder = ROOT / shown.page.replace("README.md", "") if "/" not in words[0] else ROOT
    texts = {n.value for n in ast.walk(ast.parse((folder / words[0]).read_text("utf-8"))) if is_text(n)}
    options = [word for word in words[1:] if word.startswith("--")]
    plain = [word for word in words[1:] if re.fullmatch(r"[a-z]+", word)]  # parts to run, forms to write
    assert not {*options, *plain} - texts


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_own_files_that_a_command_names_are_there():
    paths = {
        (shown.page, word.rpartition("=")[2])
        for shown in SHOWN
        for words in calls(shown.text)
        for word in words
        if word.rpartition("=")[2].startswith(OWN_FOLDERS)
    }
    assert len(paths) > 30
    assert [each for each in sorted(paths) if not (ROOT / each[1]).exists()] == []


PAGE = """
Text
    psyche-rl none of a block

    psyche-rl status RUN   # a remark
    X=1 .venv/bin/psyche-rl run a \\
        b=c
    key = value

    $ psyche-rl calls RUN
    psyche-rl is what it prints

    more of it

```console
$ make demo
$ psyche-rl ledger RUN
```
```python
psyche-rl status RUN
```
```
$ psyche-rl workers RUN
```
"""


def test_commands_are_read_out_of_a_page():
    found = [each for start, block in blocks(PAGE) for each in commands_of(start, block)]
    assert found == [
        (5, "psyche-rl status RUN", ()),
        (6, "X=1 .venv/bin/psyche-rl run a b=c", ()),
        (10, "psyche-rl calls RUN", ("psyche-rl is what it prints", "", "more of it")),
        (16, "make demo", ()),
        (17, "psyche-rl ledger RUN", ()),
        (23, "psyche-rl workers RUN", ()),
    ]
    assert [list(calls(text)) for _, text, _ in found][1] == [["psyche-rl", "run", "a", "b=c"]]


def test_calls_within_a_command_are_found():
    assert [*calls("for s in a b; do psyche-rl $s CONFIG; done")] == [
        ["psyche-rl", "a", "CONFIG"], ["psyche-rl", "b", "CONFIG"],
    ]  # fmt: skip
    assert [*calls("ray job submit -- .venv/bin/psyche-rl run a")][1] == ["psyche-rl", "run", "a"]
    assert [*calls("psyche-rl check CONFIG [key.sub=value …] [--stage STAGE …] PATHS…")] == [
        ["psyche-rl", "check", "CONFIG", "--stage", "STAGE", "PATHS"]
    ]
