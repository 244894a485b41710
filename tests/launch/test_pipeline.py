"""The stage runner with fake stages: what runs, what is skipped, what is refused, what is kept."""

import json
import re
import sys
from types import SimpleNamespace

import pytest

from data_pipeline.domains.new_domain import new_domain
from launch.checks.preflight import check_run
from launch.checks.run_findings import RunFindings
from launch.checks.sources import check_given
from launch.cli.status import run_status
from launch.inputs import stage_inputs
from launch.pipeline import run_stages
from psyche_rl.config import RunConfig, load_config
from psyche_rl.config.keys import flat, leaf_fields, marks, overlaid
from psyche_rl.errors import ConfigError, DataError, RunFolderError, WeightSyncError
from psyche_rl.stages import STAGES
from psyche_rl.stages.settings import stage_settings
from psyche_rl.store import Manifest, RunStore

ALL = list(STAGES)


@pytest.fixture
def ran(monkeypatch) -> list[str]:
    """Replaces every stage by one that writes a file; the list tells which ran, in order."""
    log: list[str] = []

    def fake(name: str) -> SimpleNamespace:
        def run(context) -> dict[str, int]:
            log.append(name)
            context.store.write_text(f"{name}/out.txt", name)
            return {"rows": len(name)}

        return SimpleNamespace(run=run)

    for name in STAGES:
        monkeypatch.setitem(sys.modules, f"launch.stages.{name}", fake(name))
    monkeypatch.setattr("launch.pipeline.check_run", only_what_is_given)
    monkeypatch.setattr("launch.pipeline.check_disk", lambda *_, **__: None)
    return log


def only_what_is_given(config, stages) -> RunFindings:
    """The files and servers that these tests name are not there, and their stages read none."""
    findings = RunFindings()
    check_given(config, stages, findings)
    return findings


def break_stage(monkeypatch, name: str, error: BaseException) -> None:
    def run(context) -> dict[str, int]:
        context.store.write_text(f"{name}/half.txt", "half")
        raise error

    monkeypatch.setitem(sys.modules, f"launch.stages.{name}", SimpleNamespace(run=run))


def config(tmp_path, **changes) -> RunConfig:
    return RunConfig.model_validate({"run_dir": str(tmp_path / "run"), "mini": {}, "track": [], **changes})


GIVEN = {
    "model": "some/model",
    "data": {"passages": "texts", "posts": "posts", "questions": "exam"},
    "teacher": {"base_url": "http://127.0.0.1:1/v1"},
    "select": {"selectors": ["some/model"]},
}


def manifest(tmp_path) -> Manifest:
    return Manifest.load(RunStore(str(tmp_path / "run")))


def test_runs_all_stages_in_order_and_writes_the_manifest(tmp_path, ran):
    store = run_stages(config(tmp_path), ALL)
    assert ran == ["world", "synth", "select", "sft", "grpo", "eval", "report"]
    entries = manifest(tmp_path).stages
    assert {name: entry.status for name, entry in entries.items()} == dict.fromkeys(ALL, "done")
    assert entries["select"].counts == {"rows": 6}
    assert entries["select"].attempts == 1
    assert entries["select"].finished is not None
    saved = load_config(store.local_path("config.yaml"))
    assert saved == config(tmp_path)


def test_a_run_begins_with_the_checks(tmp_path, ran, monkeypatch):
    monkeypatch.setattr("launch.pipeline.check_run", check_run)
    mistaken = config(tmp_path, data={"questions": str(tmp_path / "none.json"), "passages": "/none"})
    with pytest.raises(ConfigError) as caught:
        run_stages(mistaken, ALL)
    assert len(str(caught.value).splitlines()) == 2
    assert ran == []
    assert not manifest(tmp_path).stages


def test_finished_stages_are_skipped(tmp_path, ran):
    run_stages(config(tmp_path), ALL)
    before = manifest(tmp_path)
    ran.clear()
    run_stages(config(tmp_path), ALL)
    assert ran == []
    assert manifest(tmp_path) == before


