"""What is in the files of a model folder: weights, config, tokenizer, end of text, chat template.

Collaborators: ``questions.render`` makes prompts as training does, so the template is tried as it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from launch.checks.run_findings import RunFindings
from psyche_rl.chat_prompt import chat_prompt
from psyche_rl.errors import ChatTemplateError, ModelError
from psyche_rl.model_folder import context_length, load_tokenizer, parameter_shapes, stop_token_ids
from psyche_rl.records import Message

CHATS = {
    "a question": ("user",),
    "a conversation": ("user", "assistant", "user"),
}
"""What is put to a model: a question to be answered, and turns to be learned from."""
TRAINED = "model"
"""Key of the model that learns where to end: after each reply SFT writes the tokenizer's token."""
SYSTEM = ("system", "user")
"""How given conversations may begin; a template that leaves this out serves all that is made here."""


def usable_tokenizer(key: str, folder: Path, findings: RunFindings) -> Any:
    """The folder's tokenizer, or None where something is wrong with it or with the weights."""
    whole = _check_weights(key, folder, findings)
    try:
        tokenizer = load_tokenizer(folder)
    except Exception as error:  # transformers raises many classes for a broken tokenizer
        wrong = f"its tokenizer cannot be loaded: {' '.join(str(error).split())[:200]}"
        findings.problem(key, str(folder), wrong, "save the tokenizer beside the model again")
        return None
    if not _has_end(key, folder, tokenizer):
        wrong = "its tokenizer has no end-of-text token"
        findings.problem(key, str(folder), wrong, "set eos_token in tokenizer_config.json")
        whole = False
    for what, roles in CHATS.items():
        if fault := _chat_fault(tokenizer, roles):
            wrong = f"its chat template {fault} in {what} ({', '.join(roles)})"
            findings.problem(key, str(folder), wrong, "give a model with a chat template for it")
            return None
    if fault := _chat_fault(tokenizer, SYSTEM):
        findings.skip(f"{key}: dialogues that begin with a system turn; {folder}'s chat template {fault}")
    return tokenizer if whole else None


def _has_end(key: str, folder: Path, tokenizer: Any) -> bool:
    """Whether something ends a reply; of the model that is trained it must be the tokenizer's own token."""
    if isinstance(tokenizer.eos_token_id, int) or key == TRAINED:
        return isinstance(tokenizer.eos_token_id, int)
    try:
        return bool(stop_token_ids(folder, None))
    except (ModelError, ValueError):  # none, or a file that cannot be read
        return False


def _check_weights(key: str, folder: Path, findings: RunFindings) -> bool:
    """Whether the headers of all weight files, and the config, can be read."""
    try:
        shapes = parameter_shapes(folder)
        context_length(folder, 1)
    except Exception as error:  # a cut file can break in any way
        fault = f"its weights or config.json cannot be read: {type(error).__name__}: {error}"
    else:
        if shapes:
            return True
        fault = "its *.safetensors hold no weights"
    findings.problem(key, str(folder), fault, "download or convert the model again")
    return False


def _chat_fault(tokenizer: Any, roles: Sequence[str]) -> str | None:
    """Why a chat with these roles cannot be shown to the model."""
    said = [f"said{place}" for place in range(len(roles))]
    messages = [Message.model_validate({"role": r, "content": s}) for r, s in zip(roles, said, strict=True)]
    try:
        shown = chat_prompt(tokenizer, messages).text
    except ChatTemplateError as error:
        return f"fails: {str(error).rpartition(': ')[2]}"
    lost = [role for role, words in zip(roles, said, strict=True) if words not in shown]
    return f"leaves out what the {lost[0]} says" if lost else None
