"""The one figure by which a benchmark's authors rank models, each as a function of the means of its parts.

- ``mean``: of the headline metric over all items.
- ``pceb``: ``pceb_avg`` is the mean of the six strict accuracies (theory, moral, case; single and multiple);
  ``pceb_avg_elastic``, in brackets in the paper, of the three strict single and the three elastic multiple
  ones. Both as the rows published with Psyche-R1 (arXiv 2508.10848) compute; a part that is absent leaves
  them out.
- ``groups_right``: the share of groups (two questions on one scenario) of which every question is right.
- ``cpsyexam``: ``mcqa`` and ``mrqa`` are means over subjects of the accuracy on single and multiple choice,
  ``cpsyexam_avg`` of both (``evaluations/evaluate_submission.py`` of its authors).
"""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.evaluation.cluster_draws import Floats

PCEB_TOPICS = ("theory", "moral", "case")
STRICT, ELASTIC = "mcq_strict", "mcq_elastic"


def pceb_average(
    strict_single: Sequence[float | Floats],
    strict_multiple: Sequence[float | Floats],
    elastic_multiple: Sequence[float | Floats],
) -> tuple[float | Floats, float | Floats]:
    """(Avg, Avg in brackets) of three topics' figures each, in any one unit.

    Raises:
        ValueError: there are not three of each.
    """
    if not len(strict_single) == len(strict_multiple) == len(elastic_multiple) == len(PCEB_TOPICS):
        raise ValueError("PCEB's average is over three topics: theory, moral, case")
    average = (sum(strict_single) + sum(strict_multiple)) / 6
    return average, (sum(strict_single) + sum(elastic_multiple)) / 6
