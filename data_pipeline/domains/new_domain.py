"""``psyche-rl domain new``: a folder of one's own to begin from, a copy of the built-in one with a README.

Invariant: nothing that is there is overwritten.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from data_pipeline.domains.load_domain import PROMPTS_FOLDER, SUFFIX, WORDS_FILE, domain_folder
from data_pipeline.domains.prompt_names import PROMPTS
from psyche_rl.errors import DataError
from psyche_rl.prompt_folder import ENVIRONMENT

_README = Path(__file__).with_name("domain_readme.j2")


def new_domain(target: Path, like: str) -> None:
    """Copy the domain ``like`` to the folder ``target``.

    Raises:
        ConfigError: there is no domain ``like``.
        DataError: ``target`` holds something.
    """
    source = domain_folder(like)
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise DataError(f"{target}: there is something already; give a folder that is new or empty")
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / WORDS_FILE, target / WORDS_FILE)
    shutil.copytree(source / PROMPTS_FOLDER, target / PROMPTS_FOLDER)
    files = [
        (f"{PROMPTS_FOLDER}/{name}{SUFFIX}", given.does, ", ".join(given.must), ", ".join(given.may))
        for name, given in PROMPTS.items()
    ]
    readme = ENVIRONMENT.from_string(_README.read_text("utf-8")).render(folder=target.name, files=files)
    (target / "README.md").write_text(readme, "utf-8")
