"""Learns the weights of the crisis screen from the sentences in the repository, the same file each time.

``python scripts/crisis_model.py`` writes ``data_pipeline/cleaning/crisis_weights.safetensors``; with
``--judge`` it only prints the cross-validated recall and precision at several thresholds. Needs scikit-learn
(lm-eval of the extra ``dev`` brings it); what uses the weights needs numpy alone.

Sentences: ``scripts/crisis_corpus`` (one a line, a file for each category), the tuned halves of the
labelled sets in ``tests/data_pipeline/cleaning/labelled``, and the mini world's posts. Held halves are used
neither for learning nor for the threshold.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from data_pipeline.cleaning.crisis_features import features_of, sentences_of  # noqa: E402
from data_pipeline.cleaning.crisis_kinds import KINDS  # noqa: E402
from data_pipeline.cleaning.crisis_lexicon import folded  # noqa: E402
from data_pipeline.cleaning.crisis_model import WEIGHTS  # noqa: E402

CORPUS = ROOT / "scripts" / "crisis_corpus"
LABELLED = ROOT / "tests" / "data_pipeline" / "cleaning" / "labelled"
POSTS = ROOT / "psyche_rl" / "mini" / "text" / "posts.yaml"
ORDINARY = "ordinary_turn"
_SENTENCE = re.compile(r"[^。！？]+[。！？]*")
SEEN = 3  # sentences in which a feature must occur
STRENGTH = 10.0  # inverse of the L2 penalty, of both regressions
LABELLED_WEIGHT = 2.0  # of a labelled sentence beside one of the corpus
FOLDS = 5
ALIKE = 0.4  # cosine above which two sentences stay in one fold
RECALL = 0.965  # cross-validated, on labelled sentences; the goal on held ones is 0.95


def sentences() -> Iterator[tuple[str, str, bool]]:
    """(text, category, whether it is of a labelled set) of all sentences to learn from."""
    for path in sorted(CORPUS.glob("*.txt")):
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                yield line, path.stem, False
    for path in sorted(LABELLED.glob("crisis*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            if row["half"] == "tuned":
                yield row["text"], row["category"], True
    yield from ((text, ORDINARY, False) for text in ordinary())


def ordinary() -> Iterator[str]:
    """Texts that were written for something else, none of which speaks of a crisis."""
    for line in (LABELLED / "pii.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["half"] == "tuned":
            yield row["text"]
    for post in yaml.safe_load(POSTS.read_text("utf-8")):
        for said in ("post", "reply", "empathetic"):
            yield from _SENTENCE.findall(post[said])


class Matrix:
    """Features of all sentences as a sparse matrix, with the names of its columns."""

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction import DictVectorizer

        columns = DictVectorizer()
        every = columns.fit_transform([features_of(sentences_of(folded(text))) for text in texts])
        kept = np.asarray((every > 0).sum(axis=0)).ravel() >= SEEN
        self.values = every[:, kept]
        self.names = [str(name) for name in columns.get_feature_names_out()[kept]]


def learned(values: Any, categories: Any, weights: Any) -> tuple[Any, Any]:
    """The regression of cue or none, and the one of categories."""
    from sklearn.linear_model import LogisticRegression

    cues = np.isin(categories, KINDS)
    one = LogisticRegression(C=STRENGTH, max_iter=2000).fit(values, cues, sample_weight=weights)
    many = LogisticRegression(C=STRENGTH, max_iter=500).fit(values, categories, sample_weight=weights)
    return one, many


def probabilities(one: Any, many: Any, values: Any) -> Any:
    cues = np.isin(many.classes_, KINDS)
    return (one.predict_proba(values)[:, 1] + many.predict_proba(values)[:, cues].sum(axis=1)) / 2


def cross_validated(texts: Sequence[str], values: Any, categories: Any, weights: Any) -> Any:
    """The probability of each sentence by models that have seen neither it nor one much like it."""
    from sklearn.model_selection import StratifiedGroupKFold

    found = np.zeros(len(categories))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for seen, unseen in folds.split(categories, categories, alike(texts)):
        models = learned(values[seen], categories[seen], weights[seen])
        found[unseen] = probabilities(*models, values[unseen])
    return found


def alike(texts: Sequence[str]) -> Any:
    """A number for each text, the same for those that share most of their characters' pairs and triples."""
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True)
    close = vectors.fit_transform([folded(text) for text in texts])
    return connected_components((close @ close.T) > ALIKE, directed=False)[1]


def table(found: Any, cues: Any) -> Iterator[str]:
    for threshold in np.arange(0.2, 0.65, 0.05):
        flagged = found >= threshold
        right = (flagged & cues).sum()
        recall, precision = right / cues.sum(), right / max(1, flagged.sum())
        yield f"{threshold:.2f}  recall {recall:.3f}  precision {precision:.3f}"


def write(matrix: Matrix, one: Any, many: Any, threshold: float) -> None:
    weights = np.vstack([one.coef_, many.coef_])
    weights = np.hstack([weights, np.concatenate([one.intercept_, many.intercept_])[:, None]]).T
    scale = np.abs(weights).max(axis=0) / 127
    tensors = {
        "weights": np.round(weights / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
    }
    said = {
        "features": "\n".join(matrix.names),
        "categories": json.dumps([str(name) for name in many.classes_]),
        "threshold": f"{threshold:.2f}",
    }
    save_file(tensors, WEIGHTS, metadata=said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", action="store_true", help="cross-validate and print; write nothing")
    judge = parser.parse_args().judge
    texts, named, labelled = zip(*sentences(), strict=True)
    categories, of_sets = np.array(named), np.array(labelled)
    weights = np.where(of_sets, LABELLED_WEIGHT, 1.0)
    matrix = Matrix(texts)
    found = cross_validated(texts, matrix.values, categories, weights)[of_sets]
    cues = np.isin(categories[of_sets], KINDS)
    print(f"{len(texts)} sentences, {of_sets.sum()} of labelled sets; {len(matrix.names)} features")
    print("\n".join(table(found, cues)))
    threshold = np.floor(np.quantile(found[cues], 1 - RECALL) * 100) / 100
    print(f"threshold {threshold:.2f}")
    if not judge:
        write(matrix, *learned(matrix.values, categories, weights), threshold)
        print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
