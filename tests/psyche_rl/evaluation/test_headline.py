"""The paper's arithmetic: its two averages from its own columns."""

import pytest

from psyche_rl.evaluation.headline import pceb_average

# case S, case M (elastic), moral S, moral M (elastic), theory S, theory M (elastic); Avg (in brackets).
PUBLISHED = {
    "Qwen2.5-7B-Instruct": (47.57, 31.64, 47.49, 87.83, 59.50, 71.02, 78.46, 42.45, 55.17, 57.91, 64.59),
    "Psyche-R1": (63.31, 56.26, 66.21, 92.76, 79.62, 82.54, 87.70, 66.54, 73.34, 74.37, 77.64),
    "DeepSeek-R1": (79.25, 44.25, 60.86, 95.39, 68.99, 77.95, 92.19, 57.60, 69.41, 72.95, 79.18),
    "PsycoLLM": (55.58, 35.07, 42.89, 88.81, 69.62, 74.20, 72.63, 48.59, 54.12, 61.72, 64.71),
    "GPT-4o": (65.63, 13.67, 34.53, 88.15, 33.54, 54.79, 74.65, 24.10, 45.07, 49.96, 60.47),
}


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_published_averages_follow_from_the_published_columns(model):
    *columns, average, bracketed = PUBLISHED[model]
    single, multiple, elastic = columns[0::3], columns[1::3], columns[2::3]
    found = pceb_average(single, multiple, elastic)
    # The columns are rounded to two digits, and so are the averages.
    assert found == (pytest.approx(average, abs=0.0101), pytest.approx(bracketed, abs=0.0101))


def test_an_average_of_fewer_topics_is_refused():
    with pytest.raises(ValueError, match="three topics"):
        pceb_average([1.0], [1.0], [1.0])
