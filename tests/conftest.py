"""What all tests share: hypothesis' profile, one Ray, and which tests keep to one process of pytest-xdist.

- The tests that use ``ray_local`` are one group: one Ray is started while other processes run pure tests.
- Every other file is a group of its own: its module fixtures are made once.
- The groups that take longest come first; otherwise the order is that of the files.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

# A busy machine is no defect: how long an example takes is not what the tests are about.
settings.register_profile("no-deadline", deadline=None)
settings.register_profile(  # for scripts/mutate.py: few examples, the same ones each time, no shrinking
    "mutants",
    deadline=None,
    max_examples=25,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("no-deadline")

TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The groups that take longest come first; otherwise the order is that of the files."""
    items.sort(key=lambda item: (not uses_ray(item.path), not item.path.is_relative_to(TESTS / "e2e")))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which tests keep to one process. (The groups of ``--dist loadgroup`` need a pytest older than 9.2.)"""
    from xdist.scheduler import LoadScopeScheduling

    class RayTogether(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "ray" if uses_ray(TESTS.parent / file) else file

    return RayTogether(config, log)


@cache
def uses_ray(path: Path) -> bool:
    """Whether a file's tests share the session's Ray."""
    return "ray_local" in path.read_text("utf-8")


@pytest.fixture(scope="session")
def ray_local():
    os.environ["RAY_ADDRESS"] = "local"
    from actors.cluster import connect

    connect()
    yield
    import ray

    ray.shutdown()
