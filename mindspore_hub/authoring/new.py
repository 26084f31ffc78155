"""Write a fresh card: what is known of a checkpoint, and TODO where somebody has to say more."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mindspore_hub._files import replace
from mindspore_hub.checking.check import check_document, read_cards
from mindspore_hub.checking.rules import select
from mindspore_hub.errors import CardError, SettingsError
from mindspore_hub.hub.card import parse_repo_link
from mindspore_hub.hub.document import parse_document
from mindspore_hub.hub.findings import Severity, in_order
from mindspore_hub.hub.front_matter import read as read_front_matter
from mindspore_hub.hub.keys import ASSET, KEYS, Form, Need, are_known, is_class_name, key_of
from mindspore_hub.hub.paths import find_cards, root_above, uid_of
from mindspore_hub.hub.values import (
    Shape,
    YamlNode,
    as_arguments,
    as_shapes,
    quoted,
    wrong_part_of_shape,
)
from mindspore_hub.settings import shown_address
from mindspore_hub.tasks.registry import task_named

_MINDSPORE_VERSION = "2.7"
"""Release of a card whose folder names none: the oldest that the package asks for."""

_REPOSITORY = "https://gitee.com/mindspore/models"
"""Where the code of published networks is, if a card knows no better."""

_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")

_SHAPES = ("input-shape", "output-shape")

_PLAIN = re.compile(r"[A-Za-z0-9][\w ./|%+@()-]*(?<! )")
"""What every YAML reader takes for the same text, but for numbers."""

_NO_TEXT = frozenset({"null", "y", "n"})
"""Words that some YAML reader takes for something else, and PyYAML does not."""

_NUMBER = re.compile(r"0o[0-7]+|\d+(\.\d*)?([eE][-+]?\d+)?")
"""Numbers of YAML 1.2, of which PyYAML takes some for text."""

_MEANT = {"update-time": {"str", "timestamp"}, "accuracy": {"int", "float"}}
"""What the value of a key is, where that is not a text."""

_WORD = re.compile(r"[A-Za-z][\w-]*")
"""What needs no quotes inside brackets."""


def write_card(
    path: str | os.PathLike[str], facts: Mapping[str, str], *, citation: str = ""
) -> None:
    """Write a card that passes the check by itself, or nothing.

    Args:
        path: File of the card, which must not be there yet.
        facts: Values under the names of their keys; `model-name` is needed, and what is missing of
            the others follows from the path or from `model-name`, stays out, or is left TODO.
        citation: The paper behind the network, as Markdown.

    Raises:
        CardError: There is such a file, it does not end in `.md`, no class can have the model-name,
            a shape is not one, or the card would not pass.
        UnknownNameError: There is no task of that name.
        SettingsError: `SOURCE_DATE_EPOCH` is not a time.
    """
    path = Path(path)
    if path.suffix != ".md":
        msg = f"{path} is not the name of a card; let it end in .md."
        raise CardError(msg)
    if path.exists() or path.is_symlink():
        msg = f"{path} is there already and was not touched; choose another name or remove it."
        raise CardError(msg)
    if _is_first(path, facts["model-name"]):
        facts = {"default": "True", **facts}
    text = card_text(path, facts, citation=citation)
    findings = check_document(parse_document(text, path), select(["DEFAULT"]))
    bad = [item for item in in_order(findings) if item.severity is not Severity.INFO]
    if bad:
        reasons = "\n".join(f"{item.code} {item.message}\n    help: {item.help}" for item in bad)
        msg = f"{path} would not pass the check and was not written:\n{reasons}"
        raise CardError(msg)
    replace(path, text)


def card_text(
    path: Path,
    facts: Mapping[str, str],
    *,
    citation: str = "",
    parameters: int = 0,
    class_argument: str = "",
) -> str:
    """Text of a fresh card that will stand at `path`, from facts as for `write_card`.

    Args:
        path: Where the card will stand.
        facts: Values under the names of their keys; `model-name` is needed.
        citation: The paper behind the network, as Markdown.
        parameters: How many the file was found to hold, where it was tried.
        class_argument: The network argument that counts the classes.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mindspore_hub.authoring"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is Markdown, not HTML
    )
    known = _known_facts(path, facts)
    uid = uid_of(path)
    return environment.get_template("card.md.jinja").render(
        front_matter=_front_matter(known),
        load_name=uid if "/" in uid else known["model-name"],
        citation=citation,
        parameters=parameters,
        class_argument=class_argument,
        **_body_facts(known),
    )


def _body_facts(known: Mapping[str, str]) -> dict[str, Any]:
    """What the body repeats of the front matter."""
    code = parse_repo_link(known["repo-link"])
    inputs, outputs = (as_shapes(_node(known[key])) for key in ("input-shape", "output-shape"))
    return {
        "model": known["model-name"],
        "summary": known["summary"].removesuffix("."),
        "code": (code and code.path) or known["repo-link"],
        "repo_link": known["repo-link"],
        "dataset": known["train-dataset"],
        "author": known["author"],
        "batches": [_batch("2", shape) for shape in inputs],
        "printed": dict.fromkeys(_batch("2", shape) for shape in outputs),
        "inputs": [_batch("N", shape) for shape in inputs],
        "outputs": [_batch("N", shape) for shape in outputs],
        "network_args": as_arguments(_node(known["network-args"])),
        "metrics": [text.strip() for text in known["evaluation"].split("|") if text.strip()],
        "license": known["license"],
    }


def _node(value: str) -> YamlNode | None:
    """A value as the front matter of the card will have it."""
    return read_front_matter([f"value: {value}"], 1)[0].get("value")


def _batch(count: str, shape: Shape) -> str:
    sizes = ", ".join([count, *map(str, shape)])
    return f"({sizes})" if shape else f"({sizes},)"


