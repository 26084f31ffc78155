"""What a card says: as given, from the name of the file, or from the cards of the model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mindspore_hub._text import count
from mindspore_hub.authoring.new import flow, shapes_text
from mindspore_hub.checking.rules._sections import section_lines
from mindspore_hub.errors import CardError, MissingFactsError
from mindspore_hub.hub import front_matter, keys
from mindspore_hub.hub.card import Card, asset_items
from mindspore_hub.hub.keys import Form, key_of
from mindspore_hub.hub.metrics import FileName, parse_file_name
from mindspore_hub.hub.paths import read_bytes
from mindspore_hub.hub.values import (
    Argument,
    YamlList,
    YamlMapping,
    YamlNode,
    YamlText,
    as_arguments,
    link_text,
)
from mindspore_hub.tasks.registry import hint as task_hint

NOT_IN_CARD = {
    "variant": "What tells the file from others of its model and data set: allsearch.",
    "device": "What it was trained on: ascend, gpu or cpu.",
    "kind": "official or research.",
    "link-base": "Address of the folder that it is published in.",
    "citation": "The paper behind the network.",
    "publisher": "Folder of the card; that of the model's other cards, or mindspore.",
}
"""Facts that are not keys of a card, and what they are."""

_IN_CARD = [key for key in keys.KEYS if key.need is not keys.Need.LEGACY]

KEYS = {**NOT_IN_CARD, **{key.name: key.help for key in _IN_CARD if not key.measured}}
"""Every fact that can be given, and what it is."""

_REQUIRED = (
    *(key.name for key in _IN_CARD if key.needed),
    *("device", "kind", "link-base", "citation"),
)

_OF_MODEL = ("backbone-name", "module-type", "fine-tunable", "used-for")
"""What cards of one model have in common."""

_OF_ALL = ("author", "license", "train-dataset")
"""What is taken from cards of the model if all of them say the same."""

_SAID_ELSEWHERE = {key.name: key.measured for key in _IN_CARD if key.measured}
"""Keys of a card that are not facts to be given, and why."""


def read_facts(path: Path) -> tuple[dict[str, str], dict[str, Argument]]:
    """Read facts from a YAML file; `network-args` are given apart.

    Keys of an asset may stand at the top level or in `asset`, as in a card. Values are read as text, so
    that the version 1.10 stays what it is; a CardError names an unknown key or a value that is not one.
    """
    try:
        lines = read_bytes(path).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8; save it as UTF-8."
        raise CardError(msg) from error
    mapping, problems = front_matter.read(lines, 1)
    if problems:
        problem = problems[0][1]
        msg = f"{path}:{problem.place.line}: {problem.message}; {problem.help}."
        raise CardError(msg)
    _check_form(path, mapping, lines)
    entries = [(key.text, value) for key, value in mapping.entries if key.text != "asset"]
    for item in asset_items(mapping):
        entries += [(key.text, value) for key, value in item.entries]
    network_args = [value for key, value in entries if key == "network-args"]
    facts = {key: _text(path, key, value) for key, value in entries if key != "network-args"}
    return facts, as_arguments(network_args[-1] if network_args else None)


def _check_form(path: Path, mapping: YamlMapping, lines: list[str]) -> None:
    """Refuse what would be passed over: not a mapping, an asset that is not a list, a key twice."""
    wrong = ""
    asset, args = mapping.get("asset"), mapping.get("network-args")
    if not mapping.entries and any(line.strip() for line in lines):
        wrong = "holds no `key: value`"
    elif asset is not None and len(asset_items(mapping)) != 1:
        wrong = "must have one item in `asset`, which begins with a dash as in a card"
    elif args is not None and not isinstance(args, YamlMapping):
        wrong = "must have a mapping in `network-args`, such as `{num_class: 10}`"
    elif isinstance(args, YamlMapping) and len(as_arguments(args)) < len(args.entries):
        wrong = "has a value in `network-args` that is not a single one, or a name twice"
    elif len(set(mapping.names)) < len(mapping.names):
        wrong = "has a key twice"
    if wrong:
        msg = f"{path} {wrong}; docs/publishing.md shows a file of facts."
        raise CardError(msg)


def check_keys(facts: Mapping[str, str]) -> None:
    """Refuse a key that means nothing."""
    for key in facts:
        if key not in KEYS:
            near = get_close_matches(key, KEYS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KEYS)}."
            if key in _SAID_ELSEWHERE:
                hint = f"leave it out: {_SAID_ELSEWHERE[key]}."
            elif place := task_hint(key):
                hint = f"{place}."
            msg = f"{key!r} is not a fact that can be given; {hint}"
            raise CardError(msg)


def noted(note: Mapping[str, Any]) -> dict[str, str]:
    """Facts that the note of a fine-tuned checkpoint states; see `networks/own.py`."""
    if not note:
        return {}
    metrics = note.get("metrics", {})
    release = str(note.get("versions", {}).get("mindspore", "")).split("+")[0]
    task = {"name": "retrieval", **note["retrieval"]} if "retrieval" in note else {}
    found = {
        "evaluation": " | ".join(
            f"{name}{round(100 * metrics[key], 2):g}"
            for key, name in (("rank1", "rank1acc"), ("mAP", "mAP"))
            if key in metrics
        ),
        "device": str(note.get("device", "")),
        "mindspore-version": re.sub(r"^(\d+\.\d+)\.0$", r"\1", release),
        "preprocessing": flow(note.get("preprocessing", {})),
        "task": flow(task),
        "fine-tunable": "True",
    }
    return {key: value for key, value in found.items() if value not in ("", "{}")}


def gather(
    model: str, given: Mapping[str, str], siblings: list[Card], file_name: str
) -> dict[str, str]:
    """All facts: those given, else those of the file's name, of the model's cards, or usual ones."""
    stated = {key: value for key, value in given.items() if value}
    named = stated.get("asset-link", "").rsplit("/", 1)[-1]
    facts = {**_of_name(model, file_name), **_of_name(model, named), **stated}
    if siblings:
        dataset, release = facts.get("train-dataset"), facts.get("mindspore-version")

        def distance(card: Card) -> tuple[bool, bool]:
            return card.text("train-dataset") != dataset, card.version != release

        nearest = min(siblings, key=distance)
        said = {key: {card.text(key) for card in siblings} for key in _OF_ALL}
        alike = {key: value for key, (value, *others) in said.items() if not others}
        facts = {**alike, **_of_sibling(nearest, facts), **facts}
    derived = {
        "kind": _kind(facts.get("repo-link", "")),
        "publisher": "mindspore",
        "user-id": facts.get("author", ""),
        "model-version": facts.get("mindspore-version", ""),
        "backbone-name": model,
    }
    return {**{key: value for key, value in derived.items() if value}, **facts}


def missing(facts: Mapping[str, str]) -> list[str]:
    """Facts that a card needs and nobody gave."""
    known = {**facts, "link-base": facts.get("link-base") or facts.get("asset-link")}
    return [key for key in _REQUIRED if not known.get(key)]


def require_all(facts: Mapping[str, str]) -> None:
    """Refuse facts that do not make a card; all that are missing are listed."""
    names = missing(facts)
    if names:
        lines = "\n".join(f"  {name}: {KEYS[name]}" for name in names)
        msg = (
            f"Missing: {count(len(names), 'fact')}.\n{lines}\nGive each as an option (`--{names[0]}`), in "
            "the file of --from, or in `facts`."
        )
        raise MissingFactsError(msg)


def domain(facts: Mapping[str, str]) -> str:
    """First part of `module-type`."""
    return facts["module-type"].partition("-")[0].strip().lower()


def _of_name(model: str, file_name: str) -> dict[str, str]:
    """Facts that a published file name states; none if it is another name."""
    name = parse_file_name(file_name)
    if not isinstance(name, FileName):
        return {}
    own = f"{model.lower()}_"
    found = {
        "variant": name.model.removeprefix(own) if name.model.startswith(own) else "",
        "device": name.device,
        "mindspore-version": _release(name.version),
        "train-dataset": name.dataset,
        "kind": name.kind,
        "module-type": name.domain,
        "evaluation": (name.metrics or "").replace("_", " | "),
    }
    return {key: value for key, value in found.items() if value}


def _release(digits: str) -> str:
    """The release that `190`, `2100` or `271` in a file name means."""
    if len(digits) < 3:
        return ""
    major, minor, patch = digits[0], digits[1:-1], digits[-1]
    return f"{major}.{minor}" if patch == "0" else f"{major}.{minor}.{patch}"


def _of_sibling(sibling: Card, facts: Mapping[str, str]) -> dict[str, str]:
    found = {key: sibling.text(key) for key in _OF_MODEL}
    found["publisher"] = sibling.uid.split("/")[0]
    body = sibling.document.body
    lines = section_lines(body, "citation")[1:]
    found["citation"] = "\n".join(body.lines[line - body.first_line] for line in lines).strip()
    found["input-shape"] = shapes_text(sibling.input_shapes)
    found["kind"] = _kind(sibling.text("repo-link"))
    if facts.get("mindspore-version") == sibling.version:
        found["repo-link"] = sibling.text("repo-link")
    return {key: value for key, value in found.items() if value}


def _kind(repo_link: str) -> str:
    """Whether a network is official or research, by the folders of its code."""
    match = re.search(r"/(official|research)/", repo_link)
    return match[1] if match else ""


def _text(path: Path, key: str, value: YamlNode) -> str:
    if isinstance(value, YamlText):
        return link_text(value.text)
    form = Form.LIST if isinstance(value, YamlList) else Form.MAPPING
    if key_of(key).form is form:
        return _flow(value)
    msg = f"{path}:{value.place.line}: {key} is not a single value; write `{key}: <value>`."
    raise CardError(msg)


def _flow(value: YamlNode) -> str:
    """A list or a mapping as it would stand on one line."""
    if isinstance(value, YamlMapping):
        return f"{{{', '.join(f'{key.text}: {_flow(item)}' for key, item in value.entries)}}}"
    if isinstance(value, YamlList):
        return f"[{', '.join(map(_flow, value.items))}]"
    return value.text if value.plain else json.dumps(value.text, ensure_ascii=False)
