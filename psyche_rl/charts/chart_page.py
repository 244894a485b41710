"""What a page needs to show its charts from one file: places, data, code and a policy that forbids all else.

Collaborators: ``charts.js`` draws, ``charts.css`` styles; vl_convert has Vega, Vega-Lite and vega-embed.
Invariants:
- The page's policy runs only the scripts put into it, known by their hashes. It loads nothing, and evaluates
  no text as code: Vega interprets its expressions.
- Data cannot end the element that it stands in: ``<``, ``>``, ``&`` and the line ends of Unicode are escaped.
- A page without charts carries no code for them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from psyche_rl.charts.chart import Chart

HERE = Path(__file__).parent
HEIGHT, AROUND = 170, 46
"""Pixels of a figure that does not say its own (as in ``charts.js``), and of axis and legend around it."""
CONTROLS = Markup("""<p class="chart-controls"><label>Smoothing
<input type="range" id="chart-smoothing" min="0" max="0.98" step="0.02" value="0.6">
<output for="chart-smoothing">0.60</output></label>
<span class="soft">Point at a figure for its values; drag to move it, Ctrl and the wheel (or two fingers) to
zoom, double click to go back; a click on a legend picks a line.</span></p>
<noscript><p>Figures need JavaScript; their numbers are in the files beside this page.</p></noscript>""")
"""The slider of the smoothing, and how to use the figures: once for a page that has any."""
FIGURE = Markup("""<figure class="chart{wide}" data-chart="{at}">
<figcaption>{title}{log}</figcaption>
<div class="chart-canvas" style="min-height: {room}px"></div>{note}</figure>""")
LOG = Markup('<label class="chart-log"><input type="checkbox"{checked}> log</label>')


class ChartPage:
    """The charts of one page, each where the element of :meth:`place` is put."""

    def __init__(self, extra_script: str = "") -> None:
        """``extra_script``: code of the page's own; it runs last."""
        self._charts: list[Chart] = []
        self._extra = extra_script

    def place(self, chart: Chart) -> Markup:
        """The element in which ``chart`` is drawn; its data are put into :meth:`data`."""
        self._charts.append(chart)
        log = Markup("") if chart.log == "never" else LOG.format(checked=" checked" * (chart.log == "on"))
        note = Markup('<p class="chart-note">{}</p>').format(chart.note) if chart.note else ""
        wide = " wide" * chart.wide
        at, room = len(self._charts) - 1, chart.spec.get("height", HEIGHT) + AROUND
        return FIGURE.format(wide=wide, at=at, title=chart.title, log=log, note=note, room=room)

    def controls(self) -> Markup:
        """What goes with the figures, above the first of them; nothing where there is none."""
        return CONTROLS if self._charts else Markup("")

    def data(self) -> Markup:
        """The numbers of all charts placed so far and all code, for the end of the body."""
        block = ""
        if self._charts:
            charts = embedded_json([chart.parts() for chart in self._charts])
            block = f'<script type="application/json" id="chart-data">{charts}</script>\n'
        return Markup(block + "\n".join(f"<script>{script}</script>" for script in self._scripts()))

    def policy(self) -> str:
        """For a ``Content-Security-Policy`` meta element before any script, once all charts are placed."""
        hashes = " ".join(f"'sha256-{_digest(script)}'" for script in self._scripts()) or "'none'"
        return (
            f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
            "base-uri 'none'; form-action 'none'"
        )

    def _scripts(self) -> list[str]:
        drawing = [library(), (HERE / "charts.js").read_text("utf-8")] if self._charts else []
        return [*drawing, *([self._extra] if self._extra else [])]

    @staticmethod
    def css() -> Markup:
        """Styles of the figures; the page has the colours: --ink, --soft, --line, --paper, --panel."""
        return Markup((HERE / "charts.css").read_text("utf-8"))


def embedded_json(value: Any) -> Markup:
    """``value`` as JSON that can stand inside a ``<script>`` element, whatever its texts are."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)


@cache
def library() -> str:
    """Vega, Vega-Lite and vega-embed as one script (``vegaEmbed``), of the version that altair writes for."""
    import vl_convert
    from altair.utils._importers import vl_version_for_vl_convert

    code = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version_for_vl_convert())
    return code.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
