"""What reading and cleaning make of each row, without a run: texts before and after, and why.

Role: :func:`show_rows` is the call for a command that shows one's data before anything is paid for.
Collaborators: ``clean_blocks`` says how each kind is read and cleaned; ``cleaned_files`` does the same for a
run, in blocks.
Invariants:
- One row shown for each record that reading gives and each row that it sets aside, in the order of the input.
- What is shown is what a run makes of the row, repeats included.
- Neither Ray nor torch is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from data_pipeline.cleaning.cleaned_row import CleanedRow
from data_pipeline.cleaning.crisis import Cue, crisis_cues
from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.cleaning.post_cleaning import SPEAKER, as_text
from data_pipeline.cleaning.raw_post import RawPost
from data_pipeline.ingest.clean_blocks import CleanedKind, raw_records
from data_pipeline.ingest.raw_rows import inputs
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.config.data import DataConfig
from psyche_rl.records import Dialogue, Passage, Quarantined, RowOutcome


@dataclass(frozen=True)
class ShownRow:
    """One row. ``outcome`` is ok, review (a person sees it first), filtered or quarantined.

    ``id`` is that of the clean record, if there is one. Of a passage ``cues`` are shown, but change nothing.
    """

    source: str
    row: int
    raw: str
    outcome: str
    reason: str = ""
    text: str = ""
    id: str | None = None
    rules: Sequence[str] = ()
    cues: Sequence[dict[str, str]] = ()
    redactions: dict[str, int] = field(default_factory=dict)
    taken_out: Sequence[dict[str, str]] = ()


def show_rows(
    paths: Sequence[str],
    data: DataConfig,
    clean: CleanConfig,
    kind: CleanedKind,
    cues_of: Callable[[str], Sequence[Cue]] = crisis_cues,
) -> Iterator[ShownRow]:
    """The rows of files, folders and datasets; ``cues_of`` finds those that are shown of a passage.

    Raises:
        DataError: a path is missing or holds no file of a known kind.
    """
    found = [one for path in paths for one in inputs(path, data.follow_links)]
    first: dict[str, str] = {}  # id of a clean record -> where it stands
    for record in raw_records(found, data, kind):
        if isinstance(record, Quarantined):
            yield ShownRow(record.source, record.row, record.content, "quarantined", record.reason)
        elif isinstance(record, Passage | RawPost):
            cues = _cues(record, cleaned := kind.clean_row(record, clean), cues_of)
            yield _shown(record, cleaned, cues, first)


def _shown(
    record: Passage | RawPost, row: CleanedRow, cues: Sequence[dict[str, str]], first: dict[str, str]
) -> ShownRow:
    outcome, id_, reason = _end(row)
    here = f"{record.source} row {record.row}"
    if id_ is not None and first.setdefault(id_, here) != here:
        outcome, reason = "filtered", f"repeat: the same text as {first[id_]}, after cleaning"
    return ShownRow(
        source=record.source,
        row=record.row,
        raw=record.text if isinstance(record, Passage) else as_text(record.dialogue.messages),
        outcome=outcome,
        reason=reason,
        text=row.text,
        id=id_,
        rules=sorted(name for name in row.counts if "." not in name or name.startswith("script.")),
        cues=cues,
        redactions={
            name.removeprefix("pii."): n for name, n in sorted(row.counts.items()) if name.startswith("pii.")
        },
        taken_out=[{"rule": part.rule, "text": part.text} for part in row.taken_out],
    )


def _end(row: CleanedRow) -> tuple[str, str | None, str]:
    """(outcome, id, reason)."""
    if isinstance(row.end, RowOutcome):
        return "filtered", None, f"{row.end.filter}: {row.end.reason}"
    if isinstance(row.end, CrisisPost):
        return "review", row.end.dialogue.id, f"cues of a crisis: {row.end.cues}"
    if isinstance(row.end, Passage | Dialogue):
        return "ok", row.end.id, ""
    raise TypeError(f"a row cannot end as {type(row.end).__name__}")


def _cues(
    record: Passage | RawPost, row: CleanedRow, cues_of: Callable[[str], Sequence[Cue]]
) -> list[dict[str, str]]:
    if isinstance(record, Passage):
        return [{"kind": cue.kind, "words": cue.words} for cue in cues_of(record.text)]
    return [{"kind": cue.kind, "words": cue.words, "speaker": SPEAKER[role]} for role, cue in row.cues]
