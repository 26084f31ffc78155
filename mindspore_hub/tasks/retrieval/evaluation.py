"""The published measurement again: images of a data set to features, features to metrics."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import FeaturesError, UnknownNameError
from mindspore_hub.hub.card import Card, stated
from mindspore_hub.hub.hub import Hub
from mindspore_hub.tasks.pictures.fields import as_preprocessing
from mindspore_hub.tasks.retrieval import datasets, features
from mindspore_hub.tasks.retrieval.datasets import Evaluation, fitting
from mindspore_hub.tasks.retrieval.embedding import Embedding, versions
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.fields import Protocol, as_protocol
from mindspore_hub.tasks.retrieval.report import Report, claims_of
from mindspore_hub.tasks.retrieval.scoring.metrics import Result, mean_of
from mindspore_hub.tasks.retrieval.selection import Selection

if TYPE_CHECKING:
    from mindspore import nn


def evaluate_features(
    given: Features | str | os.PathLike[str],
    *,
    name: str | None,
    protocol: str | None,
    options: Mapping[str, Any],
) -> Report:
    """Score features that are there, or their file; see `mindspore_hub.evaluate`."""
    found = given if isinstance(given, Features) else features.load(given)
    card = _card(name, found.about)
    followed = _follow(card, found.about, protocol=protocol, options=options, made=True)
    return _report(card, followed, _make(followed, found.about), found)


def evaluate_data(
    name: str,
    root: Path,
    *,
    protocol: str | None,
    options: Mapping[str, Any],
    trials: int,
    batch_size: int,
    skip_bad: bool,
    output: Path | None,
    network: nn.Cell | None,
) -> Report:
    """Make features of a data set, and score them; see `mindspore_hub.evaluate`."""
    _check_trials(trials, options)
    embedding = Embedding(name, batch_size=batch_size, skip_bad=skip_bad, network=network)
    card = embedding.card
    followed = _follow(card, {}, protocol=protocol, options=options, made=False)
    reader = datasets.dataset(followed.name, root, **_of_dataset(followed))
    selection = Selection(reader.trials(trials), stated(card, "preprocessing", as_preprocessing))
    facts = {"protocol": followed.as_json(), "data": selection.about()}
    # What cannot be followed is refused here, before the network works for hours.
    scored = _make(_follow(card, facts, protocol=protocol, options=options, made=False), facts)
    pictures, known = selection.samples(), selection.known()
    if output is None:
        made = embedding.features(pictures, known=known, facts=facts)
    else:
        embedding.write(pictures, output, known=known, facts=facts)
        made = features.load(output)
    return _report(card, followed, scored, made)


def _check_trials(trials: int, options: Mapping[str, Any]) -> None:
    if type(trials) is not int or trials < 1:
        msg = f"trials must be a whole number of at least 1, but is {trials!r}."
        raise FeaturesError(msg)
    single = sorted({"trial", "seed"} & options.keys())
    if trials > 1 and single:
        msg = f"{single[0]} is of one trial, but {trials} are asked for; give one of both."
        raise FeaturesError(msg)


def _card(name: str | None, about: Mapping[str, Any]) -> Card | None:
    """The card that is meant; None where features name one that is not in this hub."""
    catalog = Hub.of()
    if name is not None:
        return catalog.resolve(name)
    try:
        return catalog.resolve(str(about.get("card")))
    except UnknownNameError:
        return None


def _report(card: Card | None, followed: Protocol, protocol: Evaluation, found: Features) -> Report:
    results = _results(protocol, found)
    result = results[0] if len(results) == 1 else mean_of(results)
    # Published numbers are of one trial, and compare with no mean.
    published = card and len(results) == 1 and _is_published(card, followed)
    claims = claims_of(card, result) if card and published else ()
    uid = card.uid if card else found.about.get("card")
    return Report(uid, result, claims, _weights(card, found), dict(found.about), versions())


def _results(protocol: Evaluation, found: Features) -> list[Result]:
    """The result of each trial; what is wrong with one of several is said with its number."""
    trials = found.trials()
    results = []
    for number, (query, gallery) in enumerate(trials):
        try:
            results.append(protocol.evaluate(query, gallery))
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
    """The protocol to follow.

    Args:
        card: The card, whose protocol is followed if nobody says otherwise.
        about: What features say of themselves; the protocol that is noted there goes before.
        protocol: Name of the protocol, before both.
        options: Options, before those of any other place.
        made: Whether the features are made already, which settles the options of the data set.

    Raises:
        UnknownNameError: There is no such protocol.
        FeaturesError: Nobody says which one, it has no such option, or a value of another kind.
        DatasetError: A value means nothing to the data set.
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
    datasets.dataset(followed.name, Path(), **_of_dataset(followed))  # reads nothing, but checks
    return followed


def _all_options(protocol: str) -> dict[str, Any]:
    """Options of a protocol and of the data set of the same name, with their usual values.

    Raises:
        UnknownNameError: There is no such protocol.
    """
    own = datasets.protocol_options(protocol)  # asked first, since it names what is unknown
    return {**datasets.dataset_options(protocol), **own}


def _of_dataset(followed: Protocol) -> dict[str, Any]:
    """Those options that are of the data set."""
    known = datasets.dataset_options(followed.name)
    return {name: value for name, value in followed.options.items() if name in known}


def _make(followed: Protocol, about: Mapping[str, Any]) -> Evaluation:
    """The protocol, with its options and what the data of these features decided.

    Raises:
        FeaturesError: The value of an option means nothing.
    """
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
    return as_protocol(card.asset.node.get("protocol")) if card.asset else None


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
