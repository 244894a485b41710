"""What to do about an error that pydantic found in one key, in words."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from psyche_rl.config.keys import leaf_fields, section_of
from psyche_rl.config.nearest import nearest
from psyche_rl.config.run import RunConfig

Place = tuple[int | str, ...]
_AT = {
    "greater_than": "above",
    "greater_than_equal": "of at least",
    "less_than": "below",
    "less_than_equal": "of at most",
}
_BOUND = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
_OTHER = {
    "missing": "set it",
    "finite_number": "give a finite number",
    "bool_parsing": "give true or false",
    "bool_type": "give true or false",
    "model_type": "give its keys, as a mapping",
}


def wrong(detail: ErrorDetails) -> str:
    """What pydantic says, without its prefixes."""
    if detail["type"] == "extra_forbidden":
        return "unknown key"
    return detail["msg"].removeprefix("Value error, ")


def remedy(detail: ErrorDetails) -> str:
    """The remedy."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _suggestion(detail["loc"])
    if kind in _BOUND:
        return f"give a number {_AT[kind]} {context[_BOUND[kind]]}"
    if kind == "literal_error":
        names = [name.strip("' ") for name in str(context["expected"]).replace(" or ", ",").split(",")]
        close = nearest(str(detail["input"]), names)
        return f"did you mean '{close}'?" if close else f"give one of {', '.join(names)}"
    if kind in _OTHER:
        return _OTHER[kind]
    if kind.startswith(("float", "int")):
        return "give a number" if kind.startswith("float") else "give a whole number"
    return "docs/config.md says what it takes"


def _suggestion(loc: Place) -> str:
    section: type[BaseModel] = RunConfig
    for part in loc[:-1]:
        field = section.model_fields.get(str(part))
        section = (field and section_of(field)) or section
    wanted = str(loc[-1])
    here = nearest(wanted, section.model_fields)
    if here:
        return f"did you mean '{'.'.join([*map(str, loc[:-1]), here])}'?"
    anywhere = nearest(".".join(map(str, loc)), (key for key, _ in leaf_fields()), 0.6)
    return f"did you mean '{anywhere}'?" if anywhere else f"keys here: {', '.join(section.model_fields)}"
