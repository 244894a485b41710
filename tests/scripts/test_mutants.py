"""Which faults are put into a module, which are left alone, and that a draw can be repeated."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import mutant_report  # noqa: E402
import mutate  # noqa: E402
from mutants import mutant, sites_of  # noqa: E402


def faults(text: str) -> set[str]:
    """The changed module of every fault."""
    made = [mutant("m.py", text, site) for site in sites_of(text)]
    return {one.source.strip() for one in made if one is not None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = b < c", {"a = b <= c", "a = b >= c"}),
        ("a = b + c", {"a = b - c"}),
        ("a = not b", {"a = b"}),
        ("a = b and c", {"a = b or c", "a = c"}),
        ("a = 3", {"a = 4", "a = 2"}),
        ("a = True", {"a = False"}),
        ("a = {'key': b}", {"a = {'keyXX': b}", "a = {'': b}"}),
        ("a = f(b, c)", {"a = f(c, b)"}),
        ("a = f(b, bound=c)", {"a = f(b)"}),
        ("a = max(b)", {"a = min(b)"}),
        ("a = max(b, c)", {"a = min(b, c)"}),
        ("a = max(b, c, key=d)", {"a = min(b, c, key=d)", "a = max(c, b, key=d)", "a = max(b, c)"}),
        ("def f():\n    return True", {"def f():\n    return False", "def f():\n    return None"}),
        ("def f():\n    return False", {"def f():\n    return True"}),
        ("a.b = c", {"pass"}),
        ("f(a)", {"pass"}),
        ("a = [b for b in c if b]", {"a = [b for b in c]"}),
        ("def f():\n    return a", {"def f():\n    return None"}),
        ("while a:\n    break", {"while not a:\n    break", "while a:\n    continue"}),
        ("if a:\n    raise E('said')", {"if not a:\n    raise E('said')", "if a:\n    pass"}),
    ],
)
def test_faults(text: str, expected: set[str]):
    assert faults(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '"""Said of the module."""',
        "import a",
        "__all__ = ['a', 'b']",
        "a: dict[str, Literal['x']]",
        "@dataclass(frozen=True)\nclass A:\n    pass",
        "class A(Protocol):\n\n    def f(self, a: int=3) -> int:\n        return 1",
        "a = f'said {b + c}'",
        "warn('said', b + c)",
        "a = b.read_text('utf-8', encoding='x', strict=True)",
        "if TYPE_CHECKING:\n    a = 3",
        "R = TypeVar('R', bound=Record)",
        "Level = Literal['low', 'high']",
    ],
)
def test_what_no_test_could_tell_is_left_alone(text: str):
    assert faults(text) == set()


def test_a_mutant_names_its_place_and_its_change():
    text = "a = 1\n\n\nb = [\n    2,\n]\n"
    made = [mutant("m.py", text, site) for site in sites_of(text)]
    assert [(one.line, one.change) for one in made if one is not None] == [
        (1, "-a = 1\n+a = 0"), (1, "-a = 1\n+a = 2"), (5, "-b = [2]\n+b = [1]"), (5, "-b = [2]\n+b = [3]"),
    ]  # fmt: skip
    assert len({one.id for one in made if one is not None}) == 4


def test_a_draw_repeats_itself_and_takes_a_line_once():
    sources = {
        "rewards/a.py": "\n".join(f"a{n} = b + {n}" for n in range(2, 40)),
        "rewards/b.py": "c = not d",
    }
    first = mutate.draw(sources, seed=1, count=20)
    assert mutate.draw(dict(reversed(sources.items())), seed=1, count=20) == first
    assert mutate.draw(sources, seed=2, count=20) != first
    assert len({(one.file, one.line) for one in first}) == 20
    assert len(mutate.draw(sources, seed=1, count=1000)) == 39


def test_tests_that_reach_the_line_run_and_the_cheapest_file_first():
    (one,) = mutate.draw({"rewards/a.py": "\nb = not c"}, seed=0, count=1)
    slow = {"seconds": 9.0, "lines": {"rewards/a.py": [1, 2]}}
    quick = {"seconds": 1.0, "lines": {"rewards/a.py": [2]}}
    elsewhere = {"seconds": 0.1, "lines": {"rewards/a.py": [1], "rewards/b.py": [2]}}
    tests = {"s.py::x": slow, "q.py::x": quick, "s.py::y": elsewhere}
    assert mutate.order_of(one, tests) == ["q.py::x", "s.py::x"]
    assert mutate.order_of(one, {"s.py::y": elsewhere}) == ["s.py::y"]  # reached while it was imported


def test_the_share_leaves_out_only_what_is_known_to_be_equivalent(monkeypatch):
    ones = mutate.draw({"rewards/a.py": "a = not b\nc = not d\ne = not f\ng = not h"}, seed=0, count=4)
    judged = {one.id: {"code": code} for one, code in zip(ones, (0, 5, 1, -1), strict=True)}
    monkeypatch.setattr(
        mutant_report, "equivalents", lambda: {(ones[0].file, ones[0].change): "b is always None"}
    )
    found = mutant_report.report(ones, judged, seed=0, seconds=1)
    assert (found["killed"], found["share_of_all"], found["share_of_those_that_can_be_told"]) == (
        2,
        0.5,
        0.6667,
    )
    assert [row["equivalent"] for row in found["survivors"]] == ["b is always None", None]
