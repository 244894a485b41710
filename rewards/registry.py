"""Which class a name in a reward set means: a shipped reward, or ``module:Class`` for one's own.

Classes are imported when first named, so that ``import rewards`` stays fast.

    >>> reward_class("mcq_strict").__name__
    'McqStrict'
    >>> reference_of(reward_class("mcq_strict"))
    'mcq_strict'
"""

from __future__ import annotations

import importlib

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


def reward_class(reference: str) -> type[Reward]:
    """The class behind a shipped name or a ``module:Class`` path.

    Raises:
        KeyError: no shipped reward has this name.
        ValueError: the path leads to no reward class; the text says why.
    """
    module, colon, path = reference.partition(":")
    if not colon:
        module, path = f"rewards.shipped.{reference}", SHIPPED[reference]
    try:
        found = importlib.import_module(module)
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
    return f"{cls.__module__}:{cls.__qualname__}"
