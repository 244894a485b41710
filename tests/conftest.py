"""Fixtures that several packages share."""

import os

import pytest
from hypothesis import settings

# A busy machine is no defect: how long an example takes is not what the tests are about.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def ray_local():
    os.environ["RAY_ADDRESS"] = "local"
    from actors.cluster import connect

    connect()
    yield
    import ray

    ray.shutdown()
