"""``launch.api``: configs, runs, scores and benchmarks from Python, and how mistakes are told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from launch import api
from launch.given_config import override_words
from psyche_rl.config import dump_config
from psyche_rl.errors import ConfigError, DataError, RunFolderError
from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.records import Passage, ScoredSample
from psyche_rl.store import Manifest, RunStore, StageEntry
from rewards import RewardSample, exam_reward

TINY = "tests/e2e/tiny.yaml"
EXAM = {"name": "exam", "compose": "sum", "rewards": [{"reward": "mcq_strict"}, {"reward": "think_format"}]}
GOOD = {"id": "a", "response": "<think>想</think>答案：B", "gold": "B", "options": ["甲", "乙"]}
ROLLOUT = ScoredSample(
    step=1, group_id="g", question_id="q", sample_id="s", prompt="问\nA.甲\nB.乙", response=GOOD["response"],
    gold="B", response_length=3, finish_reason="stop", reward=1.0, reward_parts={"mcq_strict": 1.0},
    reward_error=None, advantage=None, weight_version=0,
)  # fmt: skip


@pytest.fixture
def store(tmp_path) -> RunStore:
    """A run folder with passages, metrics and rollouts."""
    config = api.load(TINY, {"run_dir": str(tmp_path / "run")})
    store = RunStore(config.run_dir)
    store.write_text("config.yaml", dump_config(config))
    manifest = Manifest.load(store)
    manifest.stages["synth"] = StageEntry(status="done", started="now", counts={"passages": 1})
    manifest.save(store)
    store.write_records("synth/passages.parquet", Passage, [Passage(id="p", text="记忆", source="a", row=1)])
    store.write_records("grpo/rollouts/step_000001.parquet", ScoredSample, [ROLLOUT])
    store.write_jsonl("grpo/metrics.jsonl", [{"step": 1, "loss": 0.5}, {"step": 2, "kl": 0.1}])
    return store


# -- configs --------------------------------------------------------------------------------------------


def test_a_config_comes_from_a_file_a_tree_or_a_run_folder(store):
    changed = {"run_dir": "runs/x", "grpo.lr": 1e-6, "data.passages": Path("a b"), "select.selectors": ("m",)}
    config = api.load(TINY, changed)
    assert (config.grpo.lr, config.data.passages, config.select.selectors) == (1e-6, "a b", ("m",))
    assert api.load(TINY, override_words(changed)) == config
    tree = {"run_dir": "runs/x", "grpo": {"lr": 1e-5}}
    assert api.load(tree, {"grpo.group_size": 4}).grpo.group_size == 4
    assert tree == {"run_dir": "runs/x", "grpo": {"lr": 1e-5}}
    assert api.load(store.url).run_dir == store.url
    assert api.open_run(store.url).config == api.load(store.url)


@pytest.mark.parametrize(
    "value", ["yes", "1e3", "a: b", "# x", "两\n行", "null", None, True, [1, "a"], {"k": 1.5}]
)
def test_a_value_of_an_override_is_what_was_given(value):
    from rewards.bounded_yaml import load_yaml

    (word,) = override_words({"key": value})
    assert load_yaml(word.removeprefix("key=")) == value


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: api.load({"run_dir": "x", "grpo": {"lrr": 1}}), r"^config: 'grpo\.lrr'"),
        (lambda: api.load(TINY, {"grpo.lr": object()}), "a object is no value of a config"),
        (lambda: api.run(TINY, "sfd"), "no such stage; stages are world, synth"),
        (lambda: api.score([GOOD], {"reward": "mcq_strct"}), "did you mean 'mcq_strict'"),
    ],
)
def test_what_is_wrong_is_one_line(call, says):
    with pytest.raises(ConfigError, match=says):
        call()


def test_stages_are_run_in_their_order(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("launch.pipeline.run_stages", lambda config, *how: asked.append(how))
    api.run({"run_dir": str(tmp_path)}, ["sft", "synth"], redo_from="sft")
    api.run(api.load({"run_dir": str(tmp_path)}), "eval")
    assert asked == [(["synth", "sft"], "sft", False), (["eval"], None, False)]


# -- a run's records ------------------------------------------------------------------------------------


def test_records_are_tables_and_datasets_by_name(store):
    run = api.open_run(store.url)
    assert run.names() == ["synth/passages", "grpo/metrics", "grpo/rollouts"]
    assert run.table("passages") == run.table("synth/passages") == store.read_table("synth/passages.parquet")
    assert run.table("metrics").to_pylist() == [
        {"step": 1, "loss": 0.5, "kl": None}, {"step": 2, "loss": None, "kl": 0.1},
    ]  # fmt: skip
    assert run.stages["synth"].counts == {"passages": 1}


@pytest.mark.slow  # imports datasets
def test_a_map_of_a_record_is_a_list_in_a_dataset(store):
    rows = api.open_run(store.url).dataset("rollouts")
    assert rows[0]["response"] == GOOD["response"]
    assert rows[0]["reward_parts"] == [{"key": "mcq_strict", "value": 1.0}]


def test_what_is_not_there_is_told(store, tmp_path):
    run = api.open_run(store.url)
    with pytest.raises(DataError, match="no table 'passage' in a run; did you mean 'passages'"):
        run.table("passage")
    for name in ("questions", "eval/sft", "report/metrics"):
        with pytest.raises(RunFolderError, match="is missing; redo the stage that writes it"):
            run.table(name)
    with pytest.raises(RunFolderError, match=r"summary\.json is missing"):
        run.evaluation()
    with pytest.raises(RunFolderError, match="no run here"):
        api.open_run(tmp_path)


# -- scores ---------------------------------------------------------------------------------------------


@pytest.fixture
def in_process(monkeypatch):
    """Scores come from this process; a loop of its own is started for them, as by the real scorer."""
    from contextlib import contextmanager

    from rewards.batch_scoring import score_batch

    @contextmanager
    def scorer(reward, *_):
        async def scored(samples):
            return score_batch(reward, samples)

        yield lambda samples: asyncio.run(scored(samples))

    monkeypatch.setattr("actors.scoring.local.killable_scorer", scorer)


def test_rows_samples_and_rollouts_are_scored_also_where_a_loop_runs(in_process, store):
    rows = [
        GOOD,
        RewardSample(**GOOD, kind="single"),
        api.open_run(store.url).table("rollouts").to_pylist()[0],
    ]
    rows.append({**GOOD, "gold": "Z"})

    async def in_a_notebook():
        return api.score(rows, EXAM)

    scores = asyncio.run(in_a_notebook())
    assert [score.value for score in scores] == [2.0, 2.0, 2.0, None]
    assert scores[3].error.kind == "bad_gold"
    assert [score.value for score in api.score([GOOD], exam_reward(1.0, 0.5))] == [1.5]


def test_a_row_that_is_no_sample_is_named_and_counted():
    with pytest.raises(DataError, match=r"^samples: 2 rows are no samples; row 2: .*response"):
        api.score([GOOD, {"gold": "B"}, {"gold": "B"}], EXAM)


# -- benchmarks -----------------------------------------------------------------------------------------


def test_stored_replies_go_where_the_command_scores_them(monkeypatch, tmp_path):
    asked = []

    def figures(replies, *given):
        asked.append((Path(replies).read_text("utf-8"), *given))
        return SimpleNamespace(told={"items": 1})

    monkeypatch.setattr("launch.bench.stored_figures.stored_figures", figures)
    file = tmp_path / "m.jsonl"
    file.write_text('{"id": "a", "response": "答案：A"}\n', "utf-8")
    for replies in (file, [{"id": "a", "response": "答案：A"}]):
        assert api.score_replies(replies, "mini_exam", model="m", draws=20, data=tmp_path) == {"items": 1}
    assert asked[0] == asked[1]
    assert asked[0][1:] == ("mini_exam", str(tmp_path), "m", BootstrapSettings(20, 0))


def test_a_model_is_asked_as_the_command_asks_it(monkeypatch):
    asked = []
    monkeypatch.setattr("launch.bench.bench_run.run_benchmarks", lambda *given: asked.append(given))
    api.bench("http://h/v1#tiny", "mini_exam", settings={"limit": 3}, out=Path("o"))
    ((model, name, (loaded,), out, config),) = asked
    assert (model, name, out, config.limit) == ("http://h/v1#tiny", "tiny", "o", 3)
    assert loaded.benchmark.name == "mini_exam"
    with pytest.raises(ConfigError, match=r"^MODEL: "):
        api.bench("http://h/v1", "mini_exam")
