"""The list of private names is complete, tried name by name, and a lost name is told by itself."""

import ast
import sys
from pathlib import Path

import pytest

from launch.checks.private_names import PRIVATE_NAMES, lost_names, try_private_names

ROOT = Path(__file__).resolve().parents[3]
OURS = ("rewards", "psyche_rl", "actors", "data_pipeline", "launch")
INTERNAL = ("verl", "vllm.distributed", "vllm.model_executor", "vllm.v1")  # no underscores, no promises
NAMED_TUPLES = {"_replace", "_asdict", "_fields", "_make"}
LIBRARIES = {"ray", "torch", "transformers", "verl", "vllm", "datasets", "pyarrow", "pydantic"}


def is_private(name: str) -> bool:
    hidden = [part for part in name.split(".") if part.startswith("_") and part not in NAMED_TUPLES]
    unofficial = [part for part in hidden if not part.endswith("__") or part == "__wrapped__"]
    return bool(unofficial) or any(name.startswith(f"{module}.") for module in INTERNAL)


def is_foreign(name: str) -> bool:
    root = name.split(".", maxsplit=1)[0]
    return root not in OURS and root not in sys.stdlib_module_names


def imported(tree: ast.AST) -> dict[str, str]:
    """Name in this file -> what it stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name if alias.asname else alias.name.split(".")[0]
                found[alias.asname or root] = root
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def chain(node: ast.expr) -> list[str]:
    """``a.b.c`` as its parts; the first is "" where it begins with anything but a name."""
    if isinstance(node, ast.Attribute):
        return [*chain(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else [""]


def private_uses(source: str, own: frozenset[str] = frozenset()) -> set[str]:
    """Private names of libraries that a file uses; ``?._name`` where the object's origin is not plain.

    ``own`` are the underscored names that our packages define themselves.
    """
    tree = ast.parse(source)
    names, found = imported(tree), set[str]()
    found |= {name for name in names.values() if is_foreign(name) and is_private(name)}
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root, *rest = chain(node)
            name = ".".join((names.get(root, "?"), *rest))
            if root in names:
                whole = id(node) not in inner  # ``a.b`` of ``a.b._c`` is no use of its own
                found |= {name} if whole and is_foreign(name) and is_private(name) else set()
            elif root not in ("self", "cls") or len(rest) > 1:
                found |= {f"?.{node.attr}"} if is_private(node.attr) and node.attr not in own else set()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            dotted = node.value.replace(".", "").isidentifier() and "." in node.value
            root = node.value.split(".")[0]
            found |= {node.value} if dotted and root in LIBRARIES and is_private(node.value) else set()
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and "attr" in node.func.id:
            said = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
            found |= {f"?.{n}" for n in said if isinstance(n, str) and is_private(n) and n not in own}
    # A module that is only the way to a name is no use of its own.
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)}


def own_names(source: str) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return {name for name in found if name.startswith("_")}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch\ntorch._foreach_norm([])", {"torch._foreach_norm"}),
        ("import torch as t\nx = t.a._b.c", {"torch.a._b.c"}),
        ("from torch.x._files import Writer", {"torch.x._files.Writer"}),
        ("import ray\nray._private.worker._global_node", {"ray._private.worker._global_node"}),
        ("def f():\n from vllm.f import Factory\n return Factory._registry", {"vllm.f.Factory._registry"}),
        ("from vllm.distributed.x import Engine", {"vllm.distributed.x.Engine"}),
        ("from verl.trainer import algos\nalgos.loss(1)", {"verl.trainer.algos.loss"}),
        ("def f(fn):\n return fn.__wrapped__", {"?.__wrapped__"}),
        ("def f(self):\n return self.model._layers", {"?._layers"}),
        ("def f(fn):\n return getattr(fn, '_hidden', None)", {"?._hidden"}),
        ("import logging\nlogging.getLogger('ray._private.auth')", {"ray._private.auth"}),
        ("import os\nos._exit(0)\nfrom psyche_rl.x import _y\nfrom __future__ import annotations", set()),
        ("def f(self, row):\n self._a = row._replace(b=1)\n return type(row).__name__", set()),
    ],
)
def test_every_way_of_using_a_private_name_is_found(source, found):
    assert private_uses(source) == found


def test_the_list_is_what_the_product_uses():
    files = [file for package in OURS for file in sorted((ROOT / package).rglob("*.py"))]
    sources = [file.read_text("utf-8") for file in files if file.name != "private_names.py"]
    own = frozenset(name for source in sources for name in own_names(source))
    used = {name for source in sources for name in private_uses(source, own)}
    assert sorted(used) == sorted(private.name for private in PRIVATE_NAMES)


def test_a_lost_name_is_told_and_the_others_are_tried():
    names = [
        "json.decoder",
        "json.no_such",
        "json.JSONDecoder.decode",
        "no_such_module._x",
        "json.decoder._gone",
    ]
    assert lost_names(names) == ["json.no_such", "no_such_module._x", "json.decoder._gone"]


def test_the_report_names_every_lost_name(monkeypatch):
    monkeypatch.setattr("launch.checks.private_names.lost_names", lambda names: ["ray._a", "torch._b"])
    with pytest.raises(RuntimeError, match=r"not in the installed versions: ray\._a, torch\._b"):
        try_private_names()


def test_each_name_has_its_reason():
    assert all(len(private.reason) > 10 for private in PRIVATE_NAMES)
