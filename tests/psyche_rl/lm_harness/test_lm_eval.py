"""Tasks for lm-eval: run by lm-eval with a tiny model (slow), and its logs read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tiny_models import EOS, byte_tokenizer, save_tiny_model

from data_pipeline.benchmarks.load_items import load_items
from data_pipeline.benchmarks.loaded_items import LoadedItems
from data_pipeline.benchmarks.stored_replies import score_stored
from psyche_rl.errors import DataError
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.lm_harness.task_export import export_task
from psyche_rl.records import Message

LIMIT = 24


def benchmark(name: str = "mini_exam") -> tuple[Benchmark, tuple[BenchmarkItem, ...]]:
    found = find_benchmark(name)
    return found, load_items(found, None).items


def test_a_task_has_every_item_as_it_is_asked_and_says_what_it_leaves_out(tmp_path):
    described, items = benchmark()
    odd = items[0].model_copy(
        update={"id": "odd", "messages": (Message(role="user", content="{{ gold }}\u2028{% raw %}"),)}
    )
    talk = items[1].model_copy(update={"id": "talk", "messages": (*items[1].messages, *items[1].messages)})
    open_one = items[2].model_copy(update={"id": "open", "options": ()})
    done = export_task(described, [items[0], odd, talk, open_one], tmp_path)
    assert (done.task, done.items) == ("psyche_rl_mini_exam", 2)
    assert dict(done.left_out)["open"] == "scored by a judge alone"
    assert "turns user, user" in dict(done.left_out)["talk"]
    text = (tmp_path / done.task / "items.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["prompt"] for row in rows] == [items[0].messages[-1].content, odd.messages[0].content]
    assert not any(str(tmp_path) in file.read_text("utf-8") for file in (tmp_path / done.task).iterdir())
    with pytest.raises(DataError, match="none of 1 items can be asked by lm-eval"):
        export_task(described, [talk], tmp_path)


def logged(item: str, replies: list[str], filter_name: str = "none") -> dict:
    doc = {"id": item, "item": "{}"}
    return {"doc_id": 0, "doc": doc, "resps": [replies], "filtered_resps": replies, "filter": filter_name}


def test_logs_are_scored_reply_by_reply(tmp_path):
    loaded = load_items(find_benchmark("mini_exam"), None)
    first, second = (item.id for item in loaded.items[:2])
    said = ["答案：A\u2028", "B"]
    rows = [logged(first, said), logged(first, said, "other"), logged(second, [""])]
    foreign = {"doc": {"question": "?"}, "resps": [["A"]]}
    file = tmp_path / "samples_psyche_rl_mini_exam_2026.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in (*rows, foreign)), "utf-8")
    scored = score_stored(loaded, str(file), "m")
    assert [(r.item, r.sample, r.response) for r in scored.results] == [
        (first, 0, said[0]), (first, 1, said[1]), (second, 0, ""),
    ]  # fmt: skip
    (bad,) = scored.bad
    assert (bad.row, "psyche-rl did not export" in bad.reason) == (4, True)


def save_model_that_answers(letter: str, folder: Path) -> None:
    """Whatever is asked, it says the letter and stops: a chain from the last token to the next."""
    import torch

    model = save_tiny_model(folder, tie=False)
    tokenizer = byte_tokenizer()
    (line_end,), (said,) = tokenizer.encode("\n"), tokenizer.encode(letter)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "o_proj" in name or "down_proj" in name:
                weights.zero_()  # what is left of the layers is the last token's own embedding
        embeddings = model.get_input_embeddings().weight
        head = model.get_output_embeddings().weight
        head.zero_()
        head[said], head[EOS] = 9 * embeddings[line_end], 9 * embeddings[said]
    model.save_pretrained(folder)


@pytest.mark.slow
def test_lm_eval_gives_our_scores_with_a_tiny_model(tmp_path, monkeypatch):
    """It asks the prompts that we ask, and its figures are ours on the replies that it logs."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import lm_eval
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    save_model_that_answers("B", tmp_path / "model")
    described, items = benchmark()
    system = Message(role="system", content="你是考生。")
    asked = {
        item.id: item.model_copy(update={"messages": (system, *item.messages)}) for item in items[:LIMIT]
    }
    task = export_task(described, asked.values(), tmp_path / "tasks").task
    moved = (tmp_path / "tasks").rename(tmp_path / "elsewhere")
    tracker = EvaluationTracker(output_path=str(tmp_path / "out"))
    done = lm_eval.simple_evaluate(  # what its command line does
        model="hf", model_args=f"pretrained={tmp_path / 'model'},dtype=float32,device=cpu", tasks=[task],
        task_manager=TaskManager(include_path=str(moved), include_defaults=False),
        apply_chat_template=True, log_samples=True, evaluation_tracker=tracker,
    )  # fmt: skip
    logged_samples = done.pop("samples")
    tracker.save_results_aggregated(results=done, samples=logged_samples)
    tracker.save_results_samples(task_name=task, samples=logged_samples[task])
    (log,) = (tmp_path / "out").rglob("samples_*.jsonl")
    for row in map(json.loads, log.read_text("utf-8").split("\n")[:-1]):
        said = row["arguments"]["gen_args_0"]["arg_0"]
        assert said == f"你是考生。\n{asked[row['doc']['id']].messages[-1].content}\n"
    scored = score_stored(LoadedItems(described, tuple(asked.values()), ()), str(log), "tiny")
    assert (scored.bad, scored.missing) == ((), ())
    assert {row.response for row in scored.results} == {"B"}
    (results,) = (tmp_path / "out").rglob("results_*.json")
    theirs = json.loads(results.read_text("utf-8"))["results"][task]
    for metric in ("mcq_strict", "mcq_elastic"):
        mean = sum(row.scores[metric] for row in scored.results) / LIMIT
        assert theirs[f"{metric},none"] == pytest.approx(mean)
        assert 0 < mean < 1


def test_the_yaml_is_what_lm_eval_reads(tmp_path):
    described, items = benchmark()
    warm = described.model_copy(
        update={"sampling": described.sampling.model_copy(update={"temperature": 0.6, "samples": 4})}
    )
    task = export_task(warm, items[:2], tmp_path).task
    text = (tmp_path / task / f"{task}.yaml").read_text("utf-8")
    plain = yaml.safe_load(text.replace("!function ", ""))
    assert plain["process_results"].strip("'") == "psyche_rl_task.process_results"
    assert plain["generation_kwargs"]["temperature"] == 0.6
    assert (plain["repeats"], plain["generation_kwargs"]["do_sample"]) == (4, True)
    assert [row["metric"] for row in plain["metric_list"]] == ["mcq_strict", "mcq_elastic"]
    assert Path(tmp_path / task / "benchmark.json").exists()
