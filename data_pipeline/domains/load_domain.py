"""From a domain's folder to a checked :class:`Domain`.

Role: ``domain: psychology`` names a built-in folder, any other value a folder of the user.
Invariants:
- Whatever is wrong with a folder is told at once, each with its file and what to do.
- The digest covers what decides prompts and outcomes: ``domain.yaml``, the prompts, the domain's own cues.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import yaml
from jinja2 import TemplateSyntaxError, meta
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from data_pipeline.domains.domain import Domain
from data_pipeline.domains.domain_words import DomainCues, DomainWords
from data_pipeline.domains.prompt_names import PROMPTS
from psyche_rl.config.nearest import nearest
from psyche_rl.errors import ConfigError, ProblemsError
from psyche_rl.problem import ABSENT, Problem
from psyche_rl.prompt_folder import ENVIRONMENT
from rewards.bounded_yaml import load_yaml

M = TypeVar("M", bound=BaseModel)
WORDS_FILE, PROMPTS_FOLDER, SUFFIX = "domain.yaml", "prompts", ".j2"
_HOME = Path(__file__).parent
BUILT_IN = {path.parent.name: path.parent for path in sorted(_HOME.glob(f"*/{WORDS_FILE}"))}
"""Name -> folder."""


def domain_folder(name: str) -> Path:
    """The folder that a config's ``domain`` means.

    Raises:
        ConfigError: there is none.
    """
    folder = BUILT_IN.get(name, Path(name).expanduser())
    if not folder.is_dir():
        close = nearest(name, BUILT_IN)
        meant = f"did you mean '{close}'?" if close else "psyche-rl domain new makes one"
        raise ConfigError(
            f"domain: '{name}' is neither built in ({', '.join(BUILT_IN)}) nor a folder; {meant}"
        )
    return folder


def load_domain(name: str) -> Domain:
    """The domain of a config.

    Raises:
        ConfigError: there is no such folder.
        ProblemsError: files are missing or wrong; all that are, are named.
    """
    folder = domain_folder(name)
    problems: list[Problem] = []
    words = _words(folder, problems)
    prompts = dict(_prompts(folder, problems))
    own_cues = _cue_file(folder, words, problems)
    cues = None if own_cues is None or words is None else _checked(own_cues, words.cues, DomainCues, problems)
    if problems or words is None:
        raise ProblemsError(str(folder), problems)
    return Domain(words, prompts, _digest(folder, prompts, own_cues), cues.root if cues else None)


def _words(folder: Path, problems: list[Problem]) -> DomainWords | None:
    text = _read(folder, WORDS_FILE, problems)
    return None if text is None else _checked(text, WORDS_FILE, DomainWords, problems)


def _checked(text: str, rel: str, shape: type[M], problems: list[Problem]) -> M | None:
    """What a YAML file holds, as ``shape``."""
    try:
        return shape.model_validate(load_yaml(text))
    except yaml.YAMLError as error:
        problems.append(Problem(rel, ABSENT, f"not valid YAML: {error}", "correct it"))
    except ValidationError as error:
        problems += [_problem(rel, detail) for detail in error.errors()]
    return None


def _problem(rel: str, detail: ErrorDetails) -> Problem:
    key = f"{rel}: {'.'.join(map(str, detail['loc']))}".removesuffix(": ")
    if detail["type"] == "extra_forbidden":
        keys = _keys(tuple(map(str, detail["loc"][:-1])))
        close = nearest(str(detail["loc"][-1]), keys)
        remedy = f"did you mean '{close}'?" if close else f"keys here: {', '.join(keys)}"
        return Problem(key, ABSENT, "unknown key", remedy)
    value = ABSENT if detail["type"] == "missing" else detail["input"]
    wrong = detail["msg"].removeprefix("Value error, ")
    return Problem(key, value, wrong, "docs/domains.md says what it takes")


def _keys(place: tuple[str, ...]) -> list[str]:
    section: type[BaseModel] = DomainWords
    for part in place:
        field = section.model_fields.get(part)
        kind = field.annotation if field else None
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            section = kind
    return list(section.model_fields)


def _prompts(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    for path in sorted((folder / PROMPTS_FOLDER).glob(f"*{SUFFIX}")):
        if path.stem not in PROMPTS:
            close = nearest(path.stem, PROMPTS)
            meant = f"did you mean '{close}{SUFFIX}'?" if close else f"prompts are {', '.join(PROMPTS)}"
            problems.append(Problem(f"{PROMPTS_FOLDER}/{path.name}", ABSENT, "no prompt of that name", meant))
    for name in PROMPTS:
        rel = f"{PROMPTS_FOLDER}/{name}{SUFFIX}"
        if PROMPTS[name].optional and not (folder / rel).exists():
            continue
        source = _read(folder, rel, problems)
        if source is not None:
            problems += _faults(rel, name, source)
            yield name, source


def _faults(rel: str, name: str, source: str) -> Iterator[Problem]:
    """What is wrong with a template, apart from its words."""
    try:
        used = meta.find_undeclared_variables(ENVIRONMENT.parse(source))
    except TemplateSyntaxError as error:
        yield Problem(rel, ABSENT, f"line {error.lineno}: {error.message}", "correct the template")
        return
    known = (*PROMPTS[name].must, *PROMPTS[name].may)
    for missing in (must for must in PROMPTS[name].must if must not in used):
        yield Problem(rel, ABSENT, f"does not use {{{{ {missing} }}}}", "put it where its text is to stand")
    for other in sorted(used - set(known)):
        close = nearest(other, known)
        meant = f"did you mean {{{{ {close} }}}}?" if close else f"it is given {', '.join(known)}"
        yield Problem(rel, ABSENT, f"uses {{{{ {other} }}}}, which it is not given", meant)


def _cue_file(folder: Path, words: DomainWords | None, problems: list[Problem]) -> str | None:
    if words is None or words.cues in ("builtin", "none"):
        return None
    return _read(folder, words.cues, problems)


def _read(folder: Path, rel: str, problems: list[Problem]) -> str | None:
    path = folder / rel
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        problems.append(Problem(rel, ABSENT, "no such file", "psyche-rl domain new makes a folder with it"))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(rel, ABSENT, f"cannot be read as UTF-8 text: {error}", "correct the file"))
    return None


def _digest(folder: Path, prompts: dict[str, str], cues: str | None) -> str:
    parts = [(folder / WORDS_FILE).read_text("utf-8"), cues or ""]
    parts += [part for item in sorted(prompts.items()) for part in item]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
