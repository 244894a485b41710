"""What is recorded of a stage's outputs, and what of later damage is found."""

from __future__ import annotations

import hashlib
import json

import pytest
from keyed_files import keyed_url

from psyche_rl.loops.metrics_log import MetricsLog
from psyche_rl.store import RunStore
from psyche_rl.store.outputs import Output, damaged, record_outputs

WRITES = ("s/rows.parquet", "s/parts", "s/model", "s/absent.json")


@pytest.fixture(params=["local", "keyed"])
def store(request, tmp_path) -> RunStore:
    store = RunStore(str(tmp_path / "run") if request.param == "local" else keyed_url())
    store.write_bytes("s/rows.parquet", b"0123456789")
    store.write_bytes("s/parts/1.parquet", b"one")
    store.write_bytes("s/parts/2.parquet", b"two!")
    store.write_bytes("s/model/config.json", b"{}")
    store.write_bytes("s/model/model.safetensors", b"weights")
    return store


def told(store: RunStore, outputs: dict[str, Output], verify: bool = False) -> dict[str, str]:
    return {d.output: d.why for d in damaged(store, outputs, verify)}


def test_size_number_and_digest_are_recorded_and_what_is_not_there_is_not(store):
    outputs = record_outputs(store, WRITES)
    assert set(outputs) == {"s/rows.parquet", "s/parts", "s/model"}
    assert outputs["s/rows.parquet"] == Output(size=10, sha256=hashlib.sha256(b"0123456789").hexdigest())
    assert (outputs["s/parts"].size, outputs["s/parts"].files) == (7, 2)
    assert (outputs["s/model"].size, outputs["s/model"].sha256) == (9, None)
    assert told(store, outputs, verify=True) == {}


def test_the_digest_is_of_what_was_written_not_of_what_lies_there(store):
    other = RunStore(store.url)
    other.write_bytes("s/rows.parquet", b"0123456780")  # a bit flips after the write
    outputs = record_outputs(store, WRITES)
    assert outputs["s/rows.parquet"].sha256 == hashlib.sha256(b"0123456789").hexdigest()
    assert told(store, outputs) == {}
    assert told(store, outputs, verify=True) == {"s/rows.parquet": "holds other bytes than were written"}


def test_what_another_process_wrote_is_read_once(store):
    RunStore(store.url).write_bytes("s/rows.parquet", b"from elsewhere")
    outputs = record_outputs(store, ["s/rows.parquet"])
    assert outputs["s/rows.parquet"].sha256 == hashlib.sha256(b"from elsewhere").hexdigest()


def test_gone_short_and_missing_parts_are_found_without_reading(store):
    outputs = record_outputs(store, WRITES)
    store.write_bytes("s/rows.parquet", b"01234")
    store.remove("s/parts/1.parquet")
    store.remove("s/model")
    assert told(store, outputs) == {
        "s/rows.parquet": "has 5 bytes, recorded 10",
        "s/parts": "holds 1 files, recorded 2",
        "s/model": "is gone",
    }


def test_other_bytes_in_a_part_and_parts_that_changed_names_are_found_by_reading(store):
    outputs = record_outputs(store, WRITES)
    store.write_bytes("s/parts/1.parquet", b"eno")
    assert told(store, outputs) == {}
    assert set(told(store, outputs, verify=True)) == {"s/parts"}
    store.write_bytes("s/parts/1.parquet", b"one")
    assert told(store, outputs, verify=True) == {}
    store.move("s/parts/1.parquet", "s/parts/0.parquet")
    assert set(told(store, outputs, verify=True)) == {"s/parts"}


def test_weights_are_not_read(store):
    outputs = record_outputs(store, WRITES)
    store.write_bytes("s/model/model.safetensors", b"WEIGHTS")
    assert told(store, outputs, verify=True) == {}
    store.write_bytes("s/model/model.safetensors", b"cut")
    assert set(told(store, outputs)) == {"s/model"}


def test_a_file_being_written_is_no_part_of_an_output(store):
    outputs = record_outputs(store, WRITES)
    store.write_bytes("s/parts/3.parquet.1234.tmp", b"half")
    assert told(store, outputs, verify=True) == {}


def test_a_curve_is_digested_row_by_row(store, monkeypatch):
    log = MetricsLog(store, "s")
    log.truncate_after(0)
    for step in (1, 2, 3):
        log.append({"step": step, "loss": 0.5 / step})
    monkeypatch.setattr(store.fs, "open", None)  # nothing is read
    (output,) = record_outputs(store, ["s/metrics.jsonl"]).values()
    monkeypatch.undo()
    whole = store.read_bytes("s/metrics.jsonl")
    assert [json.loads(line)["step"] for line in whole.splitlines()] == [1, 2, 3]
    assert output == Output(size=len(whole), sha256=hashlib.sha256(whole).hexdigest())


def test_a_models_card_is_no_part_of_what_the_model_is_known_by(store):
    store.write_bytes("s/model/README.md", b"first card")
    outputs = record_outputs(store, WRITES)
    store.write_bytes("s/model/README.md", b"another card, with figures")
    assert told(store, outputs, verify=True) == {}
    store.remove("s/model/README.md")
    assert told(store, outputs, verify=True) == {}