def test_without_a_mini_world_the_world_stage_is_left_out_and_not_asked_for(tmp_path, ran):
    run_stages(config(tmp_path, mini=None, **GIVEN), ALL)
    assert ran == ALL[1:]


def test_with_sets_of_ones_own_nothing_is_synthesised_and_no_selector_asked_for(tmp_path, ran):
    own = {"train_chats": "chats", "train_questions": "questions", "questions": "exam"}
    run_stages(config(tmp_path, mini=None, model="some/model", data=own), ALL)
    assert ran == ["select", "sft", "grpo", "eval", "report"]
    assert list(run_status(str(tmp_path / "run"))["stages"]) == ran


@pytest.mark.parametrize(
    ("section", "key", "stage"),
    [("train_chats", "train_questions", "grpo"), ("train_questions", "train_chats", "sft")],
)
def test_a_stage_without_its_set_is_refused_before_the_first(tmp_path, ran, section, key, stage):
    own = config(tmp_path, data={section: "rows"})
    with pytest.raises(ConfigError, match=rf"stage '{stage}' needs data\.{key}, which is not set"):
        run_stages(own, ALL)
    assert ran == []


@pytest.mark.parametrize(
    ("section", "key"),
    [("data", "passages"), ("teacher", "base_url"), ("select", "selectors"), ("data", "questions")],
)
def test_what_a_later_stage_will_need_is_asked_for_before_the_first(tmp_path, ran, section, key):
    given = {**GIVEN, section: {k: v for k, v in GIVEN[section].items() if k != key}}
    with pytest.raises(ConfigError, match=rf"needs {section}\.{key}, which is not set"):
        run_stages(config(tmp_path, mini=None, **given), ALL)
    assert ran == []


def test_from_redoes_a_stage_and_all_after_it_and_clears_their_folders(tmp_path, ran):
    store = run_stages(config(tmp_path), ALL)
    store.write_text("grpo/checkpoint.txt", "old")
    ran.clear()
    run_stages(config(tmp_path), ALL, redo_from="sft")
    assert ran == ["sft", "grpo", "eval", "report"]
    assert not store.exists("grpo/checkpoint.txt")
    assert store.exists("select/out.txt")


def test_from_an_unknown_stage_is_one_line_and_loses_nothing(tmp_path, ran):
    store = run_stages(config(tmp_path), ALL)
    with pytest.raises(ConfigError, match=r"--from train: no such stage; stages are world, synth"):
        run_stages(config(tmp_path), ALL, redo_from="train")
    assert store.exists("eval/out.txt")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grpo": {"lr": 2e-6}}, r"stage 'grpo' was run with grpo.lr=1e-06, now 2e-06; .*--from grpo"),
        ({"seed": 7}, r"stage 'world' was run with seed=0, now 7; .*--from world"),
        ({"grpo": {"reward": {"format_weight": 0.1}}}, r"grpo.reward.format_weight=0.5, now 0.1"),
    ],
)
def test_changed_settings_are_refused_by_name(tmp_path, ran, changes, words):
    run_stages(config(tmp_path), ALL)
    ran.clear()
    with pytest.raises(RunFolderError, match=words):
        run_stages(config(tmp_path, **changes), ALL)
    assert ran == []


def test_changed_settings_are_accepted_for_a_stage_that_is_redone(tmp_path, ran):
    run_stages(config(tmp_path), ALL)
    ran.clear()
    changed = config(tmp_path, grpo={"lr": 2e-6})
    run_stages(changed, ALL, redo_from="grpo")
    assert ran == ["grpo", "eval", "report"]
    assert manifest(tmp_path).stages["grpo"].settings["grpo.lr"] == 2e-6


def test_redoing_with_an_earlier_stages_settings_changed_is_refused_before_anything_is_lost(tmp_path, ran):
    store = run_stages(config(tmp_path), ALL)
    before = manifest(tmp_path)
    with pytest.raises(RunFolderError, match=r"stage 'sft' was run with sft\.lr"):
        run_stages(config(tmp_path, sft={"lr": 1.0}), ALL, redo_from="grpo")
    assert store.exists("grpo/out.txt")
    assert manifest(tmp_path) == before


