"""A domain as the steps of synthesis hold it: all texts in memory, so that it travels to any node.

Collaborators: ``load_domain`` makes it of a folder; the blocks of ``data_pipeline.synthesis`` get it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_pipeline.domains.domain_words import DomainWords
from psyche_rl.prompt_folder import rendered, version_of


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
        return rendered(self.prompts[prompt], **values)

    def version(self, prompt: str) -> str:
        """``name@hash`` of a template's text, as records name it."""
        return version_of(prompt, self.prompts[prompt])
