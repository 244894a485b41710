"""The rule by meaning: a record's text whose embedding is close to that of an evaluation item.

Role: an optional rule beside those of ``index``, for paraphrases that share few characters with the item.
Collaborators: sentence-transformers (the extra ``embedding``) reads the model, a local folder that holds how
its embeddings are pooled.
Invariants:
- Nothing is downloaded, no code of the folder is run, and only safetensors are read.
- An item is found once per record, by the text that is closest to it.
- The same texts give the same hits in the same order, in whatever batches they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_pipeline.decontamination.evaluation_set import EvaluationItem, one_line
from data_pipeline.decontamination.matches import Part
from psyche_rl.errors import ConfigError

LIBRARY = "sentence_transformers"
EXTRA = "psyche-rl[embedding]"
BATCH = 64  # texts that the model embeds at once
ROWS_AT_ONCE = 1024  # texts compared with all items in one product
SAME = 0.9999  # cosine from which two items are one text


@dataclass(frozen=True)
class Alike:
    """An item that a record's text is close to."""

    place: int
    """Of the item among those given."""
    part: Part
    score: float
    """Cosine."""


class EmbeddingSearch:
    """All items as vectors, ready for look-up.

    Args:
        items: what is looked for, each as its stem with its options; a stem of ``stem_chars`` by itself too.
        folder: a sentence-transformers model.
        least: cosine from which a text is the item.
        device: torch's name; None is the best there is.

    Raises:
        ConfigError: the library or the model is missing, or cannot be loaded.
    """

    def __init__(
        self, items: Sequence[EvaluationItem], folder: str, least: float, stem_chars: int, device: str | None
    ) -> None:
        check_model(folder)
        from sentence_transformers import SentenceTransformer

        try:
            self._model = SentenceTransformer(
                str(Path(folder).expanduser()),
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:  # the library raises whatever those that it is made of do
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ConfigError(f"{folder}: is no embedding model that can be loaded: {first}") from None
        self._least = least
        sought = [
            (place, part, text) for place, item in enumerate(items) for part, text in _texts(item, stem_chars)
        ]
        self._places = [(place, part) for place, part, _ in sought]
        self._vectors = self._embed([text for _, _, text in sought])

    def hits(self, records: Sequence[Sequence[str]]) -> list[list[Alike]]:
        """For each record, given as its texts, the items that it is close to, in their order."""
        owners = [at for at, texts in enumerate(records) for _ in texts]
        vectors = self._embed([text for texts in records for text in texts])
        found: list[dict[int, Alike]] = [{} for _ in records]
        for begin in range(0, len(owners), ROWS_AT_ONCE):
            cosines = vectors[begin : begin + ROWS_AT_ONCE] @ self._vectors.T
            for row, column in zip(*np.nonzero(cosines >= self._least), strict=True):
                place, part = self._places[column]
                score = min(1.0, round(float(cosines[row, column]), 4))
                best = found[owners[begin + row]]
                if place not in best or score > best[place].score:
                    best[place] = Alike(place, part, score)
        return [[best[place] for place in sorted(best)] for best in found]

    def nearest_other(self) -> list[float]:
        """For each item the highest cosine to another item with another text: what is close by its subject
        alone. A rule below these takes questions of one subject for each other."""
        whole = [at for at, (_, part) in enumerate(self._places) if part == "question"]
        vectors = self._vectors[whole]
        nearest: list[float] = []
        for begin in range(0, len(whole), ROWS_AT_ONCE):
            cosines = vectors[begin : begin + ROWS_AT_ONCE] @ vectors.T
            cosines[cosines > SAME] = -1.0
            nearest += [float(best) for best in cosines.max(axis=1, initial=-1.0)]
        return [best for best in nearest if best > -1.0]

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        different = list(dict.fromkeys(texts))
        if not different:
            return np.zeros((0, 1), np.float32)
        found = self._model.encode(
            different, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        place = {text: at for at, text in enumerate(different)}
        return np.asarray(found, np.float32)[[place[text] for text in texts]]


def check_model(folder: str) -> None:
    """Raises:
    ConfigError: the library is not installed, or the folder is no model of its kind.
    """
    if find_spec(LIBRARY) is None:
        raise ConfigError(f"the rule by embeddings needs {LIBRARY}; pip install '{EXTRA}'")
    if not (Path(folder).expanduser() / "modules.json").is_file():
        raise ConfigError(
            f"{folder}: no sentence-transformers model is there (modules.json is missing); "
            f"give the folder of one that has been downloaded"
        )


def texts_to_compare(text: str, least_chars: int) -> list[str]:
    """A text as a whole and, where it has several, each of its lines that is not short."""
    lines = [line.strip() for line in text.splitlines()]
    long = [line for line in lines if len(line) >= least_chars]
    return list(dict.fromkeys([text.strip(), *long])) if text.strip() else []


def _texts(item: EvaluationItem, stem_chars: int) -> Iterable[tuple[Part, str]]:
    stem = item.stem if item.options or not item.case else f"{item.case}\n{item.stem}"
    yield "question", one_line(stem, item.options)
    if item.options and len(item.stem) >= stem_chars:
        yield "stem", item.stem
