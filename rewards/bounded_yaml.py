"""YAML of any origin, read with bounds: a file is a tree of about its own size, or it is refused.

Role: the one reader of YAML that users bring (configs, reward sets, domains, data).
Invariants:
- Aliases may make a tree ten times what is written and no more; none may stand for what holds it.
- No node lies deeper than :data:`DEEPEST`, so that whoever walks the tree does not run out of stack.
- Whatever is wrong with a text is a ``yaml.YAMLError``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DEEPEST = 100
"""Levels of nesting that are read, of YAML and of JSON."""
_GROWTH, _FEW = 10, 10_000


class _BoundedLoader(yaml.SafeLoader):
    def __init__(self, text: str | bytes) -> None:
        super().__init__(text)
        self._depth = self._written = self._nodes = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Also counts the node; one by an alias counts with all it holds."""
        if self.check_event(yaml.AliasEvent):
            return self._alias(parent, index)
        before = self._nodes
        self._depth += 1
        self._written += 1
        self._nodes += 1
        if self._depth > DEEPEST:
            raise _refused(f"nested more than {DEEPEST} levels deep", _mark(self))
        node = super().compose_node(parent, index)
        self._depth -= 1
        self._sizes[id(node)] = self._nodes - before
        return node

    def _alias(self, parent: Any, index: Any) -> Any:
        mark = _mark(self)
        node = super().compose_node(parent, index)
        size = self._sizes.get(id(node))
        if size is None:
            raise _refused("an alias stands for what holds it", mark)
        self._nodes += size
        if self._nodes > max(_FEW, _GROWTH * self._written):
            raise _refused(f"aliases make {self._nodes:,} nodes of {self._written:,}", mark)
        return node


def load_yaml(text: str | bytes) -> Any:
    """The value of a YAML text.

    Raises:
        yaml.YAMLError: it is none, or not within the bounds.
    """
    documents = list(load_yaml_documents(text))
    if len(documents) > 1:
        raise _refused(f"one document is expected, and there are {len(documents)}", None)
    return documents[0] if documents else None


def load_yaml_documents(text: str | bytes) -> Iterator[Any]:
    """The values of all documents of a YAML text.

    Raises:
        yaml.YAMLError: as ``load_yaml``.
    """
    try:
        yield from yaml.load_all(text, _BoundedLoader)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        # Such as a date that there is not, or a number of too many digits.
        if isinstance(error, yaml.YAMLError):
            raise
        raise yaml.YAMLError(f"a value cannot be read: {error}") from None


def read_yaml_mapping(path: Path, what: str) -> dict[str, Any]:
    """The keys and values of a YAML file, which is ``what``, such as "a config".

    Raises:
        ValueError: one line: the file, and why it is none. What stands in the file is not repeated, since it
            may be a key.
    """
    try:
        tree = load_yaml(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: not valid YAML: {_without_lines(error)}") from None
    if not isinstance(tree, dict):
        raise ValueError(f"{path}: {what} is a mapping of keys to values, not {type(tree).__name__}")
    return tree


def _without_lines(error: Exception) -> str:
    mark, what = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    at = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    return f"{what or getattr(error, 'reason', None) or type(error).__name__}{at}"


def _mark(loader: Any) -> Any:
    return loader.peek_event().start_mark


def _refused(why: str, mark: Any) -> yaml.YAMLError:
    return yaml.composer.ComposerError(None, None, why, mark)
