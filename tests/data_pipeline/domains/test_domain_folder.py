"""A folder of one's own: copied, checked file by file, and what of it counts."""

import pytest
import yaml

from data_pipeline.domains import BUILT_IN, load_domain
from data_pipeline.domains.new_domain import new_domain
from data_pipeline.domains.prompt_names import PROMPTS
from psyche_rl.errors import ConfigError, DataError, ProblemsError


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "own"
    new_domain(target, "psychology")
    return target


def change(folder, **values):
    path = folder / "domain.yaml"
    path.write_text(
        yaml.safe_dump(yaml.safe_load(path.read_text("utf-8")) | values, allow_unicode=True), "utf-8"
    )


def faults(folder):
    with pytest.raises(ProblemsError) as caught:
        load_domain(str(folder))
    return str(caught.value)


def test_a_copy_is_the_same_domain_with_a_page_that_names_every_file(folder):
    copy, own = load_domain(str(folder)), load_domain("psychology")
    assert copy == own
    readme = (folder / "README.md").read_text("utf-8")
    assert all(f"`prompts/{name}.j2`" in readme for name in PROMPTS)
    assert "| count, kind_name, passage | kind, title, call, calls |" in readme
    assert readme.startswith("# The domain own\n")


def test_a_copy_of_a_copy_and_nothing_is_overwritten(folder, tmp_path):
    change(folder, name="mine")
    new_domain(tmp_path / "second", str(folder))
    assert load_domain(str(tmp_path / "second")).name == "mine"
    with pytest.raises(DataError, match="there is something already"):
        new_domain(folder, "psychology")
    with pytest.raises(DataError, match="there is something already"):
        new_domain(folder / "domain.yaml", "psychology")
    (tmp_path / "empty").mkdir()
    new_domain(tmp_path / "empty", "psychology")


@pytest.mark.parametrize("name", ["psycology", "absent/folder"])
def test_what_is_neither_built_in_nor_a_folder_is_said_so(name):
    with pytest.raises(
        ConfigError, match=f"domain: '{name}' is neither built in \\(psychology\\) nor a folder; "
    ):
        load_domain(name)
    assert list(BUILT_IN) == ["psychology"]


def test_all_that_is_wrong_is_told_at_once(folder):
    (folder / "prompts" / "gate.j2").unlink()
    (folder / "prompts" / "qualty.j2").write_text("x", "utf-8")
    (folder / "prompts" / "answer.j2").write_text("{{ question }}", "utf-8")
    (folder / "prompts" / "rewrite.j2").write_text("{{ instruction }} {{ queston }} {{ question }}", "utf-8")
    (folder / "prompts" / "quality.j2").write_text("一\n{% for x in %}", "utf-8")
    (folder / "prompts" / "empathy.j2").write_bytes(b"\xff\xfe")
    change(folder, issuse={}, version=2, issues={"Wrong Key": "x"})
    said = faults(folder)
    for words in (
        "'prompts/gate.j2': no such file; psyche-rl domain new makes a folder with it",
        "'prompts/qualty.j2': no prompt of that name; did you mean 'quality.j2'?",
        "'prompts/answer.j2': does not use {{ instruction }}; put it where its text is to stand",
        "'prompts/rewrite.j2': uses {{ queston }}, which it is not given; did you mean {{ question }}?",
        "'prompts/quality.j2': line 2: ",
        "'prompts/empathy.j2': cannot be read as UTF-8 text",
        "'domain.yaml: issuse': unknown key; did you mean 'issues'?",
        "'domain.yaml: version': Input should be 1 (given: 2); ",
        "'domain.yaml: issues': 'Wrong Key' is no code: use a-z, 0-9 and _, and not 'other'",
    ):
        assert words in said
    assert len(said.splitlines()) == 9
    assert all(line.startswith(f"{folder}: ") for line in said.splitlines())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"replies": {"advice": ["("], "dismissal": [], "filler": ""}}, "'(' is no regular expression: "),
        ({"card": {"tags": [], "languages": [], "summary": "x", "caution": "x", "sumary": "x"}},
         "'domain.yaml: card.sumary': unknown key; did you mean 'summary'?"),
        ({"speakers": {"user": "甲", "assistant": "乙"}}, "'domain.yaml: speakers.system': Field required; "),
        ({"name": "a b"}, "'domain.yaml: name': "),
        ({"issues": {"other": "x"}}, "'other' is no code"),
        ({"issues": {}}, "'domain.yaml: issues': "),
        ({"cues": "words.yaml"}, "'words.yaml': no such file"),
    ],
)  # fmt: skip
def test_a_word_that_is_wrong_is_told_with_its_place(folder, changes, words):
    change(folder, **changes)
    assert words in faults(folder)


@pytest.mark.parametrize(
    ("text", "words"), [(None, "no such file"), ("a: [", "not valid YAML"), ("- 1", "dict")]
)
def test_a_file_of_words_that_is_none(folder, text, words):
    (folder / "domain.yaml").unlink()
    if text is not None:
        (folder / "domain.yaml").write_text(text, "utf-8")
    assert words in faults(folder)


def test_the_digest_is_that_of_words_prompts_and_cues_and_of_nothing_else(folder):
    seen = {load_domain(str(folder)).digest}
    (folder / "README.md").write_text("another", "utf-8")
    (folder / "prompts" / "notes.txt").write_text("another", "utf-8")
    assert load_domain(str(folder)).digest in seen
    (folder / "cues.yaml").write_text("despair: [绝望]", "utf-8")
    for step in (
        lambda: change(folder, name="mine"),
        lambda: (folder / "prompts" / "gate.j2").write_text("{{ question }}{{ first }}{{ second }}", "utf-8"),
        lambda: change(folder, cues="cues.yaml"),
        lambda: (folder / "cues.yaml").write_text("despair: [绝望, 走投无路]", "utf-8"),
    ):
        step()
        digest = load_domain(str(folder)).digest
        assert digest not in seen
        seen.add(digest)
    assert load_domain(str(folder)).cues == {"despair": ("绝望", "走投无路")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Despair: [绝望]", "'cues.yaml: Despair.[key]': String should match pattern"),
        ("despair: [(]", "'cues.yaml: despair.0': '(' is no regular expression"),
        ("despair: []", "'cues.yaml': a kind of cues without any finds nothing"),
        ("{}", "'cues.yaml': a kind of cues without any finds nothing"),
        ("a: [", "'cues.yaml': not valid YAML"),
    ],
)
def test_cues_that_cannot_be_used_are_told(folder, text, words):
    (folder / "cues.yaml").write_text(text, "utf-8")
    change(folder, cues="cues.yaml")
    assert words in faults(folder)
