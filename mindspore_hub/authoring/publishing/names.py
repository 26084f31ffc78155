"""Names of a published file and of its card, and what contradicts them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mindspore_hub.authoring.publishing.facts import domain
from mindspore_hub.errors import CardError
from mindspore_hub.hub.metrics import (
    FileName,
    Metric,
    compare,
    parse_file_name,
    parse_metric,
    parse_metrics,
)
from mindspore_hub.hub.vocabulary import plain

_METRIC = re.compile(r"[A-Za-z][\w@.+-]*", re.ASCII)

_PARTS = {
    "mindspore-version": (r"\d+\.\d+(\.\d+)?", "write the release as 2.7"),
    "device": ("ascend|gpu|cpu", "device is ascend, gpu or cpu"),
    "kind": ("official|research", "kind is official or research"),
}
"""Facts that are part of the name of a file, what they can be, and what to write."""

_VARIANT = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


def check_parts(facts: Mapping[str, str]) -> None:
    """Compare facts with what a published name can hold, one by one.

    Raises:
        CardError: One cannot be part of it.
    """
    for key, (form, hint) in _PARTS.items():
        if not re.fullmatch(form, facts[key], re.ASCII):
            msg = f"{key} {facts[key]!r} cannot be part of the name of a published file; {hint}."
            raise CardError(msg)
    if not re.fullmatch("[a-z]+", domain(facts)):
        msg = (
            f"module-type {facts['module-type']!r} does not begin with a domain, such as cv or "
            "cv-classification."
        )
        raise CardError(msg)


def card_name(model: str, facts: Mapping[str, str]) -> str:
    """Name of a card: `<model>[_<variant>]_<data set>`.

    Raises:
        CardError: The variant cannot be part of a name.
    """
    return "_".join([_begin(model, facts), plain(facts["train-dataset"])])


def file_name(model: str, facts: Mapping[str, str], extension: str) -> str:
    """Name of the file by the grammar of published files.

    Raises:
        CardError: A fact cannot be part of it.
    """
    digits = facts["mindspore-version"].replace(".", "")
    release = digits if facts["mindspore-version"].count(".") > 1 else f"{digits}0"
    parts = [
        _begin(model, facts),
        facts["device"],
        f"v{release}",
        plain(facts["train-dataset"]),
        facts["kind"],
        domain(facts),
        *(metric.text for metric in metrics(facts)),
    ]
    name = f"{'_'.join(parts)}.{extension}"
    if not isinstance(parse_file_name(name), FileName):
        msg = (
            f"No published file can be called {name}: {model} or train-dataset "
            f"{facts['train-dataset']!r} cannot be part of it."
        )
        raise CardError(msg)
    return name


def metrics(facts: Mapping[str, str]) -> list[Metric]:
    """Metrics of `evaluation`.

    Raises:
        CardError: It states another thing than metrics.
    """
    found = [parse_metric(segment) for segment in facts["evaluation"].split("|")]
    if not all(metric and metric.name and _METRIC.fullmatch(metric.text) for metric in found):
        msg = (
            f"evaluation {facts['evaluation']!r} is no list of metrics; write them as "
            "`rank1acc71 | mAP66`."
        )
        raise CardError(msg)
    return [metric for metric in found if metric]


def check_name(name: str, facts: Mapping[str, str]) -> None:
    """Compare what the name of a file states with the facts.

    Raises:
        CardError: They contradict each other.
    """
    parsed = parse_file_name(name)
    lines = list(_contradictions(parsed, facts)) if isinstance(parsed, FileName) else []
    if lines:
        listed = "\n".join(f"  {line}" for line in lines)
        msg = (
            f"The name of the file {name} contradicts the facts:\n{listed}\n"
            "Correct the facts, or rename the file."
        )
        raise CardError(msg)


def _contradictions(name: FileName, facts: Mapping[str, str]) -> Iterator[str]:
    stated = facts["train-dataset"]
    if plain(stated) != plain(name.dataset):
        yield f"train-dataset is {stated}, the name has {name.dataset}"
    digits = facts["mindspore-version"].replace(".", "")
    if name.version not in {digits, f"{digits}0"}:
        yield f"mindspore-version is {facts['mindspore-version']}, the name has v{name.version}"
    others = {"device": name.device, "kind": name.kind}
    for key, found in others.items():
        if facts[key] != found:
            yield f"{key} is {facts[key]}, the name has {found}"
    if domain(facts) != name.domain:
        yield f"module-type is {facts['module-type']}, the name has {name.domain}"
    pairs = compare(metrics(facts), parse_metrics(name.metrics or ""))
    for metric, published in [*pairs.values, *pairs.names]:
        yield f"evaluation has {metric.text}, the name has {published.text}"


def _begin(model: str, facts: Mapping[str, str]) -> str:
    variant = facts.get("variant", "")
    if variant and not _VARIANT.fullmatch(variant):
        msg = f"variant {variant!r} cannot be part of a name; write small letters and digits."
        raise CardError(msg)
    return f"{model.lower()}_{variant}" if variant else model.lower()
