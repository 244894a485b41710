"""Files of any shape without what matches: what is kept holds no match, and all rows that matched nothing."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.decontamination.files import decontaminate_files
from data_pipeline.ingest.raw_rows import read_rows
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.records import Quarantined

STEM, OPTIONS = "短时记忆的容量一般认为是多少个组块", ("大约七个", "大约二十个", "没有限制", "大约两个")
LEAK = "\n".join((f"问题：{STEM}？", *(f"{k}. {o}" for k, o in zip("ABCD", OPTIONS, strict=True)), "答案：A"))
CLEAN = [f"遗忘曲线说明，学习之后遗忘先快后慢。{n}" for n in range(4)]
WORDS = st.sampled_from([*CLEAN, LEAK, LEAK.replace("\n", "\r"), "好😀", ""])
VALUE = st.one_of(
    WORDS.map(lambda text: {"text": text}),
    WORDS.map(lambda text: {"content": text, "id": 1}),
    WORDS.map(lambda text: {"messages": [{"role": "user", "content": text}]}),
    st.lists(WORDS, min_size=1, max_size=2).map(
        lambda texts: {"case": "男，30岁。", "questions_and_answers": [{"question": t} for t in texts]}
    ),
)
ROWS = st.lists(VALUE, max_size=5)
ENDS = st.sampled_from(["\n", "\r\n", "\r\r\n", "\r"])


@st.composite
def files(draw):
    """(name, bytes) of a file with rows in it."""
    rows, kind = draw(ROWS), draw(st.sampled_from(["lines", "list", "version", "splits", "ids", "csv"]))
    if kind == "lines":
        end, encodings = draw(ENDS), ["utf-8", "gb18030"]
        lines = [json.dumps(row, ensure_ascii=False) + end for row in rows]
        if draw(st.booleans()):
            lines.insert(draw(st.integers(0, len(lines))), "{broken" + end)
        if draw(st.booleans()) and lines:
            lines[-1] = lines[-1].rstrip("\r\n")
        if draw(st.integers(0, 4)) == 0:
            return "a.jsonl", "".join(lines).encode("utf-16")
        return "a.jsonl", b"".join(line.encode(draw(st.sampled_from(encodings))) for line in lines)
    if kind == "csv":
        import csv
        import io

        out = io.StringIO()
        writer = csv.writer(out, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
        writer.writerow(["text", "n"])
        writer.writerows([json.dumps(row, ensure_ascii=False), n] for n, row in enumerate(rows))
        return "a.csv", out.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "gb18030"])))
    tree = {
        "list": rows, "version": {"version": "1.0", "data": rows},
        "splits": {"train": rows, "test": rows[:1]},
        "ids": {f"q{n}": row for n, row in enumerate(rows)},
    }[kind]  # fmt: skip
    return "a.json", json.dumps(tree, ensure_ascii=False, indent=draw(st.sampled_from([None, 2]))).encode()


def rows_of(path):
    return [row.value for row in read_rows(str(path), "t") if not isinstance(row, Quarantined)]


def leaks(value):
    return STEM in json.dumps(value, ensure_ascii=False)


@pytest.fixture(scope="module")
def exam(tmp_path_factory):
    path = tmp_path_factory.mktemp("exam") / "exam.json"
    item = {"question": STEM, "options": dict(zip("ABCD", OPTIONS, strict=True)), "answer": "A"}
    path.write_text(json.dumps([item], ensure_ascii=False), "utf-8")
    return str(path)


@settings(max_examples=20, deadline=None)
@given(files())
def test_what_is_kept_is_what_matches_nothing(tmp_path_factory, exam, file):
    name, content = file
    folder = tmp_path_factory.mktemp("data")
    (folder / name).write_bytes(content)
    before = rows_of(folder / name)
    found = decontaminate_files(str(folder), [exam], DecontaminateConfig(), folder / "out")
    kept = folder / "out" / "kept" / name
    after = rows_of(kept) if kept.exists() else []
    assert not any(map(leaks, after))
    whole = [row for row in before if not leaks(row)]
    rest = iter(after)  # in their order, although a row without its match may equal one that had none
    assert all(row in rest for row in whole)
    assert len(after) <= len(before)
    assert bool(found.matches) == any(map(leaks, before))
    if not found.matches and not found.bad:
        assert kept.read_bytes().strip() == content.strip()
    again = decontaminate_files(str(folder / "out" / "kept"), [exam], DecontaminateConfig(), None)
    assert again.matches == []


def test_a_folder_of_all_kinds_is_looked_at(tmp_path, exam):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.jsonl").write_text(json.dumps({"text": CLEAN[0]}) + "\n")
    (data / "leak.txt").write_text(LEAK, "utf-8")
    (data / "good.txt").write_text(CLEAN[1], "utf-8")
    (data / "page.html").write_text(f"<p>{LEAK.replace(chr(10), '<br>')}</p>", "utf-8")
    (data / "x.bin").write_bytes(b"1")
    found = decontaminate_files(str(data), [exam], DecontaminateConfig(), tmp_path / "out")
    assert {m.record_id for m in found.matches} == {"leak.txt:1", "page.html:1"}
    assert [b.reason for b in found.bad] == ["1 of a kind that is not read (.bin): x.bin"]
    kept = {p.name: p.read_bytes() for p in sorted(Path(tmp_path / "out" / "kept").iterdir())}
    assert kept == {
        "a.jsonl": (data / "a.jsonl").read_bytes(), "good.txt": CLEAN[1].encode(),
        "leak.txt": b"", "page.html": b"",
    }  # fmt: skip
