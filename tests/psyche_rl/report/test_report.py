"""The page and ``report.json`` of a whole run, of cut ones, and of exams that nobody could pass."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pyarrow as pa
import pytest
from made_up_run import make_question

from psyche_rl.loops.metrics_log import read_metrics
from psyche_rl.records import Question
from psyche_rl.report import collect, render_page, report_json
from psyche_rl.report.chance import chance_levels, reaches_chance
from psyche_rl.report.intervals import interval_of, wilson
from psyche_rl.report.page import chance_notes, selection_rule
from psyche_rl.report.samples import pick_samples
from psyche_rl.store import Manifest, RunStore, StageEntry

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Balance(HTMLParser):
    """Fails on a tag that is closed without having been opened, or the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def sections(page: str) -> set[str]:
    return set(re.findall(r'<(?:section|div)[^>]* id="([a-z-]+)"', page))


def plain(page: str) -> str:
    """The page's words, tags and thin spaces taken out."""
    page = re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("\u202f", " ").split())


def charts_of(page: str) -> list[dict]:
    return json.loads(re.search(r'id="chart-data">(.*?)</script>', page, re.DOTALL)[1])


def test_the_page_is_whole_and_self_contained(page):
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert not parser.seen & {"link", "img", "iframe", "base", "form"}
    assert "http://" not in page
    assert "https://" not in re.sub(r'"\$schema":"https://vega.github.io/schema/[^"]*"', "", page)
    assert "@import" not in page
    assert "default-src &#39;none&#39;" in page
    assert sections(page) == {
        "mini-world",
        "evaluation",
        "rows",
        "stages",
        "selection",
        "sft",
        "grpo",
        "timeline",
        "samples",
        "reproduce",
    }
    links = set(re.findall(r'<a href="#([a-z-]+)"', page))
    assert links == sections(page) - {"mini-world"}
    assert page.count("<figure") == len(charts_of(page))


def test_the_page_states_the_figures_of_the_run(page):
    words = plain(page)
    assert "Base 0.0 %, SFT 40.0 %, GRPO 74.0 %. GRPO against SFT: +34.0 points." in words
    assert "69.0 – 79.0 % · n = 40" in words
    assert "2 min 32 s" in words
    assert "synth questions 2 400" in words
    assert "leaves a right option out of 70 % of its multiple-choice keys" in words
    assert "every selector gets wrong in all of its samples goes to GRPO" in words
    assert (
        "790 questions for GRPO, 1 510 examples for SFT. 61 questions on which the selectors agree" in words
    )
    assert "key_omission: 0.7" in words


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ({}, "that every selector gets wrong in all of its samples"),
        ({"rule": "majority"}, "no selector is right in more than half of its samples"),
        ({"rule": "pass_rate", "pass_rate": [0.1, 0.5]}, "right samples lies from 10\u202f% to 50\u202f%"),
        ({"skip": True}, "questions went to GRPO at random"),
    ],
)
def test_the_rule_said_is_the_one_that_the_run_selected_by(finished_run, select, said):
    data = collect(finished_run)
    assert said in selection_rule(replace(data, config={"select": select}))


def test_a_run_of_an_older_version_has_its_page(run_store):
    for rel in ("select/verdict_table.parquet", "eval/questions.parquet", "grpo/timeline.jsonl"):
        run_store.remove(rel)
    run_store.write_json("select/selection.json", {"counts": {}, "audit": 0})
    run_store.write_jsonl("grpo/metrics.jsonl", [{"step": 1, "reward/mean": 0.5}])
    assert "grpo" in sections(render_page(collect(run_store)))


def test_text_of_the_run_is_escaped(page):
    assert "&lt;b&gt;&amp;amp;" in page
    assert "<think>" not in page


HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\u2028\u2029'\"`{{ 7 * 7 }}"


def test_no_text_of_a_run_becomes_a_script_or_an_element(run_store):
    manifest = Manifest.load(run_store)
    manifest.stages["eval"].error = HOSTILE
    manifest.stages["synth"].counts[f"{HOSTILE}.rows"] = manifest.stages["synth"].counts[HOSTILE] = 1
    manifest.save(run_store)
    part, figure = f"reward/{HOSTILE}", f"bench/x/{HOSTILE}"
    rows = [{"step": s, "reward/mean": 0.5, part: 0.1 * s, figure: 1, "bench/x/version": s} for s in (1, 2)]
    run_store.write_jsonl("grpo/metrics.jsonl", rows)
    selection = run_store.read_json("select/selection.json")
    selection["selectors"] = {HOSTILE: {"all": 0.5, "single": 0.5}}
    run_store.write_json("select/selection.json", selection)
    hostile = {"stem": HOSTILE, "options": (HOSTILE, "b"), "case": HOSTILE}
    question = make_question(0).model_copy(update=hostile)
    run_store.write_records("eval/questions.parquet", Question, [question])
    answer = {"question_id": question.id, "response": HOSTILE, "answer": HOSTILE}
    answer |= {"correct": False, "format_ok": True}
    for model in ("base", "sft", "grpo"):
        run_store.write_table(f"eval/{model}.parquet", pa.Table.from_pylist([answer]))
    page = render_page(collect(run_store))
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert "img" not in parser.seen
    assert page.count("<script") == page.count("</script>") == 4  # data, Vega, the charts' and the page's own
    assert "{{ 7 * 7 }}" in plain(page)
    assert HOSTILE in [name for chart in charts_of(page) for name in chart["words"].get("line", [])]


