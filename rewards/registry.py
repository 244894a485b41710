"""Which class a name in a reward set means: a shipped reward, or ``module:Class`` for one's own.

Shipped classes are imported when first named, so that ``import rewards`` stays fast; a module of one's own is
a file (``own_modules``).

    >>> reward_class("mcq_strict").__name__
    'McqStrict'
    >>> reference_of(reward_class("mcq_strict"))
    'mcq_strict'
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from rewards.own_modules import load_own_module, loaded_as, written_name
from rewards.reward import Reward

SHIPPED = {
    "mcq_strict": "McqStrict",
    "mcq_elastic": "McqElastic",
    "mcq_jaccard": "McqJaccard",
    "keypoint_recall": "KeypointRecall",
    "exact_text": "ExactText",
    "numeric": "Numeric",
    "think_format": "ThinkFormat",
    "ordered_sections": "OrderedSections",
    "length_gate": "LengthGate",
    "overlong_penalty": "OverlongPenalty",
    "repetition": "Repetition",
    "language_mix": "LanguageMix",
    "text_overlap": "TextOverlap",
    "rubric_judge": "RubricJudge",
    "questionnaire_error": "QuestionnaireError",
    "eq_bench": "EqBench",
}
"""Name in a reward set -> class in the module of that name under ``rewards.shipped``."""


def reward_class(reference: str, beside: Path | None = None, described: bool = False) -> type[Reward]:
    """The class behind a shipped name or a ``module:Class`` path.

    Args:
        beside: folder of the reward set, where a module of one's own is looked for first.
        described: the reference may also name a module that this process has imported.

    Raises:
        KeyError: no shipped reward has this name.
        ValueError: the path leads to no reward class; the text says why.
    """
    module, colon, path = reference.rpartition(":")
    try:
        if not colon:
            name, path = f"rewards.shipped.{reference}", SHIPPED[reference]
            found: Any = importlib.import_module(name)
        else:
            known = (loaded_as(module) or sys.modules.get(module)) if described else None
            found = known or load_own_module(module, beside)
        for attribute in path.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"cannot import {reference!r}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, Reward)):
        raise ValueError(f"{reference!r} is not a subclass of rewards.Reward")
    return found


def reference_of(cls: type[Reward]) -> str:
    """The name by which ``reward_class`` finds a class."""
    if cls.__module__.startswith("rewards.shipped."):
        name = cls.__module__.rpartition(".")[2]
        if SHIPPED.get(name) == cls.__qualname__:
            return name
    return f"{written_name(cls.__module__)}:{cls.__qualname__}"
