"""An update of a live vLLM's weights from this process's memory.

Collaborators: ``vllm_weights``, which loads them in each process of the engine.
Invariant: where the engine has processes of its own, they map one copy; the bytes are never pickled.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from psyche_rl.rollout.engine import Weights
from psyche_rl.weights.shared_memory import shared


def update(llm: Any, weights: Weights, version: int) -> None:
    """Have ``llm`` (``vllm.LLM``) serve ``weights``, as ``version``, from its next step on."""
    processes = llm.llm_engine.vllm_config.parallel_config.world_size
    with shared(weights) if processes > 1 else nullcontext(dict(weights)) as given:
        llm.start_weight_update()
        llm.update_weights({"update_info": {"weights": given}})
        llm.finish_weight_update(weight_version=str(version))
