"""The house: files that fit a screen or two, each of which says its role."""

import ast
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("rewards", "psyche_rl", "actors", "data_pipeline", "launch")
LONGEST, MEDIAN = 300, 110
SOURCES = {
    str(file.relative_to(ROOT)): file.read_text("utf-8")
    for package in PACKAGES
    for file in sorted((ROOT / package).rglob("*.py"))
}


def lines(source: str) -> int:
    return len(source.splitlines())


def test_all_packages_are_looked_at():
    assert all(any(name.startswith(f"{package}/") for name in SOURCES) for package in PACKAGES)


def test_no_file_is_longer_than_300_lines():
    assert {name: lines(source) for name, source in SOURCES.items() if lines(source) > LONGEST} == {}


def test_the_median_is_at_most_110_lines():
    assert statistics.median(lines(source) for source in SOURCES.values() if source.strip()) <= MEDIAN


def test_every_module_says_its_role():
    assert [name for name, source in SOURCES.items() if source.strip() and not doc(source)] == []


def doc(source: str) -> str:
    return ast.get_docstring(ast.parse(source)) or ""