def test_one_stage_alone_does_not_reuse_earlier_ones_made_with_other_settings(tmp_path, ran):
    run_stages(config(tmp_path), ["world", "synth", "select", "sft"])
    ran.clear()
    with pytest.raises(RunFolderError, match=r"stage 'sft' was run with sft\.lr"):
        run_stages(config(tmp_path, sft={"lr": 1.0}), ["grpo"])
    assert ran == []


def test_settings_that_change_no_result_may_differ(tmp_path, ran):
    run_stages(config(tmp_path), ALL)
    ran.clear()
    free = {"grpo": {"save_every": 3, "reward": {"workers": 9}}, "learner": {"micro_batch_tokens": 64}}
    run_stages(config(tmp_path, **free), ALL)
    assert ran == []


def test_a_failed_stage_keeps_the_earlier_ones_and_goes_on_where_it_was(tmp_path, ran, monkeypatch):
    working = sys.modules["launch.stages.sft"]
    break_stage(monkeypatch, "sft", DataError("posts.jsonl: line 3 is broken; mend it"))
    with pytest.raises(DataError, match="line 3"):
        run_stages(config(tmp_path), ALL)
    entries = manifest(tmp_path).stages
    assert {n: e.status for n, e in entries.items()} == {
        "world": "done", "synth": "done", "select": "done", "sft": "failed",
    }  # fmt: skip
    assert entries["sft"].error == "posts.jsonl: line 3 is broken; mend it"

    ran.clear()
    monkeypatch.setitem(sys.modules, "launch.stages.sft", working)
    store = run_stages(config(tmp_path), ALL)
    assert ran == ["sft", "grpo", "eval", "report"]
    assert store.exists("sft/half.txt")  # resuming is the stage's business: its files are left alone
    entry = manifest(tmp_path).stages["sft"]
    assert (entry.status, entry.attempts, entry.error) == ("done", 2, None)


def test_a_key_in_a_failure_is_in_no_file_of_the_run(tmp_path, ran, monkeypatch, capsys):
    key = "planted-key-of-a-name-9"
    monkeypatch.setenv("OF_ITS_OWN", key)
    break_stage(monkeypatch, "synth", RuntimeError("y" * 485 + key))
    with pytest.raises(RuntimeError):
        run_stages(config(tmp_path, teacher={"api_key_env": "OF_ITS_OWN"}), ALL)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert all(b"planted" not in path.read_bytes() for path in files)
    assert manifest(tmp_path).stages["synth"].error == "y" * 485 + "***"
    assert "planted" not in "".join(capsys.readouterr())


