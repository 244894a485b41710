"""Selectors, rollouts, evaluation and a teacher's engines ask, stop and read alike, whatever the model."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from chat_templates import family_tokenizer

from actors.llm import vllm_transport
from actors.llm.vllm_transport import VllmTransport
from data_pipeline.answering import engine_job
from data_pipeline.answering.engine_job import SelectorEngine
from data_pipeline.answering.selector import Selector
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.config.selection import SelectConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import ModelError
from psyche_rl.llm import ChatRequest
from psyche_rl.llm.attempts import RefusedError
from psyche_rl.questions.render import question_text
from psyche_rl.records import Question, Sample
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.rollout.sampling import Sampling

QUESTION = Question(id="q", kind="single", stem="题", options=("甲", "乙"), gold="B", source="t")
ROOM = 500


def sample_of(request, ids) -> Sample:
    return Sample(
        id="s", request_id=request.id, index=0, prompt_ids=request.prompt_ids, response_ids=ids,
        logprobs=(0.0,) * len(ids), weight_versions=(0,) * len(ids), finish_reason="length",
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path, request):
    tokenizer = family_tokenizer(request.param)
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": 7}))
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [8]}))
    (tmp_path / "model.safetensors").touch()
    return tmp_path


class Answering:
    """An engine that gives every request the same tokens."""

    max_model_len = ROOM

    def __init__(self, ids) -> None:
        self.ids, self.asked = ids, []

    def generate(self, requests):
        self.asked += requests
        return [[sample_of(request, self.ids)] for request in requests]


def by_selector(folder, ids):
    settings = SelectConfig(samples=1, max_tokens=50)
    engine = SelectorEngine(Selector("s", str(folder), settings, PromptConfig(), EngineConfig(), 0), None)
    engine._read_conventions(folder)
    answering = Answering(ids)
    (verdict,) = engine._verdicts([QUESTION], answering)
    return answering.asked[0], verdict.text, verdict.answer


class Served(VllmTransport):
    """Without engines: each request is answered as soon as it is there."""

    ids: tuple[int, ...] = ()

    async def _replace(self, place):
        pass

    async def _serve(self, place):
        while True:
            async with self._arrived:
                await self._arrived.wait_for(lambda: bool(self._queue))
                waiting = self._queue.popleft()
            self.asked = waiting.request
            waiting.answer.set_result(sample_of(waiting.request, self.ids))


def chat(*turns, max_tokens=50):
    return ChatRequest("m", turns, 1.0, max_tokens)


def by_teacher(folder, ids, request):
    async def story():
        engine = EngineConfig(max_model_len=ROOM)
        transport = Served(TeacherConfig(engine="vllm", model=str(folder), max_tokens=50, vllm=engine))
        transport.ids = ids
        answer = await transport.attempt(request)
        await transport.close()
        return transport.asked, answer.reply.text

    return asyncio.run(story())


@pytest.mark.parametrize("folder", ["r1-distill, special tags", "qwq", "qwen2.5", "gemma"], indirect=True)
def test_prompts_stops_and_texts_are_the_same(folder):
    codec = QuestionCodec.of_model(folder, PromptConfig(), 50, ROOM)
    eos = codec.tokenizer.eos_token_id
    said = "想" if codec.opened else "<think>想"
    ids = tuple(codec.tokenizer.encode(said, add_special_tokens=False))
    rollout = codec.request(QUESTION, "0/0", 1, Sampling(), 0)
    selector, verdict, answer = by_selector(folder, (*ids, 7, eos))
    teacher, reply = by_teacher(
        folder, (*ids, 8, eos), chat(("user", question_text(QUESTION, PromptConfig())))
    )
    assert {r.prompt_ids for r in (rollout, selector, teacher)} == {rollout.prompt_ids}
    assert {r.stop_token_ids for r in (rollout, selector, teacher)} == {tuple(sorted({eos, 7, 8}))}
    whole = (codec.opened or "<think>") + "想"
    assert {codec.text((*ids, eos)), verdict, reply} == {whole}
    assert answer is None, "a draft that was cut off is no answer"


@pytest.mark.parametrize("folder", ["gemma"], indirect=True)
def test_a_teacher_that_refuses_a_role_refuses_this_call_only(folder):
    with pytest.raises(RefusedError, match="System role not supported"):
        by_teacher(folder, (), chat(("system", "说明"), ("user", "问")))
    with pytest.raises(RefusedError, match=r"reply exceed the context of 500; see teacher.max_tokens"):
        by_teacher(folder, (), chat(("user", "问" * 200)))


@pytest.mark.parametrize("folder", ["gemma"], indirect=True)
@pytest.mark.parametrize("missing", ["chat template fails", "no token ends a turn"])
def test_what_a_model_lacks_is_told_before_it_is_loaded(folder, missing, monkeypatch):
    tokenizer = family_tokenizer("gemma")
    if missing.startswith("chat"):
        tokenizer.chat_template = None
        (folder / "chat_template.jinja").unlink()
    else:
        tokenizer.eos_token = None
        (folder / "generation_config.json").unlink()
        (folder / "config.json").write_text("{}")
    tokenizer.save_pretrained(folder)
    monkeypatch.setattr(engine_job, "VllmEngine", lambda *_: pytest.fail("the engine was started"))
    monkeypatch.setattr(vllm_transport, "start_worker", lambda *_: pytest.fail("the engine was started"))
    selector = Selector("s", str(folder), SelectConfig(), PromptConfig(), EngineConfig(), 0)
    with pytest.raises(ModelError, match=missing):
        SelectorEngine(selector, SimpleNamespace()).answer(Question.to_table([QUESTION]), "rel")
    with pytest.raises(ModelError, match=missing):
        asyncio.run(
            VllmTransport(TeacherConfig(engine="vllm", model=str(folder))).attempt(chat(("user", "问")))
        )
