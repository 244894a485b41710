"""Rows of files of many kinds: found as they stand, and written back without some of them."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.ingest import ingest_passages
from data_pipeline.ingest.raw_rows import inputs, read_rows
from data_pipeline.ingest.row_layouts import found_rows, rewritten
from data_pipeline.ingest.tree_rows import rows_in, with_rows
from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined

TEXT = "短时记忆的容量有限，大约为七个组块。"
ROWS = [{"text": f"{TEXT}{n}"} for n in range(3)]
LINES = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in ROWS).encode()
TREE = json.dumps(ROWS, ensure_ascii=False).encode()
TABLE = ("text,title\n" + "".join(f'"{row["text"]}",a\n' for row in ROWS)).encode()


def parquet(rows):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def zipped(**parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET = "".join(
    f'<row r="{n}"><c r="A{n}" t="s"><v>{n - 1}</v></c>'
    f'<c r="C{n}" t="inlineStr"><is><t>x{n}</t></is></c></row>'
    for n in range(1, 5)
)
XLSX = zipped(**{
    "xl/worksheets/sheet1.xml": f"<worksheet {MAIN}><sheetData>{SHEET}</sheetData></worksheet>",
    "xl/sharedStrings.xml": f"<sst {MAIN}>"
    + "".join(f"<si><r><t>{t}</t></r></si>" for t in ("text", *(row["text"] for row in ROWS)))
    + "</sst>",
})  # fmt: skip
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
DOCX = zipped(**{
    "word/document.xml": f"<w:document {W}><w:body>"
    '<w:p><w:pPr><w:pStyle w:val="1"/></w:pPr><w:r><w:t>第一章</w:t></w:r></w:p>'
    f"<w:p><w:r><w:t>{TEXT}</w:t></w:r><w:del><w:r><w:delText>删</w:delText></w:r></w:del></w:p>"
    "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>格子</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    "</w:body></w:document>",
    "word/styles.xml": f'<w:styles {W}><w:style w:styleId="1">'
    '<w:name w:val="heading 1"/></w:style></w:styles>',
})  # fmt: skip

HELD = {
    "a.jsonl": LINES, "a.ndjson": LINES, "a.json": TREE, "lines.json": LINES, "tree.jsonl": json.dumps(
        ROWS, ensure_ascii=False, indent=1).encode(), "a.csv": TABLE, "a.tsv": TABLE.replace(b",", b"\t"),
    "semicolons.csv": TABLE.replace(b",", b";"), "a.parquet": parquet(ROWS), "a.xlsx": XLSX,
    "a.jsonl.gz": gzip.compress(LINES), "a.json.bz2": bz2.compress(TREE), "a.csv.xz": lzma.compress(TABLE),
    "a.jsonl.zst": pa.Codec("zstd").compress(LINES, asbytes=True),
    "a.parquet.gz": gzip.compress(parquet(ROWS)),
    "utf16.jsonl": LINES.decode().encode("utf-16"), "bare.jsonl": LINES.decode().encode("utf-16-le"),
    "gb.csv": TABLE.decode().encode("gb18030"), "gb.jsonl": LINES.decode().encode("gb18030"),
    "returns.jsonl": LINES.replace(b"\n", b"\r"), "both.jsonl": LINES.replace(b"\n", b"\r\r\n"),
    "returns.csv": TABLE.replace(b"\n", b"\r"),
    "data.json": json.dumps({"version": 1, "data": ROWS}).encode(),
    "splits.json": json.dumps({"train": ROWS[:2], "test": ROWS[2:]}).encode(),
    "ids.json": json.dumps(dict(zip("abc", ROWS, strict=True))).encode(),
    "a.yaml": "\n".join(f"- text: {row['text']}" for row in ROWS).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_the_rows_of_every_kind_of_file(tmp_path, name):
    (tmp_path / name).write_bytes(HELD[name])
    found = list(read_rows(str(tmp_path / name), "t"))
    assert [row.value["text"] for row in found] == [row["text"] for row in ROWS]
    numbers = [row.row for row in found]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("name", [n for n in HELD if not n.endswith(("gz", "zst", "bz2", "xz"))])
@pytest.mark.parametrize("gone", [(), (1,), (0, 2)])
def test_a_file_without_some_of_its_rows(name, gone):
    suffix = "." + name.rsplit(".", 1)[1]
    texts = [row["text"] for row in ROWS]
    without = [text for at, text in enumerate(texts) if at not in gone]
    keep = lambda row: row.value if row.value["text"] in without else None  # noqa: E731
    left = b"".join(rewritten(io.BytesIO(HELD[name]), suffix, keep))
    assert [row.value["text"] for row in found_rows(io.BytesIO(left), suffix)] == without
    if not gone and suffix not in (".parquet", ".xlsx"):
        assert left == HELD[name]


def test_a_word_document_is_its_paragraphs(tmp_path):
    (tmp_path / "a.docx").write_bytes(DOCX)
    passages, bad = ingest_passages(str(tmp_path / "a.docx"))
    assert [(p.text, p.title) for p in passages] == [(f"{TEXT}\n\n格子", "第一章")]
    assert bad == []


def test_files_of_other_kinds_are_named_and_counted(tmp_path):
    for name in ("a.txt", "b.png", "c.png", "d.doc", "README.md", ".hidden"):
        (tmp_path / name).write_text(TEXT)
    _, bad = ingest_passages(str(tmp_path))
    assert [b.reason for b in bad] == [
        "1 of a kind that is not read (.doc): d.doc",
        "2 of a kind that is not read (.png): b.png, c.png",
    ]
    (tmp_path / "a.txt").unlink()
    with pytest.raises(DataError, match=r"1 of a kind that is not read \(\.doc\): d\.doc"):
        inputs(str(tmp_path))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "\xe5\x90"}', "no text in any encoding"),
        (b"{text}", "not valid JSON"),
        (b"3", "not a mapping"),
        (b"[" * 100_000, "not valid JSON: nested more than 100 levels deep"),
    ],
)
def test_a_bad_line_costs_itself(tmp_path, line, reason):
    (tmp_path / "a.jsonl").write_bytes(LINES + line + b"\n" + LINES)
    found = list(read_rows(str(tmp_path / "a.jsonl"), "t"))
    (bad,) = [row for row in found if isinstance(row, Quarantined)]
    assert (bad.row, len(found)) == (4, 7)
    assert reason in bad.reason


def test_half_characters_are_mended_where_they_enter(tmp_path):
    (tmp_path / "a\udcff.jsonl").write_text('{"text": "\\ud83d短时", "k": ["\\ud83d\\ude00"]}\n')
    (row,) = read_rows(str(tmp_path), "t")
    assert row.value == {"text": "短时", "k": ["😀"]}
    row.source.encode()


def test_a_stray_quotation_mark_costs_its_own_row(tmp_path):
    (tmp_path / "a.csv").write_text('text,b\n一,1\n"二,2\n三,3\n四,4,5\n五\n', "utf-8")
    found = list(read_rows(str(tmp_path / "a.csv"), "t"))
    assert [r.reason[:20] if isinstance(r, Quarantined) else r.value["text"] for r in found] == [
        "一", "not a row of a table", "三", "3 cells under 2 colu", "五",
    ]  # fmt: skip


def test_a_packed_file_that_ends_early_gives_what_it_holds(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINES * 5000)[:-20])
    (tmp_path / "b.jsonl").write_bytes(LINES)
    found = list(read_rows(str(tmp_path), "t"))
    (bad,) = [row for row in found if isinstance(row, Quarantined)]
    assert bad.reason.startswith("the file cannot be read")
    assert len(found) >= 4


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2)
)
ROW = st.dictionaries(st.sampled_from(["text", "question", "answer", "x"]), VALUES, max_size=3)
TREES = (
    st.lists(ROW)
    | st.dictionaries(st.text(max_size=3), ROW)
    | st.fixed_dictionaries({"version": st.integers(), "data": st.lists(ROW)})
    | st.fixed_dictionaries({"train": st.lists(ROW), "test": st.lists(ROW)})
    | ROW
)


@given(TREES, st.randoms(use_true_random=False))
def test_trees_keep_their_shape(tree, draw):
    places = rows_in(tree)
    assert with_rows(tree, dict(places)) == tree
    kept = {place: row for place, row in places if draw.random() < 0.5}
    left = with_rows(tree, kept)
    if places and places[0][0] != ():
        assert type(left) is type(tree)
        flat = [row for value in ([left] if isinstance(left, list) else left.values())
                for row in (value if isinstance(value, list) else [value])]  # fmt: skip
        assert all(any(row is each for each in flat) for row in kept.values())


CASE = {"case": "男，30岁。", "questions": [{"question": "一"}, {"question": "二"}]}


@pytest.mark.parametrize(
    ("tree", "rows"),
    [
        ({"question": "问", "options": [{"key": "A", "value": "甲"}]}, 1),
        ({"messages": [{"role": "user", "content": "问"}]}, 1),
        (CASE, 1),
        ({"questions": [{"question": "一"}, {"question": "二"}]}, 2),
        ({"question": "问", "options": {"A": "甲"}, "meta": {"x": 1}}, 1),
        ({"description": "一套题", "data": [{"question": "一"}, {"question": "二"}]}, 2),
        ({"version": 1, "q1": {"question": "一"}, "q2": {"question": "二"}}, 2),
        ({"data": ["一句。", "两句。"], "version": 1}, 2),
    ],
)
def test_what_is_a_row_and_what_holds_rows(tree, rows):
    assert len(rows_in(tree)) == rows
