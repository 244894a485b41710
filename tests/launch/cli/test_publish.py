"""``psyche-rl publish``: what a dataset folder holds, and what is refused."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
import yaml
from test_cli import HEAVY, modules_after
from typer.testing import CliRunner

from data_pipeline.publish.licences import Licences, doubts, tag
from launch.cli.app import app
from psyche_rl.config import RunConfig, dump_config, parse_config
from psyche_rl.config.shareable import without_paths
from psyche_rl.questions.render import reply_text
from psyche_rl.records import Dialogue, Message, Passage, Quarantined, Question, Rationale, SftExample
from psyche_rl.stages.settings import stage_settings
from psyche_rl.store import Manifest, RunStore, StageEntry

TALK = (Message(role="user", content="我睡不好。"), Message(role="assistant", content="听起来很辛苦。"))


def ask(id_: str, source: str = "texts/a.md") -> Question:
    options = ("甲", "乙", "丙")
    return Question(
        id=id_, kind="multiple", stem=f"问{id_}", options=options, gold="AB", passage_id="p1", source=source
    )


@pytest.fixture
def store(tmp_path) -> RunStore:
    """A run that finished select: q1 and d1 for SFT, q2 for GRPO; q3 was left out on the way."""
    tree = {
        "run_dir": str(tmp_path / "run"),
        "data": {"passages": str(tmp_path / "texts"), "posts": "posts.yaml"},
        "teacher": {"base_url": "http://10.0.0.7:8000/v1", "model": "big-teacher"},
    }
    store = RunStore(tree["run_dir"])
    store.write_text("config.yaml", dump_config(parse_config(tree, "test")))
    questions = [ask("q1"), ask("q2", "texts/b.md"), ask("q3")]
    rationales = [
        Rationale(id=f"r{n}", question_id="q1", prompt="p", text="想", answer="AB", round=n, model="m")
        for n in (0, 1)
    ]
    plain = Dialogue(id="d0", kind="plain", messages=TALK, source="posts.yaml")
    warm = plain.model_copy(update={"id": "d1", "kind": "empathetic", "source_id": "d0"})
    dropped = warm.model_copy(update={"id": "d2"})
    chat = (Message(role="user", content="问q1"), Message(role="assistant", content=reply_text("想", "AB")))
    sft = [
        SftExample(id="s1", kind="reasoning", messages=chat, source_id="q1"),
        SftExample(id="s2", kind="empathy", messages=TALK, source_id="d1"),
    ]
    bad = [
        Quarantined(stage="synth.questions", source="a", row=n, reason=f"reply is broken at {n}", content="")
        for n in (7, 8)
    ]
    passage = Passage(id="p1", text="甲乙丙。", source="texts/a.md", row=1)
    store.write_records("synth/passages.parquet", Passage, [passage])
    store.write_records("synth/questions.parquet", Question, questions)
    store.write_records("synth/rationales.parquet", Rationale, rationales)
    store.write_records("synth/dialogues.parquet", Dialogue, [plain, warm, dropped])
    store.write_records("synth/quarantine.parquet", Quarantined, bad)
    store.write_records("select/grpo.parquet", Question, questions[1:2])
    store.write_records("select/sft.parquet", SftExample, sft)
    stages = {
        name: StageEntry(
            status="done",
            started="then",
            counts={"questions": 3},
            settings=stage_settings(name, RunConfig.model_validate(tree)),
        )
        for name in ("synth", "select")
    }
    Manifest(created="then", stages=stages).save(store)
    return store


def publish(store: RunStore, out, *arguments: str):
    return CliRunner().invoke(app, ["publish", store.url, "--out", str(out), *arguments])


LICENSED = ("--licence", "texts=CC-BY-4.0", "--licence", "texts/b.md=MIT", "--licence", "posts.yaml=CC0-1.0")


def test_the_folder_loads_as_a_dataset_with_lineage_and_licences(store, tmp_path):
    done = publish(store, tmp_path / "out", *LICENSED)
    assert done.exit_code == 0, done.output
    from datasets import load_dataset

    def load(name: str) -> list[dict]:
        cache = str(tmp_path / "cache")
        return load_dataset(str(tmp_path / "out"), name, split="train", cache_dir=cache).to_list()

    reasoning, empathy = load("sft")
    assert reasoning["messages"][1]["content"] == reply_text("想", "AB")
    assert [reasoning[k] for k in ("source_id", "rationale_id", "passage_id", "source", "licence")] == [
        "q1", "r1", "p1", "texts/a.md", "CC-BY-4.0",
    ]  # fmt: skip
    assert (empathy["source_id"], empathy["licence"]) == ("d1", "CC0-1.0")
    (hard,) = load("grpo")
    assert (hard["id"], hard["gold"], hard["licence"]) == ("q2", "AB", "MIT")
    assert hard["prompt"].endswith("多选题：问q2\nA.甲\nB.乙\nC.丙")
    (dialogue,) = load("dialogues")
    assert (dialogue["id"], dialogue["source_id"]) == ("d1", "d0")


def test_the_card_tells_counts_sources_filters_and_no_path(store, tmp_path):
    publish(store, tmp_path / "out", *LICENSED)
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    header = yaml.safe_load(card.split("---")[1])
    assert header["license"] == ["cc-by-4.0", "cc0-1.0", "mit"]
    assert [c["config_name"] for c in header["configs"]] == ["sft", "grpo", "dialogues"]
    for line in (
        "| `sft` | 2 | reasoning 1, empathy 1 |",
        "| texts/b.md | MIT | 0 | 1 | 0 |",
        "| synth.questions | reply is broken at … | 2 |",
        "| select | questions 3 |",
        "`big-teacher`",
        "**Not checked.**",
    ):
        assert line in card
    written = card + (tmp_path / "out" / "provenance.json").read_text("utf-8")
    assert str(tmp_path) not in written
    assert "10.0.0.7" not in written


def test_the_contamination_report_and_prompt_versions_stand_in_the_card(store, tmp_path):
    from data_pipeline.decontamination import EvaluationIndex, EvaluationItem, decontaminate
    from psyche_rl.config.decontamination import DecontaminateConfig

    exam = EvaluationIndex([EvaluationItem("exam", "1", "问q3", ("甲", "乙", "丙"))], DecontaminateConfig())
    report = decontaminate([ask("q1"), ask("q3")], [], [], exam).report
    store.write_json("select/contamination.json", report)
    rationales = store.read_records("synth/rationales.parquet", Rationale)
    versions = ["answer@abc", "answer@def"]
    said = [r.model_copy(update={"prompt_version": v}) for r, v in zip(rationales, versions, strict=True)]
    store.write_records("synth/rationales.parquet", Rationale, said)
    publish(store, tmp_path / "out", *LICENSED)
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "| exam | 1 | exact 1 |" in card
    assert (
        "Compared: question 2, rationale 0, dialogue 0. Removed: question 1, rationale 0, dialogue 0." in card
    )
    assert "| answer | `abc, def` |" in card
    assert pq.read_table(tmp_path / "out" / "sft").column("prompt_version").to_pylist() == [
        "answer@def",
        None,
    ]


def test_other_trainers_formats_keep_the_ids(store, tmp_path):
    publish(store, tmp_path / "out", *LICENSED, "--format", "llamafactory", "--format", "trl")
    factory, trl = tmp_path / "out" / "llamafactory", tmp_path / "out" / "trl"
    info = json.loads((factory / "dataset_info.json").read_text("utf-8"))
    for entry in info.values():
        rows = json.loads((factory / entry["file_name"]).read_text("utf-8"))
        assert [row["id"] for row in rows] == ["s1", "s2"]
        assert all(column in rows[0] for column in entry["columns"].values())
    assert info["psyche_sft_sharegpt"]["tags"]["assistant_tag"] == "assistant"
    pairs = [
        json.loads(line) for line in (trl / "sft_prompt_completion.jsonl").read_text("utf-8").splitlines()
    ]
    assert [(p["id"], p["prompt"][-1]["role"], p["completion"][0]["role"]) for p in pairs] == [
        ("s1", "user", "assistant"), ("s2", "user", "assistant"),
    ]  # fmt: skip
    (asked,) = [json.loads(line) for line in (trl / "grpo_prompts.jsonl").read_text("utf-8").splitlines()]
    assert (asked["id"], asked["gold"], asked["prompt"][0]["role"]) == ("q2", "AB", "user")


def test_what_is_refused_is_one_line_and_writes_nothing(store, tmp_path):
    out = tmp_path / "out"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    cases = [
        (publish(store, out), "2 records from 'posts.yaml' (and 2 more sources) have no known licence"),
        (publish(store, tmp_path / "full", *LICENSED), "not an empty folder"),
        (publish(store, out, *LICENSED, "--format", "csv"), "formats are hf, llamafactory, trl"),
        (publish(store, out, "--licence", "MIT"), "SOURCE=SPDX"),
        (publish(RunStore(str(tmp_path / "none")), out), "no run here"),
    ]
    manifest = Manifest.load(store)
    manifest.stages["select"].status = "running"
    manifest.save(store)
    cases.append((publish(store, out, *LICENSED), "stage 'select' is not done"))
    for done, said in cases:
        assert done.exit_code == 2, done.output
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("error: ")
        assert said in line
    assert not out.exists()


def test_a_question_in_both_sets_or_without_origin_is_no_dataset(store, tmp_path):
    store.write_records("select/grpo.parquet", Question, [ask("q1")])
    done = publish(store, tmp_path / "out", *LICENSED)
    assert (done.exit_code, "q1 is in both training sets" in done.stderr) == (2, True)
    store.write_records("select/grpo.parquet", Question, [ask("q2")])
    store.write_records("synth/questions.parquet", Question, [ask("q2")])
    done = publish(store, tmp_path / "out", *LICENSED)
    assert (done.exit_code, "q1 of the SFT set is in no file of synth" in done.stderr) == (2, True)


def test_unknown_licences_can_be_allowed_and_are_told(store, tmp_path):
    done = publish(store, tmp_path / "out", "--allow-unknown-licence")
    assert done.exit_code == 0
    assert "warning: some records have no known licence" in done.stderr
    assert "- unknown" in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_a_licence_is_that_of_the_record_then_of_its_source():
    licences = Licences({"*": "MIT", "a": "CC0-1.0", "a/b": "CC-BY-4.0"}, own=frozenset({"posts.yaml"}))
    found = [licences.of(source, None) for source in ("a/x.md", "a/b/x.md", "ab.md", "posts.yaml")]
    assert found == ["CC0-1.0", "CC-BY-4.0", "MIT", "MIT"]
    assert licences.of("a/x.md", " ODbL-1.0 ") == "ODbL-1.0"
    assert Licences(own=frozenset({"posts.yaml"})).of("posts.yaml", None) == "Apache-2.0"
    assert Licences().of("posts.yaml", None) == "unknown"
    assert [tag(name) for name in ("CC-BY-NC-SA-4.0", "Proprietary")] == ["cc-by-nc-sa-4.0", "other"]
    assert len(doubts(["CC-BY-ND-4.0", "Proprietary", "MIT", "unknown"])) == 3


def test_configs_lose_their_paths_and_addresses():
    tree = {
        "model": "/home/me/qwen",
        "hub": "Qwen/Qwen2.5-7B",
        "list": ["a/b/c.json"],
        "base_url": "http://x",
    }
    assert without_paths(tree) == {"model": "qwen", "hub": "Qwen/Qwen2.5-7B", "list": ["c.json"]}


def test_it_needs_neither_ray_nor_torch():
    assert not modules_after("import data_pipeline.publish.publish_run") & HEAVY


def test_the_card_states_what_the_data_were_made_with_whatever_the_config_says_now(store, tmp_path):
    tree = yaml.safe_load(store.read_bytes("config.yaml"))
    store.write_text("config.yaml", yaml.safe_dump(tree | {"clean": {"min_chars": 500, "redact": []}}))
    assert publish(store, tmp_path / "out", "--allow-unknown-licence").exit_code == 0
    told = json.loads((tmp_path / "out/provenance.json").read_text("utf-8"))["config"]
    assert told["clean"]["min_chars"] == 10
    assert told["clean"]["redact"]
