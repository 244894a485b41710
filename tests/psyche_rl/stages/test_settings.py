"""Every config key has one owner or a reason to be free; what a run's config states is what was run."""

import pytest
import yaml

from psyche_rl.config import RunConfig, dump_config, load_config, parse_config
from psyche_rl.config.inheritance import INHERITED
from psyche_rl.config.keys import flat, leaf_fields, marks, overlaid
from psyche_rl.config.load import dump_tree
from psyche_rl.stages import STAGES
from psyche_rl.stages.settings import as_run, changed, deciding, owners, settings_hash, spoken, stage_settings

KEYS = sorted(key for key, _ in leaf_fields())
MINI = RunConfig.model_validate({"run_dir": "r", "mini": {}})


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_owned_by_a_stage_or_free_with_a_reason(key):
    mark = marks().get(key)
    assert bool(owners(key)) != (mark is not None), f"{key}: owners {owners(key)}, mark {mark}"
    assert mark is None or len(mark.why) > 8


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_spec_names_exists(stage):
    spec = STAGES[stage]
    for prefix in spec.settings:
        assert any(k == prefix or k.startswith(f"{prefix}.") for k in KEYS), prefix
    for device in spec.devices:
        for key in (device.count, device.each, device.only_if.partition("=")[0]):
            assert isinstance(key, int) or not key or key in KEYS, key
    assert set(spec.files) <= set(KEYS)


def test_what_a_stage_reads_an_earlier_one_writes():
    written: set[str] = set()
    for spec in STAGES.values():
        assert {*spec.reads, *spec.models} <= written, spec.name
        written |= set(spec.writes)


@pytest.mark.parametrize(("common", "stage"), [(c, s) for c, stages in INHERITED.items() for s in stages])
def test_a_stages_own_section_fills_up_from_the_common_one(common, stage):
    key = {"learner": "row_tokens", "engine": "max_num_seqs"}[common]
    config = parse_config({"run_dir": "r", common: {key: 7}}, "x")
    assert getattr(getattr(getattr(config, stage), common), key) == 7
    config = parse_config({"run_dir": "r", common: {key: 7}, stage: {common: {key: 8}}}, "x")
    assert getattr(getattr(getattr(config, stage), common), key) == 8
    assert getattr(getattr(config, common), key) == 7
    assert parse_config(yaml.safe_load(dump_config(config)), "x") == config


def test_a_saved_config_states_what_stages_inherit_once():
    saved = yaml.safe_load(dump_config(load_config("launch/configs/mini.yaml", ["grpo.learner.threads=2"])))
    assert saved["grpo"]["learner"] == {"threads": 2}
    assert not {"learner", "engine"} & {*saved["sft"], *saved["select"], *saved["eval"]}


def test_a_default_that_one_stage_inherits_goes_by_its_own_name():
    config = parse_config({"run_dir": "r", "learner": {"weight_decay": 0.5}}, "x")
    assert spoken("grpo.learner.weight_decay", config) == "learner.weight_decay"
    config = parse_config({"run_dir": "r", "grpo": {"learner": {"weight_decay": 0.5}}}, "x")
    assert spoken("grpo.learner.weight_decay", config) == "grpo.learner.weight_decay"
    assert owners("engine.dtype") == ("select", "grpo", "eval")


def test_the_hash_is_of_what_decides_results_in_any_order():
    settings = stage_settings("grpo", MINI)
    backwards = dict(reversed(settings.items()))
    assert settings_hash(settings) == settings_hash(backwards)
    assert settings_hash({**settings, "grpo.save_every": 77}) == settings_hash(settings)
    assert settings_hash({**settings, "grpo.lr": 7.0}) != settings_hash(settings)


def test_changed_keys_are_those_that_differ_or_are_on_one_side():
    assert changed({"grpo.lr": 1, "seed": 2, "model": None}, {"grpo.lr": 3, "seed": 2, "grpo.ranks": 1}) == [
        "grpo.lr",
        "grpo.ranks",
    ]
    assert deciding(["grpo.lr", "grpo.ranks", "grpo.wait_s"]) == ["grpo.lr"]


def test_a_runs_config_states_what_finished_stages_were_run_with():
    old = stage_settings("sft", parse_config({"run_dir": "r", "sft": {"ranks": 4}}, "x"))
    new = parse_config({"run_dir": "r", "sft": {"ranks": 2}, "grpo": {"ranks": 2}}, "x")
    tree = as_run(new.model_dump(mode="json"), [old])
    assert (tree["sft"]["ranks"], tree["grpo"]["ranks"]) == (4, 2)
    assert parse_config(yaml.safe_load(dump_tree(tree)), "x").sft.ranks == 4


def test_flat_and_overlaid_are_inverses():
    tree = MINI.model_dump(mode="json")
    assert overlaid({}, flat(tree)) == tree
    assert overlaid({"mini": None}, {"mini.model.heads": 2}) == {"mini": {"model": {"heads": 2}}}
