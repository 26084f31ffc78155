"""Typed facts of a card, as loading its network needs them."""

from __future__ import annotations

import re
from collections.abc import Mapping as Facts
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mindspore_hub.errors import CardError
from mindspore_hub.hub.document import Document, read_document
from mindspore_hub.hub.facts import asset_items
from mindspore_hub.hub.fields import asset_problems
from mindspore_hub.hub.findings import Place, Problem
from mindspore_hub.hub.front_matter import Mapping, Scalar
from mindspore_hub.hub.metrics import Metric, parse_evaluation
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import Argument, Shape, as_argument, as_arguments, as_shapes
from mindspore_hub.hub.vocabulary import listed
from mindspore_hub.tasks.pictures.fields import Preprocessing, as_preprocessing
from mindspore_hub.tasks.retrieval.fields import Protocol, Retrieval, as_protocol, as_retrieval

REQUIRED_KEYS = listed("keys-required")
"""Keys that every card has."""

LOADABLE_FORMATS = ("ckpt", "safetensors")
"""Formats of an asset that hold a checkpoint; the first asset in one of them is loaded."""

_MODEL_NAME = pattern(r"\w[\w.+-]*")


@dataclass(frozen=True)
class Asset:
    """A published checkpoint.

    Attributes:
        link: Where it is published.
        sha256: Digest of its bytes, 64 lower-case hexadecimal digits.
        network_args: Constructor arguments of the network that it fits.
        preprocessing: How pictures are prepared for it, if the card says it.
        retrieval: What becomes of the network's outputs, if the card says it.
        protocol: How the published metrics were measured, if the card says it.
        size: Approximate size as the card gives it, such as `329 MB`, or an empty string.
        format: What the card says that it is, one of `LOADABLE_FORMATS`.
    """

    link: str
    sha256: str
    network_args: Facts[str, Argument] = field(default_factory=dict)
    preprocessing: Preprocessing | None = None
    retrieval: Retrieval | None = None
    protocol: Protocol | None = None
    size: str = ""
    format: str = "ckpt"

    @property
    def file_name(self) -> str:
        """Last component of the link."""
        return self.link.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Card:
    """A model card: the only declaration of a model.

    Attributes:
        path: File of the card.
        uid: `publisher/version/card`.
        title: Title, for display only.
        model_name: Name of the network; what `load` takes.
        is_default: Whether the bare model name means this card.
        asset: Its loadable checkpoint (the first in a format that loads), if it has one.
        input_shapes: Shape of each input for one sample.
        output_shapes: Shape of each output in inference mode for one sample.
        facts: Text of every top-level key with a single value.
        needs_uid: Whether its hub has another card that its variant means, as after a second
            release; the catalog says it.
    """

    path: Path
    uid: str
    title: str
    model_name: str
    is_default: bool
    asset: Asset | None
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    facts: Facts[str, str]
    needs_uid: bool = False

    @property
    def name(self) -> str:
        """File name of the card without its extension."""
        return self.path.stem

    @property
    def version(self) -> str:
        """MindSpore release that the card was published for, such as `1.9`."""
        return self.facts.get("mindspore-version", "")

    @property
    def metrics(self) -> list[Metric]:
        """Metrics that the card publishes."""
        return parse_evaluation(Scalar(self.facts.get("evaluation", ""), Place()))[0]

    @property
    def variant(self) -> str:
        """What tells this card from others of its model, data set first: `sysumm01-all`."""
        return variant_of(self.name, self.model_name)

    @property
    def variant_name(self) -> str:
        """What `load` takes for this variant, `MVD@sysumm01-all`; the uid where that is needed."""
        return self.uid if self.needs_uid else f"{self.model_name}@{self.variant}"

    @property
    def short_name(self) -> str:
        """Shortest name that `load` takes for this card: `MVD`, `MVD@sysumm01-all`, or its uid."""
        return self.model_name if self.is_default else self.variant_name


