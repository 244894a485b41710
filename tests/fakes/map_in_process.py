"""``map_blocks`` without Ray: the same function on the same blocks, one after another."""

import pyarrow as pa

from data_pipeline.rows.mixed_records import to_mixed


def map_in_process(records, function, block_rows, gives, finished=None, between=lambda table: table, **more):
    """``between`` gets what each block gave before it is accounted for."""
    if len(records) == 0:
        return to_mixed([], gives)
    table = records if isinstance(records, pa.Table) else type(records[0]).to_table(records)
    parts = []
    for at in range(0, table.num_rows, block_rows):
        parts.append(between(function(table.slice(at, block_rows), **more)))
        if finished is not None:
            finished(parts[-1])
    return pa.concat_tables(parts)
