"""The records of a run by name, as tables and datasets.

Collaborators: the table of stages says what there may be, ``psyche_rl.store`` reads.
Invariants:
- A name is the file's place in the run folder without its ending (``synth/questions``); alone, the file's
  name is that of the first stage which writes one (``questions``, ``sft``, ``grpo``).
- Reading changes nothing in the run folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

    from psyche_rl.config import RunConfig
    from psyche_rl.store import RunStore, StageEntry

ENDINGS = (".parquet", ".jsonl")
FOLDERS = ("grpo/rollouts",)
"""Of parquet files that are one table."""
SUMMARY = "eval/summary.json"


class Run:
    """A run folder, read from Python; made by ``run`` and ``open_run``."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    def __repr__(self) -> str:
        return f"Run({self.folder!r})"

    @property
    def folder(self) -> str:
        """Local path or URL."""
        return self._store.url

    @property
    def stages(self) -> dict[str, StageEntry]:
        """Stage -> what the manifest says of it: ``status``, ``counts``, ``seconds``, ``settings``, …"""
        from psyche_rl.store import Manifest

        return dict(Manifest.load(self._store).stages)

    @property
    def config(self) -> RunConfig:
        """The config that the folder states, with the folder where it is now."""
        from psyche_rl.config import load_config
        from psyche_rl.store.saved_config import saved_config

        return load_config(saved_config(self._store) | {"run_dir": self.folder})

    def names(self) -> list[str]:
        """Full names of the tables that are there, in the order of the stages."""
        return [name for name, rel in _tables().items() if self._store.exists(rel)]

    def table(self, name: str) -> pa.Table:
        """The records of one table, all in memory, in the order of the file.

        Raises:
            DataError: a run has no table of this name.
            RunFolderError: its stage has not written it, or the file is damaged.
        """
        rel = _place(name)
        if rel.endswith(".jsonl"):
            return self._lines(rel)
        return self._store.read_table(rel)

    def dataset(self, name: str) -> datasets.Dataset:
        """The same as a Hugging Face dataset. What maps names to numbers becomes a list of ``key`` and
        ``value``, since datasets have no maps.

        Raises:
            DataError, RunFolderError: as :meth:`table`.
        """
        import datasets

        return datasets.Dataset(_without_maps(self.table(name)))

    def evaluation(self) -> dict[str, Any]:
        """Model (base, sft, grpo) -> accuracies with their intervals, as the stage eval has written them.

        Raises:
            RunFolderError: eval has not run, or the file is damaged.
        """
        found: dict[str, Any] = self._store.read_json(SUMMARY)
        return found

    def _lines(self, rel: str) -> pa.Table:
        """Rows of JSON lines, whose columns need not be the same in each."""
        import pyarrow as pa

        from psyche_rl.errors import RunFolderError

        if not self._store.exists(rel):
            raise RunFolderError(f"{self._store.path(rel)} is missing; redo the stage that writes it")
        rows = self._store.read_json_lines(rel)
        columns = dict.fromkeys(key for row in rows for key in row)
        return pa.table({column: [row.get(column) for row in rows] for column in columns})


def _tables() -> dict[str, str]:
    """Full name -> place in the run folder, of all that stages write as tables."""
    from psyche_rl.stages import STAGES

    named = dict[str, str]()
    for rel in (rel for spec in STAGES.values() for rel in spec.writes):
        if rel.endswith(ENDINGS):
            named[rel.rpartition(".")[0]] = rel
        elif rel in FOLDERS:
            named[rel] = rel
    return named


def _place(name: str) -> str:
    """The place of a full name, or of a file's name alone.

    Raises:
        DataError: there is no such table.
    """
    from psyche_rl.config.nearest import nearest
    from psyche_rl.errors import DataError

    tables = _tables()
    short = {full.rpartition("/")[2]: rel for full, rel in reversed(tables.items())}
    if (found := tables.get(name) or short.get(name)) is not None:
        return found
    close = nearest(name, [*short, *tables])
    hint = f"did you mean '{close}'?" if close else f"there are {', '.join(tables)}"
    raise DataError(f"no table '{name}' in a run; {hint}")


def _without_maps(table: pa.Table) -> pa.Table:
    """The table with maps as lists of structs."""
    import pyarrow as pa

    for at, field in enumerate(table.schema):
        if pa.types.is_map(field.type):
            pair = pa.struct([("key", field.type.key_type), ("value", field.type.item_type)])
            pairs = [
                None if row is None else [{"key": k, "value": v} for k, v in row]
                for row in table[at].to_pylist()
            ]
            table = table.set_column(at, field.name, pa.array(pairs, pa.list_(pair)))
    return table
