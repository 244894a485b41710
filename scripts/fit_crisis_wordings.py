"""Fit ``data_pipeline/cleaning/crisis_wordings.tsv``; say what it finds in sentences of unseen writers.

    .venv/bin/python scripts/fit_crisis_wordings.py            # writes the table
    .venv/bin/python scripts/fit_crisis_wordings.py --unseen   # each set read by a table fitted on the others

Role: logistic regression (scikit-learn) over tf-idf of the runs that ``crisis_wording`` reads.
Invariants: held halves are not read; the same sets give the same table.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from data_pipeline.cleaning import crisis_wording
from data_pipeline.cleaning.crisis_lexicon import folded
from data_pipeline.cleaning.crisis_wording import Wordings, runs_of

SETS = Path(__file__).parents[1] / "tests" / "data_pipeline" / "cleaning" / "labelled"
LEAST_TEXTS = 2
"""Runs of fewer texts are left out."""
STRENGTH = 20.0
"""Inverse of the penalty on weights."""


def tuned_rows() -> dict[str, list[dict[str, Any]]]:
    """Set -> the rows that may be tuned on."""
    found = {}
    for path in sorted(SETS.glob("crisis*.jsonl")):
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        found[path.stem] = [row for row in rows if row["half"] == "tuned"]
    return found


def fitted(rows: Sequence[dict[str, Any]]) -> Wordings:
    texts = [runs_of(folded(row["text"])) for row in rows]
    counts = Counter(run for runs in texts for run in runs)
    kept = sorted(run for run, texts_with in counts.items() if texts_with >= LEAST_TEXTS)
    place = {run: at for at, run in enumerate(kept)}
    rarity = np.array([np.log(len(rows) / counts[run]) + 1 for run in kept])
    values, columns, ends = [], [], [0]
    for runs in texts:
        at = sorted(place[run] for run in runs if run in place)
        length = np.sqrt((rarity[at] ** 2).sum()) or 1.0
        values.extend(rarity[at] / length)
        columns.extend(at)
        ends.append(len(columns))
    table = csr_matrix((values, columns, ends), shape=(len(rows), len(kept)))
    model = LogisticRegression(C=STRENGTH, max_iter=3000).fit(table, [row["cue"] for row in rows])
    weights = zip(rarity.tolist(), model.coef_[0].tolist(), strict=True)
    return Wordings(float(model.intercept_[0]), dict(zip(kept, weights, strict=True)))


def write(table: Wordings, path: Path) -> None:
    lines = [f"bias\t{table.bias:.4f}"]
    lines += [f"{run}\t{rarity:.1f}\t{weight:.2f}" for run, (rarity, weight) in table.runs.items()]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--unseen", action="store_true", help="fit on all sets but one, read that one; write nothing"
    )
    sets = tuned_rows()
    if not parser.parse_args().unseen:
        table = fitted([row for rows in sets.values() for row in rows])
        write(table, crisis_wording.TABLE)
        print(
            f"{crisis_wording.TABLE}: {len(table.runs):,} runs of {sum(map(len, sets.values())):,} sentences"
        )
        return
    from data_pipeline.cleaning.crisis import crisis_cues

    for name, rows in sets.items():
        others = fitted([row for other, those in sets.items() if other != name for row in those])
        crisis_wording.wordings = lambda table=others: table  # type: ignore[assignment,misc]
        found = [bool(crisis_cues(row["text"])) for row in rows]
        true = sum(row["cue"] for row in rows)
        right = sum(hit and row["cue"] for hit, row in zip(found, rows, strict=True))
        shares = (
            f"recall {right / true:.1%}\tprecision {right / sum(found):.1%}"
            if true
            else f"found {sum(found)}"
        )
        print(f"{name}\t{len(rows)}\t{shares}")


if __name__ == "__main__":
    main()
