"""Reward sets: built from YAML and from Python alike, described back, and refused with one clear line."""

import pickle
import re
import shutil
import subprocess
import sys

import own_rewards
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from own_rewards import Brevity, Forgetful
from pydantic import ValidationError

from rewards import (
    FirstApplicable,
    McqStrict,
    Product,
    RewardSample,
    RewardSetError,
    ThinkFormat,
    WeightedSum,
    dump_reward_set,
    exam_reward,
    load_reward_set,
)
from rewards.reference import SHIPPED, reference_of
from rewards.registry import reward_class
from rewards.reward import digest
from rewards.settings import current_settings, settings_model

OWN = f"{Brevity.__module__}:Brevity"
EXAM = """
name: exam
compose: sum
rewards:
  - {reward: mcq_strict, weight: 1}
  - {reward: think_format, weight: 0.5}
"""


def test_yaml_and_python_make_the_same_set(tmp_path):
    path = tmp_path / "exam.yaml"
    path.write_text(EXAM)
    loaded = load_reward_set(path)
    assert loaded.fingerprint() == exam_reward(1, 0.5).fingerprint()
    sample = RewardSample(id="1", response="<think>x</think>答案：B", gold="B", kind="single")
    assert loaded.score(sample).value == 1.5


def test_an_own_class_is_named_by_its_path():
    reward = load_reward_set({"reward": OWN, "limit": 20, "factor": 2})
    assert isinstance(reward, Brevity)
    assert reward.fingerprint() == Brevity(20, 2.0).fingerprint() == Brevity(limit=20, factor=2).fingerprint()
    assert reward.describe() == {"reward": OWN, "limit": 20, "factor": 2.0, "unit": "characters"}


leaves = st.one_of(
    st.just({"reward": "mcq_strict"}),
    st.just({"reward": "think_format"}),
    st.fixed_dictionaries(
        {"reward": st.just(OWN), "limit": st.integers(0, 9)},
        optional={"factor": st.floats(-2, 2), "unit": st.sampled_from(["characters", "words"])},
    ),
)
names = st.text("abcxyz情绪：- #", min_size=1).filter(str.strip)
weights = st.floats(-1e9, 1e9) | st.integers(-5, 5)


def compositions(nodes):
    def distinct(parts):
        return [{**part, "name": f"{i} {part.get('name', '')}"} for i, part in enumerate(parts)]

    def composition(compose, place):
        part = st.builds(
            lambda node, more: {**node, **more}, nodes, st.fixed_dictionaries({}, optional=place)
        )
        fields = {
            "compose": st.just(compose),
            "rewards": st.lists(part, min_size=1, max_size=3).map(distinct),
        }
        return st.fixed_dictionaries(fields, optional={"name": names})

    kinds = st.lists(st.sampled_from(["single", "multiple", "short"]), unique=True)
    return (
        composition("sum", {"weight": weights})
        | composition("product", {})
        | composition("first_applicable", {"kinds": kinds})
    )


@settings(max_examples=60, deadline=None)
@given(st.recursive(leaves, compositions, max_leaves=6))
def test_a_description_makes_the_same_reward_again(tree):
    reward = load_reward_set(tree)
    again = load_reward_set(yaml.safe_load(dump_reward_set(reward)))
    assert again.describe() == reward.describe()
    assert again.fingerprint() == reward.fingerprint()
    assert pickle.loads(pickle.dumps(reward)).fingerprint() == reward.fingerprint()