def variant_of(name: str, model_name: str) -> str:
    """Variant that the name of a card says: `sysumm01-all` of `mvd_allresearch_sysumm01`.

    What stands between model and data set comes last; `allsearch` is short for all.
    """
    *configuration, dataset = name.split("_")
    if configuration and configuration[0] == model_name.lower():
        configuration = configuration[1:]
    text = re.sub(r"(re)?search$", "", "_".join(configuration))
    return f"{dataset}-{text}".strip("-")


def variants_of(name: str, model_name: str) -> set[str]:
    """What may stand behind `<model>@` for a card, in lower case."""
    full = variant_of(name, model_name).lower()
    return {full, name.lower(), full.split("-")[0]}


def read_card(path: Path, uid: str) -> Card:
    """Read the card at `path`.

    Raises:
        CardError: The card cannot be read, or names no model, or its `asset` is no list of files,
            or its network-args mean nothing.
    """
    document = read_document(path)
    problem = document.syntax_error
    problem = problem or _model_name_problem(document.front_matter)
    problem = problem or next(asset_problems(document.front_matter), None)
    problem = problem or _network_args_problem(document.front_matter)
    if problem:
        where = f"{path}:{problem.place.line}:{problem.place.column}"
        msg = f"{where}: {problem.message}; run `mshub card check {path}` for every finding."
        raise CardError(msg)
    return _card(document, uid)


def stated(card: Card, key: str) -> Any:
    """What a card says under `preprocessing`, `retrieval` or `protocol`.

    Raises:
        CardError: It says nothing there, or something that cannot be read.
    """
    facts = getattr(card.asset, key, None)
    if facts is None:
        msg = (
            f"{card.uid} says no `{key}` that could be followed; add it to its asset, and see "
            f"`mshub card check {card.path}`."
        )
        raise CardError(msg)
    return facts


def _model_name_problem(front_matter: Mapping) -> Problem | None:
    """A model name becomes part of paths, so it must not lead out of the hub."""
    name = front_matter.text("model-name")
    if not name:
        return Problem(front_matter.place, "model-name is missing or empty", "add it")
    if not _MODEL_NAME.fullmatch(name):
        message = f"model-name {name!r} is not made of letters, digits and any of `_.+-`"
        return Problem(front_matter.place_of("model-name"), message, "rename the model")
    return None


def _network_args_problem(front_matter: Mapping) -> Problem | None:
    """An argument that cannot be read would build another network than the card means."""
    for item in asset_items(front_matter):
        arguments = item.get("network-args")
        place = item.place_of("network-args")
        if arguments is None:
            continue
        if not isinstance(arguments, Mapping):
            return Problem(place, "network-args is no mapping", "write `{name: value}`")
        for name, value in arguments.entries:
            if not isinstance(value, Scalar) or not value.text:
                message = f"network-args gives {name.text} no single value"
                return Problem(name.place, message, "write `{name: value}`")
    return None


def _card(document: Document, uid: str) -> Card:
    front_matter = document.front_matter
    return Card(
        path=document.path,
        uid=uid,
        title=document.title or "",
        model_name=front_matter.text("model-name") or "",
        is_default=as_argument(front_matter.get("default")) is True,
        asset=_loadable_asset(front_matter),
        input_shapes=as_shapes(front_matter.get("input-shape")),
        output_shapes=as_shapes(front_matter.get("output-shape")),
        facts={key: text for key in front_matter.names if (text := front_matter.text(key))},
    )


def _loadable_asset(front_matter: Mapping) -> Asset | None:
    for item in asset_items(front_matter):
        file_format = (item.text("file-format") or "").lower()
        if file_format in LOADABLE_FORMATS:
            return Asset(
                link=item.text("asset-link") or "",
                sha256=item.text("asset-sha256") or "",
                network_args=as_arguments(item.get("network-args")),
                preprocessing=as_preprocessing(item.get("preprocessing")),
                retrieval=as_retrieval(item.get("retrieval")),
                protocol=as_protocol(item.get("protocol")),
                size=item.text("asset-size") or "",
                format=file_format,
            )
    return None
