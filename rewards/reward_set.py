"""A reward set: rewards composed as a YAML file or a mapping describes them.

A description is a reward (``reward`` and its settings) or a composition (``compose`` and ``rewards``);
inside a composition each may have a ``name``, a ``weight`` (in a sum) and ``kinds`` (in first_applicable).

    >>> exam = load_reward_set({
    ...     "name": "exam",
    ...     "compose": "sum",
    ...     "rewards": [{"reward": "mcq_strict"}, {"reward": "think_format", "weight": 0.5}],
    ... })
    >>> exam.fingerprint() == exam_reward(answer_weight=1.0, format_weight=0.5).fingerprint()
    True
    >>> print(dump_reward_set(exam), end="")
    name: exam
    compose: sum
    rewards:
    - reward: mcq_strict
    - reward: think_format
      weight: 0.5
    >>> load_reward_set({"reward": "mcq_strct"})
    Traceback (most recent call last):
    ...
    rewards.reward_set.RewardSetError: reward set: reward: no reward 'mcq_strct'; did you mean 'mcq_strict'?
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rewards.composition import Composition, FirstApplicable, Product, WeightedSum
from rewards.reference import SHIPPED
from rewards.registry import reward_class
from rewards.reward import Reward
from rewards.settings import settings_model
from rewards.shipped.mcq_strict import McqStrict
from rewards.shipped.think_format import ThinkFormat

COMPOSITIONS: dict[str, type[Composition]] = {
    cls.COMPOSE: cls for cls in (WeightedSum, Product, FirstApplicable)
}
_PLACE = ("name", "weight", "kinds")
_COMPOSITION_KEYS = ("compose", "rewards", *_PLACE)


class RewardSetError(ValueError):
    """A reward set that cannot be built: one line that names the file, the key and the remedy."""


def exam_reward(answer_weight: float, format_weight: float) -> WeightedSum:
    """The paper's reward: strict answer correctness plus think format (section 4.1; weights are ours)."""
    parts = [McqStrict().as_part(answer_weight), ThinkFormat().as_part(format_weight)]
    return WeightedSum(parts, name="exam")


def load_reward_set(source: str | Path | Mapping[str, Any]) -> Reward:
    """The reward that a YAML file, or a mapping, describes.

    Raises:
        RewardSetError: the file, a key or a value is wrong.
    """
    if isinstance(source, Mapping):
        where, tree, beside = "reward set", dict(source), None
    else:
        where, tree, beside = str(source), _read(Path(source)), Path(source).resolve().parent
    for key in ("weight", "kinds"):
        if key in tree:
            raise RewardSetError(f"{where}: {key}: only a reward inside a composition has it")
    return _build(tree, where, "", beside)


def dump_reward_set(reward: Reward) -> str:
    """The reward's description as YAML, every setting spelled out."""
    import yaml

    return yaml.safe_dump(reward.describe(), allow_unicode=True, sort_keys=False)


def _read(path: Path) -> dict[str, Any]:
    from rewards.bounded_yaml import read_yaml_mapping

    try:
        return read_yaml_mapping(path, "a reward set")
    except ValueError as error:
        raise RewardSetError(str(error)) from None


def _build(tree: Any, where: str, place: str, beside: Path | None) -> Reward:
    """``place`` leads to this node, as in ``rewards[1].``; ``beside`` is the folder of the file."""
    if not isinstance(tree, Mapping):
        raise RewardSetError(f"{where}: {place.rstrip('.')}: a reward is a mapping such as {{reward: NAME}}")
    if ("reward" in tree) == ("compose" in tree):
        raise RewardSetError(f"{where}: {place}reward: give either 'reward' or 'compose'")
    make = _build_composition if "compose" in tree else _build_reward
    reward = make(tree, where, place, beside)
    return reward.as_part(_weight(tree, where, place), _kinds(tree, where, place), _name(tree, where, place))


