"""The published measurement again: images of a data set to features, features to metrics."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.cards import protocol as stated_protocol
from mindspore_hub.cards.protocol import Protocol
from mindspore_hub.cards.schema import Card, stated
from mindspore_hub.catalog import Catalog
from mindspore_hub.errors import FeaturesError, UnknownNameError
from mindspore_hub.reid import datasets, features, protocols
from mindspore_hub.reid.embedding.run import Embedding, versions
from mindspore_hub.reid.evaluation.report import Report, claims_of
from mindspore_hub.reid.evaluation.selection import Selection
from mindspore_hub.reid.features import Features
from mindspore_hub.reid.scoring.result import Result, mean_of

if TYPE_CHECKING:
    from mindspore import nn


class Measurement:
    """One measurement.

    Args:
        name: Any name that `mindspore_hub.load` takes; None where features say it.
        protocol: Name of the protocol; None for that of the card.
        options: Options of the protocol and of the data set, before those of the card.

    Raises:
        HubError: As in `mindspore_hub.evaluate`.
    """

    def __init__(
        self, name: str | None, *, protocol: str | None, options: Mapping[str, Any]
    ) -> None:
        self._name = name
        self._protocol = protocol
        self._options = options

    def of_features(self, given: Features | str | os.PathLike[str]) -> Report:
        """Score features that are there.

        Args:
            given: The features, or their file.
        """
        found = given if isinstance(given, Features) else features.load(Path(given))
        card = self._card(found.about)
        followed = self._followed(card, found.about.get("protocol"))
        return _report(card, followed, found)

    def of_data(
        self,
        root: Path,
        *,
        trials: int,
        batch_size: int,
        skip_bad: bool,
        output: Path | None,
        network: nn.Cell | None,
    ) -> Report:
        """Make features of a data set, and score them.

        Args:
            root: Its folder.
            trials: How many trials are averaged.
            batch_size: Pictures that the network sees at once.
            skip_bad: Leave out what cannot be read.
            output: Where features are saved, or None.
            network: The network, if it is loaded already.
        """
        if trials < 1:
            msg = f"trials must be at least 1, but is {trials}."
            raise FeaturesError(msg)
        embedding = Embedding(
            str(self._name), batch_size=batch_size, skip_bad=skip_bad, network=network
        )
        followed = self._followed(embedding.card, None)
        reader = datasets.dataset(followed.name, root, **_of_dataset(followed))
        selection = Selection(reader.trials(trials), stated(embedding.card, "preprocessing"))
        facts = {"protocol": stated_protocol.as_json(followed), "data": selection.about()}
        pictures, known = selection.samples(), selection.known()
        if output is None:
            made = embedding.features(pictures, known=known, facts=facts)
        else:
            embedding.write(pictures, output, known=known, facts=facts)
            made = features.load(output)
        return _report(embedding.card, followed, made)

    def _card(self, about: Mapping[str, Any]) -> Card | None:
        """The card that is meant; None where features name one that is not in this hub."""
        catalog = Catalog.read()
        if self._name is not None:
            return catalog.resolve(self._name)
        try:
            return catalog.resolve(str(about.get("card")))
        except UnknownNameError:
            return None

    def _followed(self, card: Card | None, noted: Mapping[str, Any] | None) -> Protocol:
        """The protocol to follow: the one that was asked for, that of the features, of the card."""
        published = card.asset.protocol if card and card.asset else None
        base = published
        if noted is not None:
            base = Protocol(str(noted["name"]), {k: v for k, v in noted.items() if k != "name"})
        if self._protocol is not None and (base is None or base.name != self._protocol):
            base = Protocol(self._protocol)
        if base is None:
            msg = (
                f"Neither the features nor a card say how to score them; give protocol, one of "
                f"{', '.join(protocols.names())}."
            )
            raise FeaturesError(msg)
        known = all_options(base.name)
        unknown = sorted(self._options.keys() - known.keys())
        if unknown:
            msg = (
                f"The protocol {base.name!r} has no option {unknown[0]!r}; it and its data set "
                f"have {', '.join(known)}."
            )
            raise FeaturesError(msg)
        return Protocol(base.name, {**base.options, **self._options})


def all_options(protocol: str) -> dict[str, Any]:
    """Options of a protocol and of the data set of the same name, with their usual values.

    Raises:
        UnknownNameError: There is no such protocol.
    """
    return {**datasets.default_options(protocol), **protocols.default_options(protocol)}


def _of_dataset(followed: Protocol) -> dict[str, Any]:
    known = datasets.default_options(followed.name)
    return {name: value for name, value in followed.options.items() if name in known}


def _report(card: Card | None, followed: Protocol, found: Features) -> Report:
    known = protocols.default_options(followed.name)
    told = found.about.get("data", {}).get("protocol_options", {})
    asked = {name: value for name, value in followed.options.items() if name in known}
    result = _score(found, followed.name, {**told, **asked})
    claims = claims_of(card, result) if card and _is_published(card, followed) else ()
    uid = card.uid if card else found.about.get("card")
    return Report(uid, result, claims, _weights(card, found), dict(found.about), versions())


def _weights(card: Card | None, found: Features) -> str | None:
    """Whether features are of the checkpoint of a card."""
    digest = found.about.get("sha256")
    if card is None or card.asset is None or digest is None:
        return None
    return "published" if digest == card.asset.sha256 else "other"


def _score(found: Features, name: str, options: Mapping[str, Any]) -> Result:
    lists = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    protocol = protocols.protocol(name, **lists)
    results = [protocol.evaluate(query, gallery) for query, gallery in found.trials()]
    return results[0] if len(results) == 1 else mean_of(results)


def _is_published(card: Card, followed: Protocol) -> bool:
    """Whether a protocol is that of a card, with the same options."""
    published = card.asset.protocol if card.asset else None
    if published is None or published.name != followed.name:
        return False
    usual = all_options(followed.name)
    return {**usual, **published.options} == {**usual, **followed.options}
