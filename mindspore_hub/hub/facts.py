"""What the front matter says, normalised: the facts that rules compare and `mshub card show` prints.

Facts are read as far as they can be; what cannot is None, and a rule says why.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from mindspore_hub.hub.findings import Place
from mindspore_hub.hub.front_matter import Mapping, Node, Scalar, Sequence, link_text
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.metrics import Comparison, Metric, compare, parse_evaluation, parse_metrics
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.tasks.pictures.fields import as_preprocessing
from mindspore_hub.tasks.retrieval.fields import as_protocol, as_retrieval

if TYPE_CHECKING:
    from mindspore_hub.hub.document import Document

_RELEASE_FILE = pattern(
    r"(?P<model>.+?)_(?P<device>ascend|gpu|cpu)_v(?P<ver>\d+)_(?P<dataset>.+?)"
    r"_(?P<kind>official|research)_(?P<domain>[a-z]+)(?:_(?P<metrics>.+))?\.(?P<ext>[a-z]+)"
)
_TOOLKIT_FILE = pattern(r"(?P<model>.+)-(?P<prefix>[0-9a-f]{8,9})-(?P<chip>910v2)\.(?P<ext>[a-z]+)")

_IMPLEMENTATION = pattern(
    r"implementation of\s+(?P<name>\S.{0,80}?)\s+from\s"
    r"(?:(?:(?!\n\n).){0,200}?\bat\s+\[?(?P<path>[\w.+-]+(?:/[\w.+-]+)+))?",
    re.DOTALL,
)
"""The sentence with which cards say what they use, and where it is."""

_DATE = pattern(r"(\d{4})-(\d{1,2})-(\d{1,2})")


PLACEHOLDERS = frozenset({"no", "none", "null", "n/a", "na", "nan", "tbd", "todo", "unknown", "/"})
"""What stands in `evaluation` for the absence of any metric, in lower case."""

_LONGEST_NAME = 255
"""Longer ones are no file name, and would take the expressions above their time."""

_MOST_COMPARED = 20
"""No card has more files; each comparison looks at all metrics."""

_TEXT_KEYS = (
    "model-name",
    "backbone-name",
    "author",
    "user-id",
    "license",
    "summary",
    "model-version",
    "mindspore-version",
)

_SHORT = {"version": "ver", "extension": "ext"}


class RepoLink(NamedTuple):
    """Where the original code is: `https://HOST/OWNER/REPO/tree/REF/PATH`."""

    url: str
    host: str
    owner: str
    repo: str
    ref: str | None
    path: str | None


class FileName(NamedTuple):
    """What the name of a release file says."""

    model: str
    device: str
    version: str
    dataset: str
    kind: str
    domain: str
    metrics: str | None
    extension: str


class ToolkitFileName(NamedTuple):
    """What the name of a toolkit's file says."""

    model: str
    prefix: str
    chip: str
    extension: str


class Implementation(NamedTuple):
    """What the introduction of a card says that it uses.

    Attributes:
        name: The network.
        path: Folder of its code, None if there is none.
        place: Where the paragraph begins.
    """

    name: str
    path: str | None
    place: Place


class AssetFacts:
    """One asset item.

    Attributes:
        node: Its keys and values.
        format: `file-format` as written.
        link: `asset-link` without angle brackets.
        sha256: `asset-sha256` as written.
    """

    def __init__(self, node: Mapping) -> None:
        self.node = node
        self.format = node.text("file-format") or None
        self.link = node.text("asset-link") or None
        self.sha256 = node.text("asset-sha256") or None

    @property
    def file(self) -> str:
        """Last component of the link."""
        return (self.link or "").rsplit("/", 1)[-1]

    @cached_property
    def name(self) -> FileName | ToolkitFileName | None:
        """What its file name says; None where it follows no published grammar."""
        return parse_file_name(self.file)

    @cached_property
    def metrics(self) -> list[Metric]:
        """Metrics that its file name states."""
        name = self.name
        return parse_metrics(name.metrics) if isinstance(name, FileName) and name.metrics else []


