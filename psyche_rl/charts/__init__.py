"""Interactive figures for pages of one file: curves of one run or several, bars, areas, with what draws them.

``curve``, ``bars`` and ``areas`` make a :class:`Chart` of numbers; ``chart_page`` puts charts, their data and
the code that draws them into a page that opens without network. Knows nothing of stages or reports.
"""

from psyche_rl.charts.chart import Chart
from psyche_rl.charts.chart_page import ChartPage
from psyche_rl.charts.curve import Curve, Row, curve_chart

__all__ = ["Chart", "ChartPage", "Curve", "Row", "curve_chart"]
