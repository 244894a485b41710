"""A domain as the steps of synthesis hold it: all texts in memory, so that it travels to any node.

Collaborators: ``load_domain`` makes it of a folder; the blocks of ``data_pipeline.synthesis`` get it.
Invariants:
- A prompt depends on its values alone, so that the same record asks the same thing in every run.
- Templates can read their values and nothing else (jinja2's sandbox).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from data_pipeline.domains.domain_words import DomainWords

# Prompts are plain text: escaping would turn quotation marks into entities.
ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


@dataclass(frozen=True)
class Domain:
    """``prompts`` are the templates' texts by name; ``digest`` is that of all files of the folder that count.

    ``cues`` are the domain's own cues of a crisis by kind, where it has some.
    """

    words: DomainWords
    prompts: Mapping[str, str]
    digest: str
    cues: Mapping[str, tuple[str, ...]] | None = None

    @property
    def name(self) -> str:
        """As the domain calls itself."""
        return self.words.name

    def told(self) -> dict[str, Any]:
        """What a run folder keeps of it, for its dataset card."""
        return {"name": self.name, "digest": self.digest, "card": self.words.card.model_dump(mode="json")}

    def render(self, prompt: str, **values: object) -> str:
        """The text of a prompt with ``values`` filled in.

        Raises:
            jinja2.UndefinedError: a value is missing.
        """
        return _template(self.prompts[prompt]).render(**values).strip()

    def version(self, prompt: str) -> str:
        """``name@hash`` of a template's text: it lands in what came of the prompt, so that lineage can tell
        which wording asked for it."""
        return f"{prompt}@{hashlib.sha256(self.prompts[prompt].encode()).hexdigest()[:12]}"


@cache
def _template(source: str) -> Template:
    return ENVIRONMENT.from_string(source)
