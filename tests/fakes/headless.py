"""A browser without a window, to look at pages: Chromium or Chrome on PATH, or playwright's own."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NONE = "no chromium, chromium-browser or google-chrome on PATH, and playwright has none of its own"
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const node of document.querySelectorAll("body *")) {
    if (getComputedStyle(node).opacity !== "1") faint.push(`${node.className} see-through`);
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
    if (!own || !node.checkVisibility() || node.closest(".unseen, .skip")) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${node.className || node.tagName} ${ratio.toFixed(2)} ${node.textContent}`);
  }
  return faint;
}"""
"""Texts that cannot be told from their ground: below WCAG AA, 4.5 to 1."""


SHOWN_S = 180.0
"""Until a page is taken for one that never shows something: beside other work a frame may take seconds."""


@contextmanager
def headless_browser() -> Iterator:
    """A running browser; skips the test where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        path = _browser_path(playwright.chromium.executable_path)
        if path is None:
            pytest.skip(NONE)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        browser.new_page, browser.new_context = _patient(browser.new_page), _patient(browser.new_context)
        yield browser
        browser.close()


def until(page, holds: str, argument=None) -> None:
    """Wait for a function of the page: playwright's own wait evaluates text, which a policy may forbid."""
    deadline = time.monotonic() + SHOWN_S
    while not page.evaluate(holds, argument):
        assert time.monotonic() < deadline, f"never held: {holds}; the page: {page.inner_text('body')}"
        page.wait_for_timeout(25)


def shoot(page, name: str, folder: Path) -> None:
    """For the docs where they are asked for; else to be looked at after a failure."""
    asked = os.environ.get("PSYCHE_RL_SCREENSHOTS")
    page.screenshot(path=str(Path(asked or folder) / f"{name}.png"))


def _patient(make: Callable) -> Callable:
    """``make`` of a page or a context, whose waits last as long as those here."""

    def made(**options):
        found = make(**options)
        found.set_default_timeout(SHOWN_S * 1000)
        return found

    return made


def _browser_path(own: str) -> str | None:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"):
        if found := shutil.which(name):
            return found
    return own if Path(own).exists() else None
