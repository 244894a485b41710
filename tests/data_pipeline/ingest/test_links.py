"""Files that are symbolic links lead anywhere: they are read where they are named, or asked for."""

import pytest

from data_pipeline.ingest import ingest_passages, ingest_questions
from psyche_rl.config.data import DataConfig
from psyche_rl.errors import DataError

TEXT = "海马与记忆的巩固有关。" * 10


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "private.txt").write_text("不该读的文字。" * 20, "utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "own.txt").write_text(TEXT, "utf-8")
    (tmp_path / "in" / "link.txt").symlink_to("../out/private.txt")
    (tmp_path / "in" / "folder").symlink_to("../out")
    (tmp_path / "in" / "dangling.txt").symlink_to("nowhere")
    return tmp_path / "in"


def test_links_are_named_and_not_followed(folder):
    passages, bad = ingest_passages(str(folder))
    assert {passage.source for passage in passages} == {"in/own.txt"}
    told = " ".join(row.reason for row in bad)
    assert "data.follow_links" in told
    assert "link.txt" in told
    assert "dangling.txt" in told


def test_they_are_followed_where_that_is_asked_for(folder):
    (folder / "dangling.txt").unlink()
    passages, _ = ingest_passages(str(folder), DataConfig(follow_links=True))
    assert {passage.source for passage in passages} == {"in/own.txt", "in/link.txt"}


def test_a_link_that_is_named_is_read(folder):
    assert ingest_passages(str(folder / "link.txt"))[0]


def test_a_folder_of_links_alone_says_so(folder):
    (folder / "own.txt").unlink()
    for read in (ingest_passages, ingest_questions):
        with pytest.raises(DataError, match="follow_links"):
            read(str(folder))
