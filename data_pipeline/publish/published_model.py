"""The trained model of a run as it is published: the folder of ``grpo/model`` with its card.

Collaborators: ``psyche_rl.model_card`` has written the card while the run went on; ``hub_upload`` takes the
folder away.
"""

from __future__ import annotations

from pathlib import Path

from psyche_rl.errors import RunFolderError
from psyche_rl.model_card.write_card import CARD, MODEL
from psyche_rl.model_folder import model_folder
from psyche_rl.store import Manifest, RunStore
from psyche_rl.store.manifest import require_run


def published_model(run: str) -> Path:
    """This node's folder of the model, which may be a copy of one behind a URL.

    Raises:
        RunFolderError: there is no run, GRPO is not done, or the card is missing.
        ModelError: the folder is not a whole model.
    """
    store = RunStore(run)
    require_run(store, run)
    if not Manifest.load(store).is_done("grpo"):
        raise RunFolderError(
            f"{run}: stage 'grpo' is not done, so there is no model to publish; run it first"
        )
    if not store.exists(CARD):
        raise RunFolderError(f"{run}: {CARD} is missing, and a model is published with its card; redo eval")
    return model_folder(f"{store.url}/{MODEL}")