def test_an_interrupt_is_recorded_as_a_failure(tmp_path, ran, monkeypatch):
    break_stage(monkeypatch, "synth", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_stages(config(tmp_path), ALL)
    entry = manifest(tmp_path).stages["synth"]
    assert (entry.status, entry.error) == ("failed", "KeyboardInterrupt")


def test_the_stage_that_is_running_is_in_the_manifest(tmp_path, ran, monkeypatch):
    seen = {}

    def run(context) -> dict[str, int]:
        seen.update({name: entry.status for name, entry in manifest(tmp_path).stages.items()})
        return {}

    monkeypatch.setitem(sys.modules, "launch.stages.synth", SimpleNamespace(run=run))
    run_stages(config(tmp_path), ["world", "synth"])
    assert seen == {"world": "done", "synth": "running"}


def test_seconds_add_up_over_attempts(tmp_path, ran, monkeypatch):
    entry_at = iter([10.0, 14.0, 100.0, 103.5])
    monkeypatch.setattr("launch.pipeline.time.monotonic", lambda: next(entry_at))
    working = sys.modules["launch.stages.world"]
    break_stage(monkeypatch, "world", DataError("no"))
    with pytest.raises(DataError):
        run_stages(config(tmp_path), ["world"])
    monkeypatch.setitem(sys.modules, "launch.stages.world", working)
    run_stages(config(tmp_path), ["world"])
    assert manifest(tmp_path).stages["world"].seconds == 7.5


def test_a_stage_whose_input_is_missing_is_refused_by_name(tmp_path, ran):
    with pytest.raises(RunFolderError, match="stage 'grpo' needs 'world', which is not done"):
        run_stages(config(tmp_path), ["grpo"])


def test_a_report_of_a_cut_run_is_allowed_and_redone_once_the_run_went_on(tmp_path, ran):
    run_stages(config(tmp_path), ["world", "synth"])
    run_stages(config(tmp_path), ["report"])
    run_stages(config(tmp_path), ["report"])
    assert ran == ["world", "synth", "report"]
    run_stages(config(tmp_path), ALL)
    assert ran[3:] == ["select", "sft", "grpo", "eval", "report"]


def test_a_report_of_nothing_is_refused(tmp_path, ran):
    with pytest.raises(RunFolderError, match="stage 'report' needs 'world'"):
        run_stages(config(tmp_path), ["report"])


def test_a_broken_manifest_is_one_line(tmp_path, ran):
    run_stages(config(tmp_path), ["world"])
    (tmp_path / "run/manifest.json").write_text('{"created": 3}')
    with pytest.raises(RunFolderError, match=r"manifest.json is not a manifest"):
        run_stages(config(tmp_path), ["world"])


def test_stage_settings_hold_the_sections_a_stage_depends_on(tmp_path):
    settings = stage_settings("grpo", config(tmp_path))
    assert settings["grpo.reward.answer_weight"] == 1.0
    assert settings["grpo.learner.dtype"] == "bfloat16"
    assert not {"sft.lr", "run_dir", "learner.dtype"} & settings.keys()


RUN = {"lora": {}, "select": {"rule": "pass_rate"}, "sft": {"dev_share": 0.1}}
"""Of a run whose every key may take another value: with adapters, pass rates, examples held out."""
OTHER = {
    "lora.target_modules": ["q_proj"], "lora.seed": 3,
    "data.passages": "elsewhere", "data.posts": "elsewhere", "data.questions": "elsewhere", "model": "other",
    "data.train_chats": "chats", "data.train_questions": "questions",
    "data.licence": "MIT", "clean.script": "to_simplified", "clean.languages": ["en"], "clean.redact": [],
    "clean.crisis_reader": True,
    "decontaminate.against": ["exam"], "decontaminate.embedding_model": "elsewhere",
    "engine.dtype": "float32", "learner.dtype": "float32",
    "teacher.engine": "vllm", "teacher.structured_output": "off", "review.hold": [],
    "eval.judge.model": "other",
    "select.rule": "majority", "select.selectors": ["other"], "select.pass_rate": [0.1, 0.4],
    "mini.selectors": ["qwen2"], "grpo.kl_estimator": "kl", "grpo.advantage": "rloo",
    "grpo.policy_loss": "gspo", "grpo.loss_aggregation": "seq-mean-token-sum",
    "learner.betas": [0.8, 0.9], "synth.reply_chars": [5, 50], "grpo.reward.config": "rewards.yaml",
    "data.max_questions": 5, "sft.max_tokens": 99, "dedup.bands": 64, "grpo.prompts_per_step": 64,
    "grpo.max_steps": 7, "prompt.instruction": "…", "teacher.model": "other", "dedup.permutations": 64,
    "mini.model.hidden_size": 192, "mini.model.heads": 1, "data.chunk_chars": 700,
    "domain": "elsewhere", "teacher.extra_body": {"top_k": 3}, "teacher.omit": ["seed"],
    "select.extra_body": {"top_k": 3}, "select.omit": ["seed"],
    "teacher.vllm.dtype": "float32", "grpo.mini_batch_prompts": 64, "grpo.algorithm": "gspo",
    "grpo.clip_ratio_low": 0.1, "grpo.clip_ratio_high": 0.3, "grpo.rollout_is": "sequence",
    "grpo.rollout_is_threshold": 3.0, "grpo.top_k": 20,
    "grpo.curriculum": "prioritized",
}  # fmt: skip
SAME_ANYHOW = {"eval.extraction"}  # wants a judge, without which it is refused first


def other_value(key, value):
    for name, given in OTHER.items():
        if key == name or key.endswith(f".{name}"):
            return given
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2 if value else 0.5
    raise AssertionError(f"{key}: name another value of {value!r} in OTHER")


DECIDING = sorted(
    key for key, _ in leaf_fields() if key not in marks() and key not in SAME_ANYHOW and key != "mini.model"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of stages that do nothing; each test reads a manifest that nobody changes."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        for name in STAGES:
            patch.setitem(sys.modules, f"launch.stages.{name}", SimpleNamespace(run=lambda context: {}))
        run_stages(config(folder, **RUN), ALL)
        yield folder


@pytest.mark.parametrize("key", DECIDING)
def test_every_key_that_decides_results_is_refused_by_name_on_a_finished_run(finished, key):
    tree = config(finished, **RUN).model_dump(mode="json", exclude_unset=True)
    values = flat(config(finished, **RUN).model_dump(mode="json"))
    changed = RunConfig.model_validate(overlaid(tree, {key: other_value(key, values[key])}))
    before = (finished / "run/config.yaml").read_text()
    with pytest.raises(RunFolderError, match=rf"was run with {re.escape(key)}="):
        run_stages(changed, ALL)
    assert (finished / "run/config.yaml").read_text() == before


def test_a_finished_stage_keeps_what_may_change_and_says_so(tmp_path, ran, capsys):
    store = run_stages(config(tmp_path), ALL)
    ran.clear()
    run_stages(config(tmp_path, sft={"ranks": 4}, clean={"block_rows": 5}), ALL)
    assert ran == []
    assert "sft: sft.ranks is not used, the stage is done  run_with=1  given=4" in capsys.readouterr().err
    saved = load_config(store.local_path("config.yaml"))
    assert (saved.sft.ranks, saved.clean.block_rows) == (1, 1000)


def test_what_may_change_on_resume_is_recorded_with_its_step(tmp_path, ran, monkeypatch):
    working = sys.modules["launch.stages.grpo"]
    break_stage(monkeypatch, "grpo", WeightSyncError("off by 0.2 nats; raise grpo.sync_tolerance"))
    with pytest.raises(WeightSyncError):
        run_stages(config(tmp_path), ALL)
    store = RunStore(str(tmp_path / "run"))
    store.write_text("grpo/checkpoints/step_000010/done", "")
    monkeypatch.setitem(sys.modules, "launch.stages.grpo", working)
    ran.clear()
    run_stages(config(tmp_path, grpo={"sync_tolerance": 0.5, "learner": {"micro_batch_tokens": 99}}), ALL)
    assert ran == ["grpo", "eval", "report"]  # neither SFT nor the world again
    changes = manifest(tmp_path).stages["grpo"].changes
    assert [(c.key, c.old, c.new, c.step) for c in changes] == [
        ("grpo.learner.micro_batch_tokens", 16384, 99, 10),
        ("grpo.sync_tolerance", None, 0.5, 10),
    ]
    saved = load_config(store.local_path("config.yaml"))
    assert saved.learner.micro_batch_tokens == saved.sft.learner.micro_batch_tokens == 16384
    assert saved.grpo.learner.micro_batch_tokens == 99


def test_a_stages_own_engine_makes_only_that_stage_stale(tmp_path, ran):
    run_stages(config(tmp_path), ALL)
    changed = config(tmp_path, grpo={"engine": {"max_model_len": 2048}})
    with pytest.raises(RunFolderError, match=r"stage 'grpo' was run with grpo\.engine\.max_model_len=4096"):
        run_stages(changed, ALL)
    ran.clear()
    run_stages(changed, ALL, redo_from="grpo")
    assert ran == ["grpo", "eval", "report"]


def test_the_manifest_tells_code_machine_and_libraries(tmp_path, ran):
    run_stages(config(tmp_path), ["world"])
    told = manifest(tmp_path).stages["world"].environment
    assert len(told["code"]["commit"]) == 40
    assert told["code"]["dirty"] in (True, False)
    assert told["libraries"]["ray"]
    assert {"host", "cores", "memory_gib", "devices"} <= told.keys()


def test_a_run_folder_of_an_older_layout_is_refused_in_one_line(tmp_path, ran):
    run_stages(config(tmp_path), ["world"])
    path = tmp_path / "run/manifest.json"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "layout"}))
    with pytest.raises(RunFolderError, match="its layout is 1, this version reads 2"):
        run_stages(config(tmp_path), ["world"])