def test_the_fingerprint_covers_structure_weights_kinds_settings_names_and_versions(monkeypatch):
    parts = [McqStrict(), ThinkFormat()]
    rewards = [
        WeightedSum(parts),
        WeightedSum(parts[::-1]),
        WeightedSum([parts[0].as_part(0.5), parts[1]]),
        WeightedSum([WeightedSum([parts[0]]), parts[1]]),
        WeightedSum([parts[0].as_part(name="answer"), parts[1]]),
        Product(parts),
        FirstApplicable(parts),
        FirstApplicable([parts[0].as_part(kinds=["single"]), parts[1]]),
        Product([Brevity(1)]),
        Product([Brevity(2)]),
    ]
    prints = [reward.fingerprint() for reward in rewards]
    assert len(set(prints)) == len(rewards)
    monkeypatch.setattr(Brevity, "VERSION", 2)
    assert [r.fingerprint() == p for r, p in zip(rewards, prints, strict=True)] == [True] * 8 + [False] * 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("reward: mcq_strct", "reward: no reward 'mcq_strct'; did you mean 'mcq_strict'?"),
        ("reward: no_such.module:X", "reward: cannot import 'no_such.module:X'"),
        (f"reward: {Brevity.__module__}:Nothing", "reward: cannot import"),
        (f"reward: {Brevity.__module__}:NotAReward", "is not a subclass of rewards.Reward"),
        (f"reward: {Brevity.__module__}:Greedy", "no setting may be called 'weight'"),
        (f"{{reward: '{OWN}', limt: 3}}", "limt: unknown setting of"),
        (f"{{reward: '{OWN}', limt: 3}}", "did you mean 'limit'?"),
        (f"{{reward: '{OWN}'}}", "limit: .* needs this setting"),
        (f"{{reward: '{OWN}', limit: many}}", "limit: .*integer.*given: 'many'"),
        (f"{{reward: '{OWN}', limit: -1}}", "limit is below 0"),
        (f"{{reward: '{OWN}', limit: 1, unit: bytes}}", "unit: .*'characters' or 'words'"),
        ("{compose: summ, rewards: []}", "compose: no composition 'summ'; did you mean 'sum'?"),
        ("{compose: sum, rewards: []}", "rewards: .*at least one"),
        ("{compose: sum}", "rewards: a list"),
        ("{compose: sum, rewardz: []}", "rewardz: unknown key of a composition; did you mean 'rewards'?"),
        ("{compose: sum, rewards: [{reward: mcq_strict, wieght: 1}]}", r"rewards\[0\].wieght: .*'weight'"),
        ("{compose: sum, rewards: [{reward: mcq_strict, weight: .nan}]}", r"rewards\[0\].weight: a finite"),
        ("{compose: sum, rewards: [{reward: mcq_strict, weight: true}]}", r"rewards\[0\].weight: a finite"),
        ("{compose: product, rewards: [{reward: mcq_strict, weight: 2}]}", "means nothing in 'product'"),
        ("{compose: sum, rewards: [{reward: mcq_strict, kinds: single}]}", r"rewards\[0\].kinds: a list"),
        ("{compose: sum, rewards: [mcq_strict]}", r"rewards\[0\]: a reward is a mapping"),
        ("{reward: mcq_strict, compose: sum}", "either 'reward' or 'compose'"),
        ("{reward: mcq_strict, weight: 2}", "weight: only a reward inside"),
        ("{reward: mcq_strict, name: ''}", "name: a text"),
        ("[mcq_strict]", "a mapping"),
        ("{", "not valid YAML"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_key(tmp_path, text, told):
    path = tmp_path / "set.yaml"
    path.write_text(text)
    shutil.copy(own_rewards.__file__, tmp_path)
    with pytest.raises(RewardSetError, match=told.replace("?", r"\?")) as caught:
        load_reward_set(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RewardSetError, match=r"none\.yaml: cannot be read"):
        load_reward_set(tmp_path / "none.yaml")


def test_a_class_that_hides_its_settings_has_no_fingerprint():
    with pytest.raises(TypeError, match="limit"):
        Forgetful(3).fingerprint()


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_shipped_reward_is_found_under_its_name(name):
    cls = reward_class(name)
    assert (cls.name, reference_of(cls)) == (name, name)
    assert (cls.__doc__ or "").strip()


def test_a_reward_set_brings_in_no_heavy_library():
    code = (
        "import sys; from rewards import load_reward_set\n"
        "load_reward_set({'compose': 'sum', 'rewards': [{'reward': 'mcq_strict'}]})\n"
        "print({m.split('.')[0] for m in sys.modules} & set(sys.argv[1:]))"
    )
    heavy = ["ray", "torch", "numpy", "jieba", "sacrebleu", "rouge_score", "nltk", "math_verify", "sympy"]
    heavy += ["httpx", "jsonschema", "tenacity", "psyche_rl"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"reward": "zzzzzz"}, "reward: no reward 'zzzzzz'; there are mcq_strict, mcq_elastic, "),
        ({"reward": "length_gate", "max_chars": 5, "min_chars": 9}, "reward: length_gate: 1 <= min_chars"),
        ({"reward": "length_gate", "max_chars": "x" * 59}, f"as an integer (given: '{'x' * 59}')"),
        ({"reward": "mcq_strict", "name": 7}, "name: a text is needed (given: 7)"),
        ({"reward": "mcq_strict", "kinds": []}, "kinds: only a reward inside a composition has it"),
        (
            {"compose": "sum", "rewards": [{"compose": "product", "rewards": [{"reward": "mcq_strickt"}]}]},
            "rewards[0].rewards[0].reward: no reward 'mcq_strickt'; did you mean 'mcq_strict'?",
        ),
        (
            {"compose": "first_applicable", "rewards": [{"reward": "mcq_strict", "kinds": [1]}]},
            "rewards[0].kinds: a list of question kinds is needed (given: [1])",
        ),
        ({"compose": "sum", "rewards": [{"reward": "mcq_strict", "weight": "2"}]}, "(given: '2')"),
        ({"compose": "sum", "rewards": [{"reward": "mcq_strict", "weight": True}]}, "(given: True)"),
        (
            {"reward": "rubric_judge", "endpoint": "x", "model": "m", "rubric": {"a": {"top": 0}}},
            "rubric.str: rubric_judge: ",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_a_mapping_is_told_likewise(tree, told):
    with pytest.raises(RewardSetError) as caught:
        load_reward_set(tree)
    assert str(caught.value).startswith("reward set: ")
    assert told in str(caught.value)


def test_a_value_too_long_to_show_is_left_out():
    with pytest.raises(RewardSetError) as caught:
        load_reward_set({"reward": "length_gate", "max_chars": "x" * 70})
    assert "given" not in str(caught.value)


@pytest.mark.parametrize("name", ["reward", "compose", "rewards", "name", "weight", "kinds"])
def test_no_setting_may_have_a_name_that_descriptions_use(name):
    scope = {}
    exec(f"class Odd:\n    def __init__(self, {name}=1): self.{name} = {name}", scope)
    with pytest.raises(TypeError, match=f"^Odd: no setting may be called '{name}'$"):
        settings_model(scope["Odd"])


def test_settings_have_names_of_their_own_and_may_lack_a_type():
    class Many:
        def __init__(self, *many):
            self.many = many

    class Some:
        def __init__(self, **some):
            self.some = some

    class Free:
        def __init__(self, model_x, limit: int = 3):
            self.model_x, self.limit = model_x, limit

    class Bare:
        pass

    for cls, name in ((Many, "many"), (Some, "some")):
        with pytest.raises(TypeError, match=rf"a setting has a name of its own, not \*{name}$"):
            settings_model(cls)
    assert current_settings(Free({"a": 1})) == {"model_x": {"a": 1}, "limit": 3}
    assert current_settings(Bare()) == {}
    with pytest.raises(ValidationError, match="limit"):
        settings_model(Free)(model_x=1, limit="x")
    with pytest.raises(ValidationError, match="odd"):
        settings_model(Free)(model_x=1, odd=1)


def test_a_description_says_what_differs_and_keeps_its_order():
    parts = [
        McqStrict().as_part(2, name="answer"),
        ThinkFormat().as_part(0.5),
        WeightedSum([McqStrict()]),
    ]
    assert WeightedSum(parts).describe() == {
        "name": "sum", "compose": "sum",
        "rewards": [
            {"reward": "mcq_strict", "name": "answer", "weight": 2.0},
            {"reward": "think_format", "weight": 0.5},
            {"name": "sum", "compose": "sum", "rewards": [{"reward": "mcq_strict"}]},
        ],
    }  # fmt: skip
    first = FirstApplicable([McqStrict().as_part(kinds=["single", "case"])])
    assert first.describe()["rewards"] == [{"reward": "mcq_strict", "kinds": ["single", "case"]}]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("own_rewards:Absent", "cannot import 'own_rewards:Absent': .*no attribute 'Absent'"),
        ("own_rewards:Brevity.name", "'own_rewards:Brevity.name' is not a subclass of rewards.Reward"),
        ("own_rewards:pytest", "no attribute 'pytest'"),
    ],
)
def test_a_path_that_leads_to_no_reward_says_why(path, why):
    with pytest.raises(ValueError, match=why):
        reward_class(path, described=True)
    assert reward_class("rewards.shipped.mcq_strict:McqStrict", described=True) is McqStrict
    with pytest.raises(KeyError):
        reward_class("absent")


def test_fingerprints_have_16_digits_and_do_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": "二"}) == digest({"b": "二", "a": 1}) != digest({"a": 1, "b": "三"})
    assert re.fullmatch("[0-9a-f]{16}", McqStrict().fingerprint())
    part = McqStrict().as_part(2, ["single"])
    assert (part.weight, part.kinds, part.name) == (2.0, ("single",), "mcq_strict")
    assert isinstance(part.weight, float)
    plain = McqStrict().as_part()
    assert (plain.weight, plain.kinds) == (1.0, ())


def test_a_name_that_looks_shipped_but_is_not_is_written_in_full():
    from rewards.shipped.mcq import McqReward

    assert reference_of(McqReward) == "rewards.shipped.mcq:McqReward"
    assert reference_of(Brevity) == OWN
