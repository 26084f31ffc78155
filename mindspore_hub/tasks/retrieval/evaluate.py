"""`mindspore_hub.evaluate`, apart from what it needs, so that it is imported with the package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.tasks.retrieval._dependencies import required_by

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.tasks.retrieval.evaluation.report import Report
    from mindspore_hub.tasks.retrieval.features import Features


def evaluate(
    name: str | None = None,
    data: str | os.PathLike[str] | None = None,
    *,
    features: Features | str | os.PathLike[str] | None = None,
    protocol: str | None = None,
    options: Mapping[str, Any] | None = None,
    trials: int = 1,
    batch_size: int = 16,
    skip_bad: bool = False,
    output: str | os.PathLike[str] | None = None,
    network: nn.Cell | None = None,
) -> Report:
    """Repeat the published measurement of a network, and compare it with what its card claims.

    Args:
        name: Any name that `mindspore_hub.load` takes; with `features`, the card that these name
            is meant where it is None.
        data: Folder of the data set, in the layout in which it is published (`docs/reid.md`).
        features: Features that were saved before, with labels and roles, or the path of their
            file: neither images nor the network are needed then.
        protocol: Name of a protocol other than the card's; nothing is claimed for it.
        options: Options of the protocol and of the data set that go before those of the card;
            nothing is claimed for others than those of the card.
        trials: How many trials are averaged: the ten splits of RegDB, galleries of SYSU-MM01 drawn
            with the seeds 0, 1 and so on. Published numbers are of one.
        batch_size: As in `embed`.
        skip_bad: As in `embed`; metrics are then those of fewer images.
        output: As in `embed`: where features are saved.
        network: As in `embed`.

    Returns:
        What was measured, what was claimed, and all that is needed to repeat it.

    Raises:
        TypeError: Neither or both of `data` and `features` are given, or `data` without `name`.
        DatasetError: Something is missing from the data set; the message says where to ask for it.
        FeaturesError: The features lack what the protocol needs, or an option means nothing.
        HubError: As in `embed`.
    """
    if (data is None) == (features is None) or (data is not None and name is None):
        msg = "evaluate takes a name and the folder of its data, or features; give one of these."
        raise TypeError(msg)
    if features is not None and (trials != 1 or skip_bad or output or network is not None):
        msg = "trials, skip_bad, output and network are for data; features are as they are."
        raise TypeError(msg)
    from mindspore_hub.hub.values import as_builtin

    with required_by("Evaluation"):
        from mindspore_hub.tasks.retrieval.evaluation.measurement import Measurement
    measurement = Measurement(name, protocol=protocol, asked=options or {})
    if features is not None:
        return measurement.of_features(features)
    return measurement.of_data(
        Path(data or ""),
        trials=as_builtin(trials),
        batch_size=as_builtin(batch_size),
        skip_bad=skip_bad,
        output=Path(output) if output is not None else None,
        network=network,
    )
