"""A file's header is believed as far as the file bears it out."""

import json
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from psyche_rl.errors import ModelError
from psyche_rl.safetensors_header import read_header

WHOLE = save({"a": np.zeros((2, 3), np.float32), "b": np.ones(4, np.float16), "c": np.zeros((0, 5))})


def written(tmp_path, data: bytes):
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    return path


def changed(**tensors) -> bytes:
    (length,) = struct.unpack("<Q", WHOLE[:8])
    header = json.loads(WHOLE[8 : 8 + length])
    for name, change in tensors.items():
        header[name] = header[name] | change if isinstance(change, dict) else change
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + WHOLE[8 + length :]


def test_a_whole_file_tells_its_tensors(tmp_path):
    header = read_header(written(tmp_path, WHOLE))
    assert {name: (t["dtype"], t["shape"]) for name, t in header.items()} == {
        "a": ("F32", [2, 3]), "b": ("F16", [4]), "c": ("F64", [0, 5]),
    }  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"", WHOLE[:5], WHOLE[:-1], WHOLE + b"\0",
        struct.pack("<Q", 2**60) + WHOLE[8:], struct.pack("<Q", 2**64 - 1) + b"{}",
        struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 10**5) + b"[" * 10**5,
        changed(a={"shape": [2, 300]}), changed(a={"shape": [-2, -3]}), changed(a={"shape": "23"}),
        changed(a={"data_offsets": [0, 10**12]}), changed(a={"data_offsets": [8, 0]}),
        changed(a={"data_offsets": [0]}), changed(a={"data_offsets": [True, 24]}),
        changed(b={"data_offsets": [0, 8]}), changed(a=None), changed(a={"dtype": "F64"}),
    ],
)  # fmt: skip
def test_a_header_that_lies_is_one_line_with_the_file(tmp_path, data):
    path = written(tmp_path, data)
    with pytest.raises(ModelError) as told:
        read_header(path)
    assert str(told.value).startswith(f"{path}: no whole safetensors file (")
    assert str(told.value).endswith("; download it again")
    assert len(str(told.value)) < 500 + len(str(path))


@given(st.binary(max_size=60), st.integers(0, len(WHOLE) - 1))
def test_no_bytes_raise_anything_else(tmp_path_factory, noise, at):
    path = tmp_path_factory.mktemp("noise") / "model.safetensors"
    path.write_bytes(WHOLE[:at] + noise + WHOLE[at + len(noise) :])
    with suppress(ModelError):
        read_header(path)
