"""The run store on a local disk and on a filesystem that is none; and the manifest."""

import hashlib
import json
import pickle
import re
import uuid
import weakref

import pyarrow as pa
import pytest

from psyche_rl.errors import RunFolderError
from psyche_rl.records import Message, Passage, Question
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.saved_config import saved_config

PASSAGES = [Passage(id=f"p{i}", text=f"从众 {i}", source="cards", row=i) for i in range(3)]


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    if request.param == "local":
        yield RunStore(str(tmp_path / "run"))
    else:
        store = RunStore(f"memory://{uuid.uuid4().hex}")
        yield store
        store.remove("")


def leftovers(store: RunStore) -> list[str]:
    return [path for path in store.fs.find(store.path("")) if ".tmp" in path]


def test_files_come_back_and_writing_again_replaces(store):
    store.write_text("a/b.txt", "旧")
    store.write_text("a/b.txt", "新")
    assert store.read_bytes("a/b.txt").decode() == "新"
    store.write_json("a/c.json", {"x": [1, "二"]})
    assert store.read_json("a/c.json") == {"x": [1, "二"]}
    assert leftovers(store) == []


def test_jsonl_survives_every_line_break_that_text_may_hold(store):
    rows = [{"text": "a\u2028b\u0085c\x0bd\r\ne"}, {"text": "二"}]
    store.write_jsonl("rows.jsonl", rows)
    lines = store.read_bytes("rows.jsonl").decode().split("\n")
    assert [json.loads(line) for line in lines if line] == rows


def test_records_come_back_from_a_file_and_from_a_folder_in_order(store):
    store.write_records("p.parquet", Passage, PASSAGES)
    assert store.read_records("p.parquet", Passage) == PASSAGES
    store.write_records("parts/0002.parquet", Passage, PASSAGES[2:])
    store.write_records("parts/0001.parquet", Passage, PASSAGES[:2])
    assert store.read_records("parts", Passage) == PASSAGES


def test_a_missing_file_and_an_empty_folder_name_the_remedy(store):
    with pytest.raises(RunFolderError, match=r"no\.parquet is missing; redo the stage"):
        store.read_table("no.parquet")
    store.write_text("empty/x.txt", "")
    with pytest.raises(RunFolderError, match="holds no parquet file"):
        store.read_table("empty")


def test_glob_gives_relative_sorted_paths(store):
    for name in ("b", "a", "c"):
        store.write_text(f"parts/{name}.txt", "")
    assert store.glob("parts/*.txt") == ["parts/a.txt", "parts/b.txt", "parts/c.txt"]


def test_remove_takes_folders_and_forgives_absence(store):
    store.write_text("d/e/f.txt", "")
    store.remove("d")
    store.remove("d")
    assert not store.exists("d/e/f.txt")


def test_upload_replaces_the_folder_and_fetch_gives_it_back(store, tmp_path):
    local = tmp_path / "model"
    (local / "sub").mkdir(parents=True)
    (local / "config.json").write_text("{}")
    (local / "sub/w.bin").write_bytes(b"\x00\x01")
    store.write_text("models/sft/stale.txt", "old")
    store.upload_dir(local, "models/sft")
    assert not store.exists("models/sft/stale.txt")
    assert store.read_bytes("models/sft/config.json") == b"{}"
    assert store.read_bytes("models/sft/sub/w.bin") == b"\x00\x01"
    assert leftovers(store) == []


def test_digest_sees_names_and_content(store):
    store.write_text("d/a.txt", "1")
    first = store.digest("d")
    assert store.digest("d") == first
    store.write_text("d/a.txt", "2")
    changed = store.digest("d")
    store.write_text("d/a.txt", "1")
    store.write_text("d/b.txt", "")
    assert len({first, changed, store.digest("d")}) == 3
    assert len(store.digest("d/a.txt")) == 64


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ab": "c"}, {"a": "bc"}),
        ({"a": "x", "b": "y"}, {"a": "xby"}),
        ({"a": "x", "b": ""}, {"a": "", "b": "x"}),
        ({"a": "b", "c": ""}, {"a": "", "bc": ""}),
    ],
)
def test_digest_sees_where_a_name_ends_and_where_a_file_ends(store, one, other):
    for folder, files in (("one", one), ("other", other)):
        for name, text in files.items():
            store.write_text(f"{folder}/{name}", text)
    assert store.digest("one") != store.digest("other")


