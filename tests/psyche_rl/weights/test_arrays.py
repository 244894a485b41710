"""Arrays on the move: the checksum of a whole state, and the way from torch to numpy and back."""

import numpy as np
import torch
import xxhash

from psyche_rl.weights.arrays import checksum, from_numpy, to_numpy


def test_checksum_sees_one_bit_and_a_swap_but_not_the_order():
    weights = {"a": np.arange(6, dtype=np.float32), "b": np.ones((2, 3), np.float32)}
    assert checksum(weights) == checksum(dict(reversed(weights.items())))
    assert checksum(weights) != checksum({"a": weights["b"], "b": weights["a"]})
    flipped = weights["a"].copy()
    flipped.view(np.uint32)[3] ^= 1
    assert checksum(weights) != checksum({**weights, "a": flipped})
    assert checksum(weights) != checksum({**weights, "b": weights["b"].reshape(3, 2)})
    assert checksum(weights) != checksum({**weights, "b": weights["b"].view(np.int32)})


def test_checksum_is_xxh3_of_the_bytes_seeded_by_that_of_the_heading():
    array = np.arange(6, dtype=np.float32)
    heading = xxhash.xxh3_64(b"a:<f4:(6,)").intdigest()
    assert checksum({"a": array}) == xxhash.xxh3_64(array.tobytes(), seed=heading).intdigest()
    assert checksum({"a": array[::2]}) == checksum({"a": array[::2].copy()})  # whatever the strides
    assert checksum({}) == 0


def test_read_only_arrays_are_not_copied_on_the_way_back():
    array = np.arange(4, dtype=np.float32)
    array.flags.writeable = False
    tensor = from_numpy(array)
    assert tensor.data_ptr() == array.ctypes.data
    assert tensor.tolist() == [0, 1, 2, 3]


def test_bfloat16_travels_as_its_bits():
    tensor = torch.tensor([[1.5, -2.0], [3.25, 0.0]], dtype=torch.bfloat16)
    array = to_numpy(tensor.T)
    assert array.dtype == np.uint16
    assert array.flags.c_contiguous
    back = from_numpy(array)
    assert back.dtype == torch.bfloat16
    assert torch.equal(back, tensor.T)
