"""The part of ``huggingface_hub.HfApi`` that publishing calls, which keeps what it is sent.

It takes what the real one takes (checked against its signatures); the real hub is reached by no test.
"""

from __future__ import annotations

import fnmatch
import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class FakeHub:
    """Repositories by kind and name, and what was said; ``fails`` is what every upload raises."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.tokens: list[str | None] = []
        self.messages: list[str] = []
        self.fails: Exception | None = None

    def api(self, **given: Any) -> FakeApi:
        """In place of ``HfApi(…)``."""
        from huggingface_hub.hf_api import HfApi

        inspect.signature(HfApi.__init__).bind(None, **given)
        self.tokens.append(given.get("token"))
        return FakeApi(self)


class FakeApi:
    """Answers the calls."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    def create_repo(self, repo_id: str, **given: Any) -> str:
        fits("create_repo", repo_id, **given)
        self._hub.repos.setdefault((given["repo_type"], repo_id), {})
        self._hub.private.setdefault(repo_id, given["private"])
        return f"https://hub.example/{repo_id}"

    def repo_info(self, repo_id: str, **given: Any) -> SimpleNamespace:
        fits("repo_info", repo_id, **given)
        return SimpleNamespace(private=self._hub.private[repo_id])

    def upload_folder(self, **given: Any) -> None:
        fits("upload_folder", **given)
        if self._hub.fails:
            raise self._hub.fails
        folder = Path(given["folder_path"])
        for path in folder.rglob("*"):
            name = str(path.relative_to(folder))
            if path.is_file() and any(fnmatch.fnmatch(name, each) for each in given["allow_patterns"]):
                self._hub.repos[given["repo_type"], given["repo_id"]][name] = path.read_bytes()
        self._hub.messages.append(given["commit_message"])


def fits(name: str, *values: Any, **given: Any) -> None:
    """Raises TypeError where the real method would not take the call."""
    from huggingface_hub.hf_api import HfApi

    inspect.signature(getattr(HfApi, name)).bind(None, *values, **given)
