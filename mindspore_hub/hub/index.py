"""The index of a hub: facts of published cards in one file, which is read when a name needs it.

docs/index.md describes the file. Cards of the hub itself are read from their own files and never need
it.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from mindspore_hub._files import read_regular
from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import LOADABLE_FORMATS, Card, variants_of
from mindspore_hub.hub.values import SHA256, iso_date, release_order

INDEX = "index.jsonl.xz"
"""Name of the file in the folder `assets` of a hub."""

_MOST_BYTES = 100_000_000
"""No index is larger; one of 2,915 cards has 1.6 MB."""


class Entry(NamedTuple):
    """Facts of one published card, as a line of the index has them.

    What the card does not say is empty. `metrics` are pairs of name and value, and the keys of an
    asset are `format`, `link` and `sha256`, which may be the first eight digits only.
    """

    uid: str
    title: str = ""
    model: str = ""
    backbone: str = ""
    domain: str = ""
    task: str = ""
    dataset: str = ""
    licence: str = ""
    mindspore: str = ""
    updated: str = ""
    metrics: Sequence[tuple[str | None, str]] = ()
    repo: str = ""
    ref: str = ""
    path: str = ""
    assets: Sequence[Mapping[str, str]] = ()

    @classmethod
    def of(cls, card: Card) -> Entry:
        """The facts of a card that has been read."""
        link = card.repo_link
        updated, accuracy = card.text("update-time"), card.text("accuracy")
        legacy = [("accuracy", accuracy)] if accuracy else []  # the one metric of older cards
        return cls(
            uid=card.uid,
            title=card.title,
            model=card.model_name,
            backbone=card.text("backbone-name"),
            domain=card.domain,
            task=card.text("module-type").partition("-")[2].strip(),
            dataset=card.text("train-dataset"),
            licence=card.text("license"),
            mindspore=card.version,
            updated=iso_date(updated) or updated,
            metrics=[(metric.name, metric.value) for metric in card.metrics] or legacy,
            repo=f"{link.owner}/{link.repo}" if link else "",
            ref=(link and link.ref) or "",
            path=(link and link.path) or "",
            assets=[
                _without_nothing(format=item.format, link=item.link, sha256=item.sha256)
                for item in card.assets
            ],
        )

    @property
    def name(self) -> str:
        """Name of the card."""
        return self.uid.rpartition("/")[2]

    @property
    def release(self) -> str:
        """MindSpore release that it was published for; that of its folder if it does not say it."""
        return self.mindspore or self.uid.rpartition("/")[0].rpartition("/")[2]

    @property
    def asset(self) -> Mapping[str, str]:
        """Its checkpoint, else its first file; empty if it has none."""
        for item in self.assets:
            if item.get("format") in LOADABLE_FORMATS:
                return item
        return self.assets[0] if self.assets else {}

    @property
    def sha256(self) -> str:
        """Digest of that file as far as it is published."""
        return self.asset.get("sha256", "")

    @property
    def is_full(self) -> bool:
        """Whether the whole digest of its file is published, so that the file can be verified."""
        return SHA256.fullmatch(self.sha256) is not None

    @property
    def use(self) -> str:
        """What can be done with it where no network is: `weights` for a checkpoint, or `reference`."""
        asset = self.asset
        is_checkpoint = asset.get("format") in LOADABLE_FORMATS and "link" in asset
        return "weights" if is_checkpoint and self.sha256 else "reference"

    def is_of_network(self, other: Entry) -> bool:
        """Whether both name one model in any case, one card, or one folder of code."""
        models = self.model.lower(), other.model.lower()
        return len({*models}) == 1 or self.name == other.name or self.path == other.path != ""

    @property
    def evaluation(self) -> str:
        """Its metrics as text."""
        return " | ".join(f"{name}: {value}" if name else value for name, value in self.metrics)

    @property
    def line(self) -> str:
        """Its line in the index."""
        return json.dumps(self, separators=(",", ":"))


HEADER = f'{{"mshub-index":2,"keys":{json.dumps(Entry._fields, separators=(",", ":"))}}}'
"""First line of the file: the version of its schema, and what the values of all others are."""


class Index:
    """Entries by every name they have, and files with their cards."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)

    @cached_property
    def by_uid(self) -> dict[str, Entry]:
        """Entries by their uid in lower case."""
        return {entry.uid.lower(): entry for entry in self.entries}

    @cached_property
    def by_name(self) -> dict[str, list[Entry]]:
        """Entries by the name of the card in lower case."""
        return _grouped((entry.name.lower(), entry) for entry in self.entries)

    @cached_property
    def by_model(self) -> dict[str, list[Entry]]:
        """Entries by the name of the model in lower case."""
        return _grouped((entry.model.lower(), entry) for entry in self.entries if entry.model)

    @cached_property
    def _by_file(self) -> dict[str, list[Entry]]:
        """Entries by the digest of their file; one without a digest by its uid."""
        return _grouped((entry.sha256 or entry.uid, entry) for entry in self.entries)

    @property
    def files(self) -> Iterator[tuple[Entry, ...]]:
        """Cards that share a file, the newest first, and each one that has none."""
        return (tuple(sorted(entries, key=_newest_first)) for entries in self._by_file.values())

    @property
    def names(self) -> list[str]:
        """Names of models and of cards."""
        models = (entry.model for entry in self.entries if entry.model)
        return list(dict.fromkeys([*models, *(entry.name for entry in self.entries)]))

    def sharing(self, entry: Entry) -> tuple[Entry, ...]:
        """Cards that publish the file of this one, the newest first."""
        return tuple(sorted(self._by_file[entry.sha256 or entry.uid], key=_newest_first))

    def of_network(self, entry: Entry) -> tuple[Entry, ...]:
        """Those of `sharing` that are of the same network: a few digests stand in cards of two."""
        return tuple(filter(entry.is_of_network, self.sharing(entry)))

    def links(self, sha256: str) -> Iterator[str]:
        """Every link under which a file is published."""
        for entry in self.entries:
            for asset in entry.assets:
                if asset.get("sha256") == sha256 and "link" in asset:
                    yield asset["link"]

    def named(self, name: str, variant: str | None = None) -> list[Entry]:
        """Entries whose card has that name, else whose model has it.

        Args:
            name: Name of a card or a model in any case.
            variant: Release (`1.9`, `r1.9`), or what tells cards of a model apart (`imagenet2012`).
        """
        entries = self.by_name.get(name.lower()) or self.by_model.get(name.lower(), [])
        if variant is None:
            return entries
        of_release = [entry for entry in entries if entry.release == variant.removeprefix("r")]
        return of_release or [
            entry for entry in entries if variant.lower() in variants_of(entry.name, entry.model)
        ]

    def choose(self, entries: Sequence[Entry]) -> Entry:
        """The entry that a name with these entries means."""
        return min(entries, key=self.rank)

    def rank(self, entry: Entry) -> tuple[Any, ...]:
        """What orders entries that fit a name alike.

        First come the newest ones of files with a whole digest; among files of one release, those of
        the data set that most cards have, then of the most releases.
        """
        return (
            not entry.is_full,
            entry.use == "reference",
            _newest_first(entry),
            -self._datasets[entry.dataset.lower()],
            -len(self._by_file[entry.sha256 or entry.uid]),
            len(entry.name),
            entry.uid,
        )

    @cached_property
    def _datasets(self) -> Counter[str]:
        """How many cards have each data set."""
        return Counter(entry.dataset.lower() for entry in self.entries)


