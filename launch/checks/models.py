"""Whether the models that the wanted stages name are there, whole, and have room for prompt and reply.

Collaborators: ``psyche_rl.model_folder`` knows what a folder must hold, ``model_files`` looks into the files.
Invariant: nothing is fetched; of a model that is not on this machine only the absence is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.checks.model_files import usable_tokenizer
from launch.checks.run_findings import RunFindings
from psyche_rl.config import RunConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.config.selection import is_remote
from psyche_rl.errors import ModelError
from psyche_rl.model_folder import context_length, model_folder
from psyche_rl.questions.render import encode_question
from psyche_rl.records import Question

SHORT_QUESTION = Question(
    id="q", source="q", kind="single", stem="下列哪项正确？", options=("一", "二", "三", "四"), gold="A"
)


@dataclass(frozen=True)
class Use:
    """A model in a stage: how long its replies may be, and how much the engine is to hold."""

    key: str
    model: str
    max_tokens: int
    tokens_key: str
    max_model_len: int


def check_models(config: RunConfig, stages: Sequence[str], findings: RunFindings) -> None:
    """Each model of the wanted stages, once for each length of reply that is asked of it."""
    tokenizers: dict[Path, Any] = {}
    for use in _uses(config, stages):
        folder = _folder(use, findings)
        if folder is None:
            continue
        if folder not in tokenizers:
            tokenizers[folder] = usable_tokenizer(use.key, folder, findings)
        if tokenizers[folder] is not None:
            _check_room(use, folder, tokenizers[folder], config.prompt, findings)


def _uses(config: RunConfig, stages: Sequence[str]) -> Iterator[Use]:
    if config.model is not None:
        if "sft" in stages:
            yield Use("model", config.model, 1, "engine.max_model_len", config.engine.max_model_len)
        for stage in ("grpo", "eval"):
            if stage in stages:
                section = getattr(config, stage)
                length = section.engine.max_model_len
                yield Use("model", config.model, section.max_tokens, f"{stage}.max_tokens", length)
    if "select" in stages and not config.select.skip:
        for index, name in enumerate(config.select.selectors):
            if not is_remote(name):
                tokens, length = config.select.max_tokens, config.select.engine.max_model_len
                yield Use(f"select.selectors[{index}]", name, tokens, "select.max_tokens", length)
    if "eval" in stages and (judge := config.eval.judge_on_engines):
        tokens, length = config.eval.judge.max_tokens, config.eval.engine.max_model_len
        yield Use("eval.judge.model", judge, tokens, "eval.judge.max_tokens", length)
    teacher = config.teacher
    if "synth" in stages and teacher.engine == "vllm":
        length = teacher.vllm.max_model_len
        yield Use("teacher.model", teacher.model, teacher.max_tokens, "teacher.max_tokens", length)


def _folder(use: Use, findings: RunFindings) -> Path | None:
    """The model's folder on this machine, with all its files."""
    name = use.model
    folder = Path(name).expanduser()
    named = name.count("/") == 1 and not name.startswith((".", "/", "~"))
    if "://" in name or (named and not folder.is_dir()):
        findings.skip(f"{use.key}: {name} is not a folder here; it is fetched when its stage begins")
        return None
    try:
        return model_folder(folder)
    except ModelError as error:
        findings.error(use.key, name, error, "give a folder with config.json, tokenizer and *.safetensors")
        return None


def _check_room(use: Use, folder: Path, tokenizer: Any, prompt: PromptConfig, findings: RunFindings) -> None:
    """A short question and the longest reply fit the context."""
    room = context_length(folder, use.max_model_len)
    tokens = len(encode_question(tokenizer, SHORT_QUESTION, prompt))
    if tokens + use.max_tokens > room:
        wrong = (
            f"a short question of {tokens} tokens and {use.max_tokens} of its reply exceed the {room} tokens "
            f"that {use.model} holds with max_model_len={use.max_model_len}"
        )
        value = use.max_tokens if use.tokens_key.endswith("max_tokens") else use.max_model_len
        findings.problem(use.tokens_key, value, wrong, "allow shorter replies, or take a longer context")
