"""A page of figures, opened whole in a headless browser: all sections unfolded, all figures drawn.

Role: what the tests of the report and of the comparison look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headless import CONTRAST, until

SIZES = [(width, scheme) for width in (1400, 420) for scheme in ("light", "dark")]
HEIGHTS = {1400: 1500, 420: 1100}
UNFOLD = "document.querySelectorAll('section > details, details.group').forEach(d => { d.open = true; })"
ALL_DRAWN = """() => {
  const next = document.querySelector("figure[data-chart]:not([data-drawn])");
  next?.scrollIntoView();
  return next === null;
}"""
"""A figure is drawn once it is near the window."""
BESIDE = """() => [...document.querySelectorAll("body *")]
  .filter((n) => n.checkVisibility() && !n.parentElement.closest(".scroll, pre"))
  .filter((n) => n.getBoundingClientRect().right > innerWidth + 0.5)
  .map((n) => `${n.tagName} ${n.className} ${n.textContent.slice(0, 40)}`)"""
"""What reaches beyond the right edge, except in boxes that scroll by themselves."""


@contextmanager
def opened(browser, file: Path, width: int, scheme: str) -> Iterator:
    """The page at its top. Left, it must have said nothing on the console."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHTS[width]}, color_scheme=scheme)
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    page.evaluate(UNFOLD)
    until(page, ALL_DRAWN)
    page.evaluate("scrollTo(0, 0)")
    yield page
    page.close()
    assert said == [], said


def can_be_read(page, width: int) -> None:
    """Nothing lies beside the page, each text stands out from its ground, each figure was drawn."""
    found = {
        "width": page.evaluate("document.documentElement.scrollWidth"),
        "beside": page.evaluate(BESIDE),
        "faint": page.evaluate(CONTRAST),
        "not drawn": page.locator("figure[data-chart]").count() - page.locator("figure canvas").count(),
        "failed": page.get_by_text("could not be drawn").count(),
    }
    wanted = {"width": width, "beside": [], "faint": [], "not drawn": 0, "failed": 0}
    assert found == wanted, found
