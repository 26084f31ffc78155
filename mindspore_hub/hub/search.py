"""Search for published files by words of their cards."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from mindspore_hub.hub.patterns import pattern

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Card
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.hub.index import Entry, Index

logger = logging.getLogger(__name__)

_PUNCTUATION = pattern(r"[\W_]+")
_PART = pattern(r"[^\W\d_]+|\d+")

_FILLING = frozenset(
    [
        *("a", "an", "and", "checkpoint", "for", "in", "model", "network", "of", "on"),
        *("pretrained", "the", "to", "trained", "weights", "with"),
    ]
)
"""Words that people type and that say nothing about a card."""

_FALLING = pattern(
    r".*(?:loss|error|rate)|r?mse|ma?p?e|fid|n?epe|[cewp]er|ppl|perplexity|mr|dem|.*hausdorff.*"
)
"""Metrics of which less is better, in lower case and without punctuation."""


@dataclass(frozen=True, eq=False)
class PublishedFile:
    """A published file with every card that publishes it; or a card that publishes no file.

    Attributes:
        entry: Facts of the card that was looked for, else of the newest one.
        entries: Facts of all its cards, the newest first.
        namesakes: Facts of those that are called like that card.
        card: The card of this hub that has the file, if there is one.
        loads: Whether the hub has a network for that card.
        index: What names are looked up in.
    """

    entry: Entry
    entries: tuple[Entry, ...] = field(repr=False)
    namesakes: tuple[Entry, ...] = field(repr=False)
    card: Card | None = field(repr=False)
    loads: bool
    index: Index = field(repr=False)

    @cached_property
    def name(self) -> str:
        """Shortest name that means it."""
        entry = self.entry
        if self.card:
            return self.card.short_name
        if self.index.choose(self.index.named(entry.name)) in self.entries:
            return entry.name
        of_release = self.index.named(entry.name, entry.release)
        alone = self.index.choose(of_release) in self.entries
        return f"{entry.name}@{entry.release}" if alone else entry.uid

    @property
    def sha256(self) -> str:
        """Its digest as far as it is published: 64 digits, the first 8, or none."""
        return self.entry.sha256

    @property
    def use(self) -> str:
        """What can be done: `loads`, `weights` (there is no network for it) or `reference` only."""
        return "loads" if self.loads else self.entry.use

    @property
    def command(self) -> str:
        """The command that does it; empty for a reference."""
        if self.use == "loads":
            return f"mshub load {self.name}"
        pin = "" if self.entry.is_full else " --pin"
        return f"mshub download {self.name}{pin}" if self.use == "weights" else ""

    @property
    def releases(self) -> tuple[str, ...]:
        """MindSpore releases that it was published for, the newest first."""
        return tuple(dict.fromkeys(entry.release for entry in self.entries))

    @cached_property
    def texts(self) -> dict[str, int]:
        """What words are compared with: values of its cards, and how much their fields weigh."""
        texts = {self.card.model_name: 5} if self.card else {}
        seen = None
        for entry in (self.entry, *self.namesakes):
            texts.setdefault(entry.release, 1)
            if seen and entry[1:7] == seen[1:7] and entry.metrics == seen.metrics:
                continue
            seen = entry
            metrics = " ".join(name or "" for name, _ in entry.metrics)
            fields = (
                *((entry.model, 5), (entry.name, 5), (entry.title, 4), (entry.dataset, 4)),
                *((entry.task, 3), (metrics, 2), (entry.backbone, 1), (entry.domain, 1)),
            )
            for text, weight in fields:
                texts.setdefault(text, weight)
        texts.pop("", None)
        return texts

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON; what no card says is None."""
        entry = self.entry
        return {
            "name": self.name,
            "uid": self.card.uid if self.card else entry.uid,
            "model": entry.model or None,
            "dataset": entry.dataset or None,
            "domain": entry.domain or None,
            "task": entry.task or None,
            "license": entry.licence or None,
            "metrics": _metrics(entry),
            "sha256": self.sha256 or None,
            "use": self.use,
            "command": self.command or None,
            "repository": {
                "name": entry.repo or None,
                "ref": entry.ref or None,
                "path": entry.path or None,
            },
            "releases": [
                {
                    "release": item.release,
                    "uid": item.uid,
                    "link": item.asset.get("link"),
                    "metrics": _metrics(item),
                }
                for item in self.entries
            ],
        }


