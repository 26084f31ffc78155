"""A JSON Schema of the front matter, made from the tables that the rules use."""

from __future__ import annotations

import re
from typing import Any

from mindspore_hub.cards.preprocessing import (
    INTERPOLATIONS,
    KEYPOINTS,
    LAYOUTS,
    MAPS,
    MODALITIES,
    OPTIONAL,
    ORDERS,
)
from mindspore_hub.cards.protocol import KINDS
from mindspore_hub.cards.retrieval import DISTANCES
from mindspore_hub.cards.schema import REQUIRED_KEYS
from mindspore_hub.cards.vocabulary import listed
from mindspore_hub.cards.vocabulary.keys import ASSET_KEYS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT = {"type": ["string", "number"], "minLength": 1}
_BOOLEAN = {"type": "boolean"}
_VERSION = {"type": ["string", "number"], "pattern": r"^[0-9]+\.[0-9]+(\.[0-9]+)?$"}
_SIZES = {"type": "array", "items": {"type": "integer"}}
_SHAPE = {"anyOf": [_SIZES, {"type": "array", "items": _SIZES}]}
_ARGUMENT = {"type": ["string", "number", "boolean"]}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12, of front matter as a YAML reader has it, with dates as text."""
    keys = (*REQUIRED_KEYS, *listed("keys-optional"), *listed("keys-legacy"))
    known = _top()
    return {
        "$schema": DIALECT,
        "title": "Front matter of a model card",
        "type": "object",
        "properties": {key: known.get(key, _TEXT) for key in sorted(keys)},
        "required": sorted(REQUIRED_KEYS),
        "additionalProperties": False,
    }


def _top() -> dict[str, dict[str, Any]]:
    backends = _items("backends")
    return {
        "accuracy": {"type": ["number", "string"]},
        "allow-cache-ckpt": _BOOLEAN,
        "asset": {"type": ["array", "null"], "items": _asset()},
        "default": _BOOLEAN,
        "evaluation": {"type": ["string", "null"]},
        "fine-tunable": _BOOLEAN,
        "infer-backend": backends,
        "input-shape": _SHAPE,
        "mindspore-lite": _BOOLEAN,
        "mindspore-version": _VERSION,
        "model-version": _VERSION,
        "module-type": {"type": "string", "pattern": f"^{_any('domains')}(-.+)?$"},
        "output-shape": _SHAPE,
        "repo-link": {"type": "string", "pattern": "^<?https://[^/ ]+/[^/ ]+/[^ ]+>?$"},
        "train-backend": backends,
        "update-time": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$"},
        "used-for": _items("used-for"),
    }


def _asset() -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "asset-link": {"type": "string", "pattern": "^<?https://[^ ]+/[^/ ]+>?$"},
        "asset-sha256": _SHA256,
        "file-format": {"type": "string", "pattern": f"^{_any('file-formats')}$"},
        "network-args": {"type": "object", "additionalProperties": _ARGUMENT},
        "preprocessing": _preprocessing(),
        "protocol": _protocol(),
        "retrieval": _retrieval(),
    }
    return {
        "type": "object",
        "properties": {key: known.get(key, _TEXT) for key in sorted(listed("keys-asset"))},
        "required": list(ASSET_KEYS),
        "additionalProperties": False,
    }


def _preprocessing() -> dict[str, Any]:
    """What rule H909 checks, but for what one field means to another."""
    interpolation = {"enum": sorted({word for words in INTERPOLATIONS.values() for word in words})}
    size = {"type": "integer", "minimum": 1}
    known: dict[str, dict[str, Any]] = {
        "library": {"enum": list(INTERPOLATIONS)},
        "size": _list(size, 2),
        "interpolation": interpolation,
        "order": {"enum": list(ORDERS)},
        "mean": _list({"type": "number", "minimum": 0, "maximum": 1}, 3),
        "std": _list({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 3),
        "layout": {"enum": list(LAYOUTS)},
        "modality": _some_of(MODALITIES),
        "short-side": interpolation,
        "maps": _some_of(tuple(MAPS)),
        "keypoints": {"const": KEYPOINTS},
    }
    return {
        "type": "object",
        "properties": known,
        "required": [name for name in known if name not in OPTIONAL],
        "additionalProperties": False,
    }


def _retrieval() -> dict[str, Any]:
    """What rule H910 checks, but for the number of outputs."""
    place = {"type": "integer", "minimum": 0}
    outputs = {"type": "array", "items": place, "minItems": 1, "uniqueItems": True}
    known: dict[str, dict[str, Any]] = {
        "outputs": outputs,
        "distance": {"enum": list(DISTANCES)},
        "mirrored": _BOOLEAN,
        "normalised": _BOOLEAN,
        "colors": place,
        "types": place,
    }
    return {
        "type": "object",
        "properties": known,
        "required": ["outputs", "distance"],
        "additionalProperties": False,
    }


def _protocol() -> dict[str, Any]:
    """One of the protocols, with all of its options."""
    shapes = []
    for name, kind in KINDS.items():
        options = {option: {"enum": list(words)} for option, words in kind.options.items()}
        properties = {"name": {"const": name}, **options}
        shapes.append({"properties": properties, "required": list(properties)})
    return {
        "type": "object",
        "anyOf": [{**shape, "additionalProperties": False} for shape in shapes],
    }


def _list(items: dict[str, Any], count: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": count, "maxItems": count}


def _some_of(words: tuple[str, ...]) -> dict[str, Any]:
    """A word, or a list of different ones."""
    several = {"type": "array", "items": {"enum": list(words)}, "minItems": 1, "uniqueItems": True}
    return {"anyOf": [{"enum": list(words)}, several]}


def _items(vocabulary: str) -> dict[str, Any]:
    """A text of words of a vocabulary, between slashes or commas."""
    word = _any(vocabulary)
    return {"type": "string", "pattern": f"^ *{word}( *[/,] *{word})*[/, ]*$"}


def _any(vocabulary: str) -> str:
    """One word of a vocabulary, in any case."""
    return f"({'|'.join(_in_any_case(word) for word in listed(vocabulary))})"


def _in_any_case(word: str) -> str:
    """A pattern for a word; JSON Schema has no flag for that."""
    return "".join(
        f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else re.escape(letter)
        for letter in word
    ).replace(r"\-", "-")
