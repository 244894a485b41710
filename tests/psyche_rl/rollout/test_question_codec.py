"""The codec of a model folder: its context, its stops, its template."""

import json

import pytest
from chat_templates import family_tokenizer

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.errors import ChatTemplateError, ModelError
from psyche_rl.records import Question, Sample
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.rollout.sampling import Sampling
from rewards import exam_reward

QUESTION = Question(id="q", kind="single", stem="题", options=("甲", "乙"), gold="B", source="t")


def folder_of(path, family, config=None, **changes):
    tokenizer = family_tokenizer(family)
    for name, value in changes.items():
        setattr(tokenizer, name, value)
    tokenizer.save_pretrained(path)
    (path / "config.json").write_text(json.dumps({"eos_token_id": 7} if config is None else config))
    (path / "generation_config.json").write_text(json.dumps({"eos_token_id": [8, 2]}))
    return path


def codec_of(path, room=400):
    return QuestionCodec.of_model(path, PromptConfig(), 50, room)


def test_a_folder_says_how_its_replies_end_and_begin(tmp_path):
    codec = codec_of(folder_of(tmp_path, "r1-distill, special tags"))
    eos = codec.tokenizer.eos_token_id
    request = codec.request(QUESTION, "0/0", 1, Sampling(), 0)
    assert request.stop_token_ids == tuple(sorted({eos, 7, 8, 2}))
    assert request.think_opened
    assert (codec.max_tokens, codec.max_model_len) == (50, 400)
    ids = (*codec.tokenizer.encode("想</think>答案：B", add_special_tokens=False), eos)
    sample = Sample(
        id="s", request_id="0/0", index=0, prompt_ids=request.prompt_ids, response_ids=ids,
        logprobs=(0.0,) * len(ids), weight_versions=(0,) * len(ids), finish_reason="stop",
    )  # fmt: skip
    rewardable = codec.reward_sample(QUESTION, sample)
    assert rewardable.response == "<think>\n想</think>答案：B"
    assert exam_reward(1.0, 0.5).score(rewardable).value == 1.5


def test_a_model_with_less_context_than_wanted_has_its_own(tmp_path):
    folder = folder_of(tmp_path, "qwen2.5", {"max_position_embeddings": 99})
    assert codec_of(folder).max_model_len == 99


def test_what_a_folder_lacks_is_told_before_anything_is_asked(tmp_path):
    with pytest.raises(ChatTemplateError, match="chat template fails for user"):
        codec_of(folder_of(tmp_path / "a", "qwen2.5", chat_template=None))
    endless = folder_of(tmp_path / "b", "qwen2.5", {}, eos_token=None)
    (endless / "generation_config.json").unlink()
    with pytest.raises(ModelError, match="no token ends a turn"):
        codec_of(endless)
