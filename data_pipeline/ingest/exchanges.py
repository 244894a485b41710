"""What a row says, as exchanges of a post and a reply.

Role: pure; ``posts`` makes dialogues of them.
Known shapes: post and reply under their names (a question with its description, prompt and completion, alpaca
with its history, several ``answers``); chats as lists of turns, with content in parts too; dialogues written
as turns (来访者：…).
Invariants:
- Exchanges are in the order of the conversation; what the seeker says up to an answer is one post, what the
  counsellor says up to the seeker's next word is one reply.
- A think block is no part of a reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_pipeline.ingest.raw_row import text_of
from rewards.reply import answer_part
from rewards.text.think_tags import THINK_TAG

_HEAD = ("post", "question", "query", "questiontitle", "title", "context", "prompt", "问题", "提问")
_BODY = ("description", "detail", "details", "questiontext", "desc")
_OTHER = ("content", "text")
_REPLY = (
    "reply", "answer", "response", "output", "completion", "answertext", "best_answer", "chosen",
    "回答", "回复",
)  # fmt: skip
_CHATS = ("messages", "dialogue", "dialog", "conversation", "conversations", "chat", "turns", "utterances")
_ROLE = ("role", "from", "speaker", "speaker_role", "sender")
_CONTENT = ("content", "value", "text", "utterance", "message", "answer_text", "answer", "reply")
_SEEKER = (
    "来访者", "求助者", "咨询者", "来访", "咨客", "用户", "患者", "提问者", "user", "human", "client",
    "seeker", "patient", "usr", "visitor", "help-seeker", "speaker",
)  # fmt: skip
_COUNSELLOR = (
    "心理咨询师", "咨询师", "支持者", "心理医生", "心理师", "治疗师", "医生", "助手", "assistant", "gpt",
    "counselor", "counsellor", "therapist", "psychologist", "supporter", "doctor", "listener", "helper",
    "bot", "sys", "model",
)  # fmt: skip
_TURN = re.compile(rf"^\s*({'|'.join((*_SEEKER, *_COUNSELLOR))})\s*[:：]\s*", re.MULTILINE | re.IGNORECASE)
_TASK = re.compile(
    r"\s*(?:现在)?(?:你是|请|假设|假如|作为|扮演|根据|You are|Act as|Please|As an? |Given )", re.IGNORECASE
)

Exchange = tuple[str, str]
Turn = tuple[str, str]
"""(speaker, words)"""


def exchanges_of(value: Mapping[str, Any] | str) -> list[Exchange] | str:
    """The exchanges of a row, one at least, or why there is none."""
    if isinstance(value, str):
        return _paired(_written(value))
    row = {str(key).lower().replace(" ", "_"): held for key, held in value.items()}
    for turns in (*(_turns(row.get(name)) for name in _CHATS), _spread(row)):
        if turns:
            return _paired(turns)
    post, replies = _post(row), list(_replies(row))
    history = _history(row.get("history"))
    if history and post and replies:
        return _paired([*history, ("user", post), ("assistant", replies[0])])
    if not post.strip() or not replies:
        return f"no {'post' if not post.strip() else 'reply'} in the row"
    return [(post, reply) for reply in replies]


def said_in(value: Mapping[str, Any] | str) -> list[str]:
    """The words of every turn of a row, answered or not, whoever speaks."""
    if isinstance(value, str):
        return [words for _, words in _written(value)]
    row = {str(key).lower().replace(" ", "_"): held for key, held in value.items()}
    turns = [turn for name in (*_CHATS, "history") for turn in _turns(row.get(name))]
    pairs = _history(row.get("history"))
    return [*(words for _, words in (*turns, *pairs)), _post(row), *_replies(row)]


def begins_at(text: str) -> int:
    """Where in a text the first turn begins."""
    found = _TURN.search(text)
    return found.start() if found else 0


def _spread(row: Mapping[str, Any]) -> list[Turn]:
    """The turns of a row that is itself a chat: its prompt and completion are lists of turns, its keys are
    roles, or its one text is written in turns."""
    prompt, completion = row.get("prompt"), row.get("completion", row.get("chosen"))
    if isinstance(prompt, list):
        return [*_turns(prompt), *(_turns(completion) or [("assistant", _text(completion))])]
    turns = _turns_of(row) if not text_of(dict(row), (*_HEAD, "instruction", "input")) else []
    if any(who in _SEEKER for who, _ in turns) and any(who in _COUNSELLOR for who, _ in turns):
        return turns
    only = text_of(dict(row), _OTHER)
    return _written(only) if only and not any(row.get(name) for name in _REPLY) else []


def _post(row: Mapping[str, Any]) -> str:
    """What the seeker writes: a question with its description; of alpaca the instruction, unless it is a task
    for a model, and the input."""
    parts = [text_of(dict(row), _HEAD), text_of(dict(row), _BODY)]
    if not any(parts):
        task, given = _text(row.get("instruction")), _text(row.get("input"))
        parts = [given if given.strip() and _TASK.match(task) else task, "" if _TASK.match(task) else given]
    if not any(part and part.strip() for part in parts):
        parts = [text_of(dict(row), _OTHER)]
    said = [part.strip() for part in parts if part and part.strip()]
    return "\n".join(dict.fromkeys(said))


def _replies(row: Mapping[str, Any]) -> Iterator[str]:
    given = row.get("answers", row.get("replies"))
    several = list(given) if isinstance(given, list) else []
    for each in [*(row.get(name) for name in _REPLY), *several]:
        words = _words(each)
        if words:
            yield words
            if each not in several:
                return


def _words(found: Any) -> str:
    """The words of a reply without a think block; empty where there are none."""
    text = _text(found).strip()
    return answer_part(text) if THINK_TAG.search(text) else text


def _text(found: Any) -> str:
    """A text, or a text in parts, or the text in a mapping."""
    if isinstance(found, str):
        return found
    if isinstance(found, list):
        return "\n".join(text for part in found if (text := _text(part)))
    if isinstance(found, Mapping):
        if found.get("type") in ("thinking", "reasoning", "image_url", "image"):
            return ""
        return next((text for name in _CONTENT if (text := _text(found.get(name)))), "")
    return ""


def _history(found: Any) -> list[Turn]:
    if not isinstance(found, list):
        return []
    if found and all(isinstance(pair, list) and len(pair) == 2 for pair in found):
        return [turn for ask, said in found for turn in (("user", _text(ask)), ("assistant", _text(said)))]
    return _turns(found)


def _turns(chat: Any) -> list[Turn]:
    """The turns of a chat, however it is kept."""
    if isinstance(chat, str):
        return _written(chat)
    if isinstance(chat, Mapping):
        return next((found for name in _CHATS if (found := _turns(chat.get(name)))), [])
    if not isinstance(chat, list):
        return []
    turns: list[Turn] = []
    for turn in chat:
        if isinstance(turn, str):
            turns += _written(turn)
        elif isinstance(turn, Mapping):
            turns += _turns_of(turn)
    return turns


def _turns_of(turn: Mapping[Any, Any]) -> list[Turn]:
    plain = {str(key).lower(): held for key, held in turn.items()}
    role = text_of(plain, _ROLE)
    if role is not None:
        return [(role, _text(plain))]
    if "input" in plain and "output" in plain:
        return [("user", _text(plain["input"])), ("assistant", _text(plain["output"]))]
    return [(name, _text(held)) for name, held in plain.items() if name in (*_SEEKER, *_COUNSELLOR)]


def _written(text: str) -> list[Turn]:
    """The turns of a dialogue written as 来访者：… 心理咨询师：…"""
    parts = _TURN.split(text)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _paired(turns: Sequence[Turn]) -> list[Exchange] | str:
    """The exchanges of a conversation."""
    found: list[Exchange] = []
    post, goes_on, strangers = "", False, set[str]()
    for speaker, words in turns:
        who = speaker.strip().lower()
        if who in _SEEKER:
            post = f"{post}\n{words}".strip()
            goes_on = False
        elif who in _COUNSELLOR:
            reply = _words(words).strip()
            if goes_on and reply:
                found[-1] = (found[-1][0], f"{found[-1][1]}\n{reply}")
            elif post and reply:
                found.append((post, reply))
                post, goes_on = "", True
        else:
            strangers.add(speaker.strip())
    if found:
        return found
    known = [s for s in sorted(strangers) if s not in ("system", "tool")]
    told = f"; nobody is known by the name {', '.join(known[:5])}" if known else ""
    return f"no {'reply' if post else 'post'} in the row{told}"