def test_a_store_travels_to_other_processes(store):
    assert pickle.loads(pickle.dumps(store)).url == store.url


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    store = RunStore(str(tmp_path))
    store.write_text("a.txt", "whole")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("psyche_rl.store.atomic.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.write_text("a.txt", "next")
    assert store.read_bytes("a.txt") == b"whole"


def test_a_remote_folder_has_no_local_path():
    with pytest.raises(RunFolderError, match="not on a local or shared disk"):
        RunStore("memory://x").local_path("a")


def test_an_unknown_kind_of_url_is_one_line():
    with pytest.raises(RunFolderError, match="nowhere://bucket/run: no such kind of run folder"):
        RunStore("nowhere://bucket/run")


def test_a_run_dir_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="choose another run_dir"):
        RunStore(str(tmp_path / "file")).write_text("a/b.txt", "")


def test_tables_are_compressed_parquet(tmp_path):
    store = RunStore(str(tmp_path))
    store.write_table("t.parquet", pa.table({"x": [1, 2]}))
    assert store.read_table("t.parquet").to_pydict() == {"x": [1, 2]}


def test_manifest_comes_back_and_knows_what_is_done(store):
    assert Manifest.load(store).stages == {}
    stages = {
        "sft": StageEntry(status="done", started="t", settings={"sft.lr": 1e-5, "seed": 0}),
        "grpo": StageEntry(status="running", started="t"),
    }
    manifest = Manifest(created="t", stages=stages)
    manifest.save(store)
    assert Manifest.load(store) == manifest
    assert manifest.is_done("sft")
    assert not manifest.is_done("grpo")
    assert not manifest.is_done("eval")


def test_a_broken_manifest_is_one_line(store):
    store.write_text("manifest.json", "{")
    with pytest.raises(RunFolderError, match=r"manifest\.json is damaged .*, or use a new run_dir"):
        Manifest.load(store)


def test_no_thread_of_arrows_holds_memory_of_pythons_once_a_table_is_read(tmp_path, monkeypatch):
    """Such a thread aborts a command that ends right after (exit 134 in one of five)."""

    class Watched(bytearray):
        """Bytes that can be watched."""

    store = RunStore(str(tmp_path))
    store.write_table("t.parquet", pa.table({"n": list(range(100)), "text": ["x"] * 100}))
    whole = store.read_bytes("t.parquet")
    for _ in range(100):
        data = Watched(whole)
        alive = weakref.ref(data)
        monkeypatch.setattr(store, "read_bytes", lambda _, data=data: data)
        assert store.read_table("t.parquet").num_rows == 100
        monkeypatch.undo()
        del data
        assert alive() is None


def test_a_url_keeps_all_but_its_last_slash():
    assert RunStore("memory://runs/runX/").url == "memory://runs/runX"


def test_what_is_known_of_a_file_goes_with_it_and_with_no_other(store):
    for rel in ("d/a", "d/ab", "dd"):
        store.write_text(rel, rel)
    digests = {rel: store.written[rel].sha256 for rel in ("d/a", "d/ab", "dd")}
    store.move("d/a", "e/f/a")
    assert {rel: noted.sha256 for rel, noted in store.written.items()} == {
        "e/f/a": digests["d/a"], "d/ab": digests["d/ab"], "dd": digests["dd"],
    }  # fmt: skip
    store.move("d", "g")
    assert set(store.written) == {"e/f/a", "g/ab", "dd"}
    assert (store.read_bytes("e/f/a"), store.read_bytes("g/ab")) == (b"d/a", b"d/ab")
    store.move("absent", "h")
    assert not store.exists("h")
    store.remove("g")
    store.remove("dd")
    assert set(store.written) == {"e/f/a"}
    assert store.files("") == {"e/f/a": 3}


def test_a_digest_is_of_names_below_the_folder_and_of_bytes(store):
    sha = hashlib.sha256
    store.write_text("d/b/c.txt", "2")
    store.write_text("d/a.txt", "1")
    listed = b"a.txt\0" + sha(b"1").digest() + b"b/c.txt\0" + sha(b"2").digest()
    assert store.digest("d") == sha(listed).hexdigest()
    assert store.digest("d/a.txt") == sha(b"1").hexdigest()


