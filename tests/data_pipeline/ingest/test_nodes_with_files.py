"""Texts are read by the nodes that have them, and by no other."""

from __future__ import annotations

import pytest

from data_pipeline.ingest import nodes_with_files
from data_pipeline.ingest.nodes_with_files import LABEL, fingerprint, nodes_to_read
from data_pipeline.ingest.raw_rows import Input, inputs
from data_pipeline.ingest.saved_datasets import HUB
from psyche_rl.errors import DataError

HUB_INPUT = Input("owner/name", "owner/name", "owner/name", HUB, True)


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(f"依恋理论 {name}\n" * 4000, "utf-8")
    return folder


@pytest.fixture
def nodes(monkeypatch):
    """Node -> (CPUs, what is done to the files before it looks); the first is the driver's."""
    found = {"driver": (2, lambda: None)}

    def on_each_node(work, files):
        told = {}
        for node, (_, change) in found.items():
            undo = change()
            told[node] = work(files)
            if undo:
                undo()
        return told

    monkeypatch.setattr(
        nodes_with_files, "live_nodes", lambda: {n: {"CPU": c} for n, (c, _) in found.items()}
    )
    monkeypatch.setattr(nodes_with_files, "on_each_node", on_each_node)
    return found


def same():
    return None


def other(file, content):
    """Another node's file of that name."""

    def change():
        before = file.read_bytes()
        file.unlink() if content is None else file.write_bytes(content(before))
        return lambda: file.write_bytes(before)

    return change


def read_by(*paths):
    selector = nodes_to_read([found for path in paths for found in inputs(str(path))])
    return selector and selector[LABEL]


def test_nodes_with_the_same_files_read_them(texts, nodes):
    nodes["second"] = (4, same)
    assert read_by(texts) == "in(driver, second)"


@pytest.mark.parametrize(
    "content",
    [
        None,
        lambda before: before + b"more",
        lambda before: b"other" + before[5:],
        lambda before: before[:-5] + b"other",
    ],
    ids=["no such file", "another size", "another beginning", "another end"],
)
def test_a_node_whose_files_differ_does_not(texts, nodes, content):
    nodes["second"] = (4, other(texts / "b.txt", content))
    assert read_by(texts) == "in(driver)"


def test_a_node_without_processors_does_not(texts, nodes):
    nodes.update(driver=(0, same), second=(4, same))
    assert read_by(texts) == "in(second)"


def test_files_that_only_such_a_node_has_are_refused_in_one_line(texts, nodes):
    nodes.update(driver=(0, same), second=(4, other(texts / "a.txt", None)))
    with pytest.raises(DataError, match=r"only the driver's node has these files.*takes no tasks") as refused:
        read_by(texts)
    assert "\n" not in str(refused.value)
    assert str(texts) in str(refused.value)


def test_any_node_reads_a_url(nodes, monkeypatch):
    monkeypatch.setattr(nodes_with_files, "live_nodes", lambda: pytest.fail("asked"))
    assert nodes_to_read([Input("s3://bucket/x.txt", "bucket/x.txt", "x.txt", ".txt", True)]) is None


def test_a_name_on_the_hub_stays_with_the_drivers_cache_where_that_node_works(nodes):
    nodes["second"] = (4, same)
    assert nodes_to_read([HUB_INPUT]) == {LABEL: "in(driver)"}
    nodes["driver"] = (0, same)
    assert nodes_to_read([HUB_INPUT]) == {LABEL: "in(second)"}


def test_one_node_is_not_asked(texts, nodes, monkeypatch):
    monkeypatch.setattr(nodes_with_files, "on_each_node", lambda *_: pytest.fail("asked"))
    assert read_by(texts) == "in(driver)"


def test_the_files_of_a_saved_dataset_are_compared_one_by_one(tmp_path, nodes):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([{"text": "依恋"}]).save_to_disk(str(tmp_path / "saved"))
    nodes["second"] = (4, other(tmp_path / "saved" / "state.json", lambda before: before + b" "))
    assert read_by(tmp_path / "saved") == "in(driver)"


def test_the_middle_of_a_large_file_is_not_looked_at(tmp_path):
    file = tmp_path / "large.txt"
    file.write_bytes(b"a" * 200_000)
    before = fingerprint([str(file)])
    file.write_bytes(b"a" * 100_000 + b"b" + b"a" * 99_999)
    assert fingerprint([str(file)]) == before
