"""One step between the tensors of a model folder's files and the parameters of a model, in both directions.

Role: most steps give one tensor a new name, or none. Some fuse several: the experts of a Mixtral lie apart in
its files and together in its layers. The rules are transformers' own (``transformers.conversion_mapping``).
Collaborator: ``file_format`` finds the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from transformers.core_model_loading import WeightConverter

Tensors = dict[str, torch.Tensor]


class ModelShape(Protocol):
    """What conversions ask of a model."""

    config: Any
    base_model_prefix: str
    get_parameter: Callable[[str], torch.Tensor]


@dataclass
class Step:
    """Tensors of the files and the parameters that they make."""

    sources: list[str] = field(default_factory=list)
    """Names in the files, in the order in which they are fused."""
    dtypes: dict[str, torch.dtype] = field(default_factory=dict)
    """Name in the model -> the type in which :meth:`read` gives it."""
    converter: WeightConverter | None = None
    patterns: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Source -> the converter's pattern for it, and its name after renamings, which patterns match."""

    def read(self, get: Callable[[str], torch.Tensor], model: ModelShape) -> Tensors:
        """Name in the model -> tensor; ``get`` gives a tensor of the files."""
        if self.converter is None:
            return {self._first: get(self.sources[0])}
        tensors = ((self.patterns[source][0], source, get(source)) for source in self.sources)
        return _convert(self.converter, self._first, tensors, model)

    def write(self, values: Tensors, model: ModelShape) -> Tensors:
        """Name in the files -> tensor, from the whole parameters; views where that is possible."""
        if self.converter is None:
            return {self.sources[0]: values[self._first]}
        back: Any = self.converter.reverse_transform()
        renamed = {target: back.rename_source_key(target) for target in self.dtypes}
        tensors = ((str(pattern), target, values[target]) for target, (_, pattern) in renamed.items())
        made = _convert(back, renamed[self._first][0], tensors, model)
        # Files of a base model lack the prefix of the whole one.
        prefix = f"{model.base_model_prefix}."
        source_of = {name.removeprefix(prefix): source for source, (_, name) in self.patterns.items()}
        return {source_of[name.removeprefix(prefix)]: tensor for name, tensor in made.items()}

    @property
    def _first(self) -> str:
        return next(iter(self.dtypes))


def _convert(
    converter: WeightConverter,
    layer: str,
    tensors: Iterable[tuple[str, str, torch.Tensor]],
    model: ModelShape,
) -> Tensors:
    rule: Any = deepcopy(converter)  # it collects what it is given
    for pattern, name, tensor in tensors:
        rule.add_tensor(layer, name, pattern, tensor)
    made = rule.convert(layer, model=model, config=model.config)
    return {name: tensor[0] if isinstance(tensor, list) else tensor for name, tensor in made.items()}
