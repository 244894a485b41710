"""What all tests share: hypothesis' profile, the order of the files, one Ray for each process of pytest, and
one finished run."""

import os
from functools import cache
from pathlib import Path

import pytest
from finished_run import make_once
from hypothesis import Phase, settings

# A busy machine is no defect: how long an example takes is not what the tests are about.
settings.register_profile("no-deadline", deadline=None, max_examples=25)
settings.register_profile(  # for scripts/mutate.py: few examples, the same ones each time, no shrinking
    "mutants",
    deadline=None,
    max_examples=25,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("no-deadline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that use Ray, which take longest, come first; otherwise the order is that of the files."""
    items.sort(key=lambda item: not uses_ray(item.path))


@cache
def uses_ray(path: Path) -> bool:
    """Whether a file's tests share the process's Ray."""
    return "ray_local" in path.read_text("utf-8")


@pytest.fixture(scope="session")
def ray_local():
    os.environ["RAY_ADDRESS"] = "local"
    from actors.cluster import connect

    connect()
    yield
    import ray

    ray.shutdown()


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> Path:
    """Folder of the tiny run, ended; made once for all processes of pytest. Copy it, never write in it."""
    base = tmp_path_factory.getbasetemp()
    return make_once(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)
