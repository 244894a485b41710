"""Write psyche_rl/config/verl_names.py: the names that verl knows, read from the verl that is installed.

    python scripts/verl_names.py           # write the file
    python scripts/verl_names.py --check   # exit 1 where it differs

Role: a config is checked without importing torch, so the names are kept as a list. Collaborators:
``psyche_rl.learner`` says which estimators it can feed; a test compares the file with what this renders.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "psyche_rl" / "config" / "verl_names.py"
REFUSED_ADVANTAGES = {"gdpo": "it needs the parts of a reward apart, without which it is 'grpo', whitened"}
REFUSED_LOSSES = {
    "bypass_mode": "it needs the settings of rollout_correction, without which it is 'vanilla'",
    "clip_cov": "it draws tokens from each micro-batch, so that its size would change the loss",
    "dro": "it needs dro_beta, for which there is no key",
    "kl_cov": "it picks tokens by the quantiles of each micro-batch, so that its size would change the loss",
}
REFUSED_KL = {"full": "it needs the logits of the whole vocabulary"}
HEAD = '''"""The names that verl knows. Written by scripts/verl_names.py: do not edit.

Read by ``grpo``, so that a mistyped name is told at load, without importing torch.
"""

from __future__ import annotations

VERL = "{version}"
"""The version these names were read from."""
'''


def render() -> str:
    """The file for the installed verl."""
    from importlib.metadata import version

    from verl.trainer.ppo import core_algos

    advantages = core_algos.ADV_ESTIMATOR_REGISTRY
    losses = core_algos.POLICY_LOSS_REGISTRY
    known = {
        "ADVANTAGES": _tried(sorted(map(str, advantages)), _advantage_fault),
        "POLICY_LOSSES": _tried(sorted(losses), REFUSED_LOSSES.get),
        "KL_ESTIMATORS": _tried(_kl_names(core_algos), REFUSED_KL.get),
        "LOSS_AGGREGATIONS": _tried(_aggregations(core_algos), lambda _: None),
    }
    parts = [HEAD.format(version=version("verl"))]
    parts += [_assignment(name, names) for name, names in known.items()]
    return "\n".join(parts)


def _tried(names: Iterable[str], fault: Callable[[str], str | None]) -> dict[str, str | None]:
    return {name: fault(name) for name in names}


def _advantage_fault(name: str) -> str | None:
    from psyche_rl.errors import ConfigError
    from psyche_rl.learner.advantages import group_advantages

    if name in REFUSED_ADVANTAGES:
        return REFUSED_ADVANTAGES[name]
    try:
        group_advantages([1.0, 0.0], ["a", "a"], [1, 1], name)
    except ConfigError as error:
        return "it " + str(error).partition(f"'{name}' ")[2]
    return None


def _kl_names(core_algos: Any) -> list[str]:
    plain = sorted(_constants(core_algos.kl_penalty_forward))
    return [*plain, *(f"{name}+" for name in plain if name not in REFUSED_KL)]


def _aggregations(core_algos: Any) -> list[str]:
    from verl.workers.config import ActorConfig

    takes = _constants(ActorConfig.__post_init__)
    return sorted(name for name in _constants(core_algos.agg_loss) if name in takes)


def _constants(function: Callable[..., Any]) -> set[str]:
    """The words that ``function`` compares its arguments with, or lists."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    places = [node for node in ast.walk(tree) if isinstance(node, ast.Compare | ast.List)]
    found = [node for place in places for node in ast.walk(place) if isinstance(node, ast.Constant)]
    return {node.value for node in found if isinstance(node.value, str)}


def _assignment(name: str, names: dict[str, str | None]) -> str:
    rows = "".join(f'    "{key}": {_quoted(fault)},\n' for key, fault in names.items())
    return f"{name}: dict[str, str | None] = {{\n{rows}}}\n"


def _quoted(fault: str | None) -> str:
    return "None" if fault is None else '"' + fault.replace('"', "'") + '"'


def main() -> int:
    """Write the file, or say whether it is as it should be."""
    text = render()
    if "--check" in sys.argv:
        return int(TARGET.read_text("utf-8") != text)
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
