"""A teacher without a server: real vLLM engines behind the client."""

import asyncio

import pytest
import ray
import torch
from tiny_models import EOS, byte_tokenizer, save_tiny_model

from actors.llm.client import start_llm
from actors.llm.vllm_transport import VllmTransport
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import ModelError
from psyche_rl.llm import CallFailure, ChatReply, ChatRequest
from psyche_rl.llm.attempts import FailedAttemptError
from psyche_rl.llm.call_log import CallLog

ENGINE = EngineConfig(dtype="float32", max_model_len=64, kv_cache_mib=32, enforce_eager=True, threads=1)


def ask(text, max_tokens=6, temperature=0.0, sample=0):
    return ChatRequest("m", (("user", text),), temperature, max_tokens, sample)


def config_of(folder, engines=1):
    return TeacherConfig(engine="vllm", max_tokens=16, model=str(folder), vllm=ENGINE, vllm_engines=engines)


def greedy(model, text):
    """What Hugging Face's model answers."""
    tokenizer = byte_tokenizer()
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
    )
    out = model.generate(torch.tensor([prompt]), max_new_tokens=6, do_sample=False, eos_token_id=EOS)
    return tokenizer.decode(out[0, len(prompt) :], skip_special_tokens=True)


@pytest.mark.slow
def test_engines_answer_as_the_model_does_and_once(ray_local, tmp_path):
    model = save_tiny_model(tmp_path / "model")
    texts = ["abc", "hello", "xyz", "what?"]
    llm = start_llm(config_of(tmp_path / "model", engines=2), str(tmp_path))
    *replies, too_long, one, two, same = llm.complete(
        [*map(ask, texts), ask("a" * 80), *(ask("q", temperature=1.0, sample=s) for s in (1, 2, 1))], "test"
    )
    llm.close()
    assert [reply.text for reply in replies] == [greedy(model, text) for text in texts]
    assert {reply.kind for reply in replies} == {"length"}  # a random model does not end by itself
    assert isinstance(too_long, CallFailure)
    assert too_long.kind == "refused"
    assert "teacher.vllm.max_model_len" in too_long.message
    assert one.text != two.text
    assert same.text == one.text

    again = start_llm(config_of(tmp_path / "model"), str(tmp_path))
    assert [r.text for r in again.complete(list(map(ask, texts)), "test")] == [r.text for r in replies]
    assert again.counts()["cached"] == len(texts)
    again.close()
    log = CallLog(tmp_path / "llm_calls.sqlite")
    sent = [call for call in log.calls(limit=99) if call.status == "length"]
    assert {call.endpoint for call in sent} == {"vllm"}
    assert {len(text) + 1 for text in texts} <= {call.prompt_tokens for call in sent}
    assert {call.completion_tokens for call in sent} == {6}
    log.close()


def test_a_model_that_is_not_there_is_named(ray_local, tmp_path):
    llm = start_llm(config_of(tmp_path / "nothing"), str(tmp_path))
    with pytest.raises(ModelError, match="nothing"):
        llm.complete([ask("a")], "test")
    llm.close()


@pytest.mark.slow
def test_a_lost_engine_costs_its_batch_one_try(ray_local, tmp_path):
    save_tiny_model(tmp_path / "model")

    async def story():
        transport = VllmTransport(config_of(tmp_path / "model"))
        first = await transport.attempt(ask("abc"))
        ray.kill(transport._workers[0])
        with pytest.raises(FailedAttemptError, match="teacher engine 0"):
            await transport.attempt(ask("abc"))
        again = await transport.attempt(ask("abc"))
        await transport.close()
        return first.reply, again.reply

    first, again = asyncio.run(story())
    assert isinstance(first, ChatReply)
    assert first == again
