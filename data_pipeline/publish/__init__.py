"""Publishing: the sets of a finished run as data that others can load, judge and trace back."""

from data_pipeline.publish.card import dataset_card
from data_pipeline.publish.exports import llamafactory, trl
from data_pipeline.publish.licences import Licences, unknown_sources
from data_pipeline.publish.published_sets import (
    LineageError,
    PublishedSet,
    PublishedSets,
    TrainingSets,
    published_sets,
)

__all__ = [
    "Licences",
    "LineageError",
    "PublishedSet",
    "PublishedSets",
    "TrainingSets",
    "dataset_card",
    "llamafactory",
    "published_sets",
    "trl",
    "unknown_sources",
]