def search(
    words: str | Iterable[str] = (),
    *,
    dataset: str | None = None,
    task: str | None = None,
    model: str | None = None,
    release: str | None = None,
    metric: str | None = None,
    loadable: bool = False,
    hub: str | os.PathLike[str] | Hub | None = None,
) -> list[PublishedFile]:
    """Find published files, in the hub and in its index.

    Case and punctuation do not matter, and part of a word is enough: `imagenet` finds `ImageNet2012`.
    A word that no card has is taken for the nearest one, which is logged.

    Args:
        words: Each must be in a name, model, data set, task, metric or release of the file.
        dataset: Data set that a card of the file must state.
        task: Task that a card must state; most published cards state none.
        model: Name of the model, or its begin.
        release: MindSpore release that it must be published for, such as `1.9`.
        metric: Metric that a card must state; files that fit alike are sorted by it, best first.
        loadable: Only files that `load` makes a network of.
        hub: Hub that is searched, or the path of its root; by default the one of `MSHUB_HUB`, else
            that of this package.

    Returns:
        Files by how well they fit.

    Raises:
        CardError: The hub has no cards, or its index is damaged.
    """
    from mindspore_hub.hub.hub import Hub

    hub = Hub.of(hub)
    wanted = _words(words)
    asked = {"dataset": dataset, "task": task, "model": model}
    found: Iterable[PublishedFile] = _files(hub)
    if release:
        found = _narrowed(found, lambda entry: entry.release == release.removeprefix("r"))
    if metric:
        found = _narrowed(found, lambda entry: _metric(entry, metric) is not None)
    files = [
        file
        for file in found
        if (not loadable or file.loads)
        and all(not text or _has(file, key, text) for key, text in asked.items())
    ]
    fits = _fits(files, wanted)

    def rank(file: PublishedFile) -> tuple[Any, ...]:
        entry = file.entry
        loss = _loss(entry, metric) if metric else 0.0
        is_default = bool(file.card and file.card.is_default)
        return -fits[id(file)], loss, not is_default, file.index.rank(entry)

    best: dict[int, PublishedFile] = {}
    for file in sorted((file for file in files if id(file) in fits), key=rank):
        # One that several cards publish under different names stands where the best of them does.
        best.setdefault(id(file.entries), file)
    return list(best.values())


def published(card: Card, hub: Hub) -> PublishedFile:
    """The file of a card that is in the index."""
    entry = hub.index.by_uid[card.uid.lower()]
    return PublishedFile(entry, hub.index.sharing(entry), (entry,), None, False, hub.index)


@lru_cache(maxsize=1)
def _files(hub: Hub) -> list[PublishedFile]:
    """All files, once for each name of a card: those of the index, and of cards not in it."""
    from mindspore_hub.hub.index import Entry, Index

    index = hub.index
    others = [Entry.of(card) for card in hub.cards if card.uid.lower() not in index.by_uid]
    index = Index([*index.entries, *others]) if others else index
    cards: dict[str, list[Card]] = {}
    for card in hub.cards:
        cards.setdefault(card.asset_text("asset-sha256"), []).append(card)
    cards.pop("", None)
    files = []
    for entries in index.files:
        named: dict[str, list[Entry]] = {}
        for entry in entries:
            named.setdefault(entry.name, []).append(entry)
        for name, (first, *older) in named.items():
            own = min(
                cards.get(first.sha256, ()),
                key=lambda card: (not card.is_default, card.name != name, card.uid != first.uid),
                default=None,
            )
            loads = own is not None and hub.has_network(own)
            files.append(PublishedFile(first, entries, (first, *older), own, loads, index))
    return files


def _narrowed(
    files: Iterable[PublishedFile], wanted: Callable[[Entry], bool]
) -> Iterator[PublishedFile]:
    """Files with a wanted card, by the newest of these."""
    for file in files:
        entry = next(filter(wanted, file.namesakes), None)
        if entry:
            yield file if entry is file.entry else replace(file, entry=entry)


def _words(words: str | Iterable[str]) -> list[str]:
    typed = words.split() if isinstance(words, str) else [part for w in words for part in w.split()]
    folded = [_fold(word) for word in typed]
    return [word for word in folded if word]


def _has(file: PublishedFile, key: str, text: str) -> bool:
    """Whether one of its cards has a value that is, or begins or has a part with, a text."""
    values = {getattr(entry, key) for entry in file.entries}
    return any(_likeness(_fold(text), value) > 1 for value in values if value)


