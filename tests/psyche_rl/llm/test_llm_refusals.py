"""What is said of a server that will have none of our calls: which, why, and what to do."""

import asyncio

import pytest
from bad_server import BadServer, client_of, serving

from psyche_rl.config.teacher import EndpointConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm import ChatRequest
from psyche_rl.llm.server_probe import refusal, unreachable

ASKED = ChatRequest("m", (("user", "问"),), 0.0, 16)
A = EndpointConfig(base_url="http://a/v1", api_key_env="A_KEY")
B = EndpointConfig(base_url="http://b/v1")


@pytest.mark.parametrize(("own", "named"), [(None, "asked"), ("theirs", "theirs")])
def test_an_unknown_model_is_named_as_the_server_was_asked_for_it(own, named, tmp_path):
    async def work():
        async with serving(BadServer(问=["404"] * 9)) as url:
            endpoints = [{"base_url": url, "model": own}] if own else [{"base_url": url}]
            async with client_of(tmp_path, model="asked", endpoints=endpoints) as (client, _):
                with pytest.raises(TeacherError) as caught:
                    await client.complete(ASKED)
                return str(caught.value), url

    said, url = asyncio.run(work())
    assert said.startswith(f"teacher at {url} refuses calls with HTTP 404 HTTP 404: no such model; ")
    assert f"teacher.model ('{named}')" in said


def test_a_key_that_is_refused_and_servers_that_are_not_there():
    assert str(refusal(A, "m", 401, "who are you")) == (
        "teacher at http://a/v1 refuses calls with HTTP 401 who are you; "
        "put a valid key into the environment variable A_KEY"
    )
    assert str(unreachable([A, B], "refused")).startswith(
        "teacher at http://a/v1, http://b/v1 cannot be reached (refused); "
    )