OUTPUTS = {
    "world": ("exam_dev.parquet", "exam_test.parquet", "base/config.json", "selectors/phi3/config.json"),
    "synth": tuple(
        f"{name}.parquet" for name in ("questions", "rationales", "dialogues", "passages", "teacher_wrong")
    ),
    "select": ("sft.parquet", "grpo.parquet"),
    "sft": ("model/config.json", "model/model.safetensors"),
    "grpo": ("model/config.json", "model/model.safetensors"),
    "eval": (),
    "report": (),
}


@pytest.fixture
def ran_with_outputs(ran, monkeypatch) -> list[str]:
    """As ``ran``, but the stages write the files that later ones read."""

    def fake(name: str) -> SimpleNamespace:
        def run(context) -> dict[str, int]:
            ran.append(name)
            for rel in OUTPUTS[name]:
                context.store.write_text(f"{name}/{rel}", f"{name}/{rel}")
            return {}

        return SimpleNamespace(run=run)

    for name in STAGES:
        monkeypatch.setitem(sys.modules, f"launch.stages.{name}", fake(name))
    return ran


def test_each_stage_records_what_it_read(tmp_path, ran_with_outputs):
    for name in ("passages", "posts", "questions"):
        (tmp_path / f"{name}.jsonl").write_text(name)
    data = {name: str(tmp_path / f"{name}.jsonl") for name in ("passages", "posts", "questions")}
    store = run_stages(config(tmp_path, data=data), ALL)
    entries = manifest(tmp_path).stages
    assert {name: sorted(entry.inputs) for name, entry in entries.items()} == {
        "world": [],
        "synth": ["data.passages", "data.posts", "domain"],
        "select": [
            "data.questions", "synth/dialogues.parquet", "synth/passages.parquet", "synth/questions.parquet",
            "synth/rationales.parquet", "synth/teacher_wrong.parquet", "world/exam_dev.parquet",
            "world/exam_test.parquet", "world/selectors",
        ],
        "sft": ["select/sft.parquet", "world/base"],
        "grpo": ["data.questions", "select/grpo.parquet", "sft/model", "world/exam_dev.parquet"],
        "eval": ["data.questions", "grpo/model", "sft/model", "world/base", "world/exam_test.parquet"],
        "report": [],
    }  # fmt: skip
    assert entries["grpo"].inputs["select/grpo.parquet"] == store.digest("select/grpo.parquet")
    assert entries["eval"].inputs["sft/model"] == entries["grpo"].inputs["sft/model"]


