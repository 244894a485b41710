"""Names that are verl's, checked against the list of them (``verl_names``) and not by importing verl.

Invariant: a name is taken only if it works with what a step of ours can give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from psyche_rl.config.base import RefusedError
from psyche_rl.config.nearest import nearest
from psyche_rl.config.verl_names import ADVANTAGES, KL_ESTIMATORS, LOSS_AGGREGATIONS, POLICY_LOSSES, VERL


def _checked(name: str, known: Mapping[str, str | None]) -> str:
    usable = [other for other, fault in known.items() if fault is None]
    if name not in known:
        close = nearest(name, usable)
        remedy = f"did you mean '{close}'?" if close else f"there are {', '.join(usable)}"
        raise RefusedError(f"verl {VERL} knows no such name", remedy)
    if (fault := known[name]) is not None:
        raise RefusedError(
            f"verl's '{name}' cannot be used here: {fault}", f"take one of {', '.join(usable)}"
        )
    return name


Advantage = Annotated[str, AfterValidator(lambda name: _checked(name, ADVANTAGES))]
PolicyLoss = Annotated[str, AfterValidator(lambda name: _checked(name, POLICY_LOSSES))]
KlEstimator = Annotated[str, AfterValidator(lambda name: _checked(name, KL_ESTIMATORS))]
LossAggregation = Annotated[str, AfterValidator(lambda name: _checked(name, LOSS_AGGREGATIONS))]
