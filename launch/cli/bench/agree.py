"""``psyche-rl bench agree``: how far judges agree on the same replies."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo


def agree(
    results: Annotated[
        list[str], typer.Argument(help="two or more: one judge's parquet file each", metavar="A B …")
    ],
    metric: Annotated[str, typer.Option(help="the score that all of them gave")],
    nominal: Annotated[bool, typer.Option("--nominal", help="scores are names, not amounts")] = False,
    as_json: AsJson = False,
) -> None:
    """Krippendorff's alpha over all judges, Cohen's kappa of each two."""
    from psyche_rl.errors import DataError
    from psyche_rl.evaluation.agreement import judge_agreement
    from psyche_rl.evaluation.result_files import read_results
    from psyche_rl.evaluation.without_nan import without_nan

    judges = {Path(path).stem: read_results(path) for path in results}
    try:
        found = judge_agreement(judges, metric, "nominal" if nominal else "interval")
    except ValueError as error:
        raise DataError(
            f"{', '.join(results)}: {error}; give files that judges made of the same replies"
        ) from None
    if as_json:
        echo(json.dumps(without_nan(asdict(found)), ensure_ascii=False))
        return
    echo(f"{metric}: Krippendorff's alpha {found.alpha:.4f}")
    for pair, kappa in found.kappas.items():
        echo(f"    {pair}: Cohen's kappa {kappa:.4f}")
    echo("    rated: " + ", ".join(f"{name} {count}" for name, count in found.rated.items()))
