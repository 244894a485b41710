"""Whatever schema is asked for, the answer fits it."""

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.mini.teacher.schema_reply import instance

LEAVES = st.one_of(
    st.builds(lambda n: {"type": "string", "minLength": n, "maxLength": n + 2}, st.integers(0, 5)),
    st.builds(lambda n: {"type": "integer", "minimum": n, "maximum": n + 1}, st.integers(-3, 3)),
    st.builds(lambda n: {"type": "number", "exclusiveMinimum": n}, st.integers(-3, 3)),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": ["a", 1]}, {"const": [1]}, {}]),
    st.sampled_from([{"type": ["string", "null"]}, {"anyOf": [{"type": "null"}, {"type": "integer"}]}]),
)


def _object(properties, needed, others):
    required = [name for name in properties if needed[: len(properties)].count(name) or name in needed]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": others,
    }


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda items, n: {"type": "array", "items": items, "minItems": n}, inner, st.integers(0, 3)
        ),
        st.builds(
            _object,
            st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
            st.lists(st.sampled_from("abcd")),
            st.booleans(),
        ),
    ),
    max_leaves=8,
)
SAID = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(SCHEMAS, SAID)
def test_an_instance_fits_its_schema(schema, said):
    jsonschema.validate(instance(schema, said), schema)


@given(SAID.filter(lambda said: said is not None))
def test_where_anything_goes_what_is_said_stays(said):
    assert instance({}, said) == said


def test_a_schema_that_refers_to_itself_ends():
    node = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name", "children"],
    }
    tree = {"name": "甲", "children": [{"name": "乙", "children": []}]}
    assert instance(node, tree) == tree
    jsonschema.validate(instance(node), node)
    endless = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert isinstance(instance(endless), dict)


@pytest.mark.parametrize("said", [[{"a": 1}], {"rows": [{"a": 1}]}])
def test_a_list_is_wrapped_where_an_object_is_asked_for(said):
    rows = {"type": "array", "items": {"type": "object"}}
    schema = {
        "type": "object",
        "properties": {"note": {"type": "string"}, "rows": rows},
        "required": ["rows"],
    }
    assert instance(schema, said) == {"rows": [{"a": 1}]}