def test_twenty_samples_side_by_side_with_scores(run_store, page):
    data = collect(run_store)
    assert len(data.samples) == 20
    assert page.count('<article class="question">') == 20
    multiple = next(s for s in data.samples if s.question.kind == "multiple")
    assert (multiple.answers["sft"].correct, multiple.answers["sft"].reward) == (False, 0.5)
    assert (multiple.answers["grpo"].correct, multiple.answers["grpo"].reward) == (True, 1.5)
    assert collect(run_store).samples == data.samples


def test_samples_are_chosen_without_looking_at_the_answers(run_store):
    questions = run_store.read_records("eval/questions.parquet", Question)
    rows = {m: run_store.read_table(f"eval/{m}.parquet").to_pylist() for m in ("sft", "grpo")}
    flipped = {m: [{**row, "correct": not row["correct"]} for row in reversed(rows[m])] for m in rows}
    chosen = [s.question.id for s in pick_samples(questions, rows, {}, 7, seed=3)]
    assert chosen == [s.question.id for s in pick_samples(questions, flipped, {}, 7, seed=3)]
    assert len(set(chosen)) == 7
    assert chosen != [s.question.id for s in pick_samples(questions, rows, {}, 7, seed=4)]


def test_the_json_repeats_manifest_and_evaluation(run_store):
    manifest = Manifest.load(run_store)
    own = StageEntry(status="running", started="t")
    Manifest(created="t", stages={**manifest.stages, "report": own}).save(run_store)
    tree = report_json(collect(run_store))
    assert tree["evaluation"] == run_store.read_json("eval/summary.json")
    # The report's own stage is left out: it is not over yet.
    assert tree["stages"] == {
        name: {"status": "done", "seconds": entry.seconds, "counts": entry.counts}
        for name, entry in manifest.stages.items()
    }
    assert tree["grpo"]["steps"] == 60
    assert tree["grpo"]["final"]["step"] == 60
    assert tree["grpo"]["final"]["eval/single"] == 0.9
    assert tree["selection"] == run_store.read_json("select/selection.json")
    assert tree["config"]["grpo"]["group_size"] == 5
    assert tree["versions"]["python"].startswith("3.")
    assert "torch" in tree["versions"]
    assert tree["missing"] == []


