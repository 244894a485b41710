"""From what a trainer passes around to the sample that a scorer sees; used by all adapters.

Collaborators: ``rewards.score``.
Invariants:
- A row that lacks its gold, or holds it in a wrong type, is a mistake in the data set and raises.
- A figure that a trainer adds under a name of its own is left out.

>>> sample = sample_of({"response": "答案：B", "gold": "B", "options": {"A": "记忆", "B": "遗忘"}, "row": 1})
>>> sample.kind, sample.options
('single', ('记忆', '遗忘'))
>>> [guess_kind(gold, options=()) for gold in ("ABD", "DNA", "内隐记忆")]
['multiple', 'short', 'short']
>>> text_of([{"role": "user", "content": "你好"}, {"role": "assistant", "content": "答案：B"}])
'答案：B'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.canonical import canonical_gold


class RewardFailedError(RuntimeError):
    """A reply that has no score, in a trainer that has no place for that."""


def sample_of(fields: Mapping[str, Any]) -> RewardSample:
    """The sample that ``fields`` describe; names that a sample lacks are left out.

    ``options`` may be a list, an array or a mapping of letters to texts; ``kind`` is guessed if not given.

    Raises:
        ValueError: a field is missing or of a wrong type; one line that names it.
    """
    given = {name: fields[name] for name in RewardSample.model_fields if fields.get(name) is not None}
    options = given.get("options", ())
    if not isinstance(options, str):  # a text would become its characters; the sample refuses it
        in_order = (options[key] for key in sorted(options)) if isinstance(options, Mapping) else options
        given["options"] = options = tuple(in_order)
    given.setdefault("id", "?")
    if isinstance(given.get("gold"), str):
        given.setdefault("kind", guess_kind(given["gold"], options))
    try:
        return RewardSample.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(
            f"sample {given['id']}: {place}: {first['msg']} (there are {', '.join(fields)})"
        ) from None


def guess_kind(gold: str, options: Sequence[str]) -> str:
    """single or multiple where the gold is option letters, else short. Without options only letters in
    order pass for a key, so that DNA is a text."""
    try:
        letters = canonical_gold(gold)
    except ValueError:
        return "short"
    if not options and letters != gold.strip():
        return "short"
    return "single" if len(letters) == 1 else "multiple"


def text_of(said: Any) -> str:
    """A completion's text: itself, or the content of the last message of a chat.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(said, str):
        return said
    if isinstance(said, Sequence) and said:
        content = _content(said[-1])
        if isinstance(content, str):
            return content
    raise ValueError(f"a completion is a text or a list of chat messages, not {type(said).__name__}")


def prompt_text(prompt: Any) -> str | None:
    """What a scorer is shown of a prompt: a text, or the messages' contents, one below the other."""
    if prompt is None or isinstance(prompt, str):
        return prompt
    return "\n".join(content for message in prompt if isinstance(content := _content(message), str))


def value_or_raise(reward: Reward, sample: RewardSample, score: Score) -> float:
    """The score's value.

    Raises:
        RewardFailedError: there is none.
    """
    if score.value is None:
        why = f"{score.error.kind}: {score.error.message}" if score.error else "no reason was given"
        raise RewardFailedError(f"reward '{reward.name}' has no score for sample {sample.id}: {why}")
    return score.value


def _content(message: Any) -> Any:
    return message.get("content") if isinstance(message, Mapping) else getattr(message, "content", None)
