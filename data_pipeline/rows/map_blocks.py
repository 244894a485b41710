"""Running a function over blocks of records with Ray Data.

Invariants:
- Blocks come back in the order they went in.
- An error a user can act on, raised in a block, comes back as itself and not as Ray's report of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import pyarrow as pa
import ray

from data_pipeline.rows.mixed_records import to_mixed
from psyche_rl import errors
from psyche_rl.errors import PsycheError
from psyche_rl.records import Record

BlockFunction = Callable[..., pa.Table]
_ERROR = "psyche_rl.error"
# Blocks mostly wait for the LLM: a share of a CPU each, so that several wait at once on two cores,
# but not so many that their processes' start-up costs more than it gains.
CPUS_PER_BLOCK = 0.5


def map_blocks(
    records: Sequence[Record] | pa.Table,
    function: BlockFunction,
    block_rows: int,
    gives: Sequence[type[Record]],
    finished: Callable[[pa.Table], None] | None = None,
    **arguments: Any,
) -> pa.Table:
    """``function(block, **arguments)`` on arrow tables of up to ``block_rows`` records, concatenated.

    ``gives`` are the kinds of record in the outcome tables (see ``outcomes.py``); ``finished`` is called
    with each block's outcome table as it comes. Records may also be given as their table, with columns more.

    Raises:
        PsycheError: a block raised one.
    """
    if len(records) == 0:
        return to_mixed([], gives)
    table = records if isinstance(records, pa.Table) else type(records[0]).to_table(records)
    slices = [table.slice(at, block_rows) for at in range(0, table.num_rows, block_rows)]
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # our own events say how far the work is
    data = ray.data.from_arrow(slices).map_batches(
        cast("Any", _guarded),  # Ray's types know no function of more than the batch
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=CPUS_PER_BLOCK,
        fn_kwargs={"function": function, "arguments": arguments},
    )
    part: pa.Table
    parts = []
    for part in data.iter_batches(batch_size=None, batch_format="pyarrow"):
        if _ERROR in part.column_names:
            raise _revived(*part.column(_ERROR)[0].as_py().split(":", 1))
        if finished is not None:
            finished(part)
        parts.append(part)
    return pa.concat_tables(parts) if parts else to_mixed([], gives)


def _guarded(block: pa.Table, function: BlockFunction, arguments: dict[str, Any]) -> pa.Table:
    """The function's outcome; an error a user can act on becomes a table of its own kind, since Ray Data
    hands on the text of an exception but not the exception."""
    try:
        return function(block, **arguments)
    except PsycheError as error:
        return pa.table({_ERROR: [f"{type(error).__name__}:{error}"]})


def _revived(kind: str, message: str) -> PsycheError:
    found = getattr(errors, kind, PsycheError)
    error: PsycheError = found.__new__(found)
    Exception.__init__(error, message)  # some kinds build their message from parts that are gone by now
    return error