class Facts:
    """Facts of a card, read when they are asked for.

    Args:
        front_matter: Its front matter.
    """

    def __init__(self, front_matter: Mapping) -> None:
        self._front = front_matter
        self._values: dict[str, Node] = {key.text: value for key, value in front_matter.entries}
        self.model_name = self.text("model-name")
        self.mindspore_version = self.text("mindspore-version")

    def text(self, key: str) -> str | None:
        """Text of a value; None if it is absent or empty."""
        value = self._values.get(key)
        return (link_text(value.text) or None) if isinstance(value, Scalar) else None

    @property
    def model_version(self) -> str | None:
        """`model-version` as written."""
        return self.text("model-version")

    @property
    def dataset(self) -> str | None:
        """`train-dataset` as written."""
        return self.text("train-dataset")

    @property
    def license(self) -> str | None:
        """`license` as written."""
        return self.text("license")

    @cached_property
    def assets(self) -> list[AssetFacts]:
        """Asset items."""
        return [AssetFacts(item) for item in asset_items(self._front)]

    @cached_property
    def repo_link(self) -> RepoLink | None:
        """Parts of `repo-link`; None if it is of another form."""
        return parse_repo_link(self.text("repo-link") or "")

    @property
    def evaluation(self) -> list[Metric]:
        """Metrics of `evaluation`."""
        return self._segments[0]

    @property
    def bad_segments(self) -> list[tuple[str, Place]]:
        """Segments of `evaluation` that are no metrics, with their places."""
        return self._segments[1]

    @cached_property
    def _segments(self) -> tuple[list[Metric], list[tuple[str, Place]]]:
        return parse_evaluation(self._values.get("evaluation"))

    @property
    def placeholder(self) -> str | None:
        """What stands in `evaluation` for the absence of any, such as `none`."""
        text = self.text("evaluation")
        return text if text and text.strip().lower() in PLACEHOLDERS else None

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Metrics of `evaluation` against those in the name of each file."""
        stated = "_".join([metric.text for metric in self.evaluation])
        return [
            compare(self.evaluation, asset.metrics)
            for asset in self.assets[:_MOST_COMPARED]
            if isinstance(asset.name, FileName) and asset.name.metrics not in {None, stated}
        ]

    @property
    def fine_tunable(self) -> bool | None:
        """`fine-tunable`; None if it is no boolean."""
        return {"true": True, "false": False}.get((self.text("fine-tunable") or "").lower())

    @property
    def domain(self) -> str | None:
        """First part of `module-type`, in lower case."""
        text = self.text("module-type")
        return text.split("-", 1)[0].strip().lower() if text else None

    @property
    def task(self) -> str | None:
        """What follows it, as written, or None."""
        text = self.text("module-type") or ""
        return text.split("-", 1)[1].strip() if "-" in text else None

    @property
    def used_for(self) -> list[str]:
        """Items of `used-for`."""
        return split_items(self.text("used-for"))

    @property
    def update_time(self) -> str | None:
        """`update-time` as YYYY-MM-DD; None if it is no date."""
        return iso_date(self.text("update-time") or "")


def normalised(document: Document) -> dict[str, Any]:
    """Facts of a card under the names of their keys, as JSON has them.

    Strings are kept as written; versions, digests and the values of metrics are strings. What is
    absent or cannot be read is None, or an empty list.
    """
    facts = document.facts
    return {
        "title": document.title,
        **{key: facts.text(key) for key in _TEXT_KEYS},
        "fine-tunable": facts.fine_tunable,
        "module-type": {"domain": facts.domain, "task": facts.task},
        "used-for": facts.used_for,
        "update-time": facts.update_time,
        "train-dataset": facts.dataset,
        "accuracy": facts.text("accuracy"),
        "evaluation": [_metric_json(metric) for metric in facts.evaluation] or None,
        "repo-link": facts.repo_link._asdict() if facts.repo_link else None,
        "asset": [_asset_json(asset) for asset in facts.assets],
    }


def implementation(document: Document) -> Implementation | None:
    """What the introduction says that the card uses, if it has the usual sentence."""
    text = document.body.text
    start = text.find("implementation of")
    match = _IMPLEMENTATION.match(text, start) if start >= 0 else None
    if not match:
        return None
    begin = text.rfind("\n\n", 0, start) + 2
    place = Place(document.body.first_line + text.count("\n", 0, begin))
    path = match["path"]
    return Implementation(match["name"], path.rstrip(".") if path else None, place)


def _metric_json(metric: Metric) -> dict[str, str | None]:
    found = {"name": metric.name, "value": metric.value}
    return {**found, "unit": metric.unit} if metric.unit else found


def _asset_json(asset: AssetFacts) -> dict[str, Any]:
    name = asset.name
    return {
        "format": asset.format,
        "link": asset.link,
        "sha256": asset.sha256,
        "name": {_SHORT.get(k, k): v for k, v in name._asdict().items() if v} if name else None,
        **own_keys(asset.node),
    }


def own_keys(asset: Mapping) -> dict[str, Any]:
    """Values of `preprocessing`, `retrieval` and `protocol`, as far as an asset has them."""
    found: dict[str, Any] = {}
    if prepared := as_preprocessing(asset.get("preprocessing")):
        found["preprocessing"] = prepared.as_json()
    if made := as_retrieval(asset.get("retrieval")):
        found["retrieval"] = made.as_json()
    if scored := as_protocol(asset.get("protocol")):
        found["protocol"] = scored.as_json()
    return found


def asset_items(front_matter: Mapping) -> list[Mapping]:
    """Asset items of a card."""
    items = front_matter.get("asset")
    if not isinstance(items, Sequence):
        return []
    return [item for item in items.items if isinstance(item, Mapping)]


def split_items(text: str | None) -> list[str]:
    """Items of a value such as `inference/transfer-learning`, in lower case."""
    return [item.strip().lower() for item in re.split(r"[/,|;]", text or "") if item.strip()]


def iso_date(text: str) -> str | None:
    """A calendar date with zeros where they belong; None if it is none."""
    match = _DATE.fullmatch(text.strip())
    if not match:
        return None
    try:
        return date(*map(int, match.groups())).isoformat()
    except ValueError:
        return None


def parse_repo_link(url: str) -> RepoLink | None:
    """Parts of a `repo-link`; None if it is of another form."""
    if not fits("repo-link", url):
        return None
    host, owner, repo, *rest = url.removesuffix("/").split("/", 7)[2:]
    ref, path = (*rest[1:], None, None)[:2]
    return RepoLink(url, host, owner, repo, ref, path)


def parse_file_name(name: str) -> FileName | ToolkitFileName | None:
    """What the name of a published file says; None if it follows no published grammar."""
    if len(name) > _LONGEST_NAME:
        return None
    match = _RELEASE_FILE.fullmatch(name)
    if match:
        return FileName(*match.groups())
    match = _TOOLKIT_FILE.fullmatch(name)
    return ToolkitFileName(*match.groups()) if match else None


def first_line(document: Document, item: Mapping) -> Place:
    """Where an asset item begins: the dash before its first key."""
    lines = document.lines
    for number in range(item.place.line, 0, -1):
        if lines[number - 1].lstrip().startswith("-"):
            return Place(number, lines[number - 1].index("-") + 1)
        if number < item.place.line and lines[number - 1].strip():
            break
    return item.place
