"""The published measurement of a network again, whatever its task.

A task whose folder has a module `evaluation` can be measured: its `evaluate_data` is an `Evaluator`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import Card, stated
from mindspore_hub.tasks import required_by
from mindspore_hub.tasks.registry import read_task

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.gallery.features import Features
    from mindspore_hub.tasks.pictures import AnyHub
    from mindspore_hub.tasks.report import Report


class Evaluator(Protocol):
    """Measures a network on a data set; arguments and errors are those of `evaluate`."""

    def __call__(
        self,
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
        """Measure the network of a card; `running` is for its `Runner`, see `evaluate`."""


def evaluate(
    name: str | None = None,
    data: str | os.PathLike[str] | None = None,
    *,
    features: Features | str | os.PathLike[str] | None = None,
    protocol: str | None = None,
    options: Mapping[str, Any] | None = None,
    trials: int = 1,
    limit: int | None = None,
    open_set: float | Sequence[float] = (),
    batch_size: int = 16,
    skip_bad: bool = False,
    output: str | os.PathLike[str] | None = None,
    network: nn.Cell | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    hub: AnyHub = None,
    trust: bool = False,
    runtime: str | None = None,
    precision: str = "f32",
    threads: int | None = None,
) -> Report:
    """Repeat the published measurement of a network, and compare it with what its card claims.

    What is measured, and how, follows from the `task` of the card: ranking for `retrieval`, top-1 and
    top-5 accuracy for `classification`.

    Args:
        name: Any name that `mindspore_hub.load` takes; with `features`, the card that these name
            is meant where it is None.
        data: Folder of the data set, in the layout in which it is published (`docs/reid.md`,
            `docs/classification.md`).
        features: Features that were saved before, with labels and roles, or the path of their
            file: neither images nor the network are needed then.
        protocol: Name of a protocol other than the card's; nothing is claimed for it.
        options: Options of the protocol and of the data set that go before those of the card. Of
            retrieval, nothing is claimed for others than those of the card.
        trials: How many trials are averaged: the ten splits of RegDB, galleries of SYSU-MM01 drawn
            with the seeds 0, 1 and so on. Published numbers are of one.
        limit: Measure that many pictures only, drawn with the option `seed`; for classification.
        open_set: False alarm rates (FAR), such as 0.01, at which the open-set detection and identification
            rate is measured, too: `dir@far0.01`, the share of queries whose nearest image is right and within
            the threshold at which so many queries without a match raise a false alarm; for retrieval.
        batch_size: As in `embed`.
        skip_bad: As in `embed`; metrics are then those of fewer images.
        output: As in `embed`: where features are saved; for retrieval.
        network: As in `embed`.
        checkpoint: As in `embed`.
        hub: As in `embed`.
        trust: As in `embed`.
        runtime: As in `embed`.
        precision: As in `embed`, but `auto` is f32: published numbers are of float32, and compared
            with bf16 only if that is asked for, here or for features that were made with it.
        threads: As in `embed`.

    Returns:
        What was measured, what was claimed, and all that is needed to repeat it.

    Raises:
        TypeError: Neither or both of `data` and `features` are given, or `data` without `name`.
        CardError: The card does not say its task, or nobody measures it.
        DatasetError: Something is missing from the data set; the message says where to get it.
        FeaturesError: The features lack what the protocol needs, or an option means nothing.
        HubError: As in `embed`.
    """
    if (data is None) == (features is None) or (data is not None and name is None):
        msg = "evaluate takes a name and the folder of its data, or features; give one of these."
        raise TypeError(msg)
    given = (limit, output, network, checkpoint)
    for_data = trials != 1 or skip_bad or any(value is not None for value in given)
    if features is not None and for_data:
        msg = "trials, limit, skip_bad, output, network and checkpoint are for data; features are as they are."
        raise TypeError(msg)
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.hub.values import as_builtin

    rates = as_builtin(open_set)
    rates = (rates,) if isinstance(rates, float | int) else tuple(map(float, rates))
    with required_by("Evaluation"):
        if features is not None:
            from mindspore_hub.tasks.retrieval.evaluation import evaluate_features

            return evaluate_features(
                features,
                name=name,
                protocol=protocol,
                options=options or {},
                open_set=rates,
                hub=hub,
                precision=precision,
            )
        return _evaluator(Hub.of(hub).resolve(str(name)))(
            str(name),
            Path(data or ""),
            protocol=protocol,
            options=options or {},
            trials=as_builtin(trials),
            limit=as_builtin(limit),
            open_set=rates,
            output=Path(output) if output is not None else None,
            precision="f32" if precision == "auto" else precision,
            batch_size=as_builtin(batch_size),
            skip_bad=skip_bad,
            network=network,
            checkpoint=Path(checkpoint) if checkpoint is not None else None,
            hub=hub,
            trust=trust,
            runtime=runtime,
            threads=as_builtin(threads),
        )


def _evaluator(card: Card) -> Evaluator:
    """What measures a card, by its task."""
    task = stated(card, "task", read_task, "task: {name: ...}")
    module = f"{type(task).__module__.rpartition('.')[0]}.evaluation"
    if importlib.util.find_spec(module) is None:
        msg = f"{card.uid} is for the task {task.NAME}, which nobody measures here."
        raise CardError(msg)
    found: Evaluator = importlib.import_module(module).evaluate_data
    return found
