"""``psyche-rl bench score``: what stored replies are worth on a benchmark. No model is asked."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo


def score(
    replies: Annotated[
        str,
        typer.Argument(help='rows {"id", "response"}; ids as psyche-rl exam prints', metavar="REPLIES.jsonl"),
    ],
    benchmark: Annotated[str, typer.Option(help="name, or the YAML of a description of your own")],
    data: Annotated[str | None, typer.Option(help="file or folder of the benchmark's data")] = None,
    model: Annotated[str | None, typer.Option(help="name to show; default: the file's")] = None,
    out: Annotated[str | None, typer.Option(help="write each item's row to this parquet file")] = None,
    submission: Annotated[str | None, typer.Option(help="write CPsyExam's submission file (JSON)")] = None,
    draws: Annotated[int, typer.Option(help="bootstrap draws", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    as_json: AsJson = False,
) -> None:
    """Score stored replies; exit 1 if rows were bad."""
    from launch.bench.stored_figures import stored_figures
    from launch.cli.bench import score_tables
    from psyche_rl.evaluation.cluster_draws import BootstrapSettings

    found = stored_figures(replies, benchmark, data, model, BootstrapSettings(draws, seed))
    scored, told = found.scored, found.told
    if out:
        from psyche_rl.evaluation.result_files import write_results

        write_results(out, scored.results)
    if submission:
        score_tables.write_submission(submission, found.loaded, scored)
    if as_json:
        echo(json.dumps(told, ensure_ascii=False))
    else:
        score_tables.print_tables(told)
    for each in scored.bad:
        echo(f"{replies}: row {each.row}: {each.reason}", err=True)
    if scored.bad:
        rows = "row" if len(scored.bad) == 1 else "rows"
        echo(f"{replies}: {len(scored.bad)} {rows} not scored", err=True)
        raise typer.Exit(1)
