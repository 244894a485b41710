"""From files to clean parquet files through Ray Data: every row is accounted for."""

import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.cleaning.outcomes import CrisisPost, Filtered
from data_pipeline.ingest.cleaned_files import write_passages, write_posts
from data_pipeline.ingest.seen import SeenTexts
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.config.data import DataConfig
from psyche_rl.errors import DataError
from psyche_rl.records import Dialogue, Passage, Quarantined
from psyche_rl.store import RunStore


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


def test_every_row_ends_in_one_file(ray_local, corpus, tmp_path):
    store = RunStore(str(tmp_path / "run"))
    report = write_passages(store, "clean", [corpus], DataConfig(), CleanConfig())
    ok = written(store, "passages", Passage)
    filtered = written(store, "passages_filtered", Filtered)
    quarantined = written(store, "passages_quarantine", Quarantined)
    assert report.rows == len(ok) + len(filtered) + len(quarantined) == 40 + 1 + 2
    assert (report.ok, report.quarantined) == (len(ok), len(quarantined))
    assert report.filtered == {"too_short": 1, "language": 1, "repeat": 1}
    assert [(f.filter, f.row) for f in filtered] == [("too_short", 12), ("language", 14), ("repeat", 18)]
    assert [(q.source, q.row) for q in quarantined] == [("corpus/a.jsonl", 8), ("corpus/b.pdf", 0)]
    assert report.rules["pii.phone"] == 1
    assert report.rules["repeated_sentences"] == 2
    assert [(p.row, p.offset, p.title) for p in ok if p.source.endswith("txt")] == [
        (1, 5, "遗忘"),
        (1, 595, "遗忘"),
    ]
    assert {p.licence for p in ok if p.source.endswith("jsonl")} == {"CC0", None}
    assert any("［电话］" in p.text for p in ok)


def test_block_sizes_change_nothing(ray_local, corpus, tmp_path):
    bytes_of = []
    for rows in (3, 1000):
        store = RunStore(str(tmp_path / str(rows)))
        write_passages(store, "clean", [corpus], DataConfig(), CleanConfig(block_rows=rows))
        bytes_of.append(
            [pq.read_table(store.path(path)).to_pylist() for path in store.glob("clean/*.parquet")]
        )
    assert bytes_of[0] == bytes_of[1]


def test_posts_with_crisis_cues_go_to_a_file_of_their_own(ray_local, tmp_path):
    rows = [
        {"post": "最近总是睡不好，怎么办？", "reply": "睡前别看手机。"},
        {"post": "活着没意思，我想自杀。", "reply": "请告诉我你在哪里。"},
        {"post": "我叫李明，睡不好。", "reply": "早点睡吧。"},
        {"post": "只有问题"},
        {"post": "😀", "reply": "早点睡吧。"},
    ]
    path = rows_file(tmp_path / "posts.jsonl", rows)
    store = RunStore(str(tmp_path / "run"))
    report = write_posts(store, "clean", [path], DataConfig(), CleanConfig())
    (crisis,) = written(store, "posts_crisis", CrisisPost)
    assert (crisis.dialogue.row, crisis.dialogue.messages[0].content) == (2, "活着没意思，我想自杀。")
    assert "self_harm: 活着没意思, seeker" in crisis.cues
    assert [d.row for d in written(store, "posts", Dialogue)] == [1, 3]
    assert (report.ok, report.filtered, report.quarantined, report.crisis) == (2, {"empty_turn": 1}, 1, 1)
    assert report.rows == len(rows)


def test_nothing_to_use_is_one_line_and_leaves_no_file(ray_local, tmp_path):
    path = rows_file(tmp_path / "p.jsonl", [{"nothing": 1}])
    store = RunStore(str(tmp_path / "run"))
    with pytest.raises(DataError, match="no passage among 1 rows; the first reason: no text") as caught:
        write_passages(store, "clean", [path], DataConfig(), CleanConfig())
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
