"""Nodes that do not see the run folder are named; what each finds is what counts."""

from __future__ import annotations

import pytest

from actors.placement import run_folder
from psyche_rl.errors import RunFolderError
from psyche_rl.store import RunStore


@pytest.fixture
def nodes(monkeypatch):
    """Node -> the folder that it has at the run folder's path."""
    folders: dict[str, str] = {}

    def on_each_node(work, url):
        return {node: work(folder) for node, folder in folders.items()}

    monkeypatch.setattr(run_folder, "live_nodes", lambda: dict.fromkeys(folders))
    monkeypatch.setattr(run_folder, "on_each_node", on_each_node)
    return folders


def test_all_nodes_that_share_the_folder_are_content(tmp_path, nodes):
    store = RunStore(str(tmp_path / "run"))
    nodes.update(first=store.url, second=store.url)
    run_folder.seen_by_all_nodes(store)
    assert not store.exists(run_folder.MARKER)


def test_a_node_that_sees_another_folder_is_named(tmp_path, nodes):
    store = RunStore(str(tmp_path / "run"))
    nodes.update(first=store.url, second=str(tmp_path / "elsewhere"))
    with pytest.raises(RunFolderError, match=r"1 of 2 nodes do not see it, node second first \(no \.seen"):
        run_folder.seen_by_all_nodes(store)
    assert not store.exists(run_folder.MARKER)


def test_a_marker_of_another_run_is_no_proof(tmp_path, nodes):
    store, other = RunStore(str(tmp_path / "run")), RunStore(str(tmp_path / "other"))
    other.write_text(run_folder.MARKER, "0123456789abcdef")
    nodes.update(first=store.url, second=other.url)
    with pytest.raises(RunFolderError, match="do not see it"):
        run_folder.seen_by_all_nodes(store)


def test_one_node_is_not_asked(tmp_path, nodes, monkeypatch):
    nodes["only"] = "x"
    monkeypatch.setattr(run_folder, "on_each_node", lambda *_: pytest.fail("asked"))
    run_folder.seen_by_all_nodes(RunStore(str(tmp_path / "run")))


def test_a_url_is_read_through_the_store(nodes):
    store = RunStore("memory://placement/run")
    nodes.update(first=store.url, second=store.url)
    run_folder.seen_by_all_nodes(store)
