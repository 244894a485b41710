"""A counsellor drafts, supervisors criticise each by one axis, the counsellor revises.

    cd examples/autocbt && python draft_critique_revise.py posts.jsonl http://HOST/v1#MODEL --out OUT

Writes ``chats.jsonl`` (for ``data.train_chats``; each row keeps draft and critiques), ``failed.jsonl``
and ``llm_calls.sqlite``, so that a call is never paid for twice. The supervisors are the axes of
``rewards.yaml``, so that what is revised for is what is rewarded.
Invariants: every post is in one of the two files; a draft that no supervisor objects to stays as it is.
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
from rewards.reply import answer_part

REWARDS = Path(__file__).parent / "rewards.yaml"
DRAFT = (
    "你是一位认知行为取向的心理咨询师。请回复下面的来访者，一次说完，不作诊断。只输出回复。\n\n来访者：{post}"
)
CRITIQUE = """你是一位督导，只看这一点：{asks}。请就此审阅咨询师的回复。
只输出一个 JSON 对象：{{"ok": true 或 false, "advice": "不足之处和改法，没有不足时为空"}}

来访者：{post}
【回复】
{draft}
【回复结束】"""
REVISE = """你是一位认知行为取向的心理咨询师。请按督导的意见修改您的回复，其余保持不变。只输出修改后的回复。

来访者：{post}
【原回复】
{draft}
【原回复结束】
【督导意见】
{advice}
【督导意见结束】"""


class Critique(BaseModel):
    """What one supervisor says."""

    ok: bool
    advice: str


def supervisors(path: Path = REWARDS) -> dict[str, str]:
    """Axis -> what it asks for, of the reward set's rubric."""
    parts = yaml.safe_load(path.read_text("utf-8"))["rewards"]
    rubric = next(part["rubric"] for part in parts if part["reward"] == "rubric_judge")
    return {axis: each["asks"] for axis, each in rubric.items()}


def revised(posts: Sequence[str], asks: Mapping[str, str], door: Door) -> list[dict[str, Any]]:
    """For each post a chat with its ``draft`` and ``critiques``, or ``error``."""
    rows: list[dict[str, Any]] = [{"post": post} for post in posts]
    drafts = _texts([DRAFT.format(post=post) for post in posts], "draft", door)
    for row, draft in zip(rows, drafts, strict=True):
        row.update(draft)
    drafted = [row for row in rows if "error" not in row]
    wanted = [(row, axis) for row in drafted for axis in asks]
    prompts = [CRITIQUE.format(asks=asks[axis], post=row["post"], draft=row["text"]) for row, axis in wanted]
    said = ask_json(door, [_request(prompt, door) for prompt in prompts], Critique, "critique")
    for (row, axis), answer in zip(wanted, said, strict=True):
        if isinstance(answer, CallFailure):
            row["error"] = f"{axis}: {answer.message}"
        elif not answer.value.ok and answer.value.advice.strip():
            row.setdefault("critiques", {})[axis] = answer.value.advice.strip()
    faulty = [row for row in drafted if row.get("critiques") and "error" not in row]
    prompts = [
        REVISE.format(post=row["post"], draft=row["text"], advice="\n".join(row["critiques"].values()))
        for row in faulty
    ]
    for row, better in zip(faulty, _texts(prompts, "revise", door), strict=True):
        row.update({"draft": row["text"]} | better)
    return [_row(row) for row in rows]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    if "error" in row:
        return {"question": row["post"], "error": row["error"]}
    turns = (("user", row["post"]), ("assistant", row["text"]))
    return {
        "messages": [{"role": role, "content": text} for role, text in turns],
        "draft": row.get("draft", row["text"]),
        "critiques": row.get("critiques", {}),
    }


def _texts(prompts: Sequence[str], phase: str, door: Door) -> list[dict[str, str]]:
    """``text`` or ``error`` for each prompt."""
    found: list[dict[str, str]] = []
    for answer in door.complete([_request(prompt, door) for prompt in prompts], phase) if prompts else ():
        text = "" if isinstance(answer, CallFailure) else answer_part(answer.text)
        why = answer.message if isinstance(answer, CallFailure) else "the reply is empty"
        found.append({"text": text} if text else {"error": f"{phase}: {why}"})
    return found


def _request(prompt: str, door: Door) -> ChatRequest:
    teacher = door.teacher
    return ChatRequest(
        model=teacher.model,
        messages=(("user", prompt),),
        temperature=teacher.temperature,
        max_tokens=teacher.max_tokens,
    )


def main() -> int:
    """Work through a file; 1 where a post failed."""
    from launch.bench.answering import endpoint_client
    from psyche_rl.config.bench import BenchCalls
    from psyche_rl.store import RunStore

    parser = argparse.ArgumentParser(description="draft, critique, revise")
    parser.add_argument("posts", type=Path)
    parser.add_argument("model", help="http(s)://host/v1#model; its key in OPENAI_API_KEY")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    lines = given.posts.read_text("utf-8").splitlines()
    posts = [json.loads(line)["question"] for line in lines if line.strip()]
    given.out.mkdir(parents=True, exist_ok=True)
    calls = BenchCalls().to(given.model, "OPENAI_API_KEY", 0.7, 1024)
    try:
        with endpoint_client(calls, RunStore(str(given.out))) as door:
            rows = revised(posts, supervisors(), door)
    except PsycheError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = [row for row in rows if "error" in row]
    for name, kept in (("chats", [row for row in rows if "error" not in row]), ("failed", failed)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
        (given.out / f"{name}.jsonl").write_text(text, "utf-8")
        print(f"{name}: {len(kept)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
