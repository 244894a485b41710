"""Every shown command has an entry that says how it is run, and every entry is of a command and true.

docs/README.md lists the commands that no test runs; ``PSYCHE_RL_WRITE_COMMANDS=1`` writes the list there.
"""

from __future__ import annotations

import os
import re

import pytest
from command_table import Entry, Table, Walk, command_table
from shown_commands import ROOT, Shown, calls, shown_commands
from test_shown_commands import marks_of

TABLE = command_table()
SHOWN = shown_commands()


def unaccounted(shown: list[Shown], table: Table) -> tuple[list[str], list[str]]:
    """Commands without an entry, and entries without a command."""
    found = [table.of(each) for each in shown]
    return (
        [str(each) for each, entry in zip(shown, found, strict=True) if entry is None],
        [str(entry) for entry in table.entries if entry not in found],
    )


def faults(entry: Entry, shown: list[Shown]) -> list[str]:
    """What is wrong with an entry, of the commands that it is about."""
    said = [entry.walk is not None, bool(entry.test), entry.suite, bool(entry.same), bool(entry.not_here)]
    wrong = [] if sum(said) == 1 else ["it says not one thing"]
    if entry.test and not is_a_test(entry.test, shown):
        wrong.append(f"no test {entry.test}")
    if entry.not_here and len(entry.not_here.split()) < 3:
        wrong.append("no reason")
    for each in shown:
        if entry.suite and [words[0] for words in calls(each.text)] != ["pytest"]:
            wrong.append("only tests are in the suite")
        if entry.same and not stands_there(entry.same, each.text):
            wrong.append(f"{entry.same} has no entry of it that says more")
        if entry.walk:
            printed = " ".join(" ".join(each.output).split())
            wrong += [
                f"the page does not print {s}" for s in entry.walk.says if each.output and s not in printed
            ]
            wrong += [f"no {word} in it" for word in entry.walk.swap if word not in each.text]
            wrong += ["prints nothing"] if entry.walk.as_shown and not each.output else []
    return wrong


def is_a_test(name: str, shown: list[Shown]) -> bool:
    """Whether ``file::test`` is there; or a script, by itself, that gives these commands."""
    file, _, test = name.partition("::")
    if not (ROOT / file).is_file():
        return False
    if test:
        return test in marks_of(ROOT / file)
    text = (ROOT / file).read_text("utf-8")
    return all(re.search(rf"\b{re.escape(each.text)}$", text, re.MULTILINE) for each in shown)


def stands_there(page: str, text: str) -> bool:
    there = [each for each in SHOWN if (each.page, each.text) == (page, text)]
    entries = [TABLE.of(each) for each in there]
    return any(entry and not entry.same for entry in entries)


def test_each_command_has_an_entry_and_each_entry_a_command():
    assert unaccounted(SHOWN, TABLE) == ([], [])


@pytest.mark.parametrize("entry", TABLE.entries, ids=str)
def test_an_entry_holds(entry):
    assert faults(entry, [each for each in SHOWN if TABLE.of(each) == entry]) == []


def test_most_commands_are_run():
    entries = [TABLE.of(each) for each in SHOWN]
    not_here = sum(bool(entry and entry.not_here) for entry in entries)
    assert not_here < len(entries) / 5


def not_run() -> str:
    """The table of commands that no test runs."""
    rows = [
        f"| [{e.page}]({link(e.page)}) | `{e.begins}` | {e.not_here} |\n" for e in TABLE.entries if e.not_here
    ]
    return "| page | command | why |\n|---|---|---|\n" + "".join(rows)


def link(page: str) -> str:
    """From docs/ to a page."""
    return page.removeprefix("docs/") if page.startswith("docs/") else f"../{page}"


def test_the_page_lists_what_is_not_run():
    page = ROOT / "docs" / "README.md"
    before, start, rest = page.read_text("utf-8").partition("<!-- not run -->\n")
    table, end, after = rest.partition("<!-- end of not run -->\n")
    assert start, "docs/README.md has no place for the list"
    assert end, "docs/README.md has no place for the list"
    if os.environ.get("PSYCHE_RL_WRITE_COMMANDS"):
        table = not_run()
        page.write_text(before + start + table + end + after, "utf-8")
    assert table == not_run(), "docs/README.md is out of date; PSYCHE_RL_WRITE_COMMANDS=1 rewrites it"


STATUS = Shown("a.md", 1, "psyche-rl status RUN", ("stage status",))


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({}, "it says not one thing"),
        ({"walk": Walk(), "not_here": "needs a GPU"}, "it says not one thing"),
        ({"not_here": "no"}, "no reason"),
        ({"test": "tests/e2e/test_whole_run.py::test_nothing"}, "no test"),
        ({"test": "tests/e2e/none.py::test_nothing"}, "no test"),
        ({"test": ".ci/run"}, "no test"),
        ({"suite": True}, "only tests are in the suite"),
        ({"same": "README.md"}, "has no entry of it"),
        ({"walk": Walk(says=("seconds",))}, "the page does not print seconds"),
        ({"walk": Walk(swap={"CONFIG": "x"})}, "no CONFIG in it"),
    ],
)
def test_an_entry_that_does_not_hold_is_seen(said, wrong):
    (found,) = faults(Entry("a.md", "psyche-rl status", **said), [STATUS])
    assert wrong in found


def test_a_command_and_an_entry_that_stand_alone_are_seen():
    table = command_table("a.md: {psyche-rl status RUN --json: walk, swap: {RUN: runs/mini}}")
    lonely = (["a.md:1: psyche-rl status RUN"], ["a.md: psyche-rl status RUN --json"])
    assert unaccounted([STATUS], table) == lonely
    assert table.swaps == {"a.md": {"RUN": "runs/mini"}}
    longest = command_table("a.md: {psyche-rl: suite, psyche-rl status: {not_here: needs a GPU}}")
    assert longest.of(STATUS).not_here == "needs a GPU"
