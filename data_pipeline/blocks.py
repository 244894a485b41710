"""Running a function over blocks of records with Ray Data.

Invariants: blocks come back in the order they went in; an error a user can act on, raised in a block,
comes back as itself and not as Ray's report of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import ray

from data_pipeline.outcomes import to_outcomes
from psyche_rl.errors import PsycheError
from psyche_rl.records import Record

BlockFunction = Callable[..., pa.Table]
# Blocks mostly wait for the LLM: a share of a CPU each, so that several wait at once on two cores,
# but not so many that their processes' start-up costs more than it gains.
CPUS_PER_BLOCK = 0.5


def map_blocks(
    records: Sequence[Record],
    function: BlockFunction,
    block_rows: int,
    gives: Sequence[type[Record]],
    **arguments: Any,
) -> pa.Table:
    """``function(block, **arguments)`` on arrow tables of up to ``block_rows`` records, concatenated.

    ``gives`` are the kinds of record in the outcome tables (see ``outcomes.py``).

    Raises:
        PsycheError: a block raised one.
    """
    if not records:
        return to_outcomes([], gives)
    table = type(records[0]).to_table(records)
    slices = [table.slice(at, block_rows) for at in range(0, table.num_rows, block_rows)]
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    data = ray.data.from_arrow(slices).map_batches(
        function, batch_size=None, batch_format="pyarrow", num_cpus=CPUS_PER_BLOCK, fn_kwargs=arguments
    )
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # a traceback of its own before ours would be noise
    try:
        parts = list(data.iter_batches(batch_size=None, batch_format="pyarrow"))
    except Exception as error:
        cause = _user_error(error)
        if cause is None:
            raise
        raise cause from None
    finally:
        logger.setLevel(level)
    return pa.concat_tables(parts) if parts else to_outcomes([], gives)


def _user_error(error: BaseException | None) -> PsycheError | None:
    """The first error a user can act on in a chain of causes."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, PsycheError):
            return error
        seen.add(id(error))
        error = getattr(error, "cause", None) or error.__cause__ or error.__context__
    return None
