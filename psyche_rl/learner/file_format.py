"""The form in which a model folder holds a model's weights: how they are read, and how written back.

Role: transformers renames and fuses tensors when it loads them; what the learner publishes and exports has
the names and shapes of the folder it came from, which is what engines load.
Collaborators: ``conversion_step`` (a step of it); ``loading`` reads by it, ``export`` writes by it.
Invariants:
- Every parameter is filled exactly once and by a tensor of its shape, or :class:`ModelError` names those that
  are not, before any number is read.
- Reading and writing back gives every tensor its name and shape again; this is tried on ``meta`` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors import safe_open
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import (
    WeightConverter,
    WeightRenaming,
    dot_natural_key,
    rename_source_key,
)

from psyche_rl.errors import ModelError
from psyche_rl.learner.conversion_step import ModelShape, Step, Tensors
from psyche_rl.model_folder import StoredTensor

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
"""By the names of the safetensors format; types that are missing here are those of quantized weights."""
_TOLD = 3


class FileFormat:
    """Between the tensors ``stored`` in a folder and the bare Hugging Face model ``lm`` (``meta`` will do).

    Raises:
        ModelError: tensors are missing, unknown, quantized or of another shape, or cannot be written back.
    """

    def __init__(self, lm: Any, stored: Mapping[str, StoredTensor]) -> None:
        parameters = lm.state_dict()
        # Some conversions ask for a parameter's shape, and by then the live model may be wrapped.
        self._model: ModelShape = SimpleNamespace(  # type: ignore[assignment]
            config=lm.config, base_model_prefix=lm.base_model_prefix, get_parameter=parameters.__getitem__
        )
        self.stored = stored
        self.tied: dict[str, str] = dict(lm.all_tied_weights_keys)
        """Parameter -> the one that it is the same as."""
        self.steps, self.unused = self._sort(lm, parameters)
        """``unused``: tensors of the files that transformers leaves out; they are written as they are."""
        for step in self.steps:
            self._try(step, parameters)
        self._check_whole(lm, parameters)

    def read(self, step: Step, get: Callable[[str], torch.Tensor]) -> Tensors:
        """Name in the model -> tensor; ``get`` gives a tensor of the files."""
        return step.read(get, self._model)

    def write(self, step: Step, values: Tensors) -> Tensors:
        """Name in the files -> tensor, from the whole parameters of ``step``."""
        return step.write(values, self._model)

    def empty(self, source: str) -> torch.Tensor:
        """A tensor of the files, on ``meta``."""
        tensor = self.stored[source]
        return torch.empty(tensor.shape, dtype=DTYPES[tensor.dtype], device="meta")

    def config_changes(self) -> dict[str, Any]:
        """What config.json must say otherwise, so that every loader loads what was trained."""
        tied = getattr(self._model.config, "tie_word_embeddings", False)
        return {"tie_word_embeddings": False} if tied and not self.tied else {}

    def doubled(self) -> list[tuple[str, str]]:
        """Pairs of tied parameters, both of which have a tensor of their own in the files."""
        filled = {target for step in self.steps for target in step.dtypes}
        return [pair for pair in self.tied.items() if filled.issuperset(pair)]

    def _sort(self, lm: Any, parameters: Mapping[str, torch.Tensor]) -> tuple[list[Step], list[str]]:
        """As ``transformers.core_model_loading.convert_and_load_state_dict_in_model`` sorts them."""
        rules = get_model_conversion_mapping(lm)
        renamings = [rule for rule in rules if isinstance(rule, WeightRenaming)]
        converters = [rule for rule in rules if isinstance(rule, WeightConverter)]
        converter_of = {pattern: rule for rule in converters for pattern in rule.source_patterns}
        steps: dict[str, Step] = {}
        unknown: dict[str, str] = {}
        for source in sorted(self.stored, key=dot_natural_key):
            into: Any = lm.base_model_prefix, parameters
            name, pattern = rename_source_key(source, renamings, converters, *into)
            if name not in parameters and source in parameters:
                name, pattern = rename_source_key(source, [], [], *into)
            if name not in parameters:
                unknown[name] = source
                continue
            step = steps.setdefault(name, Step(dtypes={name: torch.float32}))
            step.sources.append(source)
            if pattern is not None:
                step.converter = converter_of[pattern]
                step.patterns[source] = pattern, rename_source_key(source, renamings, [])[0]
        found: Any = SimpleNamespace(missing_keys=set(), unexpected_keys=set(unknown))
        PreTrainedModel._adjust_missing_and_unexpected_keys(lm, found)
        if found.unexpected_keys:
            some = _some(unknown[name] for name in found.unexpected_keys)
            raise ModelError(
                f"the files hold {some}, which a {type(lm).__name__} of this config does not have"
            )
        return list(steps.values()), sorted(unknown.values())

    def _try(self, step: Step, parameters: Mapping[str, torch.Tensor]) -> None:
        """Read and write on ``meta``; fills in what the step makes."""
        if quantized := [s for s in step.sources if self.stored[s].dtype not in DTYPES]:
            kind = self.stored[quantized[0]].dtype
            raise ModelError(f"{_some(quantized)}: {kind} is quantized; give the model before quantization")
        if step.converter is None and len(step.sources) > 1:
            raise ModelError(f"{_some(step.sources)} are the same parameter; remove one from the files")
        try:
            made = self.read(step, self.empty)
            step.dtypes = {name: tensor.dtype for name, tensor in made.items()}
            wrong = [name for name, tensor in made.items() if tensor.shape != parameters[name].shape]
            back = {} if wrong else self.write(step, made)
        except Exception as error:  # a conversion may fail in any way
            raise ModelError(
                f"{_some(step.sources)} do not make up {next(iter(step.dtypes))}: {error}"
            ) from None
        if wrong:
            has, needs = (tuple(tensors[wrong[0]].shape) for tensors in (made, parameters))
            raise ModelError(f"{wrong[0]} has shape {has} in the files, by config.json it has {needs}")
        if {name: tuple(tensor.shape) for name, tensor in back.items()} != {
            source: self.stored[source].shape for source in step.sources
        }:
            raise ModelError(f"{_some(step.sources)} cannot be written back as they were")

    def _check_whole(self, lm: Any, parameters: Mapping[str, torch.Tensor]) -> None:
        filled = [target for step in self.steps for target in step.dtypes]
        if len(filled) > len(set(filled)):
            twice = _some(name for name in set(filled) if filled.count(name) > 1)
            raise ModelError(f"{twice} would be filled more than once; remove tensors from the files")
        whole = set(filled)
        for pair in self.tied.items():
            if whole.intersection(pair):
                whole.update(pair)
        # What transformers loads without may only be a buffer, which has its value from construction.
        found: Any = SimpleNamespace(missing_keys=set(parameters) - whole, unexpected_keys=set())
        missing = {name for name, _ in lm.named_parameters(remove_duplicate=False)} - whole
        PreTrainedModel._adjust_missing_and_unexpected_keys(lm, found)
        if missing := missing | found.missing_keys:
            raise ModelError(f"the files lack {_some(missing)}; download or convert the model again")


def read_step(form: FileFormat, step: Step) -> Tensors:
    """Name in the model -> tensor, from the files (memory-mapped, and let go with the tensors)."""
    with ExitStack() as files:
        opened: dict[Path, Any] = {}

        def get(source: str) -> torch.Tensor:
            path = form.stored[source].file
            if path not in opened:
                opened[path] = files.enter_context(safe_open(str(path), framework="pt"))
            tensor: torch.Tensor = opened[path].get_tensor(source)
            return tensor

        return form.read(step, get)


def read_unused(form: FileFormat) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of the files that are no part of the model."""
    for source in form.unused:
        with safe_open(str(form.stored[source].file), framework="pt") as file:
            yield source, file.get_tensor(source).clone()


def _some(names: Iterable[str]) -> str:
    every = sorted(names, key=dot_natural_key)
    more = f" and {len(every) - _TOLD} more" if len(every) > _TOLD else ""
    return ", ".join(every[:_TOLD]) + more