def test_an_upload_into_a_folder_that_is_not_there_makes_it(store, tmp_path):
    local = tmp_path / "local"
    local.mkdir()
    (local / "a").write_text("1")
    store.upload_dir(local, "deep/er/model")
    assert store.files("") == {"deep/er/model/a": 1}


def test_json_is_written_as_people_read_it(tmp_path):
    store = RunStore(str(tmp_path))
    store.write_json("a.json", {"题干": "依恋"})
    assert (tmp_path / "a.json").read_bytes() == '{\n "题干": "依恋"\n}'.encode()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda data: b"", "0 bytes|too small|Parquet"),
        (lambda data: data[: len(data) // 2], "magic|footer|Parquet"),
        (lambda data: data[:4] + bytes(len(data) - 8) + data[-4:], ""),
        (lambda data: b"PAR1 something else, of another program", ""),
    ],
)
def test_a_damaged_table_is_one_line_with_file_and_remedy(tmp_path, damage, why):
    store = RunStore(str(tmp_path))
    store.write_table("synth/a.parquet", pa.table({"x": list(range(1000))}))
    path = tmp_path / "synth" / "a.parquet"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RunFolderError) as told:
        store.read_table("synth/a.parquet")
    assert str(told.value).startswith(f"{path} is damaged (")
    assert str(told.value).endswith("; bring back a whole copy, or make it again with --from synth")
    assert re.search(why, str(told.value))


def test_a_table_without_a_column_names_it(tmp_path):
    store = RunStore(str(tmp_path))
    store.write_table("synth/questions.parquet", pa.table({"id": ["q1"], "stem": ["s"]}))
    with pytest.raises(RunFolderError, match=r"questions\.parquet is damaged \(\w+: Field required\)"):
        store.read_records("synth/questions.parquet", Question)


def test_json_that_is_none_is_damage_and_so_is_a_whole_line_that_is_none(tmp_path):
    store = RunStore(str(tmp_path))
    store.write_text("grpo/reward.json", "{")
    with pytest.raises(RunFolderError, match=r"reward\.json is damaged .* --from grpo"):
        store.read_json("grpo/reward.json")
    store.write_text("grpo/metrics.jsonl", '{"step": 1}\n{"step"\n{"step": 3}\n{"torn')
    with pytest.raises(RunFolderError, match=r"metrics\.jsonl:2 is damaged"):
        store.read_json_lines("grpo/metrics.jsonl")
    store.write_text("grpo/metrics.jsonl", '{"step": 1}\n[1]\n')
    with pytest.raises(RunFolderError, match=r"metrics\.jsonl:2 is damaged \(a line must be an object"):
        store.read_json_lines("grpo/metrics.jsonl")
    store.write_text("grpo/metrics.jsonl", '{"step": 1}\n{"torn')
    assert store.read_json_lines("grpo/metrics.jsonl") == [{"step": 1}]
    assert store.read_json_lines("absent") == []


def test_records_of_another_kind_or_a_newer_version_are_one_line(tmp_path):
    store = RunStore(str(tmp_path))
    table = Message.to_table([Message(role="user", content="问")])
    for told, why in [
        ("Question/1", "not Message"),
        ("Message/2", "reads up to 1"),
        ("Message/x", "is none"),
    ]:
        store.write_table("a.parquet", table.replace_schema_metadata({"psyche_rl.record": told}))
        with pytest.raises(RunFolderError, match=f"a.parquet: .*{why}"):
            store.read_records("a.parquet", Message)
    store.write_table("b/1.parquet", table)
    store.write_table("b/2.parquet", table.replace_schema_metadata({"psyche_rl.record": "Message/9"}))
    for read in (lambda: store.read_records("b", Message), lambda: store.read_table("b")):
        with pytest.raises(RunFolderError, match=r"2.parquet: .*install the one that wrote it"):
            read()
    store.write_table("c.parquet", table.replace_schema_metadata(None))
    assert store.read_records("c.parquet", Message)[0].content == "问"


@pytest.mark.parametrize("text", ["- a\n", "a: [", "{a: *b}"])
def test_a_damaged_config_is_named_by_the_file(tmp_path, text):
    store = RunStore(str(tmp_path / "run"))
    assert saved_config(store) == {}
    store.write_text("config.yaml", text)
    with pytest.raises(RunFolderError, match=rf"^{tmp_path}/run/config\.yaml") as refused:
        saved_config(store)
    assert "\n" not in str(refused.value)
