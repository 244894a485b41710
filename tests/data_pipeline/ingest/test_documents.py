"""Files of every kind through ingest: the text is there, its offsets hold, broken ones are set aside."""

import io

import pytest
from ebooklib import epub
from plain_pdf import pdf

from data_pipeline.ingest import ingest_passages
from data_pipeline.ingest.documents import read_document
from psyche_rl.config.data import DataConfig
from psyche_rl.errors import DataError

BODY = "记忆分为编码、储存和提取三步。"
HTML = f"""<html><head><title>页</title><script>x="不要"</script></head><body><nav>首页</nav>
<h1>第一 <a href="#">章</a></h1><p>{BODY}</p><div>外<p>里面的<b>重点</b>句子。</p>尾<br>巴。</div>
<ul><li>一项。</li></ul><h2>第二</h2><p>遗忘先快&amp;后慢。</p>
<!-- 注释 --><footer>版权</footer></body></html>"""


def book():
    made = epub.EpubBook()
    made.set_identifier("x")
    made.set_title("书")
    made.set_language("zh")
    made.add_metadata("DC", "rights", "CC BY 4.0")
    chapters = []
    for number in (1, 2):
        chapter = epub.EpubHtml(title=f"第{number}章", file_name=f"{number}.xhtml", lang="zh")
        chapter.content = f"<h1>第{number}章</h1><p>{BODY}{number}。</p>"
        made.add_item(chapter)
        chapters.append(chapter)
    made.spine = ["nav", *chapters]
    made.add_item(epub.EpubNav())
    made.add_item(epub.EpubNcx())
    out = io.BytesIO()
    epub.write_epub(out, made)
    return out.getvalue()


def printed(pages):
    """A PDF with one line of text per entry."""
    at = [[(50, 700 - 20 * i, line) for i, line in enumerate(lines)] for lines in pages]
    return pdf(at, font="Helvetica", size=12)


