"""Write the table of stages into docs/architecture.md from ``psyche_rl.stages``."""

from __future__ import annotations

from pathlib import Path

from psyche_rl.stages import STAGES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"
BEGIN, END = "<!-- stages -->\n", "<!-- /stages -->"


def stage_table() -> str:
    """The table in Markdown: a row a stage."""
    rows = ["| stage | what it does | its settings | reads | writes |", "|---|---|---|---|---|"]
    for spec in STAGES.values():
        name = f"`{spec.name}`" + (f" (with `{spec.only_with}`)" if spec.only_with else "")
        name += f" (without {', '.join(f'`{key}`' for key in spec.without)})" if spec.without else ""
        read = (*spec.files, *spec.reads, *spec.models)
        cells = (
            name,
            spec.does,
            *(", ".join(f"`{x}`" for x in part) for part in (spec.settings, read, spec.writes)),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """The page with the table of today."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + stage_table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