def _build_composition(tree: Mapping[str, Any], where: str, place: str, beside: Path | None) -> Reward:
    compose, nodes = tree["compose"], tree.get("rewards")
    if compose not in COMPOSITIONS:
        hint = nearest(str(compose), COMPOSITIONS)
        raise RewardSetError(f"{where}: {place}compose: no composition {compose!r}{hint}")
    for key in tree:
        if key not in _COMPOSITION_KEYS:
            hint = nearest(str(key), _COMPOSITION_KEYS)
            raise RewardSetError(f"{where}: {place}{key}: unknown key of a composition{hint}")
    if not isinstance(nodes, list):
        raise RewardSetError(f"{where}: {place}rewards: a list of rewards is needed")
    parts = [_build(node, where, f"{place}rewards[{index}].", beside) for index, node in enumerate(nodes)]
    try:
        return COMPOSITIONS[compose](parts)
    except ValueError as error:
        raise RewardSetError(f"{where}: {place}rewards: {error}") from None


def _build_reward(tree: Mapping[str, Any], where: str, place: str, beside: Path | None) -> Reward:
    reference = str(tree["reward"])
    try:
        cls = reward_class(reference, beside, described=beside is None)
        model = settings_model(cls)
    except KeyError:
        hint = nearest(reference, SHIPPED)
        raise RewardSetError(f"{where}: {place}reward: no reward {reference!r}{hint}") from None
    except (ValueError, TypeError) as error:
        raise RewardSetError(f"{where}: {place}reward: {error}") from None
    settings = {key: value for key, value in tree.items() if key not in ("reward", *_PLACE)}
    try:
        checked = model.model_validate(settings)
        made = cls(**{name: getattr(checked, name) for name in model.model_fields})
    except ValidationError as error:
        known = [*model.model_fields, *_PLACE]
        raise RewardSetError(f"{where}: {place}{_explain(error, reference, known)}") from None
    except ValueError as error:
        raise RewardSetError(f"{where}: {place}reward: {reference}: {error}") from None
    except Exception as error:  # a class of one's own may raise anything
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise RewardSetError(f"{where}: {place}reward: {reference} cannot be made: {told}") from None
    if fault := _fault(made):
        raise RewardSetError(f"{where}: {place}reward: {reference}: {fault}")
    return made


def _fault(reward: Reward) -> str | None:
    """Why a reward could not be shown or asked, whatever the sample."""
    name = getattr(reward, "name", None)
    if not isinstance(name, str) or not name.strip():
        return f"the class has no name; write name = {type(reward).__name__.lower()!r} in it"
    for method in (reward.score, reward.ascore):
        try:
            inspect.signature(method).bind(None)
        except TypeError as error:
            return f"{method.__name__} takes one sample, as {method.__name__}(self, sample): {error}"
    return None


def _explain(error: ValidationError, reference: str, known: Iterable[str]) -> str:
    # A misspelt setting is also a missing one: the misspelling says more.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return f"{key}: unknown setting of {reference!r}{nearest(key, known)}"
    if first["type"] == "missing":
        return f"{key}: {reference!r} needs this setting"
    given = f" (given: {first['input']!r})"
    message = first["msg"].removeprefix("Value error, ")
    return f"{key}: {reference}: {message}{given if len(given) < 80 else ''}"


def nearest(wanted: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or the names there are."""
    names = list(known)
    close = difflib.get_close_matches(wanted, names, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(names)}"


def _name(tree: Mapping[str, Any], where: str, place: str) -> str | None:
    name = tree.get("name")
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise RewardSetError(f"{where}: {place}name: a text is needed (given: {name!r})")
    return name


def _weight(tree: Mapping[str, Any], where: str, place: str) -> float:
    weight = tree.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
        raise RewardSetError(f"{where}: {place}weight: a finite number is needed (given: {weight!r})")
    return float(weight)


def _kinds(tree: Mapping[str, Any], where: str, place: str) -> tuple[str, ...]:
    kinds = tree.get("kinds", [])
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise RewardSetError(f"{where}: {place}kinds: a list of question kinds is needed (given: {kinds!r})")
    return tuple(kinds)