def _fits(files: Sequence[PublishedFile], words: Sequence[str]) -> dict[int, int]:
    """How well files fit words, by their `id`; without those that lack a word."""
    texts = {id(file): file.texts for file in files}
    distinct = dict.fromkeys(text for of_file in texts.values() for text in of_file)
    scores = dict.fromkeys(texts, 0)
    whole = "".join(words)
    for word in words:
        if word in _FILLING:
            continue
        found = _scores(word, texts, distinct)
        near = "" if found else _nearest(word, distinct)
        if near:
            logger.info("No card has %r; taking it for %r.", word, near)
            whole = whole.replace(word, near)
            found = _scores(near, texts, distinct)
        scores = {key: scores[key] + score for key, score in found.items() if key in scores}
    for file in files if whole else ():
        if id(file) in scores:
            entry = file.entry
            models = (entry.model, entry.title, file.card.model_name if file.card else "")
            called = 10 * _is_called(entry.name, whole) + 5 * (whole in map(_fold, models))
            begins = 50 * _fold(entry.name).startswith(whole)
            scores[id(file)] = 1000 + called if called else scores[id(file)] + begins
    return scores


def _is_called(name: str, whole: str) -> bool:
    """Whether a name is, or begins with, words that were typed: `resnet50` of `resnet50_cifar10`."""
    return whole in accumulate(_PUNCTUATION.split(name.lower()))


def _scores(word: str, texts: dict[int, dict[str, int]], distinct: Iterable[str]) -> dict[int, int]:
    """How well a word fits files, by their `id`; without those that lack it.

    Args:
        word: As `_fold` returns it.
        texts: What it is compared with, by the `id` of the file.
        distinct: All of these texts: most stand in several files.
    """
    hits = {text: 10 * likeness for text in distinct if (likeness := _likeness(word, text))}
    found = {}
    for key, of_file in texts.items():
        shared = of_file.keys() & hits.keys()
        if shared:
            found[key] = max(hits[text] + of_file[text] for text in shared)
    return found


def _likeness(word: str, text: str) -> int:
    """How a word is in a text: 4 all of it, 3 a part, 2 a begin, 1 inside, 0 not at all."""
    folded = _fold(text)
    if word not in folded:
        return 0
    if word == folded:
        return 4
    parts = _parts(text)
    if word in parts:
        return 3
    if any(part.startswith(word) for part in parts) or folded.startswith(word):
        return 2
    is_mixed = not word.isalpha() and not word.isdigit()  # such as v2
    return 1 if is_mixed or len(word) > 2 else 0


def _nearest(word: str, texts: Iterable[str]) -> str:
    """The word of a card that a misspelt one is probably meant for; empty if none is near."""
    from difflib import get_close_matches

    known: dict[str, None] = {}
    for text in texts:
        known[_fold(text)] = None
        known.update(dict.fromkeys(_parts(text)))
    return next(iter(get_close_matches(word, known, 1, 0.7)), "")


@lru_cache(maxsize=4096)
def _parts(text: str) -> frozenset[str]:
    """What stands between punctuation, and the letters and digits that it is made of."""
    chunks = _PUNCTUATION.split(text.lower())
    return frozenset(part for chunk in chunks for part in (chunk, *_PART.findall(chunk)))


@lru_cache(maxsize=16_384)
def _fold(text: str) -> str:
    lower = text.lower()
    return lower if lower.isalnum() else _PUNCTUATION.sub("", lower)


def _metrics(entry: Entry) -> list[dict[str, str | None]]:
    return [{"name": name, "value": value} for name, value in entry.metrics]


def _metric(entry: Entry, metric: str) -> tuple[str, str] | None:
    """Name and value of a metric that a card states, whatever way it spells the name."""
    from mindspore_hub.hub.metrics import common_name

    asked = common_name(metric)
    named = ((name, value) for name, value in entry.metrics if name)
    return next((pair for pair in named if common_name(pair[0]) == asked), None)


def _loss(entry: Entry, metric: str) -> float:
    """What files are sorted by, the best first; a value that is not a number comes last."""
    from mindspore_hub.hub.metrics import parse_metric

    name, value = _metric(entry, metric) or ("", "")
    parsed = parse_metric(f"{name}: {value}")
    if parsed is None:
        return float("inf")
    # Some cards state a share of 1, others one of 100.
    is_share = parsed.is_percentage and 0 < parsed.number <= 1
    number = 100 * parsed.number if is_share else parsed.number
    return number if _FALLING.fullmatch(_fold(name)) else -number
