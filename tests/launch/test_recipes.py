"""The recipes of related work under examples/: their configs, their rows, and what is new in each."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from fake_llm import FakeLLM

from data_pipeline.benchmarks.load_items import load_items
from data_pipeline.selection.chat_examples import chat_examples
from launch.checks.preflight import check_run
from psyche_rl.bench.judge_prompt import judge_prompt
from psyche_rl.config import load_config
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.evaluation.metric_names import metric_of
from psyche_rl.llm import ChatReply
from rewards import RewardSample, load_reward_set
from rewards.selftest import selftest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
RECIPES = ("questionnaire", "empathy_r1", "staged_reframing", "psyllm", "autocbt")


def rows(path):
    return [json.loads(line) for line in (EXAMPLES / path).read_text("utf-8").splitlines()]


def script(path):
    spec = importlib.util.spec_from_file_location(Path(path).stem, EXAMPLES / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", RECIPES)
def test_its_config_loads_and_its_rows_are_read(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = load_config(f"examples/{name}/config.yaml", [])
    for row in rows(Path(config.data.train_chats).relative_to("examples")):
        assert chat_examples(row)
    if config.grpo.reward.config:
        assert load_reward_set(config.grpo.reward.config)
    described = EXAMPLES / name / "bench.yaml"
    if described.exists():
        benchmark = find_benchmark(str(described))
        data = {"staged_reframing": "items.jsonl", "autocbt": "posts.jsonl"}.get(name, "exam.jsonl")
        loaded = load_items(benchmark, f"examples/{name}/{data}")
        assert loaded.items
        assert not loaded.left_out
        assert all(metric_of(metric) for metric in benchmark.metrics.open)
        assert (judge_prompt(benchmark, "short") is None) == (benchmark.judge is None)


@pytest.mark.slow  # a check looks at the machine, and loads libraries for it
@pytest.mark.parametrize("name", RECIPES)
def test_its_config_passes_the_check(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = load_config(f"examples/{name}/config.yaml", [])
    stages = ["world", "select", "sft"] + (["grpo"] if config.data.train_questions else [])
    assert check_run(config, stages).problems == []


def test_the_questionnaires_reward_cannot_be_cheated():
    questions = [
        RewardSample(
            id=str(n), response="", gold=json.dumps(row["gold"]), kind="short", prompt=row["question"]
        )
        for n, row in enumerate(rows("questionnaire/questions.jsonl"))
    ]
    result = selftest(load_reward_set(EXAMPLES / "questionnaire" / "rewards.yaml"), questions)
    assert len({finding.question.id for finding in result.findings}) == 16
    assert result.passed


def test_sections_of_thought_are_asked_for_in_order_before_a_reply():
    reward = load_reward_set(EXAMPLES / "empathy_r1" / "rewards_rules.yaml")

    def order(response):
        return reward.score(RewardSample(id="1", response=response, gold="", kind="short")).parts[
            "think_sections"
        ]

    thought, reply = "情绪：难过\n原因：落榜\n意图：想被理解", "这一定很不好受。"
    assert order(f"<think>{thought}</think>{reply}") == 1
    assert order(f"<think>原因：落榜\n情绪：难过\n意图：想被理解</think>{reply}") == 0
    assert order(f"<think>情绪：\n原因：落榜\n意图：想被理解</think>{reply}") == 0
    assert order(f"<think>{thought}</think>") == 0
    assert order(f"{thought}\n{reply}") == 0
    asked = [RewardSample(id="1", response="", gold="", kind="short", prompt="我很难过。")]
    assert selftest(reward, asked).pays_for_nothing is None
    for row in rows("empathy_r1/chats.jsonl"):
        assert order(row["messages"][-1]["content"]) == 1


def tiny_classifier(folder: Path) -> Path:
    """A sequence classifier with one output, drawn at random, and its tokenizer of bytes."""
    import torch
    from tiny_models import byte_tokenizer
    from transformers import Qwen2Config, Qwen2ForSequenceClassification

    torch.manual_seed(0)
    shape = Qwen2Config(
        vocab_size=300, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=512, num_labels=1, pad_token_id=0,
    )  # fmt: skip
    Qwen2ForSequenceClassification(shape).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_a_sequence_classifier_scores_the_answer_part(tmp_path):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_classifier(tmp_path))
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    sample = RewardSample(id="1", response="<think>想</think>好的。", gold="", kind="short", prompt="难过。")
    ids = tokenizer.encode("难过。\n好的。\n", add_special_tokens=False)
    with torch.inference_mode():
        logit = float(model(torch.tensor([ids])).logits[0, 0])
    kind = script("empathy_r1/sequence_classifier.py").SequenceClassifier
    assert kind(str(tmp_path), squash=False).score(sample).value == pytest.approx(logit, abs=1e-5)
    squashed = kind(str(tmp_path))
    assert squashed.score(sample).value == pytest.approx(torch.sigmoid(torch.tensor(logit)).item(), abs=1e-5)
    assert squashed.score(sample.model_copy(update={"response": "<think>想"})).value == 0


def test_a_table_of_thoughts_becomes_stages_rationales_and_items():
    module = script("staged_reframing/csv_to_chats.py")
    table = (EXAMPLES / "staged_reframing" / "reframing.csv").read_text("utf-8").splitlines()
    for form, file in {"stages": "chats_stages", "socratic": "chats_socratic", "items": "items"}.items():
        assert list(module.converted(csv.DictReader(table), form)) == rows(f"staged_reframing/{file}.jsonl")
    first = rows("staged_reframing/chats_stages.jsonl")[0]["messages"]
    assert [turn["role"] for turn in first] == ["user", "assistant"] * 3
    broken = [
        {"thought": "我不行。", "questions": "问|答|问", "target": "也行。"},
        {"thought": "", "target": "x"},
    ]
    assert [str(found) for found in module.converted(broken, "socratic")] == [
        "questions are not pairs of question|answer", "nothing under thought"
    ]  # fmt: skip


def test_a_conversation_with_one_of_the_four_issues_is_dropped():
    module = script("psyllm/four_issues.py")
    issues = yaml.safe_load((EXAMPLES / "psyllm" / "issues.yaml").read_text("utf-8"))
    assert len(issues) == 4

    def reviewer(prompt, sample):
        found = ["unsupported_diagnosis"] if "重度抑郁症" in prompt else []
        return ChatReply(json.dumps({"issues": found, "comment": "。"}), 1, 1)

    door = FakeLLM(reviewer)
    found = module.review(rows("psyllm/unfiltered.jsonl"), issues, door)
    assert [each["issues"] for each in found] == [[], [], ["unsupported_diagnosis"]]
    assert "<think>" in door.asked[0].messages[0][1]


def test_a_draft_is_criticised_by_each_supervisor_and_revised():
    module = script("autocbt/draft_critique_revise.py")
    asks = module.supervisors()
    shown = yaml.safe_load((EXAMPLES / "autocbt" / "bench.yaml").read_text("utf-8"))["judge"]["rubrics"]
    assert {axis: each["asks"] for axis, each in shown["supervisors"].items()} == asks

    def counsellor(prompt, sample):
        if "督导意见" in prompt:
            return ChatReply("<think>改</think>改好的回复", 1, 1)
        if "你是一位督导" in prompt:
            ok = "吵" not in prompt or asks["strategy"] not in prompt
            return ChatReply(json.dumps({"ok": ok, "advice": "" if ok else "给一个做法"}), 1, 1)
        return ChatReply("" if "空" in prompt else "草稿", 1, 1)

    door = FakeLLM(counsellor)
    revised, kept, failed = module.revised(["室友很吵。", "睡不着。", "空。"], asks, door)
    assert (revised["draft"], revised["messages"][1]["content"]) == ("草稿", "改好的回复")
    assert revised["critiques"] == {"strategy": "给一个做法"}
    assert (kept["messages"][1]["content"], kept["critiques"]) == ("草稿", {})
    assert failed == {"question": "空。", "error": "draft: the reply is empty"}
    assert len(door.asked) == 3 + 2 * len(asks) + 1


def ran(name: str, folder: Path, *settings: str) -> tuple[Path, dict]:
    """The run folder of a recipe whose stages up to GRPO have run, and its manifest's stages."""
    given = [f"run_dir={folder / 'run'}", *settings]
    code = "from launch.pipeline import run_stages; from psyche_rl.config import load_config; "
    code += f"config = load_config('examples/{name}/config.yaml', {given}); "
    code += "run_stages(config, ['world', 'select', 'sft', 'grpo'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert (folder / "run/grpo/model/config.json").exists()
    return folder / "run", json.loads((folder / "run/manifest.json").read_text("utf-8"))["stages"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_recipe_runs_from_its_rows_to_a_policy(tmp_path):
    _, stages = ran("questionnaire", tmp_path)
    assert list(stages) == ["world", "select", "sft", "grpo"]
    assert stages["select"]["counts"] == {"repeats": 0, "sft": 24, "grpo": 16, "quarantined": 0}
    assert stages["grpo"]["counts"]["samples"] == 32


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_policy_takes_a_step_by_a_reward_model(tmp_path):
    for file in ("think_sections.py", "sequence_classifier.py"):
        shutil.copy(EXAMPLES / "empathy_r1" / file, tmp_path)
    rules = yaml.safe_load((EXAMPLES / "empathy_r1" / "rewards_model.yaml").read_text("utf-8"))
    assert rules["compose"] == "product"
    rules["compose"] = (
        "sum"  # so that the model is asked of replies without sections, too: a tiny policy has no others
    )
    rules["rewards"][1]["model"] = str(tiny_classifier(tmp_path / "model"))
    (tmp_path / "rewards.yaml").write_text(yaml.safe_dump(rules), "utf-8")
    run, stages = ran(
        "empathy_r1",
        tmp_path,
        "grpo.max_steps=1",
        f"grpo.reward={{config: {tmp_path}/rewards.yaml, workers: 1, timeout_s: 120, memory_mib: 65536}}",
    )
    assert stages["grpo"]["counts"]["samples"] == 16
    rows = pq.read_table(run / "grpo/rollouts").to_pylist()
    opinions = [dict(row["reward_parts"])["sequence_classifier"] for row in rows]
    assert len(set(opinions)) > 4
    assert all(0 < opinion < 1 for opinion in opinions)
    own = load_reward_set(tmp_path / "rewards.yaml")
    for row in rows[:4]:
        again = RewardSample(id="1", response=row["response"], gold="", kind="short", prompt=row["prompt"])
        assert own.score(again).value == pytest.approx(row["reward"], abs=1e-5)
    (step,) = [json.loads(line) for line in (run / "grpo/metrics.jsonl").read_text("utf-8").splitlines()]
    assert step["reward/errors"] == 0
    assert step["policy/grad_norm"] > 0
