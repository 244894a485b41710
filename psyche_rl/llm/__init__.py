"""Talking to an LLM server: requests and replies, the cache of finished calls, the async client."""

from psyche_rl.llm.call_cache import CallCache
from psyche_rl.llm.chat import CallFailure, ChatReply, ChatRequest, ChatResult
from psyche_rl.llm.client import ChatClient, probe

__all__ = ["CallCache", "CallFailure", "ChatClient", "ChatReply", "ChatRequest", "ChatResult", "probe"]
