"""Which part of a benchmark an item belongs to, its subject and its level, by the rules of a description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from psyche_rl.evaluation.benchmark import Benchmark, FieldRule, PartRule
from psyche_rl.records import LETTERS


def part_of(
    benchmark: Benchmark, source: str, kind: str, gold: str, columns: Mapping[str, Any]
) -> str | None:
    """The part; None where there are rules and none of them takes the item.

    A choice on a case that does not say whether several are right goes by its key.
    """
    if not benchmark.parts:
        return kind
    asked = ("multiple" if len(gold) > 1 else "single") if kind == "case" else kind
    rule = rule_of(benchmark, source, columns, (kind, asked))
    return rule.name if rule else None


def rule_of(
    benchmark: Benchmark, source: str, columns: Mapping[str, Any], kinds: tuple[str, ...] = ()
) -> PartRule | None:
    """The first rule that takes a row; without ``kinds`` a rule's kinds are not asked."""
    for rule in benchmark.parts:
        if kinds and rule.kinds and not set(kinds) & set(rule.kinds):
            continue
        if not re.search(rule.source, source):
            continue
        if all(re.search(said, str(columns.get(name, ""))) for name, said in rule.where.items()):
            return rule
    return None


def labelled(rule: PartRule, key: str) -> str:
    """The letters of the options that a key names by the part's labels; empty where it names none.

    >>> labelled(PartRule(name="p", labels={"yes": "^-1", "no": "^0"}), "0 (-1: false claim)")
    'B'
    """
    found = (re.search(pattern, key, re.IGNORECASE) for pattern in rule.labels.values())
    return "".join(letter for letter, said in zip(LETTERS, found, strict=False) if said)


def field_of(rule: FieldRule | None, source: str, columns: Mapping[str, Any]) -> str | None:
    """What a row says of its subject or level, where it says anything."""
    if rule is None:
        return None
    if rule.column is not None and (said := str(columns.get(rule.column, "")).strip()):
        return said
    found = re.search(rule.source, source) if rule.source else None
    if found is None:
        return None
    return next((group for group in found.groups() if group), None) if found.groups() else found[0]
