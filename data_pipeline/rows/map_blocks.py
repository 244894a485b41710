"""Running a function over blocks of a file of records, in a pool of Ray Data's actors.

Role: the driver hands out ranges of rows; the actors read them from the run folder, which every node sees.
Invariants:
- The caller holds one outcome table at a time.
- Blocks come back in the order they went in.
- An error a user can act on, raised in a block, comes back as itself and not as Ray's report of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import ray

from psyche_rl import errors
from psyche_rl.errors import PsycheError
from psyche_rl.store.stored_records import StoredRecords

BlockFunction = Callable[..., pa.Table]
_ERROR = "psyche_rl.error"
# Blocks mostly wait for the LLM: a share of a CPU each, so that several wait at once on two cores,
# but not so many that their processes' start-up costs more than it gains.
CPUS_PER_BLOCK = 0.5
BLOCKS_FOR_A_POOL = 100
"""Fewer go to processes that Ray holds ready: a pool starts its own, which takes seconds a step."""


def map_blocks(
    records: StoredRecords[Any],
    function: BlockFunction,
    block_rows: int,
    **arguments: Any,
) -> Iterator[pa.Table]:
    """``function(block, **arguments)`` on arrow tables of up to ``block_rows`` records, one after another.

    Raises:
        PsycheError: a block raised one.
    """
    rows = len(records)
    if not rows:
        return
    places = [{"begin": at, "end": min(rows, at + block_rows)} for at in range(0, rows, block_rows)]
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # our own events say how far the work is
    given = {"records": records, "function": function, "arguments": arguments}
    pool: dict[str, Any] = {"fn_kwargs": given}
    worker: Any = _in_a_task
    if len(places) >= BLOCKS_FOR_A_POOL:
        most = max(1, int(ray.cluster_resources().get("CPU", 1) / CPUS_PER_BLOCK))
        compute = ray.data.ActorPoolStrategy(min_size=1, max_size=most)
        worker, pool = BlockWorker, {"fn_constructor_kwargs": given, "compute": compute}
    data = ray.data.from_items(places, override_num_blocks=len(places)).map_batches(
        worker, batch_size=None, batch_format="pyarrow", num_cpus=CPUS_PER_BLOCK, **pool
    )
    part: pa.Table
    for part in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        if _ERROR in part.column_names:
            raise _revived(*part.column(_ERROR)[0].as_py().split(":", 1))
        yield part


def _in_a_task(
    places: pa.Table, records: StoredRecords[Any], function: BlockFunction, arguments: dict[str, Any]
) -> pa.Table:
    return BlockWorker(records, function, arguments)(places)


class BlockWorker:
    """Ray Data's actor: reads its blocks where they lie, and holds what all of them need once.

    An error a user can act on becomes a table of its own kind, since Ray Data hands on the text of an
    exception but not the exception.
    """

    def __init__(
        self, records: StoredRecords[Any], function: BlockFunction, arguments: dict[str, Any]
    ) -> None:
        self._records, self._function, self._arguments = records, function, arguments

    def __call__(self, places: pa.Table) -> pa.Table:
        """The function's outcome for the one range of rows in ``places``."""
        (place,) = places.to_pylist()
        try:
            return self._function(self._records[place["begin"] : place["end"]].table(), **self._arguments)
        except PsycheError as error:
            return pa.table({_ERROR: [f"{type(error).__name__}:{error}"]})


def _revived(kind: str, message: str) -> PsycheError:
    found = getattr(errors, kind, PsycheError)
    error: PsycheError = found.__new__(found)
    Exception.__init__(error, message)  # some kinds build their message from parts that are gone by now
    return error
