"""Model cards as the loader, the rules and all others have them: typed, and read when asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mindspore_hub.errors import CardError
from mindspore_hub.hub.findings import Place, Problem
from mindspore_hub.hub.metrics import (
    PLACEHOLDERS,
    Comparison,
    FileName,
    Metric,
    ToolkitFileName,
    compare,
    parse_evaluation,
    parse_file_name,
    parse_metrics,
)
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import (
    NOTHING,
    Argument,
    Input,
    Shape,
    YamlList,
    YamlMapping,
    YamlNode,
    YamlText,
    as_argument,
    as_arguments,
    as_inputs,
    as_plain,
    as_shapes,
    is_null,
    link_text,
)

if TYPE_CHECKING:
    from mindspore_hub.hub.document import Document

LOADABLE_FORMATS = ("ckpt", "safetensors")
"""Formats of an asset that hold a checkpoint; the first asset in one of them is loaded."""

MODEL_NAME = pattern(r"\w[\w.+-]*")
NETWORK = pattern(r"(?P<module>[^\W\d]\w*)\.(?P<name>[^\W\d]\w*)")

_MOST_COMPARED = 20  # no card has more files; each comparison looks at all metrics

_REMEMBERED = 4096  # cards that a process keeps at most; a front matter takes some 10 kB

_Made = TypeVar("_Made")


class RepoLink(NamedTuple):
    """Where the original code is: `https://HOST/OWNER/REPO/tree/REF/PATH`."""

    url: str
    host: str
    owner: str
    repo: str
    ref: str | None
    path: str | None


@dataclass(frozen=True)
class Asset:
    """A published file; texts that the card does not say are empty.

    `sha256` is the digest of its bytes, 64 lower-case hexadecimal digits, `network_args` are the
    constructor arguments of the network that it fits, and `size` is as the card gives it, such as `329 MB`.
    """

    link: str
    sha256: str
    network_args: Mapping[str, Argument] = field(default_factory=dict)
    size: str = ""
    format: str = "ckpt"
    node: YamlMapping = field(default=NOTHING, repr=False, compare=False)

    @classmethod
    def of(cls, node: YamlMapping) -> Asset:
        """The asset that an item of `asset` describes."""
        return cls(
            link=node.text("asset-link"),
            sha256=node.text("asset-sha256"),
            network_args=as_arguments(node.get("network-args")),
            size=node.text("asset-size"),
            format=node.text("file-format"),
            node=node,
        )

    @property
    def is_loadable(self) -> bool:
        """Whether it is a checkpoint in a format that loads."""
        return self.format.lower() in LOADABLE_FORMATS

    @property
    def file_name(self) -> str:
        """Last component of the link."""
        return self.link.rsplit("/", 1)[-1]

    @cached_property
    def name(self) -> FileName | ToolkitFileName | None:
        """What its file name says; None where it follows no published grammar."""
        return parse_file_name(self.file_name)

    @cached_property
    def metrics(self) -> list[Metric]:
        """Metrics that its file name states."""
        name = self.name
        return parse_metrics(name.metrics) if isinstance(name, FileName) and name.metrics else []

    def mapping(self, key: str) -> dict[str, Any] | None:
        """What stands behind a key such as `preprocessing`, as plain Python; None for no mapping."""
        node = self.node.get(key)
        return as_plain(node) if isinstance(node, YamlMapping) else None


@dataclass(frozen=True)
class Card:
    """A model card: the only declaration of a model.

    What its front matter does not say, or not in a form that can be read, is empty or None; a rule says
    why. Texts are as written: versions and digests are not numbers. `uid` is `publisher/version/card`, and
    `title` for display only. `needs_uid` says that its hub has another card that its variant means, as after
    a second release. `other_asset` is loaded in place of the one in the front matter.
    """

    path: Path
    uid: str
    title: str
    front_matter: YamlMapping = field(default=NOTHING, repr=False)
    needs_uid: bool = False
    other_asset: Asset | None = None

    @property
    def is_indexed(self) -> bool:
        """Whether only facts of it are here, in the index: no text, and no network."""
        return False

    @property
    def document(self) -> Document:
        """The card as text, read again."""
        from mindspore_hub.hub.document import read_document  # which most cards do without

        return read_document(self.path, self.uid)

    @cached_property
    def values(self) -> dict[str, YamlNode]:
        """Value of every key of the front matter, the last one of a key that stands twice."""
        return {name.text: value for name, value in self.front_matter.entries}

    def text(self, key: str) -> str:
        """Text of a single value, without the `<...>` around links; empty if there is none."""
        value = self.values.get(key)
        return link_text(value.text) if isinstance(value, YamlText) else ""

    @cached_property
    def name(self) -> str:
        """File name of the card without its extension."""
        return self.path.stem

    @cached_property
    def model_name(self) -> str:
        """Name of the network; what `load` takes."""
        return self.text("model-name")

    @property
    def network(self) -> tuple[str, str]:
        """Module in `models/`, and the class or function in it that builds the network.

        `network: resnet.resnet50` says it; otherwise both have the name of the model.
        """
        match = NETWORK.fullmatch(self.text("network"))
        return (match[1], match[2]) if match else (self.model_name.lower(), self.model_name)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What the network takes: shape for one sample, and dtype."""
        stated = as_inputs(self.values.get("input"))
        return stated or tuple(map(Input, as_shapes(self.values.get("input-shape"))))

    @cached_property
    def version(self) -> str:
        """MindSpore release that the card was published for, such as `1.9`."""
        return self.text("mindspore-version")

    @property
    def is_default(self) -> bool:
        """Whether the bare model name means this card."""
        return as_argument(self.values.get("default")) is True

    @property
    def domain(self) -> str:
        """First part of `module-type`, in lower case."""
        return self.text("module-type").partition("-")[0].strip().lower()

    @cached_property
    def repo_link(self) -> RepoLink | None:
        """Parts of `repo-link`; None if it is of another form."""
        return parse_repo_link(self.text("repo-link"))

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """Shape of each input for one sample."""
        return tuple(item.shape for item in self.inputs)

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """Shape of each output in inference mode for one sample."""
        return as_shapes(self.values.get("output-shape"))

    @cached_property
    def assets(self) -> list[Asset]:
        """All published files."""
        return [Asset.of(item) for item in asset_items(self.front_matter)]

    @property
    def asset(self) -> Asset | None:
        """Its loadable checkpoint (the first in a format that loads), if it has one."""
        found = (asset for asset in self.assets if asset.is_loadable)
        return self.other_asset or next(found, None)

    def with_asset(self, asset: Asset | None) -> Card:
        """The card with another checkpoint than the one in its front matter, or with that one."""
        return Card(self.path, self.uid, self.title, self.front_matter, self.needs_uid, asset)

    def asset_text(self, key: str) -> str:
        """Text of a single value of its loadable checkpoint; empty if there is none."""
        return self.asset.node.text(key) if self.asset else ""

    @property
    def metrics(self) -> list[Metric]:
        """Metrics of `evaluation`."""
        return self._evaluation[0]

    @property
    def bad_segments(self) -> list[tuple[str, Place]]:
        """Segments of `evaluation` that are not metrics, with their places."""
        return self._evaluation[1]

    @cached_property
    def _evaluation(self) -> tuple[list[Metric], list[tuple[str, Place]]]:
        return parse_evaluation(self.values.get("evaluation"))

    @property
    def placeholder(self) -> str:
        """What stands in `evaluation` for the absence of any metric, such as `none`."""
        text = self.text("evaluation")
        return text if text.strip().lower() in PLACEHOLDERS else ""

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Metrics of `evaluation` against those in the name of each file."""
        stated = "_".join([metric.text for metric in self.metrics])
        return [
            compare(self.metrics, asset.metrics)
            for asset in self.assets[:_MOST_COMPARED]
            if isinstance(asset.name, FileName) and asset.name.metrics not in {None, stated}
        ]

    def called_by_uid(self) -> Card:
        """The same, where its variant means another card as well."""
        same = copy(self)
        vars(same).update(needs_uid=True)
        return same

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


def read_card(path: Path, uid: str) -> Card:
    """Read the card at `path`; one that has not changed since is not read again.

    A CardError says that it cannot be read, or says no model, assets or arguments that mean anything.
    """
    try:
        state = path.stat()
    except (OSError, ValueError):
        return _read(path, uid)  # which says why it cannot be read
    return _remembered(path, uid, state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(path: Path, uid: str, *_state: int) -> Card:
    return _read(path, uid)


def _read(path: Path, uid: str) -> Card:
    from mindspore_hub.hub.brief import brief_card

    return brief_card(path, uid) or read_whole(path, uid)


def read_whole(path: Path, uid: str) -> Card:
    """Read all of the front matter of the card at `path`; errors are those of `read_card`."""
    from mindspore_hub.hub.document import read_document

    document = read_document(path, uid)
    problem = document.syntax_error or next(_problems(document.front_matter), None)
    if problem:
        where = f"{path}:{problem.place.line}:{problem.place.column}"
        msg = f"{where}: {problem.message}; run `mshub card check {path}` for every finding."
        raise CardError(msg)
    return document.card


def stated(
    card: Card, key: str, read: Callable[[YamlNode | None], _Made | None], wanted: str = ""
) -> _Made:
    """What `read` makes of a key of the asset, `wanted` being its form; a CardError if nothing."""
    made = read(card.asset.node.get(key)) if card.asset else None
    if made is None:
        msg = (
            f"{card.uid} says no `{wanted or key}` that could be followed; add it to its asset, and see "
            f"`mshub card check {card.path}`."
        )
        raise CardError(msg)
    return made


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


def asset_items(front_matter: YamlMapping) -> list[YamlMapping]:
    """Items of `asset`."""
    items = front_matter.get("asset")
    if not isinstance(items, YamlList):
        return []
    return [item for item in items.items if isinstance(item, YamlMapping)]


def parse_repo_link(url: str) -> RepoLink | None:
    """Parts of a `repo-link`; None if it is of another form."""
    from mindspore_hub.hub.keys import fits

    if not fits("repo-link", url):
        return None
    host, owner, repo, *rest = url.removesuffix("/").split("/", 7)[2:]
    ref, path = (*rest[1:], None, None)[:2]
    return RepoLink(url, host, owner, repo, ref, path)


def _problems(front_matter: YamlMapping) -> Iterator[Problem]:
    """What makes a card one that nothing can be done with."""
    from mindspore_hub.hub.fields import asset_problems

    name = front_matter.text("model-name")
    if not name:
        yield Problem(front_matter.place, "model-name is missing or empty", "add it")
    elif not MODEL_NAME.fullmatch(name):  # a part of paths, which must not lead out of the hub
        message = f"model-name {name!r} is not made of letters, digits and any of `_.+-`"
        yield Problem(front_matter.place_of("model-name"), message, "rename the model")
    network = front_matter.get("network")
    if not is_null(network) and not NETWORK.fullmatch(front_matter.text("network")):
        place = front_matter.place_of("network")
        yield Problem(place, "network is not MODULE.NAME", "write `resnet.resnet50`")
    yield from asset_problems(front_matter)
    # An argument that cannot be read would build another network than the card means.
    for item in asset_items(front_matter):
        arguments = item.get("network-args") or NOTHING
        if not isinstance(arguments, YamlMapping):
            place = item.place_of("network-args")
            yield Problem(place, "network-args is not a mapping", "write `{name: value}`")
            continue
        for argument, value in arguments.entries:
            if not isinstance(value, YamlText) or not value.text:
                message = f"network-args gives {argument.text} no single value"
                yield Problem(argument.place, message, "write `{name: value}`")