def test_the_json_is_strict_even_where_a_loss_was_not_finite(run_store):
    rows = [{"step": 1, "reward/mean": 1.0, "kl/mean": math.inf, "policy/entropy": math.nan}]
    run_store.write_text("grpo/metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    data = collect(run_store)
    text = json.dumps(report_json(data), allow_nan=False)
    assert json.loads(text)["grpo"]["final"]["kl/mean"] is None
    render_page(data)


@pytest.mark.parametrize(
    ("gone", "section", "words"),
    [
        ("select", "selection", "selection (select/selection.json)"),
        ("sft", "sft", "SFT curve"),
        ("grpo", "grpo", "GRPO curves"),
        ("eval", "evaluation", "evaluation (eval/summary.json)"),
        ("eval/questions.parquet", "samples", "test answers"),
    ],
)
def test_what_is_absent_is_said_and_left_out(run_store, gone, section, words):
    run_store.remove(gone)
    data = collect(run_store)
    page = render_page(data)
    assert section not in sections(page)
    assert "missing" in sections(page)
    assert words in plain(page)
    json.dumps(report_json(data), allow_nan=False)


def test_an_evaluation_without_grpo_is_reported_as_such(run_store):
    summary = run_store.read_json("eval/summary.json")
    del summary["grpo"]
    run_store.write_json("eval/summary.json", summary)
    run_store.remove("eval/grpo.parquet")
    data = collect(run_store)
    page = plain(render_page(data))
    assert "evaluation of the grpo model" in page
    assert "GRPO · not evaluated" in page
    assert "GRPO against SFT" not in page
    assert set(report_json(data)["evaluation"]) == {"base", "sft"}


def test_an_empty_run_folder_gives_a_page_that_says_so(tmp_path):
    data = collect(RunStore(str(tmp_path / "none")))
    page = render_page(data)
    assert "This run has no evaluation yet." in page
    assert sections(page) == {"missing", "reproduce"}
    assert report_json(data)["stages"] == {}


def test_a_failed_stage_shows_its_error(run_store):
    manifest = Manifest.load(run_store)
    manifest.stages["eval"].status, manifest.stages["eval"].error = "failed", "out of <memory>"
    manifest.save(run_store)
    assert "failed: out of &lt;memory&gt;" in render_page(collect(run_store))


# -- exams of one's own ---------------------------------------------------------------------------
def with_own_exam(store: RunStore, **accuracy: tuple[float, float, float]) -> str:
    config = store.read_bytes("config.yaml").decode().replace("questions: null", "questions: data/cpsyexam")
    store.write_text("config.yaml", config)
    summary = {
        model: {"strict_accuracy": value, "interval": [low, high], "format_rate": 1.0, "n": 400}
        for model, (low, value, high) in accuracy.items()
    }
    store.write_json("eval/summary.json", summary)
    return render_page(collect(store))


def test_near_chance_on_an_exam_of_ones_own_is_said_plainly(run_store):
    page = with_own_exam(run_store, sft=(0.12, 0.16, 0.20), grpo=(0.30, 0.34, 0.38))
    assert "chance" in sections(page)
    words = plain(page)
    assert "Near chance on data/cpsyexam." in words
    assert "SFT: all questions 16.0 % (12.0 – 20.0 %; guessing gives 15.8 %)" in words
    assert "GRPO: all questions" not in words


def test_better_than_chance_is_not_called_chance(run_store):
    assert "chance" not in sections(with_own_exam(run_store, grpo=(0.30, 0.34, 0.38)))


def test_the_mini_exam_is_never_called_chance(run_store):
    assert chance_notes(collect(run_store)) == []


def test_a_kind_at_chance_is_named_even_where_the_whole_is_not(run_store):
    with_own_exam(run_store, grpo=(0.30, 0.34, 0.38))
    summary = run_store.read_json("eval/summary.json")
    summary["grpo"]["by_kind"] = {
        "single": {"strict_accuracy": 0.60, "n": 200},
        "multiple": {"strict_accuracy": 0.08, "n": 200},
    }
    run_store.write_json("eval/summary.json", summary)
    words = plain(render_page(collect(run_store)))
    assert "GRPO: multiple choice 8.0 %" in words
    assert "single choice 60.0 % (" not in words


def question(kind: str, options: int, gold: str = "A") -> Question:
    return Question(id="q", kind=kind, stem="s", options=("o",) * options, gold=gold, source="x")


def test_chance_levels_by_hand():
    levels = chance_levels([question("single", 4), question("single", 5), question("multiple", 4, "AB")])
    assert levels.by_kind["single"] == pytest.approx((1 / 4 + 1 / 5) / 2)
    assert levels.by_kind["multiple"] == pytest.approx(1 / 15)
    assert levels.overall == pytest.approx((1 / 4 + 1 / 5 + 1 / 15) / 3)
    assert chance_levels([question("case", 4, "AC")]).overall == pytest.approx(1 / 15)
    assert chance_levels([question("case", 4, "C")]).overall == pytest.approx(1 / 4)
    assert chance_levels([question("short", 0, "要点")]).overall == 0.0


def test_reaching_chance_is_about_the_lower_bound():
    assert reaches_chance((0.10, 0.30), 0.25)
    assert reaches_chance((0.25, 0.30), 0.25)
    assert reaches_chance((0.00, 0.10), 0.25)
    assert not reaches_chance((0.26, 0.30), 0.25)


def test_wilson_interval_against_a_published_case():
    # Newcombe (1998), table I: 81 of 263, 95 %: 0.2553 to 0.3662.
    low, high = wilson(81 / 263, 263, 0.95)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0.0, 10, 0.95)[0] == pytest.approx(0.0, abs=1e-12)
    assert wilson(1.0, 10, 0.95)[1] == pytest.approx(1.0, abs=1e-12)
    assert wilson(0.0, 0, 0.95) == (0.0, 1.0)


def test_the_evaluations_own_interval_comes_first():
    assert interval_of({"strict_accuracy": 0.5, "n": 10, "interval": [0.4, 0.6]}, 0.95) == (0.4, 0.6)
    assert interval_of({"strict_accuracy": 0.5, "n": 10}, 0.95) == wilson(0.5, 10, 0.95)


def test_reading_leaves_the_run_folder_as_it_was(run_store):
    before = run_store.digest("")
    collect(run_store)
    assert run_store.digest("") == before


def test_rollouts_that_are_gone_are_counted_as_missing(run_store):
    assert not [gap for gap in collect(run_store).missing if "rollouts" in gap]
    run_store.remove("grpo/rollouts/step_000007.parquet")
    assert "rollouts of 1 of 60 steps (grpo/rollouts)" in collect(run_store).missing
    run_store.remove("grpo/rollouts")
    assert "rollouts of 60 of 60 steps (grpo/rollouts)" in collect(run_store).missing


def test_alarms_are_in_the_report_and_a_run_without_any_has_no_box(run_store):
    assert "alarms" not in sections(render_page(collect(run_store)))
    rows = read_metrics(run_store, "grpo")
    run_store.write_jsonl("grpo/metrics.jsonl", [*rows, rows[-1] | {"step": 61, "kl/mean": 9.0}])
    data = collect(run_store)
    assert [(alarm["name"], alarm["step"]) for alarm in report_json(data)["alarms"]] == [("kl_spike", 61)]
    page = render_page(data)
    assert "alarms" in sections(page)
    assert "<code>kl_spike</code> at step 61: kl/mean is 9" in page
