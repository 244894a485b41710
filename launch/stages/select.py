"""Stage select: several LLMs answer every question; hard ones go to GRPO, the rest to SFT.

Reads synth/{questions,rationales,dialogues,passages,teacher_wrong}.parquet and the evaluation sets; writes
select/{grpo,sft,verdicts,verdict_table,label_audit,outcomes,contamination,quarantine}.parquet,
select/{selection,contamination}.json, review/queue/select.parquet, and
select/verdicts/<selector>/<batch>.parquet as each batch is done (which is what a cut-off run goes on from).
Collaborators, in ``data_pipeline``: ``selection.select_inputs`` (what goes in), ``answering`` (the selectors
and what they say), ``selection.hardness`` (the rules), ``selection.write_sets`` (what comes out). Sets that
the user gives are read by ``selection.own_sets``, and no selector is asked.
"""

from __future__ import annotations

from functools import partial

from data_pipeline.answering.ask_selectors import ask_selectors
from data_pipeline.answering.judge import Judgement, judge
from data_pipeline.answering.selector import selectors
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.selection.hardness import hard_ids, random_ids
from data_pipeline.selection.own_sets import write_own_sets
from data_pipeline.selection.select_inputs import select_inputs
from data_pipeline.selection.write_sets import write_sets
from launch.stages.placed import placed
from psyche_rl.run_context import Counts, StageContext


def run(context: StageContext) -> Counts:
    """Select; returns the counts of all sets.

    Raises:
        ConfigError: there is no selector.
        DataError: an evaluation set to decontaminate against is missing.
        ModelError: a selector cannot be served.
        TeacherError: a remote selector cannot be used.
    """
    if context.config.data.has_own_sets:
        return write_own_sets(context)
    config, store, accounting = context.config, context.store, RowAccounting()
    inputs = select_inputs(context, accounting)
    if config.select.skip:
        found = Judgement()
        hard = random_ids(inputs.questions, config.select.random_grpo_share, config.seed)
    else:
        asked = selectors(config, store)
        ask = partial(ask_selectors, context, partial(placed, context, "select"))
        found = judge(asked, inputs.questions, store, context.events, ask)
        hard = hard_ids(inputs.questions, found.book, config.select.rule, config.select.pass_rate)
    counts = write_sets(context, inputs, hard, found, accounting)
    return counts | {"batches_reused": found.reused}
