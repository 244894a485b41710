"""The texts that synthesis works on: read, cleaned, each once, and every row of them accounted for.

Role: from the user's paths, or the mini world's, to passages and posts.
Collaborators: ``data_pipeline.ingest`` streams them through Ray Data into ``synth/clean``; ``synth`` goes on
with them.
Invariants:
- Steps ``passages`` and ``posts`` add up to the rows that their inputs say were read, and the inputs to those
  that the paths name.
- A post with cues of a crisis is handed on with a flag, and stays out of everything until a person accepts it
  (``review.hold``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.domains import Domain
from data_pipeline.ingest.clean_blocks import PASSAGES, POSTS, CleanedKind
from data_pipeline.ingest.cleaned_files import write_cleaned
from data_pipeline.ingest.own_cues import cleaning_with, posts_with
from data_pipeline.ingest.raw_rows import inputs
from data_pipeline.review import Flag
from data_pipeline.rows.accounting import RowAccounting
from psyche_rl.config import RunConfig
from psyche_rl.errors import ConfigError
from psyche_rl.mini.cards import TEXTS
from psyche_rl.records import Dialogue, Passage, RowOutcome
from psyche_rl.run_context import StageContext
from psyche_rl.store import RunStore
from psyche_rl.store.stored_records import Joined, Mapped, StoredRecords, one_field

FOLDER = "synth/clean"
MINI_DOMAIN = "psychology"
"""What the mini world's texts are about."""


@dataclass(frozen=True)
class Texts:
    """Passages, posts with plain replies, and which posts a person has to see first."""

    passages: Collection[Passage]
    posts: Collection[Dialogue]
    crises: tuple[Flag, ...]


def source_paths(config: RunConfig, domain: Domain) -> tuple[list[str], list[str]]:
    """Paths of passages and of posts; there is something to read under each.

    Raises:
        ConfigError: one is not given and there is no mini world to take its place.
        DataError: a path is missing or holds no file of a known kind.
    """
    data = config.data
    if config.mini is None and (data.passages is None or data.posts is None):
        missing = "data.passages" if data.passages is None else "data.posts"
        raise ConfigError(f"{missing} is not set and there is no mini world to take its place; set it")
    if domain.name != MINI_DOMAIN and (data.passages is None or data.posts is None):
        missing = "data.passages" if data.passages is None else "data.posts"
        raise ConfigError(
            f"{missing} is not set, and the mini world's texts are no texts of {domain.name}; set it"
        )
    own = [str(TEXTS / name) for name in ("cards_general.yaml", "cards_applied.yaml")]
    passages = [data.passages] if data.passages else own
    posts = [data.posts or str(TEXTS / "posts.yaml")]
    for path in (*passages, *posts):
        inputs(path, data.follow_links)
    return passages, posts


def read_texts(context: StageContext, domain: Domain, accounting: RowAccounting) -> Texts:
    """Read and clean; Ray must be there.

    Raises:
        ConfigError: there is no text to work on.
        DataError: a path is missing, or nothing in it can be used.
        UnbalancedRowsError: a row that was read did not end, or a record that stays is not in its file.
    """
    store, config = context.store, context.config
    clean = cleaning_with(config.clean, domain)
    passage_paths, post_paths = source_paths(config, domain)
    of_passages = write_cleaned(store, FOLDER, passage_paths, config.data, clean, PASSAGES)
    of_posts = write_cleaned(store, FOLDER, post_paths, config.data, clean, posts_with(domain.cues))
    passages = StoredRecords(store, f"{FOLDER}/{PASSAGES.step}.parquet", Passage)
    plain = StoredRecords(store, f"{FOLDER}/{POSTS.step}.parquet", Dialogue)
    crises = StoredRecords(store, f"{FOLDER}/{POSTS.step}_crisis.parquet", CrisisPost)
    posts: Collection[Dialogue] = Joined(plain, Mapped(crises, lambda crisis: crisis.dialogue))
    follow = config.data.follow_links
    sources = [
        [found.source for path in paths for found in inputs(path, follow)]
        for paths in (passage_paths, post_paths)
    ]
    _enter(store, accounting, PASSAGES, sources[0], passages)
    _enter(store, accounting, POSTS, sources[1], posts)
    # Texts that each rule changed, and hits of personal data by kind.
    store.write_json(f"{FOLDER}/rules.json", {PASSAGES.step: of_passages.rules, POSTS.step: of_posts.rules})
    return Texts(
        passages=passages,
        posts=posts,
        crises=tuple(Flag(crisis.dialogue.id, "crisis", crisis.cues) for crisis in crises),
    )


def _enter(
    store: RunStore,
    accounting: RowAccounting,
    kind: CleanedKind,
    sources: Sequence[str],
    records: Collection[Passage] | Collection[Dialogue],
) -> None:
    """How every input, and every row that was read from one, ended; ``records`` are those that go on."""
    accounting.expect(kind.files_step, sources)
    accounting.expect_read(kind.step, read_in=kind.files_step)
    accounting.note(StoredRecords(store, f"{FOLDER}/{kind.step}_outcomes.parquet", RowOutcome))
    accounting.balance(kind.files_step)
    accounting.balance(kind.step, given=one_field(records, "id"))
