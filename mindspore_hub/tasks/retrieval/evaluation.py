"""The published measurement again: images of a data set to features, features to metrics.

An image of several trials is there once, unless it has another label in each: RegDB counts the
identities of every trial anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mindspore_hub.errors import DatasetError, FeaturesError, UnknownNameError
from mindspore_hub.gallery import features
from mindspore_hub.gallery.features import GALLERY, QUERY, Features
from mindspore_hub.hub.card import Card, stated
from mindspore_hub.hub.hub import Hub
from mindspore_hub.tasks.datasets import digest_of_files, fitting
from mindspore_hub.tasks.pictures.fields import MAPS, Preprocessing, as_preprocessing
from mindspore_hub.tasks.pictures.samples import Sample, Samples
from mindspore_hub.tasks.report import Report, claims_of, versions
from mindspore_hub.tasks.retrieval import datasets
from mindspore_hub.tasks.retrieval.datasets import Dataset, Evaluation, Item
from mindspore_hub.tasks.retrieval.embedding import Embedding, Known
from mindspore_hub.tasks.retrieval.matching import kind_of
from mindspore_hub.tasks.retrieval.metrics import Result, mean_of
from mindspore_hub.tasks.retrieval.open_set import identification_rates
from mindspore_hub.tasks.retrieval.task import KINDS, Protocol, Retrieval

if TYPE_CHECKING:
    from mindspore_hub.tasks.pictures import AnyHub

_UNCLAIMED = (
    "No card of this hub claims anything for these features, this protocol and these options."
)
_ROUNDED = (
    "The features were computed in bf16, and published numbers are of float32; precision bf16 "
    "(--precision bf16) compares them all the same."
)
_OF_SEVERAL = "Published numbers are of one trial; this is a mean of several."


def evaluate_features(
    given: Features | str | os.PathLike[str],
    *,
    name: str | None,
    protocol: str | None,
    options: Mapping[str, Any],
    open_set: Sequence[float] = (),
    hub: AnyHub = None,
    precision: str = "f32",
) -> Report:
    """Score features that are there, or their file; see `mindspore_hub.evaluate`."""
    found = given if isinstance(given, Features) else features.load(given)
    card = _card(name, found.about, Hub.of(hub))
    followed = _follow(card, found.about, protocol=protocol, options=options, made=True)
    scored = _make(followed, found.about)
    return _report(card, followed, scored, found, open_set, precision=precision)


def evaluate_data(
    name: str,
    root: Path,
    *,
    protocol: str | None,
    options: Mapping[str, Any],
    trials: int,
    limit: int | None,
    open_set: Sequence[float],
    output: Path | None,
    precision: str,
    **running: Any,
) -> Report:
    """Make features of a data set, and score them; see `mindspore_hub.evaluate`."""
    if limit is not None:
        msg = "limit is for classification: metrics of a part of a gallery are other ones."
        raise FeaturesError(msg)
    if output is not None and output.suffix.lower() == ".csv":
        msg = f"{output} would hold features, which are written as npz (output, --save-features)."
        raise FeaturesError(msg)
    _check_trials(trials, options)
    embedding = Embedding(name, precision=precision, **running)
    card = embedding.card
    followed = _follow(card, {}, protocol=protocol, options=options, made=False)
    readers = _reader(followed, root).trials(trials)
    selection = Selection(readers, stated(card, "preprocessing", as_preprocessing))
    facts = {"protocol": followed.as_json(), "data": selection.about()}
    # What cannot be followed is refused here, before the network works for hours.
    scored = _make(_follow(card, facts, protocol=protocol, options=options, made=False), facts)
    pictures, known = selection.samples(), selection.known()
    if output is None:
        made = embedding.features(pictures, known=known, facts=facts)
    else:
        embedding.write(pictures, output, known=known, facts=facts)
        made = features.load(output)
    return _report(card, followed, scored, made, open_set, precision=precision)


def _check_trials(trials: int, options: Mapping[str, Any]) -> None:
    if type(trials) is not int or trials < 1:
        msg = f"trials must be a whole number of at least 1, but is {trials!r}."
        raise FeaturesError(msg)
    single = sorted({"trial", "seed"} & options.keys())
    if trials > 1 and single:
        msg = f"{single[0]} is of one trial, but {trials} are asked for; give one of both."
        raise FeaturesError(msg)


def _card(name: str | None, about: Mapping[str, Any], hub: Hub) -> Card | None:
    """The card that is meant; None where features name one that is not in this hub."""
    if name is not None:
        return hub.resolve(name)
    try:
        return hub.resolve(str(about.get("card")))
    except UnknownNameError:
        return None


def _report(
    card: Card | None,
    followed: Protocol,
    protocol: Evaluation,
    found: Features,
    open_set: Sequence[float],
    *,
    precision: str,
) -> Report:
    results = _results(protocol, found, open_set)
    result = results[0] if len(results) == 1 else mean_of(results)
    # Published numbers are of one trial, and compare with no mean.
    rounded = found.about.get("precision") == "bf16" and precision != "bf16"
    published = card and len(results) == 1 and not rounded and _is_published(card, followed)
    claims = claims_of(card, result, KINDS[result.protocol].metrics) if card and published else ()
    uid = card.uid if card else found.about.get("card")
    weights = _weights(card, found)
    why = _UNCLAIMED if len(results) == 1 else _OF_SEVERAL
    why = "" if claims else _ROUNDED if rounded else why
    return Report(uid, result, claims, weights, dict(found.about), versions(), why)


def _results(protocol: Evaluation, found: Features, open_set: Sequence[float]) -> list[Result]:
    """The result of each trial; what is wrong with one of several is said with its number."""
    trials = found.trials()
    results = []
    for number, (query, gallery) in enumerate(trials):
        try:
            result = protocol.evaluate(query, gallery)
            rates = identification_rates(
                query, gallery, rates=open_set, kind=kind_of(None, found.about)
            )
            results.append(dataclasses.replace(result, metrics={**result.metrics, **rates}))
        except FeaturesError as error:
            if len(trials) == 1:
                raise
            msg = f"Trial {number}: {error}"
            raise FeaturesError(msg) from error
    return results


def _weights(card: Card | None, found: Features) -> str | None:
    """Whether features are of the checkpoint of a card."""
    digest = found.about.get("sha256")
    given = found.about.get("network") == "given"  # which has no file that could be compared
    if card is None or card.asset is None or digest is None or given:
        return None
    return "published" if digest == card.asset.sha256 else "other"


def _follow(
    card: Card | None,
    about: Mapping[str, Any],
    *,
    protocol: str | None,
    options: Mapping[str, Any],
    made: bool,
) -> Protocol:
    """The protocol that is asked for, else the one that features note, else the card's.

    Features that are made already settle the options of the data set.
    """
    base = _noted(about) or (_published(card) if card else None)
    if protocol is not None and (base is None or base.name != protocol):
        base = Protocol(protocol)
    if base is None:
        msg = (
            f"Neither the features nor a card say how to score them; give protocol, one of "
            f"{', '.join(datasets.names())}."
        )
        raise FeaturesError(msg)
    usual = _all_options(base.name)
    settled = _decided(about, base.name).keys() | (_settled(about, base.name) if made else set())
    fixed = sorted(settled & options.keys())
    if fixed:
        msg = (
            f"{fixed[0]} cannot be given: the data that the features were made of decides it. Leave "
            "it out, or make features of other data."
        )
        raise FeaturesError(msg)
    given = {name: _fitting(base.name, name, value, usual) for name, value in options.items()}
    followed = Protocol(base.name, {**base.options, **given})
    _reader(followed, Path())  # reads nothing, but checks
    return followed


def _all_options(protocol: str) -> dict[str, Any]:
    """Options of a protocol and of the data set of the same name, with their defaults."""
    own = datasets.protocol_options(protocol)  # asked first, since it names what is unknown
    return {**datasets.dataset_options(protocol), **own}


def _reader(followed: Protocol, root: Path) -> Dataset:
    """The reader of the data set, with those options that are its own."""
    known = datasets.dataset_options(followed.name)
    asked = {name: value for name, value in followed.options.items() if name in known}
    return datasets.dataset(followed.name, root, **asked)


def _make(followed: Protocol, about: Mapping[str, Any]) -> Evaluation:
    """The protocol, with its options and what the data of these features decided."""
    known = datasets.protocol_options(followed.name)
    asked = {name: value for name, value in followed.options.items() if name in known}
    return datasets.protocol(followed.name, **asked, **_decided(about, followed.name))


def _decided(about: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    """Options that the data of these features decided, such as that galleries are drawn already."""
    noted, data = _noted(about), about.get("data")
    decided = data.get("protocol_options") if isinstance(data, Mapping) else None
    if noted is None or noted.name != protocol or not isinstance(decided, Mapping):
        return {}
    usual = _all_options(protocol)
    return {name: _fitting(protocol, name, value, usual) for name, value in decided.items()}


def _published(card: Card) -> Protocol | None:
    task = Retrieval.read(card.asset.node.get("task")) if card.asset else None
    return task.protocol if task else None


def _is_published(card: Card, followed: Protocol) -> bool:
    """Whether a protocol is that of a card, with the same options."""
    published = _published(card)
    if published is None or published.name != followed.name:
        return False
    usual = _all_options(followed.name)
    return {**usual, **published.options} == {**usual, **followed.options}


def _settled(about: Mapping[str, Any], protocol: str) -> set[str]:
    """Options that change nothing in features which are there: those of their data set."""
    of_data = datasets.dataset_options(protocol).keys()
    return set(of_data if "data" in about else of_data - datasets.protocol_options(protocol).keys())


def _noted(about: Mapping[str, Any]) -> Protocol | None:
    noted = about.get("protocol")
    if not isinstance(noted, Mapping) or noted.get("name") not in datasets.names():
        return None
    name, usual = noted["name"], _all_options(noted["name"])
    options = {key: value for key, value in noted.items() if key != "name"}
    return Protocol(name, {key: _fitting(name, key, v, usual) for key, v in options.items()})


def _fitting(protocol: str, name: str, value: Any, usual: Mapping[str, Any]) -> Any:
    """A value of the kind that the option has."""
    if name not in usual:
        msg = (
            f"The protocol {protocol!r} has no option {name!r}; it and its data set have "
            f"{', '.join(usual)}."
        )
        raise FeaturesError(msg)
    return fitting(name, value, usual[name], error=FeaturesError)


class Selection:
    """Images of the trials of a data set, with a reader per trial.

    Raises:
        DatasetError: Something is missing or cannot be read.
    """

    def __init__(self, readers: Sequence[Dataset], preprocessing: Preprocessing) -> None:
        self._readers = readers
        self._items: list[Item] = []
        self._has_gallery = True
        places: dict[tuple[Item, int, int], int] = {}
        parts = []
        for trial, reader in enumerate(readers):
            gallery = reader.gallery()
            self._has_gallery = gallery is not None
            for role, items in ((QUERY, reader.queries()), (GALLERY, gallery or [])):
                seen: Counter[Item] = Counter()  # a list may name an image twice, which counts
                for item in items:
                    place = places.setdefault((item, role, seen[item]), len(places))
                    seen[item] += 1
                    if place == len(self._items):
                        self._items.append(item)
                    parts.append((place, trial, role))
        self._roles = np.zeros((len(self._items), len(readers)), np.int64)
        rows, columns, roles = np.array(parts).T
        self._roles[rows, columns] = roles
        self._extras = [
            {
                name: of
                for name, of in readers[0].extras(item).items()
                if name in preprocessing.extras
            }
            for item in self._items
        ]
        self._require_maps()

    def samples(self) -> Samples:
        """The images."""
        root = self._readers[0].root
        both = zip(self._items, self._extras, strict=True)
        samples = [Sample(root / item.path, item.path, extras) for item, extras in both]
        return Samples(root.absolute(), samples)

    def _maps(self) -> list[tuple[str, Path]]:
        """Folders of maps, each after its kind."""
        kinds = [extras.items() for extras in self._extras]
        return [(kind, v) for found in kinds for kind, v in found if isinstance(v, Path)]

    def _require_maps(self) -> None:
        for kind, folder in self._maps():
            absent = [n for n in range(MAPS[kind]) if not (folder / f"{n:02}.jpg").is_file()]
            if absent:
                msg = (
                    f"{folder} must hold {MAPS[kind]} {kind}, but {absent[0]:02}.jpg is missing; "
                    "get the maps from where the labels of the data set come from."
                )
                raise DatasetError(msg)

    def known(self) -> Known:
        """What the data set says of each image, and its role in each trial."""
        found: dict[str, Sequence[Any]] = {}
        for attribute in ("label", "camera", "color", "type"):
            values = [getattr(item, attribute) for item in self._items]
            if None not in values:
                found[f"{attribute}s"] = values
        return {**found, "roles": self._roles.tolist()} if self._has_gallery else found

    def about(self) -> dict[str, Any]:
        """Which data these are, as plain JSON, with digests of the list and of all images."""
        reader = self._readers[0]
        options = {
            field.name: getattr(reader, field.name)
            for field in dataclasses.fields(reader)
            if field.name != "root"
        }
        rows = [
            (*dataclasses.astuple(item), *roles)
            for item, roles in zip(self._items, self._roles.tolist(), strict=True)
        ]
        maps = [path for _, folder in self._maps() for path in sorted(folder.glob("*.jpg"))]
        return {
            "options": options,
            "trials": len(self._readers),
            "images": len(self._items),
            "list_sha256": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
            "images_sha256": digest_of_files(
                self._readers[0].root / item.path for item in self._items
            ),
            **({"maps_sha256": digest_of_files(maps)} if maps else {}),
            "protocol_options": reader.protocol_options(),
        }
