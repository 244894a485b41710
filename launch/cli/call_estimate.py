"""``--dry-run``: calls, tokens and cost of a run's synthesis, without a call, without Ray.

Collaborators: ingest and cleaning read the real inputs, ``data_pipeline`` renders the real prompts,
``psyche_rl.llm.estimate`` adds up. Invariant: the teacher is neither started nor asked.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from data_pipeline.cleaning.passage_cleaning import clean_passage
from data_pipeline.cleaning.post_cleaning import clean_post
from data_pipeline.cleaning.raw_post import RawPost
from data_pipeline.domains import Domain, load_domain
from data_pipeline.ingest import ingest_passages, ingest_posts
from data_pipeline.synthesis.questions import plan
from data_pipeline.synthesis.texts import source_paths
from psyche_rl.config import RunConfig
from psyche_rl.llm.estimate import PlannedCalls, estimate, rough_tokens
from psyche_rl.llm.usage import Usage
from psyche_rl.questions.render import KIND_NAMES
from psyche_rl.records import Dialogue, Passage

# What replies of each kind usually take, in tokens.
QUESTION_TOKENS, RATIONALE_TOKENS, PROMPT_TOKENS, VERDICT_TOKENS = 160.0, 350.0, 120.0, 60.0
EMPATHY_TOKENS, TURNS_TOKENS = 250.0, 900.0


def planned(config: RunConfig) -> list[PlannedCalls]:
    """The calls of the synth stage if every row comes through.

    Raises:
        ConfigError: there is no text to work on.
        DataError: an input path is missing or unusable.
    """
    domain = load_domain(config.domain)
    passages, posts = _inputs(config, domain)
    asks = [ask for passage in passages for ask in plan(passage, config.synth, domain)]
    prompts = [rough_tokens(ask.request(config.teacher, config.seed).messages[0][1]) for ask in asks]
    questions = sum(ask.count for ask in asks)
    with_letters = sum(ask.count for ask in asks if ask.kind != "short")
    context = _mean([rough_tokens(passage.text) for passage in passages])
    instruction = rough_tokens(domain.render("instruction", kind_name=KIND_NAMES["single"]))
    answered = instruction + QUESTION_TOKENS
    rounds = with_letters * config.synth.rewrite_rounds
    wanted = config.synth.model_dump()  # the steps below are not in every pipeline
    post = _mean([_tokens_of(post, domain) for post in posts])
    per_call = _mean([ask.count for ask in asks]) * QUESTION_TOKENS
    checked = questions if wanted.get("quality_filter") else 0
    compared = rounds if wanted.get("rationale_gate") else 0
    turned = 3 * len(posts) if wanted.get("multi_turn") else 0
    rows = [
        ("questions", len(asks), _mean(prompts), per_call),
        ("quality", checked, context + 2 * QUESTION_TOKENS, VERDICT_TOKENS),
        ("rationales", with_letters + rounds, answered, RATIONALE_TOKENS),
        ("prompt rewriting", rounds, answered + instruction, PROMPT_TOKENS),
        ("gate", compared, answered + 2 * RATIONALE_TOKENS, VERDICT_TOKENS),
        ("empathy", len(posts), post, EMPATHY_TOKENS),
        ("multi-turn", turned, post + TURNS_TOKENS, TURNS_TOKENS),
    ]
    return [PlannedCalls(f"synth.{phase}", calls, asked, said) for phase, calls, asked, said in rows if calls]


def print_estimate(config: RunConfig) -> None:
    """Print the estimate as a table, and how it stands to the budget."""
    from launch.cli.call_tables import usage_table
    from psyche_rl.terminal.console import PlainConsole

    rows = estimate(planned(config), config.teacher)
    console = PlainConsole()
    console.print(usage_table("dry run: nothing is sent", rows, config.teacher.currency, ("calls",)))
    console.print(_verdict(config, rows))


def _verdict(config: RunConfig, rows: Sequence[Usage]) -> str:
    teacher = config.teacher
    tokens = sum(row.prompt_tokens + row.completion_tokens for row in rows)
    cost, calls = sum(row.cost for row in rows), sum(row.calls for row in rows)
    lines = [f"an estimate: {calls:,} calls, {tokens:,} tokens, {cost:.2f} {teacher.currency}"]
    if not teacher.prices:
        lines[0] += " (teacher.prices is empty)"
    if teacher.budget.cost is not None and cost > teacher.budget.cost:
        lines.append(f"more than teacher.budget.cost={teacher.budget.cost:g}: the run would stop there")
    if teacher.budget.tokens is not None and tokens > teacher.budget.tokens:
        lines.append(f"more than teacher.budget.tokens={teacher.budget.tokens:,}: the run would stop there")
    return "\n".join(lines)


def _inputs(config: RunConfig, domain: Domain) -> tuple[list[Passage], list[Dialogue]]:
    """What cleaning keeps, each text once; near-duplicates are still among them."""
    passages: dict[str, Passage] = {}
    posts: dict[str, Dialogue] = {}
    passage_paths, post_paths = source_paths(config, domain)
    for raw in (raw for path in passage_paths for raw in ingest_passages(path, config.data)[0]):
        passage = clean_passage(raw, config.clean).end
        if isinstance(passage, Passage):
            passages.setdefault(passage.id, passage)
    for found in (found for path in post_paths for found in ingest_posts(path, config.data)[0]):
        post = clean_post(RawPost(dialogue=found), config.clean).end
        if isinstance(post, Dialogue):
            posts.setdefault(post.id, post)
    return list(passages.values()), list(posts.values())


def _tokens_of(post: Dialogue, domain: Domain) -> float:
    contents = [message.content for message in post.messages[:2]]
    return rough_tokens(domain.render("empathy", post=contents[0], reply=contents[1]))


def _mean(values: Sequence[Any]) -> float:
    return statistics.fmean(values) if values else 0.0