@pytest.mark.parametrize(
    ("changed", "stage"),
    [
        ("synth/dialogues.parquet", "select"),
        ("select/sft.parquet", "sft"),
        ("select/grpo.parquet", "grpo"),
        ("sft/model/model.safetensors", "grpo"),
        ("grpo/model/config.json", "eval"),
    ],
)
def test_an_input_that_changed_is_refused_by_name_until_its_stage_is_redone(
    tmp_path, ran_with_outputs, changed, stage
):
    store = run_stages(config(tmp_path), ALL)
    before, written = manifest(tmp_path), store.read_bytes(changed)
    ran_with_outputs.clear()
    store.write_bytes(changed, written[:-1] + b"!")
    name = changed.rsplit("/", 1)[0] if "/model/" in changed else changed
    with pytest.raises(RunFolderError, match=rf"{name} has changed since stage '{stage}' .*--from {stage},"):
        run_stages(config(tmp_path), ALL)
    assert ran_with_outputs == []
    assert manifest(tmp_path) == before
    run_stages(config(tmp_path), ALL, redo_from=stage)
    assert ran_with_outputs == ALL[ALL.index(stage) :]


def test_a_corpus_that_changed_is_refused_but_one_that_is_gone_is_not(tmp_path, ran_with_outputs):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.txt").write_text("从众")
    given = config(tmp_path, data={"passages": str(corpus)})
    run_stages(given, ALL)
    (corpus / "b.txt").write_text("服从")
    with pytest.raises(
        RunFolderError, match=r"data\.passages has changed since stage 'synth' .*--from synth,"
    ):
        run_stages(given, ALL)
    (corpus / "b.txt").unlink()
    run_stages(given, ALL)
    (corpus / "a.txt").unlink()
    corpus.rmdir()
    run_stages(given, ALL)
    assert ran_with_outputs == ALL


