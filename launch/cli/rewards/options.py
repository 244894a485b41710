"""Arguments and options that several of the reward commands take, each worded once."""

from __future__ import annotations

from typing import Annotated

import typer

RewardSet = Annotated[str, typer.Argument(help="reward set, a YAML file", metavar="CONFIG")]
Workers = Annotated[int, typer.Option(help="scoring processes", min=1)]
MaxWorkers = Annotated[int | None, typer.Option(help="at most, where scorers hang; default: 4 x workers")]
TimeoutS = Annotated[float, typer.Option(help="deadline of each sample, in seconds")]
MemoryMib = Annotated[int, typer.Option(help="address space of a scoring process; 0 for no limit")]
