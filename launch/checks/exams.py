"""Whether the held-out exam holds questions that can be graded, in both splits that are wanted."""

from __future__ import annotations

from collections.abc import Sequence

from launch.checks.run_findings import RunFindings
from launch.checks.sources import HUB
from psyche_rl.config import RunConfig
from psyche_rl.errors import PsycheError

KEY = "data.questions"


def check_exam(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """Some question has letters for a key; test, and dev where it is measured on, have at least one."""
    path = config.data.questions
    if path is None or path.startswith(HUB) or not {"select", "grpo", "eval"} & set(stages):
        return
    if findings.about(KEY):
        return  # the path leads nowhere
    from data_pipeline.ingest import ingest_questions
    from psyche_rl.evaluation.split import split_dev_test

    try:
        questions, bad = ingest_questions(path, config.data.follow_links)
    except PsycheError as error:
        findings.error(KEY, path, error, "docs/own_data.md shows the forms that are read")
        return
    graded = [question for question in questions if question.kind != "short"]
    if not graded:
        wrong = f"none of {len(questions)} questions can be graded: all are short ones"
        findings.problem(KEY, path, wrong, "give questions with options and a key")
        return
    dev, test = split_dev_test(graded, config.data.dev_share, config.seed)
    share = ("data.dev_share", config.data.dev_share)
    if not test and "eval" in stages:
        wrong = f"leaves no test question of {len(graded)}"
        findings.problem(*share, wrong, "lower it, or give more questions")
    if not dev and "grpo" in stages and config.grpo.eval_every:
        wrong = f"leaves no dev question of {len(graded)}, on which grpo.eval_every measures"
        findings.problem(*share, wrong, "raise it, or set grpo.eval_every=0")
    if bad:
        findings.skip(
            f"{KEY}: {len(bad)} rows of {path} cannot be used; eval/quarantine.parquet will name them"
        )
