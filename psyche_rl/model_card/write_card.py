"""Writes ``grpo/model/README.md``, which a model hub shows as the model's card.

Collaborators: ``card_facts`` reads the run, ``model_card.md.j2`` is the page; the stages grpo and eval call
this when they have something new to tell. Invariants:
- The base model's own card, which comes along with its tokenizer, is replaced: it speaks of another model.
- No path or address of the machine stands in it; every text of the run is escaped.
- The card is no part of what a stage's outputs and inputs are compared by (``store.outputs.CARD``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from psyche_rl.model_card.card_facts import ModelFacts, model_facts
from psyche_rl.model_card.markdown_text import fenced, shown
from psyche_rl.store import RunStore
from psyche_rl.store.outputs import CARD as FILE

MODEL = "grpo/model"
CARD = f"{MODEL}/{FILE}"


def write_model_card(store: RunStore) -> None:
    """Write or renew the card of the run's trained model.

    Raises:
        RunFolderError: a file of the run is damaged.
    """
    name = str(store.url.rpartition("/")[2]) or "model"
    store.write_text(CARD, model_card(name, model_facts(store)))


def model_card(name: str, facts: ModelFacts) -> str:
    """The card as Markdown with the header that a hub reads."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown: ``shown`` escapes
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(shown=shown, figures=_figures, percent=_percent, interval=_interval)
    return environment.get_template("model_card.md.j2").render(
        name=name,
        facts=facts,
        header=yaml.safe_dump(_header(facts), allow_unicode=True, sort_keys=False).rstrip(),
        grpo=facts.config.get("grpo") or {},
        sft=facts.config.get("sft") or {},
        teacher=(facts.config.get("teacher") or {}).get("model") or "not named",
        kinds=sorted({kind for result in facts.evaluation.values() for kind in result.get("by_kind", {})}),
        config=fenced(yaml.safe_dump(dict(facts.config), allow_unicode=True, sort_keys=False), "yaml"),
    )


def _header(facts: ModelFacts) -> dict[str, Any]:
    languages = (facts.domain.get("card") or {}).get("languages") or ["zh"]
    base = {"base_model": facts.config["model"]} if "/" in str(facts.config.get("model") or "") else {}
    return {
        "language": list(languages),
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        **base,
        "tags": ["psyche-rl", "grpo", "reasoning", "not-a-medical-device"],
    }


def _figures(counts: Mapping[str, int | float]) -> str:
    return shown(", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in counts.items()))


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _interval(result: Mapping[str, Any] | None) -> str:
    """``74.0 % (70.1 – 77.5), n 412``."""
    if not result or result.get("strict_accuracy") is None:
        return "–"
    low, high = result.get("interval") or (None, None)
    within = "" if low is None or high is None else f" ({100 * low:.1f} – {100 * high:.1f})"
    return f"{_percent(result['strict_accuracy'])}{within}, n {result['n']:,}"
