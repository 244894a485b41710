"""Small faults that can be put into a module, one at a time.

Role: find every place where a fault can be put, and the module with the fault in it. Pure: text in, text out.
Invariants:
- A mutant is named by its file, its line and what it changes, so the same source gives the same mutants.
- What no test could tell is not changed, where the syntax says so: docstrings, annotations, imports,
  ``__all__``, decorators, protocols, ``Literal`` types, the wording of errors, log lines, ``encoding`` or
  ``strict`` arguments, the order of what ``min`` or ``max`` compares, None in the place of a False returned.
"""

from __future__ import annotations

import ast
import copy
import difflib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "startswith": "endswith",
         "endswith": "startswith", "lstrip": "rstrip", "rstrip": "lstrip", "append": "extend"}  # fmt: skip
WORDING = {"warn", "debug", "info", "warning", "error", "exception"}
UNTOLD_ARGUMENTS = {"encoding", "strict", "description", "daemon", "name", "title", "slots", "frozen"}
UNTOLD_STRINGS = {"utf-8", "utf8", "replace", "ignore", "w", "r", "rb", "wb"}

NEAREST: dict[str, tuple[str, ...]] = {
    "rewards": ("tests/rewards/",),
    "psyche_rl/learner": ("tests/psyche_rl/learner/",),
    "psyche_rl/loops": ("tests/psyche_rl/loops/", "tests/psyche_rl/learner/test_sft_loop.py"),
    "psyche_rl/llm": ("tests/psyche_rl/llm/",),
    "psyche_rl/store": ("tests/psyche_rl/store/",),
    "data_pipeline/rows": ("tests/data_pipeline/rows/",),
}
"""Where faults are put, and the tests that must notice them."""
LEFT_OUT = ("test_trl_trainer.py", "test_llm_kill.py")
"""Tests that start a whole trainer, or kill processes at a moment that the clock chooses."""

Change = tuple[str, Callable[[ast.AST], ast.AST | None]]
"""What a fault is called, and the node with the fault in it, made from a copy; None removes a statement."""


@dataclass(frozen=True)
class Mutant:
    """One module with one fault."""

    file: str
    line: int
    kind: str
    source: str
    diff: str

    @property
    def id(self) -> str:
        """The same for the same fault in the same source."""
        return hashlib.sha256(f"{self.file}\n{self.kind}\n{self.source}".encode()).hexdigest()[:16]

    @property
    def change(self) -> str:
        """The changed lines alone, without their place."""
        kept = [line for line in self.diff.splitlines() if line[:1] in ("+", "-")]
        return "\n".join(line[0] + line[1:].strip() for line in kept)


@dataclass(frozen=True)
class Site:
    """A node in which a fault can be put, by its number in ``ast.walk``."""

    line: int
    node: int
    kind: str
    change: Callable[[ast.AST], ast.AST | None]


def room_of(file: str) -> str:
    """The room of a file that can be given faults."""
    return next(room for room in NEAREST if file.startswith(f"{room}/"))


def sites_of(text: str) -> list[Site]:
    """Every fault that ``text`` can be given, in the order of the lines."""
    tree = ast.parse(text)
    untold = _untold(tree)
    found = []
    for number, node in enumerate(ast.walk(tree)):
        line = node.iter.lineno if isinstance(node, ast.comprehension) else getattr(node, "lineno", None)
        if line is not None and id(node) not in untold:
            found += [Site(line, number, kind, change) for kind, change in _changes(node)]
    return sorted(found, key=lambda site: (site.line, site.node, site.kind))


def mutant(file: str, text: str, site: Site) -> Mutant | None:
    """The module with that fault; None where the fault leaves the same code."""
    tree = ast.parse(text)
    plain = ast.unparse(tree)
    target = next(node for number, node in enumerate(ast.walk(tree)) if number == site.node)
    _put(tree, target, site.change(copy.deepcopy(target)))
    try:
        source = ast.unparse(ast.fix_missing_locations(tree))
        compile(source, file, "exec")
    except (SyntaxError, ValueError):
        return None
    if source == plain:
        return None
    diff = difflib.unified_diff(plain.splitlines(), source.splitlines(), lineterm="", n=1)
    return Mutant(file, site.line, site.kind, source + "\n", "\n".join(list(diff)[2:]))


