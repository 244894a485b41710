"""The stream that reads and cleans, without Ray: the same functions on the same blocks, one after another."""

import dataclasses

from data_pipeline.ingest.clean_blocks import clean_block, read_blocks
from data_pipeline.ingest.raw_rows import inputs


def stream_in_process(paths, data, clean, kind, between=lambda block: block):
    """``between`` gets each block of raw rows before it is cleaned."""
    found = [dataclasses.replace(one, alone=False) for path in paths for one in inputs(path)]
    for block in read_blocks(found, data, kind, clean.block_rows):
        yield clean_block(between(block), kind, clean)
