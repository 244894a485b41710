"""The report: a run folder as one HTML page and one JSON file.

``collect`` reads, ``accuracies`` words the results, ``figures`` draws, ``page`` and ``report_json`` write;
a run cut at any stage gives a report of what is there that names what is not.
"""

from psyche_rl.report.collect import ReportData, collect
from psyche_rl.report.page import render_page
from psyche_rl.report.report_json import report_json

__all__ = ["ReportData", "collect", "render_page", "report_json"]
