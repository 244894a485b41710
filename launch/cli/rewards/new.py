"""``psyche-rl rewards new NAME``: a class, its reward set and its test, as a beginning of one's own."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Annotated

import typer

from psyche_rl.terminal.plain import echo

FILES = {"{name}.py": "reward.py.j2", "{name}.yaml": "reward.yaml.j2", "test_{name}.py": "test_reward.py.j2"}


def new(
    name: Annotated[str, typer.Argument(help="of the reward, in small letters, e.g. cites_article")],
    folder: Annotated[Path, typer.Option("--into", help="folder for the files", metavar="DIR")] = Path("."),
) -> None:
    """Write a reward of one's own to go on from: a class, a reward set that names it, a test."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from psyche_rl.errors import ConfigError
    from rewards.reference import SHIPPED

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ConfigError(
            f"{name!r} is no name for a module; give small letters, digits and _, e.g. cites_article"
        )
    if name in SHIPPED:
        raise ConfigError(f"'{name}' is a reward that is shipped; give another name")
    there = [folder / file.format(name=name) for file in FILES if (folder / file.format(name=name)).exists()]
    if there:
        raise ConfigError(f"{there[0]} is there already; give another name or --into another folder")
    templates = Environment(
        loader=PackageLoader("launch.cli.rewards", "new_reward"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    title = "".join(part.capitalize() for part in name.split("_"))
    folder.mkdir(parents=True, exist_ok=True)
    for file, template in FILES.items():
        path = folder / file.format(name=name)
        path.write_text(templates.get_template(template).render(name=name, title=title), "utf-8")
        echo(f"wrote {path}")
    echo(f"try it: psyche-rl rewards test {folder / f'{name}.yaml'}")
