"""One copy of a state that other processes map."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from psyche_rl.weights.shared_memory import ALIGNED, shared

STATES = st.dictionaries(
    st.text("abc.", min_size=1),
    arrays(st.sampled_from([np.float32, np.uint16, np.float64]), array_shapes(min_dims=0, min_side=0)),
    max_size=5,
)


@given(STATES)
def test_what_is_opened_is_what_was_shared(state):
    with shared(state) as place:
        opened = place.open()
        assert list(opened) == list(state)
        for name, array in state.items():
            assert opened[name].dtype == array.dtype
            np.testing.assert_array_equal(opened[name], array)


def test_arrays_start_on_cache_lines_one_after_another_and_cannot_be_written_to():
    with shared({"a": np.ones(3, np.float32), "b": np.ones(17, np.float32), "c": np.ones(1)}) as place:
        assert [p.start for p in place.places.values()] == [0, ALIGNED, 3 * ALIGNED]
        with pytest.raises(ValueError, match="read-only"):
            place.open()["a"][0] = 2


def test_another_process_reads_it():
    state = {"a": np.arange(5, dtype=np.float32)}
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).open()['a'].sum())"
    with shared(state) as place:
        done = subprocess.run(
            [sys.executable, "-c", code], input=pickle.dumps(place), capture_output=True, check=True
        )
    assert done.stdout.strip() == b"10.0"
    assert len(pickle.dumps(place)) < 300


def test_it_is_gone_with_the_block_and_with_the_process_but_not_for_who_has_opened_it():
    with shared({"a": np.ones(2)}) as place:
        opened = place.open()
    assert opened["a"].sum() == 2
    assert not Path(place.path).exists()
    code = (
        "import numpy as np, os, sys; from psyche_rl.weights.shared_memory import shared\n"
        "with shared({'a': np.ones(2)}) as place:\n"
        "    print(place.path, flush=True); sys.stdin.read(1); os.kill(os.getpid(), 9)"
    )
    before = set(os.listdir("/dev/shm"))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        assert path.exists()
        process.stdin.write("x")
        process.stdin.close()
        process.wait(60)
    assert not path.exists()
    assert not {name for name in set(os.listdir("/dev/shm")) - before if "psyche" in name}
