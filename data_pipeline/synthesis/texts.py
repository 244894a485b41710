"""The texts that synthesis works on: read, cleaned, each once, and every row of them in the books.

Role: from the user's paths, or the mini world's, to passages and posts. Collaborators:
``data_pipeline.cleaning`` streams them through Ray Data into ``synth/clean``; ``synth`` goes on with them.
Invariants: the books of steps ``passages`` and ``posts`` add up to the rows that were read; a post with
cues of a crisis is handed on with a flag, and stays out of everything until a person accepts it
(``review.hold``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data_pipeline.cleaning.outcomes import CrisisPost, Filtered
from data_pipeline.ingest.cleaned_files import CleanReport, write_passages, write_posts
from data_pipeline.ingest.raw_rows import inputs
from data_pipeline.review import Flag
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.config import RunConfig
from psyche_rl.errors import ConfigError
from psyche_rl.mini.cards import TEXTS
from psyche_rl.records import Dialogue, Passage, Quarantined, RowOutcome
from psyche_rl.run_context import StageContext

FOLDER = "synth/clean"
PASSAGES, POSTS = "passages", "posts"


@dataclass(frozen=True)
class Texts:
    """Passages, posts with plain replies, and which posts a person has to see first."""

    passages: tuple[Passage, ...]
    posts: tuple[Dialogue, ...]
    crises: tuple[Flag, ...]


def source_paths(config: RunConfig) -> tuple[list[str], list[str]]:
    """Paths of passages and of posts; there is something to read under each.

    Raises:
        ConfigError: one is not given and there is no mini world to take its place.
        DataError: a path is missing or holds no file of a known kind.
    """
    data = config.data
    if config.mini is None and (data.passages is None or data.posts is None):
        missing = "data.passages" if data.passages is None else "data.posts"
        raise ConfigError(f"{missing} is not set and there is no mini world to take its place; set it")
    own = [str(TEXTS / name) for name in ("cards_general.yaml", "cards_applied.yaml")]
    passages = [data.passages] if data.passages else own
    posts = [data.posts or str(TEXTS / "posts.yaml")]
    for path in (*passages, *posts):
        inputs(path)
    return passages, posts


def read_texts(context: StageContext, accounting: RowAccounting) -> Texts:
    """Read and clean; Ray must be there.

    Raises:
        ConfigError: there is no text to work on.
        DataError: a path is missing, or nothing in it can be used.
    """
    store, config = context.store, context.config
    passage_paths, post_paths = source_paths(config)
    of_passages = write_passages(store, FOLDER, passage_paths, config.data, config.clean)
    of_posts = write_posts(store, FOLDER, post_paths, config.data, config.clean)
    passages = store.read_records(f"{FOLDER}/{PASSAGES}.parquet", Passage)
    plain = store.read_records(f"{FOLDER}/{POSTS}.parquet", Dialogue)
    crises = store.read_records(f"{FOLDER}/{POSTS}_crisis.parquet", CrisisPost)
    posts = [*plain, *(crisis.dialogue for crisis in crises)]
    _enter(context, accounting, PASSAGES, of_passages, (_ok(PASSAGES, p) for p in passages))
    _enter(context, accounting, POSTS, of_posts, (_ok(POSTS, d) for d in posts))
    # Texts that each rule changed, and hits of personal data by kind.
    store.write_json(f"{FOLDER}/rules.json", {PASSAGES: of_passages.rules, POSTS: of_posts.rules})
    return Texts(
        passages=tuple(passages),
        posts=tuple(posts),
        crises=tuple(Flag(crisis.dialogue.id, "crisis", crisis.cues) for crisis in crises),
    )


def _enter(
    context: StageContext,
    accounting: RowAccounting,
    step: str,
    report: CleanReport,
    ended_well: Iterable[RowOutcome],
) -> None:
    """How every row of a step ended: well, by a filter, or not in form."""
    store = context.store
    left_out = store.read_records(f"{FOLDER}/{step}_filtered.parquet", Filtered)
    bad = store.read_records(f"{FOLDER}/{step}_quarantine.parquet", Quarantined)
    outcomes: Sequence[RowOutcome] = [
        *ended_well,
        *(_row(step, f).filtered(f.filter, f.reason, f.content) for f in left_out),
        *(_row(step, q).quarantined(q.reason, q.content) for q in bad),
    ]
    accounting.expect(step, (outcome.row for outcome in outcomes))
    accounting.note(outcomes)
    accounting.balance(step, rows=report.rows)


def _ok(step: str, record: Passage | Dialogue) -> RowOutcome:
    return _row(step, record).ok(record.id)


def _row(step: str, record: Passage | Dialogue | Filtered | Quarantined) -> RowOrigin:
    return RowOrigin(step, f"{record.source}:{record.row}", record.source, record.row)