def read_index(assets: Path) -> Index:
    """The index of a folder of cards; an empty one if it has none.

    Raises:
        CardError: The file is damaged, or of a later version.
    """
    path = assets / INDEX
    try:
        state = path.stat()
    except OSError:
        return Index(())
    return _remembered(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _remembered(path: Path, *_state: int) -> Index:
    try:
        return Index(parse(read_regular(path)))
    except (OSError, EOFError, ValueError, TypeError, AttributeError, lzma.LZMAError) as error:
        msg = (
            f"{path} cannot be read as an index: {error}. Install the package again, or write the "
            f"file again by `mshub index build FOLDER -o {path}`."
        )
        raise CardError(msg) from error


def parse(data: bytes) -> list[Entry]:
    """The entries of an index.

    Raises:
        ValueError: It is of another version, or too large.
        LZMAError: It is damaged; also EOFError, TypeError and AttributeError.
    """
    header, _, lines = unpack(data).partition("\n")
    if header != HEADER:
        msg = f"its first line is {header[:80]!r}, which is not the one of this version"
        raise ValueError(msg)
    one_line = lines.rstrip("\n").replace("\n", ",")
    rows: list[list[Any]] = json.loads(f"[{one_line}]")
    if {*map(type, rows)} - {list}:
        msg = "a line is not a list of values"
        raise TypeError(msg)
    # Lists take a third of the time that objects would, which name their keys 2,915 times.
    entries = [Entry._make(row) for row in rows]
    for name, column in zip(Entry._fields, zip(*entries, strict=True), strict=False):
        if name not in {"metrics", "assets"}:
            "".join(column)  # which takes texts only
    metrics = chain.from_iterable(entry.metrics for entry in entries)
    assets = chain.from_iterable(entry.assets for entry in entries)
    "".join(value for _, value in metrics)
    "".join(chain.from_iterable(asset.values() for asset in assets))
    return entries


def unpack(data: bytes) -> str:
    """The text of an index.

    Raises:
        ValueError: It is cut short, too large, or not UTF-8.
        LZMAError: It is damaged.
    """
    decompressor = lzma.LZMADecompressor()
    text = decompressor.decompress(data, max_length=_MOST_BYTES)
    if not decompressor.eof:
        msg = "it is cut short" if len(text) < _MOST_BYTES else "it is too large"
        raise ValueError(msg)
    return text.decode()


@lru_cache(maxsize=1024)
def _falling(version: str) -> list[int]:
    return [-number for number in [*release_order(version), 0, 0, 0][:3]]


def _newest_first(entry: Entry) -> list[int]:
    return _falling(entry.release)


def _grouped(pairs: Iterable[tuple[str, Entry]]) -> dict[str, list[Entry]]:
    groups = defaultdict(list)
    for key, entry in pairs:
        groups[key].append(entry)
    return dict(groups)


def _without_nothing(**texts: str) -> dict[str, str]:
    return {key: text for key, text in texts.items() if text}
