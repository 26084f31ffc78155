"""A JSON Schema of the front matter, made from the tables that the rules use."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from mindspore_hub.hub.fields import INPUT_SCHEMA, mapping_schema
from mindspore_hub.hub.keys import (
    ASSET,
    REQUIRED,
    REQUIRED_IN_ASSET,
    TOP,
    Form,
    in_any_case,
    key_of,
)
from mindspore_hub.hub.metrics import NAMED_METRICS, PLACEHOLDERS
from mindspore_hub.tasks.pictures import fields as pictures
from mindspore_hub.tasks.registry import tasks

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_BOOLEAN = {"type": "boolean"}
_SIZE = {"type": "integer", "minimum": 1}
_SIZES = {"type": "array", "items": _SIZE, "minItems": 1}
_SHAPE = {"anyOf": [_SIZES, {"type": "array", "items": _SIZES, "minItems": 1}]}
_ARGUMENT = {"type": ["string", "number", "boolean"], "minimum": 0}


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12, of front matter as a YAML reader has it, with dates as text.

    It refuses the value of a key where the check does, but for what a YAML reader loses: `1.10` and
    1.1 are one number, and so are 2 and 2.0, which both have to be in quotes. Which names are usual
    (data sets, licences, metrics) and what one key means to another is for the check to say.
    """
    known: dict[str, dict[str, Any]] = {
        "asset": {"type": ["array", "null"], "items": _asset()},
        "default": _BOOLEAN,
        "evaluation": _evaluation(),
        "input": INPUT_SCHEMA,
        "input-shape": _SHAPE,
        "output-shape": _SHAPE,
    }
    return {
        "$schema": DIALECT,
        "title": "Front matter of a model card",
        "type": "object",
        "properties": _properties(TOP, REQUIRED, known),
        "required": sorted(REQUIRED),
        "additionalProperties": False,
    }


def _properties(
    names: Iterable[str], required: Container[str], known: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """What each key may be, with what it is for."""
    found = {}
    for name in sorted(names):
        schema = known.get(name) or _value(name, required=name in required)
        help_ = key_of(name).help
        found[name] = {"description": help_, **schema} if help_ else schema
    return found


def _value(name: str, *, required: bool) -> dict[str, Any]:
    """A value that is neither list nor mapping; where it is not required, it may say nothing."""
    key = key_of(name)
    nothing: list[dict[str, Any]] = [] if required else [{"type": "null"}]
    if key.form is Form.BOOLEAN:
        return _BOOLEAN if required else {"type": ["boolean", "null"]}
    if not key.pattern:
        kinds = ["string", "number", "boolean"]
        return {"type": kinds, "pattern": r"\S"} if required else {"type": [*kinds, "null"]}
    text = {"type": "string", "pattern": f"^(?:{key.pattern})$"}
    numbers: list[dict[str, Any]] = [{"type": "number"}] if key.number else []
    if name.endswith("-version"):
        numbers = [{"type": "number", "minimum": 0, "not": {"type": "integer"}}]
    return {"anyOf": [text, *numbers, *nothing]} if numbers or nothing else text


def _evaluation() -> dict[str, Any]:
    """Metrics with their names, nothing, or a word for none; YAML reads `no` as false."""
    words = "|".join(in_any_case(word) for word in sorted(PLACEHOLDERS))
    pattern = rf"^(?:\s*|\s*(?:{words})\s*|{NAMED_METRICS})$"
    return {"anyOf": [{"type": "string", "pattern": pattern}, {"enum": [None, False]}]}


def _asset() -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "network-args": {"type": "object", "additionalProperties": _ARGUMENT},
        "preprocessing": mapping_schema(pictures.fields()),
        "task": {"anyOf": [mapping_schema(task.fields()) for task in tasks().values()]},
    }
    return {
        "type": "object",
        "properties": _properties(ASSET, ASSET, known),
        "required": list(REQUIRED_IN_ASSET),
        "additionalProperties": False,
    }
