"""HTML pages of one file: report, comparison, leaderboard.

Collaborators: each room has its template, its styles and its script; ``colours.css`` goes before the styles.
Invariant: what a template shows is escaped, and a name that it does not get is an error.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

COLOURS = Path(__file__).with_name("colours.css")


def html_environment(package: str) -> Environment:
    """For the templates that lie beside the modules of ``package``."""
    return Environment(
        loader=PackageLoader(package, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_styles(own: Path) -> Markup:
    """The colours that all pages have, then the styles of one."""
    return Markup("".join(file.read_text("utf-8") for file in (COLOURS, own)))