def test_a_prompt_that_changed_is_refused_by_name(tmp_path, ran_with_outputs):
    domain = tmp_path / "domain"
    new_domain(domain, "psychology")
    given = config(tmp_path, domain=str(domain))
    run_stages(given, ALL)
    (domain / "README.md").write_text("mine")
    run_stages(given, ALL)
    (domain / "prompts" / "empathy.j2").write_text("{{ post }} {{ reply }}")
    with pytest.raises(RunFolderError, match=r"domain has changed since stage 'synth' .*--from synth,"):
        run_stages(given, ALL)
    assert ran_with_outputs == ALL


def test_a_mended_input_of_a_stage_that_failed_is_read_again(tmp_path, ran, monkeypatch):
    corpus = tmp_path / "passages.jsonl"
    corpus.write_text("broken")
    given = config(tmp_path, data={"passages": str(corpus)})
    working = sys.modules["launch.stages.synth"]
    break_stage(monkeypatch, "synth", DataError("passages.jsonl: line 1 is broken; mend it"))
    with pytest.raises(DataError):
        run_stages(given, ["world", "synth"])
    old = manifest(tmp_path).stages["synth"].inputs
    corpus.write_text("mended")
    monkeypatch.setitem(sys.modules, "launch.stages.synth", working)
    run_stages(given, ["world", "synth"])
    assert manifest(tmp_path).stages["synth"].inputs["data.passages"] != old["data.passages"]


def test_models_named_by_hub_and_remote_data_are_not_read_for_a_digest(tmp_path, ran_with_outputs):
    named = config(tmp_path, model="Qwen/Qwen2.5-7B-Instruct", data={"passages": "s3://bucket/texts"})
    run_stages(named, ALL)
    entries = manifest(tmp_path).stages
    assert not {"model", "data.passages"} & {key for entry in entries.values() for key in entry.inputs}


def test_a_large_weight_file_counts_by_its_first_and_last_part(tmp_path, ran_with_outputs, monkeypatch):
    weights = bytes(3 << 20)

    def grpo(context) -> dict[str, int]:
        context.store.write_bytes("grpo/model/model.safetensors", weights)
        return {}

    monkeypatch.setitem(sys.modules, "launch.stages.grpo", SimpleNamespace(run=grpo))
    store = run_stages(config(tmp_path), ALL)
    run_stages(config(tmp_path), ALL)
    for changed in (b"!" + weights[1:], weights[:-1] + b"!"):
        store.write_bytes("grpo/model/model.safetensors", changed)
        with pytest.raises(RunFolderError, match="grpo/model has changed since stage 'eval'"):
            run_stages(config(tmp_path), ALL)
    longer = weights + b"\0"  # same first and last MiB
    before = manifest(tmp_path).stages["eval"].inputs["grpo/model"]
    store.write_bytes("grpo/model/model.safetensors", longer)
    assert stage_inputs("eval", config(tmp_path), store)["grpo/model"] != before
    with pytest.raises(RunFolderError, match="stage 'grpo' is damaged: grpo/model has"):
        run_stages(config(tmp_path), ALL)


def test_a_large_weight_file_counts_by_its_size(tmp_path):
    store = RunStore(str(tmp_path / "run"))
    digests = set()
    for size in (3 << 20, (3 << 20) + 1):  # zeros: the first and the last part are the same
        store.write_bytes("grpo/model/model.safetensors", bytes(size))
        digests.add(stage_inputs("eval", config(tmp_path), store)["grpo/model"])
    assert len(digests) == 2
