"""Which benchmark items stand in what a run's models were trained on, from the records to the cell."""

from __future__ import annotations

import pytest
from item_rows import item_row

from data_pipeline.benchmarks.load_items import load_items
from data_pipeline.benchmarks.training_overlap import overlap_of_run
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.errors import DataError, RunFolderError
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.evaluation.contamination_report import read_contamination
from psyche_rl.leaderboard import build
from psyche_rl.questions.render import laid_out
from psyche_rl.records import Message, Question, SftExample
from psyche_rl.store import RunStore


@pytest.fixture
def loaded():
    return load_items(find_benchmark("mini_exam"), None)


@pytest.fixture
def run(tmp_path, loaded) -> RunStore:
    """SFT has item 0 in another order of options, GRPO item 1; both have what stands in no benchmark."""
    store = RunStore(str(tmp_path / "run"))
    first, second = loaded.items[:2]
    asked = Message(role="user", content=laid_out(first.stem, first.options[::-1], prefix="单选题："))
    other = Message(role="user", content="单选题：小明的弟弟叫什么名字，住在哪一条街上？\nA.小强\nB.小刚")
    reply = Message(role="assistant", content="<think>想</think>答案：A")
    chats = [
        SftExample(id=f"s{n}", kind="reasoning", messages=(said, reply), source_id="q")
        for n, said in enumerate((asked, other))
    ]
    store.write_records("select/sft.parquet", SftExample, chats)
    question = Question(
        id="g", kind="multiple", stem=second.stem, options=second.options, gold="AB", source="x"
    )
    store.write_records("select/grpo.parquet", Question, [question])
    return store


def test_each_model_is_held_against_what_it_has_seen(run, loaded, tmp_path):
    first, second = (item.id for item in loaded.items[:2])
    sft = overlap_of_run(run.url, "sft", [loaded], DecontaminateConfig())
    assert set(sft.benchmarks["mini_exam"].found) == {first}
    assert sft.compared == {"sft reasoning": 2}
    grpo = overlap_of_run(run.url, "grpo", [loaded], DecontaminateConfig())
    assert set(grpo.benchmarks["mini_exam"].found) == {first, second}
    (hit,) = grpo.benchmarks["mini_exam"].found[second]
    assert (hit.record, hit.kind, hit.rule, hit.score) == ("g", "grpo question", "exact", 1.0)
    assert grpo.benchmarks["mini_exam"].items == len(loaded.items)

    file = tmp_path / "found.json"
    file.write_text(grpo.model_dump_json(), "utf-8")
    leaked = read_contamination([f"a=b={file}"])
    assert leaked == {("a=b", "mini_exam"): frozenset({first, second})}
    rows = [
        item_row(benchmark="mini_exam", model="a=b", item=item.id, cluster=item.id, part=item.part)
        for item in loaded.items[:3]
    ]
    (row,) = build(rows, contamination=leaked).rows
    assert row.cells["mini_exam", "", "mcq_strict"].contaminated == 2


def test_what_is_no_report_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    for given, why in (
        ("model", "write MODEL=FILE"),
        (f"m={tmp_path}/gone.json", "No such file"),
        (f"m={tmp_path}/x.json", "no report of `psyche-rl bench contamination`"),
    ):
        with pytest.raises(DataError, match=why):
            read_contamination([given])
    with pytest.raises(RunFolderError, match="run the stages up to select first"):
        overlap_of_run(str(tmp_path), "grpo", [], DecontaminateConfig())
