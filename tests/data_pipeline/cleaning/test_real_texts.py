"""Real explanations lose no sentence and no name; skipped where the texts are not at hand."""

from pathlib import Path

import pytest

from data_pipeline.cleaning.text_rules import cleaned
from data_pipeline.ingest import ingest_passages
from psyche_rl.config.cleaning import CleanConfig

DATA = Path(__file__).parents[4] / "shared" / "data"
LAYOUT = {"spacing", "punctuation", "nfkc", "invisible", "markup"}


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["cpsyexam", "pceb"])
def test_explanations_stay_whole(folder):
    if not (DATA / folder).is_dir():
        pytest.skip(f"{DATA / folder} is not there")
    for passage in ingest_passages(str(DATA / folder))[0]:
        found = cleaned(passage.text, CleanConfig())
        changed = {
            rule for rule in found.counts if rule not in ("spacing", "punctuation", "nfkc", "invisible")
        }
        assert (found.taken_out, changed - {"markup"}) == ([], set()), passage.text
