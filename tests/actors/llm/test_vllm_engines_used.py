"""Calls a second grow with the teacher's engines: on pretended engines all of them work at once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from tiny_models import save_tiny_model

from actors.llm import vllm_transport
from actors.llm.vllm_transport import VllmTransport
from actors.placement.place import Place
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import ChatRequest

WAIT_S = 30.0


@pytest.mark.parametrize("engines", [1, 2, 4])
def test_every_engine_is_at_work_while_there_are_calls(monkeypatch, tmp_path, engines):
    save_tiny_model(tmp_path / "model")
    started, working = [], []

    async def scene():
        all_at_work = asyncio.Event()

        def start(model, config, version, place):
            started.append(place.bundle)
            return SimpleNamespace(
                load=SimpleNamespace(remote=lambda: None),
                generate=SimpleNamespace(remote=lambda requests, version: (place.bundle, requests)),
            )

        async def result(call, place, phase, deadline_s):
            if call is None:  # loading
                return None
            bundle, requests = call
            working.append(bundle)
            if set(working) == set(range(engines)):
                all_at_work.set()
            # No engine is done before all are at work: with one left idle this would wait for ever.
            await asyncio.wait_for(all_at_work.wait(), WAIT_S)
            return [
                [SimpleNamespace(prompt_ids=r.prompt_ids, response_ids=(65,), finish_reason="stop")]
                for r in requests
            ]

        monkeypatch.setattr(vllm_transport, "start_worker", start)
        monkeypatch.setattr(vllm_transport, "_result", result)
        monkeypatch.setattr(vllm_transport.ray, "kill", lambda _: None)
        engine = EngineConfig(dtype="float32", max_model_len=64, max_num_seqs=2)
        config = TeacherConfig(engine="vllm", max_tokens=16, model=str(tmp_path / "model"), vllm=engine)
        places = [Place(1.0, "group", number) for number in range(engines)]
        transport = VllmTransport(config, places)
        requests = [ChatRequest("m", (("user", f"q{n}"),), 0.0, 4, 0) for n in range(4 * engines)]
        answers = await asyncio.gather(*(transport.attempt(request) for request in requests))
        await transport.close()
        return answers

    answers = asyncio.run(scene())
    assert len(answers) == 4 * engines
    assert sorted(started) == list(range(engines))
    assert set(working) == set(range(engines))
