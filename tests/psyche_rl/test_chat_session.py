"""A conversation with a model: what it sees again, and what is told apart."""

import pytest
from tiny_models import EOS, byte_tokenizer, save_tiny_model

from psyche_rl.chat_session import ChatSession
from psyche_rl.errors import ModelError
from psyche_rl.records import Sample


@pytest.fixture
def session(tmp_path):
    save_tiny_model(tmp_path)
    return ChatSession.of_model(str(tmp_path), max_tokens=50, room=64)


def reply(request, text):
    ids = (*byte_tokenizer().encode(text, add_special_tokens=False), EOS)
    return Sample(
        id="s", request_id=request.id, index=0, prompt_ids=request.prompt_ids, response_ids=ids,
        logprobs=(0.0,) * len(ids), weight_versions=(0,) * len(ids), finish_reason="stop",
    )  # fmt: skip


def test_drafts_are_kept_apart_and_not_seen_again(session):
    request = session.ask("hi", 0.0, 7)
    assert (request.max_tokens, request.seed, request.stop_token_ids) == (50, 7, (EOS,))
    assert session.hear(reply(request, "<think>hm</think> yes")) == "yes"
    assert session.draft == "<think>hm</think>"
    assert [(turn.role, turn.content) for turn in session.turns] == [("user", "hi"), ("assistant", "yes")]
    assert session.hear(reply(session.ask("and", 0.0, 7), "<think>on and on")) == ""
    session.begin()
    assert (session.turns, session.draft) == ([], "")


def test_a_reply_has_the_room_that_is_left_and_none_is_told(session):
    assert session.ask("a" * 40, 0.0, 0).max_tokens < 24
    assert session.ask("a" * 40, 0.0, 0).endswith("tokens, the context 64; begin anew")
    assert len(session.turns) == 1


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="nothing"):
        ChatSession.of_model(str(tmp_path / "nothing"), 1, 16)
