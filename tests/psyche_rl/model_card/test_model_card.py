"""The model's card: a header that a hub reads, text that makes no markup, figures of the run, no paths."""

from __future__ import annotations

import pytest
import yaml
from markdown_it import MarkdownIt

from launch.inputs import _model_digest
from psyche_rl.model_card import CARD, write_model_card
from psyche_rl.model_card.markdown_text import fenced, shown
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.outputs import damaged, record_outputs

HOSTILE = "<script>alert(1)</script> | [x](http://evil.example) ``` `_*#"
SUMMARY = {
    name: {
        "strict_accuracy": value, "interval": [value - 0.1, value + 0.1], "n": 120, "format_rate": 0.9,
        "by_kind": {"single": {"strict_accuracy": value, "interval": [0.0, 1.0], "n": 60}},
    }
    for name, value in (("base", 0.25), ("sft", 0.5), ("grpo", 0.625))
}  # fmt: skip


@pytest.fixture
def run(tmp_path) -> RunStore:
    store = RunStore(str(tmp_path / "my run"))
    config = {
        "run_dir": "/home/somebody/secret", "model": "Qwen/Qwen2.5-7B-Instruct",
        "prompt": {"instruction": HOSTILE}, "sft": {"lr": 1e-5}, "grpo": {"lr": 1e-6, "reward": {}},
        "teacher": {"model": HOSTILE, "base_url": "https://inner.example/v1"},
        "data": {"questions": "/home/somebody/exam.json"},
    }  # fmt: skip
    store.write_text("config.yaml", yaml.safe_dump(config, allow_unicode=True))
    manifest = Manifest(created="2026-01-01T00:00:00+00:00")
    manifest.stages["select"] = StageEntry(status="done", started="x", counts={"grpo": 1234, "sft": 99})
    manifest.save(store)
    store.write_text("grpo/model/config.json", "{}")
    store.write_text(CARD, "# the base model's own card")
    return store


def card_of(store: RunStore) -> tuple[dict, str]:
    write_model_card(store)
    _, header, text = store.read_bytes(CARD).decode().split("---\n", 2)
    return yaml.safe_load(header), text


def test_a_card_before_and_after_the_evaluation(run):
    header, text = card_of(run)
    assert header["base_model"] == "Qwen/Qwen2.5-7B-Instruct"
    assert "no medical device" in text
    assert "base model's own card" not in text
    assert "Not evaluated yet" in text
    assert "Contamination was not checked" in text
    assert "grpo 1,234, sft 99" in text
    run.write_jsonl("grpo/metrics.jsonl", [{"step": 7, "eval/strict_accuracy": 0.5}])
    assert "was 50.0 %\nafter step 7" in card_of(run)[1]
    run.write_json("eval/summary.json", SUMMARY)
    report = {"sets": {HOSTILE: {"items": 3, "matches": {"exact": 2}}}}
    run.write_json("select/contamination.json", report)
    text = card_of(run)[1]
    assert "| this model (GRPO) | 62.5 % (52.5 – 72.5), n 120 | 62.5 % (0.0 – 100.0), n 60 | 90.0 % |" in text
    assert "| 3 | exact 2 |" in text
    assert "Not evaluated" not in text


def test_texts_of_a_run_make_no_markup_and_paths_stay_at_home(run):
    run.write_json("select/contamination.json", {"sets": {HOSTILE: {"items": 3, "matches": {}}}})
    _, text = card_of(run)
    for leak in ("/home/somebody", "inner.example", str(run.url)):
        assert leak not in text
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<script>" not in html
    assert "evil.example" in html
    assert "href" not in html
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    assert sum(token.type == "fence" for token in tokens) == 1
    assert next(token.content for token in tokens if token.type == "inline") == "my run"


@pytest.mark.parametrize("text", ["a\n|b| ~x~", HOSTILE, "1. x", "\\`", "&lt;b&gt;", "$x$ ![i](j)"])
def test_text_is_shown_as_it_is(text):
    (token,) = (t for t in MarkdownIt("commonmark").parse(f"x {shown(text)}") if t.type == "inline")
    assert all(child.type in ("text", "text_special") for child in token.children)
    assert "".join(child.content for child in token.children) == f"x {' '.join(text.split())}"
    fence = MarkdownIt("commonmark").parse(fenced(text))
    assert [(t.type, t.content.rstrip()) for t in fence] == [("fence", text.rstrip())]


def test_a_renewed_card_neither_damages_the_model_nor_makes_the_evaluation_stale(run):
    recorded, digest = record_outputs(run, ["grpo/model"]), _model_digest(run, "grpo/model")
    write_model_card(run)
    run.write_json("eval/summary.json", SUMMARY)
    write_model_card(run)
    assert damaged(run, recorded, verify=True) == []
    assert _model_digest(run, "grpo/model") == digest
    run.write_text("grpo/model/config.json", "{} ")
    assert damaged(run, recorded) != []
    assert _model_digest(run, "grpo/model") != digest
