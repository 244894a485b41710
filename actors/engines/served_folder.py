"""The folder that vLLM is given to load: the model's own files and no others.

vLLM loads every ``*.safetensors`` of a folder without an index, stray ``consolidated.safetensors`` (the same
weights in Mistral's own format) among them.
Collaborator: ``psyche_rl.model_folder``, which says whose the files are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psyche_rl.model_folder import stray_files


@contextmanager
def own_files(folder: Path) -> Iterator[Path]:
    """``folder``, or where it holds weights that are not the model's, a folder of links to the rest of it."""
    strays = {path.name for path in stray_files(folder)}
    if not strays:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="psyche-rl-model-") as view:
        for path in folder.iterdir():
            if path.name not in strays:
                (Path(view) / path.name).symlink_to(path.resolve())
        yield Path(view)