def _put(tree: ast.AST, target: ast.AST, made: ast.AST | None) -> None:
    """Replace ``target`` in its parent."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, made)
                return
            if isinstance(value, list):
                for place, item in enumerate(value):
                    if item is target:
                        value[place] = made if made is not None else ast.Pass()
                        return


def _untold(tree: ast.Module) -> set[int]:
    """The nodes that are left alone, with all below them."""
    return {id(below) for node in ast.walk(tree) for left in _left_of(node) for below in ast.walk(left)}


def _left_of(node: ast.AST) -> Iterator[ast.AST]:
    """Which parts of a node no test could tell."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.JoinedStr() | ast.Expr(value=ast.Constant()):
            yield node
        case ast.ClassDef() if any(getattr(base, "id", "") == "Protocol" for base in node.bases):
            yield node
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            yield node
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name))) if name in WORDING:
            yield node
        case ast.Call(func=ast.Name(id="TypeVar")) | ast.Subscript(value=ast.Name(id="Literal")):
            yield node
        case ast.keyword() if node.arg in UNTOLD_ARGUMENTS:
            yield node
        case ast.Raise(exc=ast.Call()):
            yield from (*node.exc.args, *node.exc.keywords)
    notes = (getattr(node, "annotation", None), getattr(node, "returns", None))
    yield from (note for note in notes if isinstance(note, ast.expr))
    yield from getattr(node, "decorator_list", [])


def _changes(node: ast.AST) -> Iterator[Change]:  # noqa: PLR0912
    """The faults that one node can be given."""
    match node:
        case ast.Compare(ops=[op, *_]):
            for other in COMPARED[type(op)]:
                yield f"{type(op).__name__} to {other.__name__}", _set(ops=[other(), *node.ops[1:]])
        case ast.BinOp() | ast.AugAssign() if type(node.op) in COMPUTED:
            other_op = COMPUTED[type(node.op)]
            yield f"{type(node.op).__name__} to {other_op.__name__}", _set(op=other_op())
        case ast.BoolOp():
            yield "and, or swapped", _set(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
            yield "first operand dropped", _first_dropped
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield "not or minus dropped", lambda made: made.operand  # type: ignore[attr-defined]
        case ast.If() | ast.While() | ast.IfExp():
            yield "condition turned round", _set(test=ast.UnaryOp(ast.Not(), node.test))
        case ast.comprehension(ifs=[_, *_]):
            yield "filter dropped", _set(ifs=[])
        case ast.Constant():
            yield from _other_constants(node.value)
        case ast.Return(value=ast.expr()) if not _is_none_or_false(node.value):
            yield "returns None", _set(value=ast.Constant(None))
        case ast.Break():
            yield "break to continue", lambda _: ast.Continue()
        case ast.Continue():
            yield "continue to break", lambda _: ast.Break()
        case ast.Expr() | ast.Raise() | ast.Delete():
            yield "statement removed", lambda _: None
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "statement removed", lambda _: None
        case ast.Call():
            yield from _other_calls(node)
    if isinstance(node, ast.AugAssign):
        yield "statement removed", lambda _: None


def _other_constants(value: object) -> Iterator[Change]:
    match value:
        case bool():
            yield f"{value} to {not value}", _set(value=not value)
        case int():
            yield f"{value} to {value + 1}", _set(value=value + 1)
            yield f"{value} to {value - 1}", _set(value=value - 1)
        case float():
            yield f"{value} to {value * 2 + 1}", _set(value=value * 2 + 1)
        case str() if value and value not in UNTOLD_STRINGS:
            yield "string changed", _set(value=f"{value}XX")
            yield "string emptied", _set(value="")


def _other_calls(node: ast.Call) -> Iterator[Change]:
    plain = [arg for arg in node.args if not isinstance(arg, ast.Starred)]
    if len(plain) == len(node.args) >= 2 and not _picks_one(node):
        yield "first two arguments swapped", _set(args=[node.args[1], node.args[0], *node.args[2:]])
    for place, keyword in enumerate(node.keywords):
        if keyword.arg is not None and keyword.arg not in UNTOLD_ARGUMENTS:
            rest = node.keywords[:place] + node.keywords[place + 1 :]
            yield f"argument {keyword.arg} dropped", _set(keywords=rest)
    match node.func:
        case ast.Name(id=name) if name in NAMES:
            yield f"{name} to {NAMES[name]}", _set(func=ast.Name(NAMES[name], ast.Load()))
        case ast.Attribute(attr=name) if name in NAMES:
            other = ast.Attribute(node.func.value, NAMES[name], ast.Load())
            yield f"{name} to {NAMES[name]}", _set(func=other)


def _set(**fields: object) -> Callable[[ast.AST], ast.AST]:
    def change(made: ast.AST) -> ast.AST:
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    return change


def _first_dropped(made: ast.AST) -> ast.AST:
    rest = made.values[1:]  # type: ignore[attr-defined]
    return rest[0] if len(rest) == 1 else _set(values=rest)(made)


def _is_none_or_false(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and (value.value is None or value.value is False)


def _picks_one(node: ast.Call) -> bool:
    """Whether it is ``min`` or ``max`` of values, which come out the same in any order."""
    return isinstance(node.func, ast.Name) and node.func.id in ("min", "max") and not node.keywords
