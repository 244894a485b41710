"""Reviews conversations by an LLM and keeps those in which it finds none of four issues.

    cd examples/psyllm && python four_issues.py unfiltered.jsonl http://HOST/v1#MODEL --out OUT

Writes ``kept.jsonl`` (for ``data.train_chats``), ``dropped.jsonl`` (each with its issues and the comment) and
``llm_calls.sqlite``, so that a review is never paid for twice. Think blocks are shown: the reasoning is
reviewed too.
Invariants: every row is in one of the two files; a review that failed vouches for nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from psyche_rl.errors import PsycheError
from psyche_rl.llm import CallFailure, ChatRequest, ask_json
from psyche_rl.llm.structured import Door

ISSUES = Path(__file__).parent / "issues.yaml"
PROMPT = """你是一位心理咨询督导，请审核下面这段多轮对话，连同咨询师每一轮的思考（<think> 中的内容）。

可能的问题及其代码：
{issues}
只输出一个 JSON 对象，不要输出别的文字。没有问题时 issues 为空数组。格式为：
{{"issues": ["代码"], "comment": "一句话说明"}}

【对话】
{dialogue}
【对话结束】"""
_SPEAKERS = {"user": "来访者", "assistant": "咨询师", "system": "说明"}


class Review(BaseModel):
    """Codes of issues, none if there is none."""

    issues: list[str]
    comment: str


def review(chats: Sequence[dict[str, Any]], issues: Mapping[str, str], door: Door) -> list[dict[str, Any]]:
    """For each chat its ``issues`` (codes; an unknown one counts as well) and ``comment``."""
    listed = "\n".join(f"- {code}：{meaning}" for code, meaning in issues.items())
    teacher = door.teacher
    requests = [
        ChatRequest(
            model=teacher.model,
            messages=(("user", PROMPT.format(issues=listed, dialogue=_as_text(chat))),),
            temperature=0.0,
            max_tokens=teacher.max_tokens,
        )
        for chat in chats
    ]
    return [
        {"issues": ["not_reviewed"], "comment": answer.message}
        if isinstance(answer, CallFailure)
        else answer.value.model_dump()
        for answer in ask_json(door, requests, Review, "four issues")
    ]


def _as_text(chat: dict[str, Any]) -> str:
    return "\n".join(f"{_SPEAKERS[turn['role']]}：{turn['content']}" for turn in chat["messages"])


def main() -> int:
    """Review a file; 1 where a row was not reviewed."""
    from launch.bench.answering import endpoint_client
    from psyche_rl.config.bench import BenchCalls
    from psyche_rl.store import RunStore

    parser = argparse.ArgumentParser(description="keep the conversations without one of the four issues")
    parser.add_argument("chats", type=Path)
    parser.add_argument("reviewer", help="http(s)://host/v1#model; its key in OPENAI_API_KEY")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    chats = [json.loads(line) for line in given.chats.read_text("utf-8").splitlines() if line.strip()]
    given.out.mkdir(parents=True, exist_ok=True)
    calls = BenchCalls().to(given.reviewer, "OPENAI_API_KEY", 0.0, 1024)
    try:
        with endpoint_client(calls, RunStore(str(given.out))) as door:
            reviews = review(chats, yaml.safe_load(ISSUES.read_text("utf-8")), door)
    except PsycheError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, wanted in (("kept", False), ("dropped", True)):
        rows = [
            chat | found if wanted else chat
            for chat, found in zip(chats, reviews, strict=True)
            if bool(found["issues"]) is wanted
        ]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (given.out / f"{name}.jsonl").write_text(text, "utf-8")
        print(f"{name}: {len(rows)}")
    return int(any("not_reviewed" in found["issues"] for found in reviews))


if __name__ == "__main__":
    sys.exit(main())
