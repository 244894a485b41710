"""Where the walk goes: a folder that looks like a clone, with a finished run and the files that pages name.

Collaborators: ``test_commands_walked``; the fakes for what benchmarks, reviews and models look like.
Invariants:

- relative paths of the pages lead here, and nothing that a command writes leaves the folder;
- ``launch/configs/mini.yaml`` is the tiny run's config here, and ``runs/mini`` is that run, finished; the
  other names that pages give to runs lead to it;
- what one page alone needs is made for that page alone.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from finished_run import TINY, begin_at
from item_rows import item_row
from scripted_server import ScriptedServer
from shown_commands import ROOT, Shown, calls

from launch.bench.bench_folder import named_results
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.result_files import write_results

EXAM = {"name": "exam", "compose": "sum", "rewards": [{"reward": "mcq_strict"}, {"reward": "think_format"}]}
OTHER_NAMES = ("a", "b", "whole", "lora", "mine", "killed", "demo", "law_mcq", "psyche")
BROKEN_REWARD = """
from rewards import Reward

class Broken(Reward):
    name = "broken"

    def score(self, sample):
        raise ValueError("broken")
"""
OPTIONS = {"A": "识记", "B": "保持", "C": "再认", "D": "回忆"}


def clone(folder: Path, finished: Path) -> Path:
    """The folder, made anew, with all that several pages need."""
    folder.mkdir()
    for name in ("benchmarks", "docs", "scripts", "tests", "Makefile", ".pre-commit-config.yaml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copytree(ROOT / "launch" / "configs", folder / "launch" / "configs")
    tiny = yaml.safe_load((ROOT / TINY).read_text("utf-8"))
    (folder / "launch/configs/mini.yaml").write_text(yaml.safe_dump(tiny | {"run_dir": "runs/mini"}), "utf-8")
    shutil.copytree(finished, folder / "runs" / "mini")
    licences = {Path(tiny["data"][name]).name: "CC0-1.0" for name in ("passages", "posts")}
    config = yaml.safe_load((finished / "config.yaml").read_text("utf-8"))
    config["publish"]["licences"] = licences
    put(folder / "runs/mini/config.yaml", yaml.safe_dump(config, allow_unicode=True))
    for name in OTHER_NAMES:
        (folder / "runs" / name).symlink_to("mini")
    for name in ("exam.yaml", "rewards.yaml"):
        (folder / name).write_text(yaml.safe_dump(EXAM), "utf-8")
    given(folder / "given", tiny["data"])
    return folder


def given(folder: Path, paths: dict[str, str]) -> None:
    """What users bring: texts, posts, an exam, and three benchmarks in the form of their authors."""
    single, multiple = asked("短时记忆的容量约为（ ）", "A"), asked("下列属于记忆环节的有（ ）", "ABC")
    case = {"general_info": "女，30岁。", "case_introduction": "失眠三月。"}
    case |= {"questions_and_answers": [asked("首先考虑（ ）", "B")]}
    texts, posts = ((ROOT / paths[name]).read_text("utf-8") for name in ("passages", "posts"))
    put(folder / "texts/passages.jsonl", texts.partition("\n")[0])
    put(folder / "posts.jsonl", posts)
    put(folder / "exam/exam.json", [single, multiple])
    put(folder / "pceb/theory/single/third/理论单选.json", [single])
    put(folder / "pceb/theory/multiple/third/理论多选.json", [multiple])
    put(folder / "pceb/cases/mix/third/技能题.json", [case])
    knowledge = {"subject_name": "普通心理学", "question_type": "single", "kind": "knowledge", "id": "k1"}
    put(folder / "cpsyexam/KG-GEE-普通心理学-单项选择题.json", [single | knowledge])
    turns = ["求助者：我很难过", "支持者：愿意多说说吗", "求助者：他走了", "支持者：我在听"]
    put(folder / "cpsycoune/婚恋/1.json", turns)


def asked(stem: str, gold: str) -> dict[str, Any]:
    return {"question": stem, "options": OPTIONS, "answer": gold}


def put(path: Path, what: Any) -> None:
    """A text as it is, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(what if isinstance(what, str) else json.dumps(what, ensure_ascii=False), "utf-8")


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    put(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


# -- what one page alone needs -----------------------------------------------------------------------------
def for_bench(folder: Path, page: list[Shown]) -> None:
    """Replies of two models to one turn of counselling."""
    for name in ("a", "b"):
        reply = item_row(
            benchmark="cpsycoune", model=name, item="1/1", cluster="1", part="turns", kind="short", gold="",
            response=f"我在听，{name}", scores={},
        )  # fmt: skip
        results(folder / "bench" / name / "cpsycoune", [reply])


def for_check(folder: Path, page: list[Shown]) -> None:
    """A model whose tokenizer has no end-of-text token, and a reward that scores no kind of question."""
    shutil.copytree(folder / "runs/mini/sft/model", folder / "models/seven")
    for name in ("tokenizer_config.json", "special_tokens_map.json", "config.json", "generation_config.json"):
        file = folder / "models/seven" / name
        if file.exists():
            tree = json.loads(file.read_text("utf-8"))
            put(file, {key: value for key, value in tree.items() if not key.startswith("eos_token")})
    put(folder / "broken.py", BROKEN_REWARD)
    put(folder / "exam.yaml", yaml.safe_dump({"reward": "broken:Broken"}))


def for_compare(folder: Path, page: list[Shown]) -> None:
    """Two runs, each under two names, that differ in a setting."""
    shutil.copytree(folder / "runs/mini", folder / "runs/other")
    for name in ("b", "lora"):
        (folder / "runs" / name).unlink()
        (folder / "runs" / name).symlink_to("other")
    manifest = folder / "runs/other/manifest.json"
    put(manifest, manifest.read_text("utf-8").replace('"sft.lr": 0.004', '"sft.lr": 0.01'))


def for_domains(folder: Path, page: list[Shown]) -> None:
    """The domain with the mistakes that the page shows."""
    from data_pipeline.domains.new_domain import new_domain

    new_domain(folder / "broken", "psychology")
    words = (folder / "broken/domain.yaml").read_text("utf-8")
    put(folder / "broken/domain.yaml", re.sub("^issues:", "issuse:", words, flags=re.MULTILINE))
    (folder / "broken/prompts/gate.j2").unlink()
    empathy = folder / "broken/prompts/empathy.j2"
    put(empathy, re.sub(r"\{\{ ?post ?\}\}", "{{ pots }}", empathy.read_text("utf-8")))


def for_evaluation(folder: Path, page: list[Shown]) -> None:
    """Replies to a benchmark, figures of a second model and of two judges, and filled-in questionnaires."""
    replies(folder, "replies.jsonl")
    write_results(str(folder / "b.parquet"), [row("b", id_, 0.0) for id_ in ids(folder)])
    for name in ("judge_a", "judge_b"):
        values = (1.0, 0.0, 1.0) if name == "judge_a" else (1.0, 1.0, 0.0)
        rows = [row(name, id_, value) for id_, value in zip(ids(folder), values, strict=False)]
        write_results(str(folder / f"{name}.parquet"), rows)
    filled_in = [
        item_row(
            benchmark="questionnaire_own", model="a", item=f"q{n}", cluster=f"q{n}", kind="short",
            gold=json.dumps({"1": n % 4, "2": n % 4, "3": (n + 1) % 4}),
            response=json.dumps({"1": n % 4, "2": n % 3, "3": (n + 1) % 4}),
        )
        for n in range(8)
    ]  # fmt: skip
    results(folder / "bench/a/questionnaire_own", filled_in)


def for_readme(folder: Path, page: list[Shown]) -> None:
    """Results where ``bench run`` puts those of the page's model."""
    (asked,) = [words for each in page for words in calls(each.text) if words[1:3] == ["bench", "run"]]
    rows = [row("mini-grpo", f"q{n}", float(n > 2), benchmark="mini_exam") for n in range(8)]
    results(folder / named_results(asked[3], None, None)[1] / "mini_exam", rows)


def for_leaderboard(folder: Path, page: list[Shown]) -> None:
    replies(folder, "qwen.jsonl")


def for_extraction(folder: Path, page: list[Shown]) -> None:
    """The replies that the page prints."""
    (shown,) = [each for each in page if each.text == "cat replies.jsonl"]
    put(folder / "replies.jsonl", "\n".join(shown.output) + "\n")


def for_inspect_logs(folder: Path, page: list[Shown]) -> None:
    results(folder / "bench/ours/pceb", [row("ours", each, 1.0) for each in ids(folder)])


def for_metrics(folder: Path, page: list[Shown]) -> None:
    """A run that comes to SFT."""
    begin_at("sft", folder / "runs/mini", folder / "runs/tiny")


def for_review(folder: Path, page: list[Shown]) -> None:
    """The queue that the page counts."""
    from review_example import make_run

    (folder / "runs/psyche").unlink()
    make_run(folder / "runs/psyche")


def for_rewards(folder: Path, page: list[Shown]) -> None:
    question = {"kind": "single", "options": ["甲", "乙"], "gold": "B"}
    lines(folder / "own.jsonl", [question | {"prompt": "短时记忆的容量约为？"}])
    lines(folder / "replies.jsonl", [question | {"id": "1", "response": "<think>A…否 B…是</think>答案：B"}])


GROUND: dict[str, Callable[[Path, list[Shown]], None]] = {
    "README.md": for_readme,
    "docs/bench.md": for_bench,
    "docs/check.md": for_check,
    "docs/compare.md": for_compare,
    "docs/domains.md": for_domains,
    "docs/evaluation.md": for_evaluation,
    "docs/extraction.md": for_extraction,
    "docs/inspect_logs.md": for_inspect_logs,
    "docs/leaderboard.md": for_leaderboard,
    "docs/metrics.md": for_metrics,
    "docs/review.md": for_review,
    "docs/rewards.md": for_rewards,
}


def row(model: str, item: str, value: float, **more: object) -> ItemResult:
    """An item's result; the scores of judges and exams alike stand under ``mcq_strict`` here."""
    return item_row(model=model, item=item, cluster=item, scores={"mcq_strict": value}, **more)


def results(folder: Path, rows: list[ItemResult]) -> None:
    """Rows where ``bench run`` leaves those of a benchmark."""
    folder.mkdir(parents=True)
    write_results(str(folder / "results.parquet"), rows)


def ids(folder: Path) -> list[str]:
    """Of the items of pceb."""
    from data_pipeline.benchmarks.load_items import load_items
    from psyche_rl.evaluation.catalogue import find_benchmark

    return [item.id for item in load_items(find_benchmark("pceb"), str(folder / "given/pceb")).items]


def replies(folder: Path, name: str) -> None:
    """A reply to each item of pceb."""
    lines(folder / name, [{"id": each, "response": "<think>想</think>答案：A"} for each in ids(folder)])


class AnyChat(ScriptedServer):
    """Answers what the pages' commands ask: judges, supervisors, reviewers, questionnaires, exams."""

    def __init__(self) -> None:
        super().__init__(self.answer)

    def answer(self, prompt: str) -> str:
        """By the form that the prompt asks for; a rubric stands in the system turn before it."""
        bodies = (body["messages"] for body in reversed(self.asked))
        whole = "\n".join(turn["content"] for turn in next(b for b in bodies if b[-1]["content"] == prompt))
        if axes := re.findall(r'"(\w+)": 整数', whole):
            return json.dumps(dict.fromkeys(axes, 1))
        if '"better"' in whole:
            return '{"better": "A"}'
        if "你是一位督导" in whole:
            return '{"ok": false, "advice": "给一个做法"}'
        if '"issues"' in whole:
            return '{"issues": [], "comment": "。"}'
        if "打分" in whole:
            scored = {str(n): len(prompt) % (n + 2) % 4 for n in range(1, 5)}
            return f"<think>想</think>{json.dumps(scored)}"
        return "<think>想</think>答案：A"
