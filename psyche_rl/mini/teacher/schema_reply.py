"""An instance of a JSON Schema that says what the teacher has to say, as servers with structured output do.

Invariant: the result fits the schema as far as its types, required fields, enumerations, lengths and bounds
go (patterns and formats are not read); what is said beforehand is kept where the schema has a place for it,
and what it has no place for is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
DEEPEST = 12  # levels; a schema that refers to itself ends there
FILLER = "无"
MOST_ITEMS, LONGEST = 64, 10_000  # that are made up, however many a schema wants


def instance(schema: Schema, said: Any = None) -> Any:
    """A value of ``schema`` that holds as much of ``said`` (a JSON value or None) as it has room for."""
    return _value(schema, said, schema, DEEPEST)


def _value(schema: Schema, said: Any, root: Schema, depth: int) -> Any:
    schema = _resolved(schema, root)
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if allowed:
        # As JSON: to Python true is 1.
        return said if json.dumps(said) in map(json.dumps, allowed) else allowed[0]
    match _type(schema):
        case "object":
            value: Any = _object(schema, said, root, depth)
        case "array":
            value = _array(schema, said, root, depth)
        case "integer" | "number" as kind:
            value = _number(schema, said, kind)
        case "boolean":
            value = said if isinstance(said, bool) else True
        case "null":
            value = None
        case "string":
            value = _string(schema, said)
        case _:
            value = FILLER if said is None else said
    return value


def _resolved(schema: Schema, root: Schema) -> Schema:
    """The schema that a reference or a choice stands for: of a choice the first that is not null."""
    for _ in range(DEEPEST):
        if "$ref" in schema:
            target: Any = root
            for part in str(schema["$ref"]).removeprefix("#").split("/")[1:]:
                target = target.get(part.replace("~1", "/").replace("~0", "~"), {})
            schema = target
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            schema = next((c for c in choices if c.get("type") != "null"), choices[0])
        elif parts := schema.get("allOf"):
            rest = {key: value for key, value in schema.items() if key != "allOf"}
            schema = {**rest, **_resolved(parts[0], root)}
        else:
            break
    return schema


def _type(schema: Schema) -> str | None:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind is None and "properties" in schema:
        return "object"
    return "array" if kind is None and "items" in schema else kind


def _object(schema: Schema, said: Any, root: Schema, depth: int) -> dict[str, Any]:
    properties: dict[str, Schema] = schema.get("properties") or {}
    required = schema.get("required") or []
    if not isinstance(said, dict):
        # A list that has to be wrapped up goes into the first field that takes one.
        name = next((n for n, s in properties.items() if _type(_resolved(s, root)) == "array"), None)
        said = {name: said} if isinstance(said, list) and name is not None else {}
    wanted = [name for name in properties if name in required or name in said]
    if depth <= 0:
        wanted = [name for name in wanted if name in required and depth > -DEEPEST]
    made = {name: _value(properties[name], said.get(name), root, depth - 1) for name in wanted}
    others = schema.get("additionalProperties", not properties)
    if others is not False:
        rest = {name: value for name, value in said.items() if name not in properties}
        form = others if isinstance(others, Mapping) else {}
        made |= {name: _value(form, value, root, depth - 1) for name, value in rest.items()}
    return made | {name: FILLER for name in required if name not in made}


def _array(schema: Schema, said: Any, root: Schema, depth: int) -> list[Any]:
    said = list(said.values()) if isinstance(said, dict) else said
    said = said if isinstance(said, list) else [] if said is None else [said]
    fewest = min(schema.get("minItems", 0), MOST_ITEMS)
    said = (said + [None] * max(0, fewest - len(said)))[: schema.get("maxItems")]
    return [_value(schema.get("items") or {}, item, root, depth - 1) for item in said]


def _number(schema: Schema, said: Any, kind: str) -> int | float:
    number = said if isinstance(said, int | float) and not isinstance(said, bool) else 0
    number = max(number, schema.get("minimum", number), schema.get("exclusiveMinimum", number - 1) + 1)
    number = min(number, schema.get("maximum", number), schema.get("exclusiveMaximum", number + 1) - 1)
    return int(number) if kind == "integer" else number


def _string(schema: Schema, said: Any) -> str:
    text = FILLER if said is None else said if isinstance(said, str) else "".join(map(str, _flat(said)))
    text = text.ljust(min(schema.get("minLength", 0), LONGEST), FILLER)
    return text[: schema.get("maxLength")]


def _flat(said: Any) -> list[Any]:
    return list(said.values()) if isinstance(said, dict) else said if isinstance(said, list) else [said]
