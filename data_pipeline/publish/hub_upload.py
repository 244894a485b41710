"""A folder that is uploaded to the Hugging Face hub: what would go there, and the upload itself.

Collaborator: ``huggingface_hub``, whose own errors become one line here.
Invariants:
- Exactly the files that were told of are uploaded.
- The token comes from the environment and goes nowhere but to the hub.
- A repository is made private, and one that others can read is written to only where that was said.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from psyche_rl.errors import ConfigError, HubError
from psyche_rl.store.atomic import SUFFIX

TOKEN = "HF_TOKEN"


@dataclass(frozen=True)
class HubUpload:
    """``files`` of ``folder`` and their sizes in bytes, by their paths within it."""

    repo: str
    kind: Literal["dataset", "model"]
    folder: Path
    files: dict[str, int]
    public: bool

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(self.files.values())


def hub_upload(repo: str, kind: Literal["dataset", "model"], folder: Path, public: bool) -> HubUpload:
    """What of ``folder`` would go to the repository ``OWNER/NAME``. Nothing is asked of the hub.

    Raises:
        ConfigError: the name is none of a repository.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined] # stands in no __all__

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise ConfigError(f"--push-to-hub {repo}: {error}") from None
    if repo.count("/") != 1:
        raise ConfigError(f"--push-to-hub {repo}: write it as OWNER/NAME")
    found = {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(SUFFIX)
    }
    return HubUpload(repo, kind, folder, found, public)


def push(upload: HubUpload, message: str) -> str:
    """Upload it as one commit; returns the repository's address.

    Raises:
        ConfigError: there is no token.
        HubError: the hub cannot be reached or refuses, or others can read the repository.
    """
    from httpx import HTTPError
    from huggingface_hub import HfApi

    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise ConfigError(f"--upload: no token; export {TOKEN}, one that may write to {upload.repo}")
    api = HfApi(token=token)
    try:
        url = api.create_repo(upload.repo, repo_type=upload.kind, private=not upload.public, exist_ok=True)
        if not upload.public and not api.repo_info(upload.repo, repo_type=upload.kind).private:
            raise HubError(f"{upload.repo} can be read by everybody; pass --public if that is meant")
        api.upload_folder(
            repo_id=upload.repo,
            repo_type=upload.kind,
            folder_path=upload.folder,
            allow_patterns=list(upload.files),
            commit_message=message,
        )
    except (HTTPError, OSError, ValueError) as error:
        why = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise HubError(f"{upload.repo}: the hub did not take it: {why}; nothing else was changed") from None
    return str(url)
