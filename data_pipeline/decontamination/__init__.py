"""Decontamination: training records against evaluation sets, by rules on characters and one on meaning."""

from data_pipeline.decontamination.evaluation_set import EvaluationItem, read_sets
from data_pipeline.decontamination.index import EvaluationIndex
from data_pipeline.decontamination.matches import ContaminationMatch, summary
from data_pipeline.decontamination.training_records import Decontaminated, decontaminate, items_of

__all__ = [
    "ContaminationMatch",
    "Decontaminated",
    "EvaluationIndex",
    "EvaluationItem",
    "decontaminate",
    "items_of",
    "read_sets",
    "summary",
]
