"""Small files that would fill memory or stack, or take for ever, are set aside with the reason."""

import io
import json
import sys
import zipfile
from contextlib import nullcontext

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plain_pdf import pdf

from data_pipeline.ingest import bounds, parsing
from data_pipeline.ingest.bounds import RATIO, whole
from data_pipeline.ingest.documents import read_document
from data_pipeline.ingest.file_kinds import kind_of, packing, unpacked
from data_pipeline.ingest.parsing import HEADER, LENGTH, FileReader
from data_pipeline.ingest.raw_rows import RawRow, read_rows
from data_pipeline.ingest.xlsx import xlsx_rows
from psyche_rl.records import Quarantined

GOOD = "海马与记忆有关。" * 20


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """So that the bombs can be small."""
    monkeypatch.setattr(bounds, "FREE_BYTES", 1 << 16)


class Kept(io.BytesIO):
    """Some packers close what they write to."""

    def close(self):
        pass


def packed(data, name):
    out = Kept()
    stream = packing(out, kind_of(name))
    stream.write(data)
    if stream is not out:
        stream.close()
    return out.getvalue()


def archive(**parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name.replace("__", "/"), content)
    return out.getvalue()


ROW = json.dumps({"text": "长" * 700_000}, ensure_ascii=False).encode()
LAUGHS = '<!DOCTYPE d [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><d>&b;</d>'


def parquet(text):
    out = io.BytesIO()
    pq.write_table(pa.table({"text": [text] * 9}), out, compression="zstd")
    return out.getvalue()


def names(level):
    """A YAML list that names the one before nine times."""
    return f"- &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]"


GROWN = "over 200 times"
BOMBS = {
    **{f"a.jsonl.{end}": (ROW, GROWN) for end in ("gz", "zst", "bz2", "xz")},
    "a.json.gz": (b"[" + b"1," * 1_000_000 + b"1]", GROWN),
    "a.parquet": (parquet("长" * 700_000), GROWN),
    "a.md.xz": (b"x" * 2_000_000, GROWN),
    "deep.json": (b"[" * 200_000 + b"]" * 200_000, "levels deep"),
    "deep_enough.json": (b'[{"text": "x", "a": ' + b"[" * 400 + b"]" * 400 + b"}]", "levels deep"),
    "deep.jsonl": (b'{"text": ' + b"[" * 200_000 + b"]" * 200_000 + b"}\n", "levels deep"),
    "deep.yaml": (b"[" * 200_000, "levels deep"),
    "laughs.yaml": ("\n".join(["- &a0 [x]", *map(names, range(1, 9))]).encode(), "aliases make"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_set_aside_and_the_file_beside_it_read(tmp_path, name):
    content, why = BOMBS[name]
    (tmp_path / name).write_bytes(packed(content, name))
    (tmp_path / "good.txt").write_text(GOOD, "utf-8")
    rows = list(read_rows(str(tmp_path), "ingest"))
    assert [row.value for row in rows if isinstance(row, RawRow) and isinstance(row.value, str)] == [GOOD]
    assert [why in row.reason for row in rows if isinstance(row, Quarantined)] == [True]


@pytest.mark.parametrize("end", ["gz", "zst", "bz2", "xz"])
def test_what_packs_as_text_does_is_read(end):
    name = f"a.txt.{end}"
    data = "".join(f"第{n}行的文字是{n * 7919 % 10007}。\n" for n in range(20_000)).encode()
    file = io.BytesIO(packed(data, name))
    assert len(file.getvalue()) * RATIO > len(data) > bounds.FREE_BYTES
    assert whole(unpacked(file, kind_of(name))) == data


FAR = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row><c r="ZZZZZZ1"><v>1</v></c></row></sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("suffix", "parts", "why"),
    [
        (".docx", {"word__document.xml": "<d>" + " " * 9_000_000 + "</d>"}, GROWN),
        (".epub", {"a.xhtml": "x" * 9_000_000}, GROWN),
        (".docx", {"word__document.xml": LAUGHS}, "document type"),
        (".xlsx", {"xl__worksheets__sheet1.xml": LAUGHS}, "document type"),
        (".xlsx", {"xl__worksheets__sheet1.xml": FAR}, "beyond column"),
    ],
)
def test_documents_that_are_archives(suffix, parts, why):
    content = archive(**parts)
    read = (lambda: list(xlsx_rows(content))) if suffix == ".xlsx" else lambda: read_document(content, suffix)
    with pytest.raises(ValueError, match=why):
        read()


def test_a_file_that_is_held_whole_has_a_size(monkeypatch):
    monkeypatch.setattr(bounds, "MOST_BYTES", 1 << 20)
    assert len(whole(io.BytesIO(b"x" * (1 << 20)))) == 1 << 20
    with pytest.raises(ValueError, match=r"larger than 1 MiB.*JSON Lines"):
        whole(io.BytesIO(b"x" * ((1 << 20) + 1)))


# A worker as `parse_worker` is, without its imports.
WORKER = f"""
import os, pickle, signal, struct, sys, time
orders = sys.stdin.buffer
while order := orders.read({HEADER.size}):
    content = orders.read(struct.unpack({HEADER.format!r}, order)[0])
    if content == b"hang": time.sleep(60)
    if content == b"crash": os.kill(os.getpid(), signal.SIGSEGV)
    answer = pickle.dumps((content != b"bad", content.decode() + str(os.getpid())))
    sys.stdout.buffer.write(struct.pack({LENGTH.format!r}, len(answer)) + answer)
    sys.stdout.buffer.flush()
    if content == b"last": break
"""


@pytest.fixture
def reader(monkeypatch):
    monkeypatch.setattr(parsing, "python", lambda *_: [sys.executable, "-S", "-c", WORKER])
    made = FileReader(seconds=2.0)
    yield made
    made.close()


def test_a_parser_that_hangs_or_crashes_costs_its_file(reader):
    first = reader.ask(b"good", ".pdf")
    assert reader.ask(b"good", ".pdf") == first  # the same process
    for content, why in [(b"bad", "bad"), (b"crash", "SIGSEGV"), (b"hang", "more than 0 s")]:
        if content == b"hang":
            reader._seconds = 0.1
        with pytest.raises(ValueError, match=why):
            reader.ask(content, ".pdf")
    reader._seconds = 2.0
    assert reader.ask(b"good", ".pdf").startswith("good")
    reader.ask(b"last", ".pdf")
    reader._worker.wait(30)
    assert reader.ask(b"good", ".pdf") != first  # another one took its place


DEEP_WORD = "<a>" * 300_000 + "</a>" * 300_000
DEEP_PDF = pdf([[(10, 10, "x")]]).replace(b"/Pages", b"/Pages /Y " + b"<</A " * 50_000, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "content", "why"),
    [
        (".epub", lambda: archive(**{"a.xhtml": b"x" * 668_000_000}), GROWN),
        (".html", lambda: b"<table><tr><td>" * 100_000 + "正文".encode(), None),  # which costs little
        (".docx", lambda: archive(**{"word__document.xml": DEEP_WORD}), "deeply|ended|no text"),
        (".pdf", lambda: DEEP_PDF, "not a readable|no text"),
    ],
)
def test_the_real_worker_survives(suffix, content, why, monkeypatch):
    monkeypatch.setattr(bounds, "FREE_BYTES", 64 << 20)
    reader = FileReader(seconds=20.0)
    try:
        with pytest.raises(ValueError, match=why) if why else nullcontext():
            reader.ask(content(), suffix)
        assert "海马" in reader.ask(f"<p>{GOOD}</p>".encode(), ".html").text
    finally:
        reader.close()
