"""The published measurement again: images of a data set to features, features to metrics."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import FeaturesError, UnknownNameError
from mindspore_hub.hub.card import Card, stated
from mindspore_hub.hub.hub import Hub
from mindspore_hub.tasks.retrieval import datasets, features
from mindspore_hub.tasks.retrieval import protocol as stated_protocol
from mindspore_hub.tasks.retrieval.embedding.run import Embedding, versions
from mindspore_hub.tasks.retrieval.evaluation import options
from mindspore_hub.tasks.retrieval.evaluation.report import Report, claims_of
from mindspore_hub.tasks.retrieval.evaluation.selection import Selection
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.protocol import Protocol
from mindspore_hub.tasks.retrieval.protocols import Evaluation
from mindspore_hub.tasks.retrieval.scoring.result import Result, mean_of

if TYPE_CHECKING:
    from mindspore import nn


class Measurement:
    """One measurement.

    Args:
        name: Any name that `mindspore_hub.load` takes; None where features say it.
        protocol: Name of the protocol; None for that of the card.
        asked: Options of the protocol and of the data set, before those of the card.

    Raises:
        HubError: As in `mindspore_hub.evaluate`.
    """

    def __init__(self, name: str | None, *, protocol: str | None, asked: Mapping[str, Any]) -> None:
        self._name = name
        self._protocol = protocol
        self._options = asked

    def of_features(self, given: Features | str | os.PathLike[str]) -> Report:
        """Score features that are there.

        Args:
            given: The features, or their file.
        """
        found = given if isinstance(given, Features) else features.load(Path(given))
        card = self._card(found.about)
        followed = self._follow(card, found.about, made=True)
        return _report(card, followed, options.make(followed, found.about), found)

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
        if type(trials) is not int or trials < 1:
            msg = f"trials must be a whole number of at least 1, but is {trials!r}."
            raise FeaturesError(msg)
        single = sorted({"trial", "seed"} & self._options.keys())
        if trials > 1 and single:
            msg = f"{single[0]} is of one trial, but {trials} are asked for; give one of both."
            raise FeaturesError(msg)
        embedding = Embedding(
            str(self._name), batch_size=batch_size, skip_bad=skip_bad, network=network
        )
        followed = self._follow(embedding.card, {}, made=False)
        reader = datasets.dataset(followed.name, root, **options.of_dataset(followed))
        selection = Selection(reader.trials(trials), stated(embedding.card, "preprocessing"))
        facts = {"protocol": stated_protocol.as_json(followed), "data": selection.about()}
        # What cannot be followed is refused here, before the network works for hours.
        protocol = options.make(self._follow(embedding.card, facts, made=False), facts)
        pictures, known = selection.samples(), selection.known()
        if output is None:
            made = embedding.features(pictures, known=known, facts=facts)
        else:
            embedding.write(pictures, output, known=known, facts=facts)
            made = features.load(output)
        return _report(embedding.card, followed, protocol, made)

    def _card(self, about: Mapping[str, Any]) -> Card | None:
        """The card that is meant; None where features name one that is not in this hub."""
        catalog = Hub.of()
        if self._name is not None:
            return catalog.resolve(self._name)
        try:
            return catalog.resolve(str(about.get("card")))
        except UnknownNameError:
            return None

    def _follow(self, card: Card | None, about: Mapping[str, Any], *, made: bool) -> Protocol:
        return options.follow(
            card, about, protocol=self._protocol, options=self._options, made=made
        )


def _report(card: Card | None, followed: Protocol, protocol: Evaluation, found: Features) -> Report:
    results = _results(protocol, found)
    result = results[0] if len(results) == 1 else mean_of(results)
    # Published numbers are of one trial, and compare with no mean.
    published = card and len(results) == 1 and options.is_published(card, followed)
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