PAGES = [["Memory Today", f"Sentence number {n} is here.", f"- {n} -"] for n in range(1, 6)]
FILES = {
    "a.txt": f"第一章 记忆\n{BODY}\r\n\r\n第二段。".encode(),
    "b.md": f"前言。\n\n记忆\n====\n\n{BODY}\n\n```\n# 不是标题\n```\n".encode(),
    "c.html": HTML.encode(),
    "d.epub": book(),
    "e.pdf": printed(PAGES),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("limit", [28, 600])
def test_a_passage_stands_at_its_offset_in_its_document(tmp_path, name, limit):
    (tmp_path / name).write_bytes(FILES[name])
    passages, _ = ingest_passages(str(tmp_path / name), DataConfig(chunk_chars=limit))
    text = read_document(FILES[name], f".{name.split('.')[1]}").text
    assert passages
    for passage in passages:
        assert text[passage.offset : passage.offset + passage.length] == passage.text
        assert len(passage.text) <= limit
        assert passage.source == name


def test_titles_come_from_headings(tmp_path):
    for name in ("a.txt", "b.md", "c.html", "d.epub"):
        (tmp_path / name).write_bytes(FILES[name])
    passages, bad = ingest_passages(str(tmp_path))
    folder = tmp_path.name
    titles = {(p.source.removeprefix(f"{folder}/"), p.title) for p in passages}
    assert titles == {
        ("a.txt", "第一章 记忆"),
        ("b.md", None),
        ("b.md", "记忆"),
        ("c.html", "第一 章"),
        ("c.html", "第二"),
        ("d.epub", "第1章"),
        ("d.epub", "第2章"),
    }
    assert bad == []


def test_html_is_its_running_text():
    document = read_document(FILES["c.html"], ".html")
    assert (
        document.text
        == f"第一 章\n\n{BODY}\n\n外\n\n里面的重点句子。\n\n尾\n巴。\n\n一项。\n\n第二\n\n遗忘先快&后慢。"
    )


def test_chapters_are_rows_and_the_books_licence_holds(tmp_path):
    (tmp_path / "d.epub").write_bytes(FILES["d.epub"])
    passages, _ = ingest_passages(str(tmp_path / "d.epub"))
    assert [(p.row, p.licence) for p in passages] == [(1, "CC BY 4.0"), (2, "CC BY 4.0")]


def test_pages_are_rows_and_running_heads_are_left_out(tmp_path):
    (tmp_path / "e.pdf").write_bytes(FILES["e.pdf"])
    passages, _ = ingest_passages(str(tmp_path / "e.pdf"), DataConfig(chunk_chars=30))
    assert [(p.row, p.text) for p in passages] == [(n, f"Sentence number {n} is here.") for n in range(1, 6)]


BROKEN = {
    "a.epub": (b"PK no archive", "not a readable EPUB"),
    "b.pdf": (b"%PDF-1.4 broken", "not a readable PDF"),
    "c.pdf": (printed([[]]), "no text; run text recognition"),
    "d.html": (b"<html><script>x</script></html>", "no text"),
    "e.txt": (b" \n", "no text"),
    "f.txt": (b"\xff\xff\xff", "cannot be read"),
    "g.parquet": (b"PAR1", "cannot be read"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_alone_is_one_line(tmp_path, name):
    content, reason = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        ingest_passages(str(tmp_path / name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_files_among_others_are_set_aside_with_their_reasons(tmp_path):
    for name, (content, _) in BROKEN.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "good.txt").write_text(BODY, "utf-8")
    passages, bad = ingest_passages(str(tmp_path))
    assert [p.text for p in passages] == [BODY]
    assert [b.source.split("/")[1] for b in bad] == list(BROKEN)
    assert all(reason in b.reason for b, (_, reason) in zip(bad, BROKEN.values(), strict=True))


# -- Hugging Face datasets -------------------------------------------------------------------------


def test_saved_datasets_are_read_with_split_and_licence(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    import datasets

    rows = datasets.Dataset.from_list([{"text": BODY}, {"text": "另一段文字。"}])
    rows.info.license = "cc0-1.0"
    rows.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict({"test": rows, "dev": rows}).save_to_disk(str(tmp_path / "two"))
    one, _ = ingest_passages(str(tmp_path / "one"))
    two, _ = ingest_passages(str(tmp_path / "two"))
    assert [(p.source, p.row, p.text, p.licence) for p in one] == [
        ("one", 1, BODY, "cc0-1.0"),
        ("one", 2, "另一段文字。", "cc0-1.0"),
    ]
    assert [(p.source, p.row) for p in two] == [
        ("two/dev", 1),
        ("two/dev", 2),
        ("two/test", 1),
        ("two/test", 2),
    ]


def test_a_name_on_the_hub_is_asked_for_with_its_config_and_split(monkeypatch):
    import datasets

    asked = []

    def load(name, config, split):
        asked.append((name, config, split))
        return datasets.Dataset.from_list([{"text": BODY}])

    monkeypatch.setattr(datasets, "load_dataset", load)
    passages, _ = ingest_passages("hf://someone/texts?config=zh&split=train")
    assert asked == [("someone/texts", "zh", "train")]
    assert [p.text for p in passages] == [BODY]


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch):
    import datasets

    def fail(*_, **__):
        raise ConnectionError("no network\nhere")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(DataError, match="save it to disk") as caught:
        ingest_passages("hf://someone/texts")
    assert "\n" not in str(caught.value)


# -- rows ------------------------------------------------------------------------------------------


def test_long_rows_are_cut_and_say_where(tmp_path):
    import json

    text = "记忆分为三步。" * 10
    row = {"text": text, "title": "记忆", "licence": "CC BY 4.0"}
    (tmp_path / "r.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({"text": BODY}), "utf-8")
    passages, _ = ingest_passages(str(tmp_path / "r.jsonl"), DataConfig(chunk_chars=30, licence="CC0"))
    assert [(p.offset, p.length) for p in passages[:-1]] == [(0, 28), (28, 28), (56, 14)]
    assert all(text[p.offset : p.offset + p.length] == p.text for p in passages[:-1])
    assert {(p.title, p.licence) for p in passages[:-1]} == {("记忆", "CC BY 4.0")}
    assert (passages[-1].title, passages[-1].licence) == (None, "CC0")


def test_a_sentence_over_the_limit_is_quarantined_with_its_offset(tmp_path):
    (tmp_path / "a.txt").write_text(f"{BODY}{'字' * 50}。", "utf-8")
    passages, bad = ingest_passages(str(tmp_path / "a.txt"), DataConfig(chunk_chars=30))
    assert [p.text for p in passages] == [BODY]
    assert [b.reason for b in bad] == ["a sentence of 51 characters at 15 exceeds data.chunk_chars"]
