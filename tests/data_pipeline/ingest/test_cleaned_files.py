"""From files to clean parquet files: every row is accounted for, and Ray changes nothing."""

import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_in_process import stream_in_process

from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.cleaning.rule_counts import TakenOut
from data_pipeline.ingest import cleaned_files
from data_pipeline.ingest.clean_blocks import PASSAGES, POSTS
from data_pipeline.ingest.cleaned_files import write_cleaned
from data_pipeline.ingest.seen import SeenTexts
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.config.data import DataConfig
from psyche_rl.errors import DataError
from psyche_rl.records import Dialogue, Passage, RowOutcome
from psyche_rl.store import RunStore


@pytest.fixture
def without_ray(monkeypatch):
    monkeypatch.setattr(cleaned_files, "stream_cleaned", stream_in_process)


def rows_file(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(path)


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    rows = [{"text": f"记忆的第{n}个步骤是编码、储存和提取。", "licence": "CC0"} for n in range(40)]
    rows[7] = {"nothing": 1}
    rows[11] = {"text": "扫码加微信！"}
    rows[13] = {"text": "This passage is written in English, which nobody asked for."}
    rows[17] = {"text": rows[5]["text"] + "😀"}
    rows[19] = {"text": "患者的电话是13800138000，请在晚上联系他。"}
    rows_file(folder / "a.jsonl", rows)
    (folder / "b.pdf").write_bytes(b"%PDF broken")
    (folder / "c.txt").write_text(
        "# 遗忘\n遗忘先快后慢，复习要早。\n\n" + "保持的内容会随时间减少。" * 60, "utf-8"
    )
    return str(folder)


def written(store, name, kind):
    return store.read_records(f"clean/{name}.parquet", kind)


def test_every_row_ends_once(without_ray, corpus, tmp_path):
    store = RunStore(str(tmp_path / "run"))
    report = write_cleaned(store, "clean", [corpus], DataConfig(), CleanConfig(), PASSAGES)
    ok = written(store, "passages", Passage)
    outcomes = written(store, "passages_outcomes", RowOutcome)
    rows = [o for o in outcomes if o.stage == "passages"]
    files = [o for o in outcomes if o.stage == "passages.files"]
    assert report.ended.rows == len(rows) == 40 + 1 + 2
    assert [o.row for o in files] == ["corpus/a.jsonl", "corpus/b.pdf", "corpus/c.txt"]
    assert [row for o in files for row in o.rows_read] == [o.row for o in rows]
    assert [o.gives for o in rows if o.status == "ok"] == [p.id for p in ok]
    assert (report.ended.ok, report.ended.quarantined) == (len(ok), 2)
    assert report.ended.filters == {"too_short": 1, "language": 1, "repeat": 1}
    filtered = [o for o in rows if o.status == "filtered"]
    assert [(f.filter, f.source_row) for f in filtered] == [
        ("too_short", 12),
        ("language", 14),
        ("repeat", 18),
    ]
    set_aside = [(q.source, q.source_row) for q in rows if q.status == "quarantined"]
    assert set_aside == [("corpus/a.jsonl", 8), ("corpus/b.pdf", 0)]
    assert report.rules["pii.phone"] == 1
    assert report.rules["repeated_sentences"] == 2
    assert [(p.row, p.offset, p.title) for p in ok if p.source.endswith("txt")] == [
        (1, 5, "遗忘"),
        (1, 595, "遗忘"),
    ]
    assert {p.licence for p in ok if p.source.endswith("jsonl")} == {"CC0", None}
    assert any("［电话］" in p.text for p in ok)
    (gone,) = written(store, "passages_taken_out", TakenOut)
    assert (gone.source, gone.row, gone.rule, gone.text) == ("corpus/a.jsonl", 12, "adverts", "扫码加微信！")


def test_a_repeat_names_the_record_that_stays_and_keeps_its_text(without_ray, corpus, tmp_path):
    store = RunStore(str(tmp_path / "run"))
    write_cleaned(store, "clean", [corpus], DataConfig(), CleanConfig(), PASSAGES)
    by_row = {p.row: p for p in written(store, "passages", Passage) if p.source.endswith("jsonl")}
    (repeat,) = [o for o in written(store, "passages_outcomes", RowOutcome) if o.filter == "repeat"]
    assert (repeat.keeper, repeat.content) == (by_row[6].id, by_row[6].text)
    assert (repeat.source, repeat.source_row) == ("corpus/a.jsonl", 18)


def contents(store):
    return {path: pq.read_table(store.path(path)).to_pylist() for path in store.glob("clean/*.parquet")}


def test_block_sizes_change_nothing(without_ray, corpus, tmp_path):
    found = []
    for rows in (3, 1000):
        store = RunStore(str(tmp_path / str(rows)))
        write_cleaned(store, "clean", [corpus], DataConfig(), CleanConfig(block_rows=rows), PASSAGES)
        found.append(contents(store))
    assert found[0] == found[1]


POST_ROWS = [
    {"post": "最近总是睡不好，怎么办？", "reply": "睡前别看手机。"},
    {"post": "活着没意思，我想自杀。", "reply": "请告诉我你在哪里。"},
    {"post": "我叫李明，睡不好。", "reply": "早点睡吧。"},
    {"post": "只有问题"},
    {"post": "😀", "reply": "早点睡吧。"},
    {"post": "活着没意思，我想自杀。", "reply": "请告诉我你在哪里。"},
]


def test_posts_with_crisis_cues_go_to_a_file_of_their_own(without_ray, tmp_path):
    path = rows_file(tmp_path / "posts.jsonl", POST_ROWS)
    store = RunStore(str(tmp_path / "run"))
    report = write_cleaned(store, "clean", [path], DataConfig(), CleanConfig(), POSTS)
    (crisis,) = written(store, "posts_crisis", CrisisPost)
    assert (crisis.dialogue.row, crisis.dialogue.messages[0].content) == (2, "活着没意思，我想自杀。")
    assert crisis.cues == "passive_ideation: 活着没意思, seeker; active_ideation: 想自杀, seeker"
    assert [d.row for d in written(store, "posts", Dialogue)] == [1, 3]
    assert (report.ended.ok, report.crisis, report.ended.quarantined) == (3, 1, 1)
    assert report.ended.filters == {"empty_turn": 1, "repeat": 1}
    assert report.ended.rows == len(POST_ROWS)
    rows = [o for o in written(store, "posts_outcomes", RowOutcome) if o.stage == "posts"]
    assert [(o.source_row, o.status) for o in rows] == [
        (1, "ok"),
        (2, "ok"),
        (3, "ok"),
        (4, "quarantined"),
        (5, "filtered"),
        (6, "filtered"),
    ]
    assert (rows[5].keeper, rows[5].content) == (
        crisis.dialogue.id,
        "活着没意思，我想自杀。\n请告诉我你在哪里。",
    )


@pytest.mark.slow
def test_ray_data_gives_what_one_process_gives(ray_local, corpus, tmp_path, monkeypatch):
    posts = rows_file(tmp_path / "posts.jsonl", POST_ROWS)
    found = []
    for name in ("ray", "here"):
        if name == "here":
            monkeypatch.setattr(cleaned_files, "stream_cleaned", stream_in_process)
        store = RunStore(str(tmp_path / name))
        for path, kind in ((corpus, PASSAGES), (posts, POSTS)):
            write_cleaned(store, "clean", [path], DataConfig(), CleanConfig(block_rows=7), kind)
        found.append(contents(store))
    assert found[0] == found[1]
    assert len(found[0]) == 7


def test_nothing_to_use_is_one_line_and_leaves_no_file(without_ray, tmp_path):
    path = rows_file(tmp_path / "p.jsonl", [{"nothing": 1}])
    store = RunStore(str(tmp_path / "run"))
    with pytest.raises(DataError, match="no passage among 1 rows; the first reason: no text") as caught:
        write_cleaned(store, "clean", [path], DataConfig(), CleanConfig(), PASSAGES)
    assert "\n" not in str(caught.value)
    assert store.glob("clean/*") == []


@given(st.lists(st.lists(st.integers(0, 40).map(str), max_size=12), max_size=12))
def test_seen_texts_are_a_set(batches):
    seen, known = SeenTexts(), set()
    for texts in batches:
        expected = []
        for text in texts:
            expected.append(text not in known)
            known.add(text)
        assert seen.new(texts) == expected
    assert len(seen) == len(known)
