"""Every file, folder and module that the documents name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = ("rewards", "psyche_rl", "actors", "data_pipeline", "launch")
FOLDERS = (*PACKAGES, "tests", "benchmarks", "docs", "scripts", "examples", "requirements")
PATH = re.compile(rf"(?<![\w./~$}}-])(?:{'|'.join(FOLDERS)})/[\w./<>*-]*")
SHORT = re.compile(r"`([a-z_]+/[\w/<>*]+\.py)`")  # within psyche_rl, where the text is about it
MODULE = re.compile(rf"(?<![\w./])(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
LINK = re.compile(r"\]\(([^)#\s]+)")
PLACEHOLDER = re.compile(r"<\w+>|\bNAME\b")


def named(text: str) -> Iterator[str]:
    """Paths below the repository or the core, with ``*`` for what a page leaves open."""
    for found in [*PATH.findall(text), *SHORT.findall(text)]:
        yield PLACEHOLDER.sub("*", found).rstrip(".")


def is_there(path: str) -> bool:
    """Whether something in the repository, or in the core, has this path; ``*`` stands for any name."""
    return any(any(base.glob(path.rstrip("/"))) for base in (ROOT, ROOT / "psyche_rl"))


def is_module(name: str) -> bool:
    """Whether a dotted name leads to a module, or to something that a module names."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:count])
        file = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
        if file.is_file():
            return (
                count == len(parts) or re.search(rf"\b{parts[count]}\b", file.read_text("utf-8")) is not None
            )
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    text = page.read_text("utf-8")
    modules = [name for name in MODULE.findall(text) if not name.endswith((".md", ".egg", ".yaml"))]
    links = [link for link in LINK.findall(text) if "://" not in link]
    missing = [path for path in named(text) if not is_there(path)]
    missing += [name for name in modules if not is_module(name)]
    missing += [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_the_table_of_places_is_read():
    found = set(named((ROOT / "docs" / "architecture.md").read_text("utf-8")))
    assert {"launch/pipeline.py", "launch/stages/*.py", "psyche_rl/store/", "actors/waits.py"} <= found


@pytest.mark.parametrize("path", ["launch/nowhere.py", "actors/rewards/bench.py", "launch/stages/*.txt"])
def test_what_is_not_there_is_seen(path):
    assert set(named(f"see `{path}`.")) == {path}
    assert not is_there(path)
    assert not is_module("launch.nowhere.run")
    assert not is_module("launch.pipeline.no_such_name")
