"""No number of the config may be absurd: each leaf that holds one is tried with what no run can mean."""

from __future__ import annotations

import math
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from psyche_rl.config import RunConfig
from psyche_rl.config.mistakes import mistakes

Path = tuple[str | int, ...]
ABSURD = (-1, 10**30, math.nan, math.inf, -math.inf)
NUMBERS = 90
"""Fewer leaves than this, and the walk has lost a part of the config."""


def numeric(annotation: Any, path: Path) -> Iterator[Path]:
    """Paths of the numbers in ``annotation``; items of a tuple are ``0, 1, …``, of a mapping ``name``."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in (int, float):
        yield path
    elif origin is Annotated:
        yield from numeric(inner[0], path)
    elif origin in (Union, types.UnionType):
        for one in inner:
            yield from numeric(one, path)
    elif origin is tuple:
        for index, one in enumerate(inner):
            if one is not Ellipsis:
                yield from numeric(one, (*path, index))
    elif origin is dict:
        yield from numeric(inner[1], (*path, "a-name"))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from numeric(field.annotation, (*path, name))


LEAVES = sorted(set(numeric(RunConfig, ())), key=str)


def config_with(path: Path, value: Any) -> dict[str, Any]:
    """A tree that is right but for ``value`` at ``path``."""
    for place in reversed(range(len(path))):
        part = path[place]
        if part == "endpoints" or not isinstance(part, int):
            value = {part: value}
        elif path[:place] == ("teacher", "endpoints"):
            value = [{"base_url": "http://a/v1", **value}]
        elif path[:place] == ("track",):
            value = [{"name": "wandb", **value}]
        elif path[:place] == ("grpo", "evaluations"):
            value = [{"benchmark": "mini_exam", **value}]
        else:
            value = [value, value]
    return {"run_dir": "x", **value}


def test_the_walk_finds_the_numbers():
    assert len(LEAVES) >= NUMBERS
    assert {("grpo", "lr"), ("learner", "betas", 1), ("teacher", "endpoints", 0, "weight")} <= set(LEAVES)
    assert ("teacher", "prices", "a-name", "prompt") in LEAVES
    assert ("mini", "model", "heads") in LEAVES


@pytest.mark.parametrize("path", LEAVES, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("value", ABSURD)
def test_an_absurd_number_is_refused_by_its_key(path, value):
    found = mistakes(config_with(path, value))
    key = ".".join(str(part) for part in path if not isinstance(part, int))
    assert found, f"{key}={value} is taken"
    named = found[0].key.replace("[0]", "").replace("[1]", "")
    assert named == key
    assert found[0].remedy


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("grpo.temperature", 0),  # the learner divides by it
        ("grpo.temperature", 0.009),  # vLLM takes 0.01 for it
        ("grpo.top_p", 0),
        ("grpo.top_k", 1),  # greedy: no group would have a variance
        ("grpo.top_k", 0),
        ("grpo.top_k", -1),
        ("grpo.clip_ratio", 0),
        ("grpo.max_steps", 0),
        ("sft.lr", 0),
        ("learner.max_grad_norm", 0),
        ("learner.betas", [0.9, 1]),
        ("engine.gpu_memory_utilization", 1.5),
        ("data.dev_share", 1),
        ("data.max_questions", 0),
        ("teacher.max_tokens", 0),
        ("mini.exam_multiple_share", 2),
        ("mini.model.layers", 0),
        # What has a higher least value than others of its kind.
        ("grpo.group_size", 1),
        ("engine.max_model_len", 15),
        ("data.chunk_chars", 19),
        ("grpo.reward.memory_mib", 255),
        ("synth.questions_per_call", 0),
        ("teacher.attempts", 0),
        ("mini.model.vocab_size", 299),
        ("teacher.budget.cost", 0),
    ],
)
def test_a_value_at_which_nothing_would_happen_is_refused(key, value):
    assert [
        problem.key.partition("[")[0] for problem in mistakes(config_with(tuple(key.split(".")), value))
    ] == [key]
