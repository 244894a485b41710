"""Documents as they come: text in odd places is read, what is missing is named, columns are read in order."""

import io
import zipfile

import pytest
from plain_pdf import pdf

from data_pipeline.ingest import ingest_passages
from data_pipeline.ingest.documents import read_document
from data_pipeline.ingest.pdf import pdf_document
from data_pipeline.ingest.pdf_columns import in_reading_order

BODY = "短时记忆的容量有限，大约为七个组块。"


def html(text, encoding="utf-8"):
    return read_document(text.encode(encoding), ".html").text


@pytest.mark.parametrize(
    "page",
    [
        f"<html><body><form id=f><p>{BODY}</p><select><option>甲</option></select></form></body></html>",
        f"<html><body><noscript><p>{BODY}</p></noscript></body></html>",
        f"<html><noscript>请启用JavaScript</noscript><body><p>{BODY}</p></body></html>",
        f"<!doctype html><html><head><meta charset=utf-8><title>x</title><p>{BODY}</p></html>",
        f"<html><body><nav><a>首页</a></nav><p>{BODY}</p><footer>版权</footer></body></html>",
        f"<html><body><nav><a>首</a><p>{BODY}</p></body></html>",
        f"<p>{BODY}</p><script>甲</script><style>乙</style>",
    ],
)
def test_the_text_of_a_page_wherever_it_stands(page):
    assert html(page).replace("首\n\n", "") == BODY


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("gb2312", "gb18030"), ("utf-8", "gb18030"), ("gbk", "utf-8"), ("", "gb18030"), ("utf-16", "utf-16")],
)
def test_what_a_page_says_of_its_encoding_holds_where_it_can(declared, encoding):
    meta = f"<meta charset='{declared}'>" if declared else ""
    assert html(f"<html><head>{meta}</head><body><p>{BODY}</p></body></html>", encoding) == BODY


def book(*chapters):
    """An EPUB of (file name, media type, bytes or None for one that is not there)."""
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="{kind}"/>' for n, (name, kind, _) in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(chapters)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile'
            ' full-path="O/c.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        archive.writestr(
            "O/c.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="2.0" unique-identifier="u"><metadata'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>书</dc:title><dc:identifier id="u">x'
            f"</dc:identifier></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>",
        )
        for name, _, content in chapters:
            if content is not None:
                archive.writestr(f"O/{name}", content)
    return out.getvalue()


XHTML = "application/xhtml+xml"


def page(text, encoding="utf-8"):
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    return f"{declared}<html><body><p>{text}</p></body></html>".encode(encoding)


def test_chapters_of_other_types_and_encodings_and_those_that_are_not_there(tmp_path):
    (tmp_path / "a.epub").write_bytes(
        book(
            ("a.xhtml", XHTML, page("一" + BODY)),
            ("b.html", "text/html", page("二" + BODY)),
            ("gone.xhtml", XHTML, None),
            ("c.xhtml", XHTML, page("三" + BODY, "gb18030")),
            ("d.xhtml", XHTML, page("四" + BODY, "utf-16")),
            ("e.pdf", "application/pdf", b"%PDF"),
        )
    )
    passages, bad = ingest_passages(str(tmp_path / "a.epub"))
    text = "\n\n".join(f"{n}{BODY}" for n in "一二三四")
    assert "\n\n".join(p.text for p in passages) == text
    assert [(b.row, b.reason) for b in bad] == [
        (3, "chapter 3 (gone.xhtml) is not in the book"),
        (6, "chapter 6 (e.pdf) is application/pdf, which is not read"),
    ]


def test_bad_bytes_cost_their_sentence_and_are_named(tmp_path):
    raw = f"第一句完整。第二句坏{{}}了。第三句完整。\n{BODY}".encode().replace(b"{}", b"\xff")
    (tmp_path / "a.txt").write_bytes(raw)
    passages, bad = ingest_passages(str(tmp_path / "a.txt"))
    assert "\n".join(p.text for p in passages) == f"第一句完整。第三句完整。\n{BODY}"
    assert [b.reason for b in bad] == [
        "1 line(s) hold bytes that are no text (1); their sentence is left out"
    ]
    assert "第二句坏" in bad[0].content


LEFT = [
    "Memory is the faculty of the mind",
    "by which information is encoded",
    "and stored until it is needed",
]
RIGHT = [
    "Attention is a process of choosing",
    "among the many stimuli that reach",
    "the senses at one moment",
]


def test_columns_are_read_one_after_the_other():
    rows = [f"{a:<45}{b}" for a, b in zip(LEFT, RIGHT, strict=True)]
    title = "A title that runs across both of the columns of the page"
    assert in_reading_order("\n".join([title, *rows])) == "\n".join([title, *LEFT, *RIGHT])


@pytest.mark.parametrize(
    "picture",
    [
        "\n".join(LEFT),
        "A. encoding of a text        B. storage of a text\nC. retrieval of a text       D. loss of a text\n"
        "A. encoding of a text        B. storage of a text",
        "name      age\nAnna      30\nBert      41\nCora      29",
        "",
    ],
)
def test_what_is_set_in_cells_is_no_column(picture):
    assert in_reading_order(picture) is None


def test_a_pdf_of_two_columns_with_parted_words_and_pages_without_text(tmp_path):
    rows = [
        line
        for at, (a, b) in enumerate(zip(LEFT, RIGHT, strict=True))
        for line in ((40, 700 - 12 * at, a), (320, 700 - 12 * at, b))
    ]
    words = [
        (40, 700, "The psycho-"),
        (40, 688, "logy of well-known facts and well-"),
        (40, 676, "known words"),
    ]
    (tmp_path / "a.pdf").write_bytes(pdf([rows, [], words, [], []]))
    passages, bad = ingest_passages(str(tmp_path / "a.pdf"))
    text = "\n".join(p.text for p in passages)
    assert "\n".join([*LEFT, *RIGHT]) in text
    assert "The psychology of well-known facts and well-known words" in text
    assert [b.reason for b in bad] == [
        "3 of 5 pages have no text layer: 2, 4-5; run text recognition on them"
    ]
    document = pdf_document((tmp_path / "a.pdf").read_bytes())
    assert document.text[document.parts[2] :].startswith("The psychology")
