"""The header of a safetensors file, believed only as far as the file bears it out.

Collaborators: ``model_folder``, which asks for what a model folder holds.
Invariant: nothing is allocated by a length that the file states and does not have.
Source: safetensors format: an 8-byte little-endian length, a JSON header of at most 100 MB, then the tensors,
without gaps or overlaps.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

from psyche_rl.errors import ModelError

_MAX_HEADER = 100_000_000
_BYTES = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
    "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
"""Of a number of each type; of others the size is not checked."""


def read_header(path: Path) -> dict[str, dict[str, Any]]:
    """Name -> ``dtype``, ``shape`` and ``data_offsets`` of every tensor of the file.

    Raises:
        ModelError: the header is none, or does not fit the file.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(_MAX_HEADER, size - 8):
                raise ValueError(f"a header of {length:,} bytes in a file of {size:,}")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        _refuse_lies(header, size - 8 - length)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
        why = f"{type(error).__name__}: {error}" if not isinstance(error, ValueError) else str(error)
        raise ModelError(f"{path}: no whole safetensors file ({why:.200}); download it again") from None
    return dict(header)


def _refuse_lies(header: dict[str, Any], room: int) -> None:
    spans = []
    for name, tensor in header.items():
        first, last = tensor["data_offsets"]
        shape = tensor["shape"]
        if not all(type(n) is int and n >= 0 for n in (*shape, first, last)) or not first <= last <= room:
            raise ValueError(f"{name:.60}: shape {shape} at {first} to {last} of {room:,} bytes")
        size = _BYTES.get(tensor["dtype"])
        if size is not None and last - first != size * math.prod(shape):
            raise ValueError(f"{name:.60}: {tensor['dtype']} {shape} cannot have {last - first:,} bytes")
        spans.append((first, last))
    spans.sort()
    ends = [0, *(last for _, last in spans)]
    if any(first != end for (first, _), end in zip(spans, ends, strict=False)) or ends[-1] != room:
        raise ValueError(f"tensors overlap, or leave some of {room:,} bytes to nobody")
