"""Ingest and clean as one stream of Ray Data: from paths to tables of records and outcomes, in flat memory.

Role: reading tasks yield blocks of raw records while cleaning tasks work on those before; the caller gets the
outcomes block by block, in the order of the input, and holds one block at a time.
Collaborators: ``clean_blocks`` reads and cleans, ``cleaned_files`` takes the tables.
Invariants:
- The same outcomes, whatever the block size, as reading and cleaning row by row.
- Files on a local path are read on the nodes that see them (``nodes_with_files``).
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pyarrow as pa
import ray
from ray.data import ExecutionResources

from data_pipeline.ingest.clean_blocks import CleanedKind, clean_block, read_blocks
from data_pipeline.ingest.nodes_with_files import nodes_to_read
from data_pipeline.ingest.raw_rows import Input, inputs
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.config.data import DataConfig

BYTES_PER_TASK = 8 << 20  # of small files that one reading task takes; a larger file is a task of its own
# On two cores: two cleaning tasks, and two reading ones that mostly wait for them.
CPUS_TO_READ = 0.25
CPUS_TO_CLEAN = 0.75
BYTES_IN_FLIGHT = 256 << 20  # of blocks between reading and the caller, whatever the size of the store
BLOCK_BYTES = 4 << 20  # what a reading task holds back before it hands a block on


def stream_cleaned(
    paths: Sequence[str], data: DataConfig, clean: CleanConfig, kind: CleanedKind
) -> Iterator[pa.Table]:
    """Tables of clean records, outcomes and counts of rules from files, folders and datasets.

    Raises:
        DataError: a path is missing or holds no file of a known kind, or no node that takes tasks sees it.
    """
    found = [
        dataclasses.replace(one, alone=False) for path in paths for one in inputs(path, data.follow_links)
    ]
    tasks = list(_tasks(found))
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # our own events say how far the work is
    planned = ray.data.from_items(tasks, override_num_blocks=len(tasks))
    planned.context.execution_options.preserve_order = True
    planned.context.execution_options.resource_limits = ExecutionResources.for_limits(
        object_store_memory=BYTES_IN_FLIGHT
    )
    planned.context.enable_progress_bars = False
    planned.context.target_max_block_size = BLOCK_BYTES
    blocks = planned.map_batches(
        cast("Any", _read),  # Ray's types know no function of more than the batch
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=CPUS_TO_READ,
        label_selector=nodes_to_read(found),
        fn_kwargs={"found": found, "data": data, "kind": kind, "rows": clean.block_rows},
    ).map_batches(
        cast("Any", clean_block),
        batch_size=clean.block_rows,
        batch_format="pyarrow",
        num_cpus=CPUS_TO_CLEAN,
        fn_kwargs={"kind": kind, "clean": clean},
    )
    yield from blocks.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)


def _tasks(found: Sequence[Input]) -> Iterator[dict[str, int]]:
    """Ranges of inputs to read in one go each."""
    begin = size = 0
    for at, one in enumerate(found):
        if at > begin and size + one.size > BYTES_PER_TASK:
            yield {"begin": begin, "end": at}
            begin, size = at, 0
        size += one.size
    yield {"begin": begin, "end": len(found)}


def _read(
    block: pa.Table, found: list[Input], data: DataConfig, kind: CleanedKind, rows: int
) -> Iterator[pa.Table]:
    """Ray Data: blocks of up to ``rows`` raw rows."""
    for task in block.to_pylist():
        yield from read_blocks(found[task["begin"] : task["end"]], data, kind, rows)
