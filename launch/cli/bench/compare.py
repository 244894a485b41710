"""``psyche-rl bench compare``: models against each other on the same items, by paired tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo


def compare(
    results: Annotated[
        list[str], typer.Argument(help="two or more: parquet files of bench score --out", metavar="A B …")
    ],
    metric: Annotated[
        list[str] | None, typer.Option(help="default: mcq_strict, else all; repeatable")
    ] = None,
    by_part: Annotated[bool, typer.Option("--by-part", help="also within each part")] = False,
    draws: Annotated[int, typer.Option(help="bootstrap draws", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare models on the items that both have: differences, McNemar, paired bootstrap, Holm."""
    from psyche_rl.errors import ConfigError, DataError
    from psyche_rl.evaluation.catalogue import shipped_benchmarks
    from psyche_rl.evaluation.cluster_draws import BootstrapSettings
    from psyche_rl.evaluation.comparison import compare_models
    from psyche_rl.evaluation.result_files import read_results
    from psyche_rl.evaluation.without_nan import without_nan

    if len(results) < 2:
        raise ConfigError("comparing needs the results of two models or more")
    rows = {path: read_results(path) for path in results}
    models = {_name(path, rows): found for path, found in rows.items()}
    if len(models) < len(results):
        raise ConfigError("two of the results have the same name; name the models with bench score --model")
    names = list(dict.fromkeys(name for found in models.values() for row in found for name in row.scores))
    chosen = metric or [name for name in names if name == "mcq_strict"] or names
    settings = BootstrapSettings(draws, seed)
    found = compare_models(models, chosen, settings, by_part, shipped_benchmarks())
    if not found:
        raise DataError(
            f"no item has scores of two models by {', '.join(chosen)}; there are {', '.join(names)}"
        )
    told = [without_nan(each.as_json()) for each in found]
    echo(json.dumps(told, ensure_ascii=False)) if as_json else _print(told)


def _name(path: str, rows: dict[str, list[Any]]) -> str:
    """The model's name, unless files hold several or share one."""
    own = {row.model for row in rows[path]}
    others = {row.model for other, found in rows.items() if other != path for row in found}
    return next(iter(own)) if len(own) == 1 and not own & others else Path(path).stem


def _print(told: list[dict[str, Any]]) -> None:
    for each in told:
        where = f"{each['benchmark']} {each['part']}" if each["part"] else each["benchmark"]
        models = f"{each['second_model']} {each['second']:.4f} - {each['first_model']} {each['first']:.4f}"
        interval = f"{each['difference']:+.4f} ({each['low']:+.4f} to {each['high']:+.4f})"
        echo(f"{where}, {each['metric']}: {models} = {interval}")
        ps = [f"p {each['p']:.4f}", f"Holm {each['holm_p']:.4f}"]
        if each["win_rate"] is not None:
            ps.append("wins {wins}, ties {ties}, losses {losses}: {value:.4f}".format(**each["win_rate"]))
        if each["mcnemar_p"] is not None:
            ps += [f"McNemar {each['mcnemar_p']:.4f}", f"clustered {each['mcnemar_clustered_p']:.4f}"]
        echo(f"    n {each['n']} in {each['clusters']} cases; " + ", ".join(ps))
    if unpaired := sum(each["unpaired"] for each in told):
        echo(f"{unpaired} scores of items that only one model has were left out", err=True)
