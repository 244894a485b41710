"""The names by which reward sets call reward classes; ``registry`` finds the class behind one.

Knows names only, so that a reward can tell its own without importing what makes rewards.
"""

from __future__ import annotations

from rewards.own_modules import written_name

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


def reference_of(cls: type) -> str:
    """The name by which ``reward_class`` finds a class."""
    if cls.__module__.startswith("rewards.shipped."):
        name = cls.__module__.rpartition(".")[2]
        if SHIPPED.get(name) == cls.__qualname__:
            return name
    return f"{written_name(cls.__module__)}:{cls.__qualname__}"
