"""``psyche-rl bench psychometrics``: do the scores that a model gives to questionnaires measure anything?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo


def psychometrics(
    results: Annotated[str, typer.Argument(help="results.parquet of a benchmark of questionnaires")],
    low: Annotated[float, typer.Option(help="the lowest score of an item")] = 0.0,
    high: Annotated[float, typer.Option(help="the highest score of an item")] = 3.0,
    as_json: AsJson = False,
) -> None:
    """Cronbach's alpha of the scores given and of the true ones, and the correlation of their sums."""
    from psyche_rl.errors import DataError
    from psyche_rl.evaluation.psychometrics import correlation, cronbach_alpha, item_table
    from psyche_rl.evaluation.result_files import read_results
    from psyche_rl.evaluation.without_nan import without_nan

    rows = read_results(results)
    try:
        table = item_table(rows, low, high)
        said, gold = cronbach_alpha(table.said), cronbach_alpha(table.gold)
        # A sum of some of the items is no score of the scale.
        convergent = correlation(table.said.sum(axis=1), table.gold.sum(axis=1))
    except ValueError as error:
        raise DataError(
            f"{results}: {error}; give replies to questionnaires, with --low and --high"
        ) from None
    if as_json:
        found = {"alpha_said": asdict(said), "alpha_gold": asdict(gold), "convergent": asdict(convergent)}
        echo(json.dumps(without_nan(found), ensure_ascii=False))
        return
    for name, each in (("scores given", said), ("true scores", gold)):
        echo(
            f"Cronbach's alpha of the {name}: {each.alpha:.3f} ({each.low:.3f} to {each.high:.3f}; "
            f"{each.people} people, {each.items} items)"
        )
    echo(
        f"correlation of the sums (convergent validity): {convergent.value:.3f} "
        f"({convergent.low:.3f} to {convergent.high:.3f}; {convergent.pairs} people with all items)"
    )
