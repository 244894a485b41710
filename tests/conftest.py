"""Fixtures that several packages share."""

import os

import pytest


@pytest.fixture(scope="session")
def ray_local():
    os.environ["RAY_ADDRESS"] = "local"
    from actors.cluster import connect

    connect()
    yield
    import ray

    ray.shutdown()
