"""The sets in the forms that other trainers read.

LLaMA-Factory: ``dataset_info.json`` beside alpaca and sharegpt files (its data/README.md). TRL: ``messages``
or conversational prompt and completion for SFT, prompts with the key in a column of its own for GRPO
(its dataset formats). Invariant: every row keeps its id, which both trainers ignore.
"""

from __future__ import annotations

import json
from typing import Any

from data_pipeline.publish.published_sets import PublishedRow, PublishedSets

_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


def llamafactory(sets: PublishedSets) -> dict[str, str]:
    """File name -> text. Alpaca holds what has one turn, sharegpt everything."""
    turns = [row for row in sets.sft if _roles(row) == ["user", "assistant"]]
    alpaca = [
        {
            "id": row["id"],
            "instruction": row["messages"][0]["content"],
            "input": "",
            "output": row["messages"][1]["content"],
        }
        for row in turns
    ]
    sharegpt = [{"id": row["id"], "messages": row["messages"]} for row in sets.sft]
    info: dict[str, Any] = {
        "psyche_sft_alpaca": {
            "file_name": "sft_alpaca.json",
            "columns": {"prompt": "instruction", "query": "input", "response": "output"},
        },
        "psyche_sft_sharegpt": {
            "file_name": "sft_sharegpt.json",
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": _TAGS,
        },
    }
    return {
        "dataset_info.json": _json(info),
        "sft_alpaca.json": _json(alpaca),
        "sft_sharegpt.json": _json(sharegpt),
    }


def trl(sets: PublishedSets) -> dict[str, str]:
    """File name -> text, as JSONL."""
    chats = [{"id": row["id"], "messages": row["messages"]} for row in sets.sft]
    pairs = [
        {"id": row["id"], "prompt": row["messages"][:-1], "completion": row["messages"][-1:]}
        for row in sets.sft
    ]
    asked = [
        {
            "id": row["id"],
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "gold": row["gold"],
            "kind": row["kind"],
            "options": list(row["options"]),
        }
        for row in sets.grpo
    ]
    return {
        "sft_messages.jsonl": _jsonl(chats),
        "sft_prompt_completion.jsonl": _jsonl(pairs),
        "grpo_prompts.jsonl": _jsonl(asked),
    }


def _roles(row: PublishedRow) -> list[str]:
    return [message["role"] for message in row["messages"]]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _jsonl(rows: list[PublishedRow]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
