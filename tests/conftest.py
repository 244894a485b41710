"""What all tests share: hypothesis' profile, one Ray, and which tests keep to one process of pytest-xdist.

- The tests that use ``ray_local`` are one group: one Ray is started while other processes run pure tests.
- Every other file is a group of its own: its module fixtures are made once.
- The groups that take longest come first; otherwise the order is that of the files.
"""

import os
from pathlib import Path

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


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests by what they share, longest groups first (see ``--dist loadgroup`` in the Makefile)."""
    on_ray = {item.path for item in items if "ray_local" in getattr(item, "fixturenames", ())}
    for item in items:
        name = "ray" if item.path in on_ray else item.path.relative_to(TESTS).as_posix()
        item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=lambda item: (item.path not in on_ray, not item.path.is_relative_to(TESTS / "e2e")))


@pytest.fixture(scope="session")
def ray_local():
    os.environ["RAY_ADDRESS"] = "local"
    from actors.cluster import connect

    connect()
    yield
    import ray

    ray.shutdown()