def _known_facts(path: Path, facts: Mapping[str, str]) -> dict[str, str]:
    """Facts of a fresh card in the order of its keys, with usual values for those not given."""
    if not is_class_name(facts["model-name"]):
        msg = (
            f"No class can have the model-name {facts['model-name']!r}; give a name of letters, "
            "digits and `_` that is not a word of Python, such as LeafNet."
        )
        raise CardError(msg)
    given = {key: value for key, value in facts.items() if value}
    if not given.get("task", "{").startswith("{"):
        given["task"] = task_named(given["task"]).EXAMPLE
    shapes = {key: shapes_text(parse_shapes(key, given[key])) for key in _SHAPES if key in given}
    return _defaults(path, facts) | given | shapes


def parse_shapes(key: str, value: str) -> tuple[Shape, ...]:
    """Shapes as cards have them, where the outer brackets may be left out; a CardError if not."""
    nodes = [_node(text) for text in (value.strip(), f"[{value.strip()}]")]
    node = next((node for node in nodes if node and wrong_part_of_shape(node) is None), None)
    if node is None:
        msg = (
            f"{key} is {value!r}, which is not a shape; write `[3, 288, 144]`, or one such list per "
            "tensor, without the batch axis."
        )
        raise CardError(msg)
    return as_shapes(node)


def shapes_text(shapes: Sequence[Shape]) -> str:
    """Shapes as a card states them; empty if there are none."""
    return flow(shapes if len(shapes) > 1 else shapes[0]) if shapes else ""


def _front_matter(known: Mapping[str, str]) -> str:
    """Front matter of a fresh card; a fact without a value stays out."""
    stated = {key: _line(key, value) for key, value in known.items() if value}
    asset = [f"    {line}" for key, line in stated.items() if are_known([key], ASSET)]
    lines = []
    for key, line in stated.items():
        if key == "license" and "asset-link" in stated:
            lines.append("\n".join(["asset:\n\n-", *asset]))
        if not are_known([key], ASSET):
            lines.append(line)
    return "\n\n".join(lines)


def flow(value: Any) -> str:
    """A value as YAML of one line: `{outputs: [0], distance: dot}`."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{flow(key)}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return json.dumps(value)
    return value if _WORD.fullmatch(value) and _kind(value) == "str" else _quoted(value)


def _defaults(path: Path, facts: Mapping[str, str]) -> dict[str, str]:
    """A value for every key of the template, in its order; empty for a key that stays out."""
    model = facts["model-name"]
    releases = [name for name in path.absolute().parent.parts if _VERSION.fullmatch(name)]
    version = facts.get("mindspore-version") or [_MINDSPORE_VERSION, *releases][-1]
    repo_link = facts.get("repo-link") or _REPOSITORY
    domain = re.search(r"/(?:official|research)/([a-z0-9]+)(?:/|$)", repo_link)
    module_type = facts.get("module-type") or (domain[1] if domain else "other")
    usual = {
        "model-name": model,
        "module-type": module_type,
        "update-time": _today(),
        "repo-link": repo_link,
        "mindspore-version": version,
        "summary": f"{model} is used for {module_type.partition('-')[0]}",
        "default": "",
    }
    known = [key for key in KEYS if key.need is not Need.LEGACY and key.name != "asset"]
    found = {key.name: usual.get(key.name, key.default) for key in known}
    repeated = {key.name: key.same_as for key in known if key.same_as}
    return found | {key: facts.get(other) or found[other] for key, other in repeated.items()}


def _today() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    try:
        now = datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now()
    except (ValueError, OverflowError, OSError) as error:
        msg = (
            f"SOURCE_DATE_EPOCH must be seconds since 1970, but is {shown_address(epoch)!r}; correct "
            "it or unset it."
        )
        raise SettingsError(msg) from error
    return now.date().isoformat()


def _is_first(path: Path, model: str) -> bool:
    """Whether the card is the first one of its model in a hub, where one has to be the default."""
    root = root_above(path)
    if root is None:
        return False
    try:
        documents = read_cards(find_cards(root)).values()
    except CardError:  # a hub without cards
        return True
    return model.lower() not in {item.card.model_name.lower() for item in documents}


def _line(key: str, value: str) -> str:
    if key.endswith("-link"):
        return f"{key}: <{value.removeprefix('<').removesuffix('>')}>"
    plain = key_of(key).is_structured or _is_plain(key, value)
    return f"{key}: {value if plain else _quoted(value)}"


def _quoted(value: str) -> str:
    """A value in double quotes, where YAML takes more characters than JSON for the end of a line."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(c if c.isprintable() else quoted(c)[1:-1] for c in escaped)}"'


def _is_plain(key: str, value: str) -> bool:
    """Whether a value needs no quotes, since YAML reads what is meant.

    `1.10` reads as 1.1, and 2.0 is 2 to JSON, so that these versions need them.
    """
    kind = _kind(value)
    if key.endswith("-version") and re.fullmatch(r"\d+\.\d+", value):
        return str(float(value)) == value and not float(value).is_integer()
    meant = {Form.BOOLEAN: {"bool"}}.get(key_of(key).form, _MEANT.get(key, {"str"}))
    octal = kind == "int" and value.startswith("0") and value != "0"
    return bool(_PLAIN.fullmatch(value)) and kind in meant and not octal


def _kind(value: str) -> str:
    """What some YAML reader takes a plain value for: `str`, `int`, `float`, `bool`, `timestamp`."""
    import yaml

    if value.lower() in _NO_TEXT:
        return "null"
    if _NUMBER.fullmatch(value):
        return "int"
    resolver: Any = yaml.SafeLoader("")
    tag: str = resolver.resolve(yaml.ScalarNode, value, (True, False))
    return tag.rpartition(":")[2]
