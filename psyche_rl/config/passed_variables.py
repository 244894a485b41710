"""Variables of the environment that are passed on to workers by their names, or by patterns of names.

Pure. Collaborators: ``ClusterConfig.pass_env`` holds the names, ``actors.worker_env`` hands the values on,
``launch.checks`` tells of a name that is not set.
Invariants:
- A config holds names, never values.
- What Ray and the placement set themselves for each worker is never passed on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator

from psyche_rl.config.base import RefusedValueError
from psyche_rl.masking import looks_like_a_key

SHORTEST = 3
"""Letters beside the ``*`` of a pattern: fewer would pass on nearly everything."""
_THEIR_OWN = ("RAY_", "CUDA_VISIBLE_DEVICES", "PYTHONPATH", "PATH", "LD_")
"""How names begin that each worker has its own value of."""


def _name_or_pattern(name: str) -> str:
    plain = name.replace("*", "")
    if "*" in name and len(plain) < SHORTEST:
        raise RefusedValueError(
            "this pattern passes on nearly everything", "begin it with a word, such as AWS_*"
        )
    if not (plain.isascii() and plain.isidentifier()) or looks_like_a_key(name):
        raise RefusedValueError(
            "not the name of an environment variable", "give names such as HF_TOKEN or AWS_*", secret=True
        )
    if "*" not in name and name.startswith(_THEIR_OWN):
        raise RefusedValueError("each worker has a value of its own", "take it out")
    return name


PassedVariable = Annotated[str, AfterValidator(_name_or_pattern)]
"""A name such as ``HF_TOKEN``, or a pattern such as ``AWS_*``; capitals and small letters differ."""


def passed_variables(patterns: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``environment`` that are to be passed on, by name.

    >>> passed_variables(["HF_TOKEN", "NCCL_*"], {"NCCL_DEBUG": "INFO", "HF_TOKEN": "t", "HOME": "/root"})
    {'HF_TOKEN': 't', 'NCCL_DEBUG': 'INFO'}
    """
    wanted = list(patterns)
    return {
        name: environment[name]
        for name in sorted(environment)
        if not name.startswith(_THEIR_OWN) and any(fnmatchcase(name, pattern) for pattern in wanted)
    }


def not_set(patterns: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """Names, not patterns, that ``environment`` lacks."""
    return [name for name in patterns if "*" not in name and name not in environment]
