"""YAML is read with bounds; a tree within them is what PyYAML makes of it."""

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rewards.bounded_yaml import DEEPEST, load_yaml, load_yaml_documents, read_yaml_mapping


def grown(first, each):
    """Nine levels, each of which names the one before nine times."""
    names = [f"a{n}: &a{n} {each.format(', '.join([f'*a{n - 1}'] * 9))}" for n in range(1, 9)]
    return "\n".join([f"a0: &a0 {first}", *names])


LAUGHS, MERGES = grown("[x, x]", "[{}]"), grown("{k: 1}", "{{<<: [{}]}}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LAUGHS, "aliases make"),
        (MERGES, "aliases make"),
        ("[" * 200_000, "levels deep"),
        ("{a: " * 200 + "1" + "}" * 200, "levels deep"),
        ("- " * 300 + "x", "levels deep"),
        ("a: &a [*a]", "holds it"),
        ("a: &a {b: *a}", "holds it"),
        ("a: " + "9" * 5_000, "cannot be read"),
        ("a: 2026-99-99", "cannot be read"),
        ("a: !!python/object/apply:os.system [true]", "could not determine a constructor"),
        ("? [a]\n: 1", "unhashable"),
        ("a: 1\n---\nb: 2", "one document"),
    ],
)
def test_what_is_out_of_bounds_is_refused_soon(text, why):
    begun = time.process_time()
    with pytest.raises(yaml.YAMLError, match=why):
        load_yaml(text)
    assert time.process_time() - begun < 5


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("ab: -#'\n中", max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3)
        ),
    )
)
def test_a_tree_within_the_bounds_is_what_was_written(tree):
    assert load_yaml(yaml.safe_dump(tree, allow_unicode=True)) == tree


def test_aliases_and_depth_within_reason_are_read():
    assert load_yaml("a: &a [1]\nb: *a\nc: {<<: {d: 1}}") == {"a": [1], "b": [1], "c": {"d": 1}}
    assert load_yaml("[" * (DEEPEST - 1) + "1" + "]" * (DEEPEST - 1)) is not None
    assert list(load_yaml_documents("a\n---\nb")) == ["a", "b"]
    assert load_yaml("") is None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("a: [sk-planted", "not valid YAML: .*, line 1, column"),
        ("a: 1\n---\na: 2\n", "one document is expected, and there are 2"),
        ("- sk-planted\n", "a reward set is a mapping of keys to values, not list"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_mapping_is_one_line_without_what_stands_in_it(tmp_path, written, told):
    path = tmp_path / "set.yaml"
    if written is not None:
        path.write_text(written, "utf-8")
    with pytest.raises(ValueError, match=told) as found:
        read_yaml_mapping(path, "a reward set")
    assert str(found.value).startswith(str(path))
    assert "planted" not in str(found.value)
    assert "\n" not in str(found.value)


def test_aliases_may_make_ten_times_what_is_written():
    written = "a: &a [" + ", ".join("x" * 1_998) + "]\n"  # 2,001 nodes with the mapping, its key and the list
    nine = written + "b: [" + ", ".join(["*a"] * 9) + "]\n"
    assert len(load_yaml(nine)["b"]) == 9
    with pytest.raises(yaml.YAMLError, match="aliases make"):
        load_yaml(written + "b: [" + ", ".join(["*a"] * 11) + "]\n")
