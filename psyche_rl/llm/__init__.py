"""Talking to an LLM: requests and replies, the cache of finished calls, the async client, JSON answers."""

from psyche_rl.llm.call_cache import CallCache
from psyche_rl.llm.chat import CallFailure, ChatReply, ChatRequest, ChatResult
from psyche_rl.llm.client import ChatClient
from psyche_rl.llm.server_probe import probe
from psyche_rl.llm.structured import JsonAnswer, ask_json

__all__ = [
    "CallCache",
    "CallFailure",
    "ChatClient",
    "ChatReply",
    "ChatRequest",
    "ChatResult",
    "JsonAnswer",
    "ask_json",
    "probe",
]
