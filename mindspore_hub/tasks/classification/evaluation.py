"""The accuracy of a network on the test pictures of a data set, beside what its card claims."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import CardError, FeaturesError
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.metrics import common_name
from mindspore_hub.tasks.classification import datasets
from mindspore_hub.tasks.classification.accuracy import Accuracy, measure, ranks_of
from mindspore_hub.tasks.classification.classifier import Classifier
from mindspore_hub.tasks.classification.datasets import Dataset, Integers, Pictures
from mindspore_hub.tasks.classification.labels import labels_of
from mindspore_hub.tasks.datasets import choose, digest_of_files, options_of
from mindspore_hub.tasks.pictures.chunks import Chunk
from mindspore_hub.tasks.pictures.samples import require_some, skipped_of
from mindspore_hub.tasks.report import Claim, Report, claims_of, versions

OPTIONS = {"seed": 0, "drop_last": 0, "unused": "dropped"}
"""Options of every data set: what `limit` and `drop_last` draw with; the size of batches of which the last
is left out if it is not full, as most original evaluations do, on shuffled pictures (0: none); whether
scores without a class are `dropped`, or `ranked` as the original evaluations do."""

_METRICS = {"acc": "top1", "top5acc": "top5", "top5accuracy": "top5", "top5": "top5"}
"""Metrics by their names in cards; `common_name` knows all names of `acc`."""

_SEEDS = 2**32


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
    """Classify the test pictures of a data set, and count; see `mindspore_hub.evaluate`."""
    if trials != 1:
        msg = f"trials must be 1, but is {trials}: test pictures of classes are measured once."
        raise FeaturesError(msg)
    if open_set:
        msg = "open_set (--open-set) is for retrieval; classes are all known."
        raise FeaturesError(msg)
    if output is not None and output.suffix.lower() != ".csv":
        msg = (
            f"{output} must end in .csv: a classifier makes no features, but predictions, which are "
            "written as CSV (output, --save-predictions)."
        )
        raise FeaturesError(msg)
    classifier = Classifier(name, precision=precision, **running)
    data_set = _data_set(classifier, protocol)
    chosen = _options(data_set, options)
    own = {key: chosen[key] for key in datasets.dataset_options(data_set)}
    reader = datasets.dataset(data_set, root, **own)
    every = reader.pictures()
    pictures = _drawn(every, chosen, limit)
    facts = {
        "protocol": {"name": data_set, **chosen, "limit": limit},
        "data": _facts(data_set, pictures),
    }
    counting = Counting(classifier, pictures, data_set, unused=chosen["unused"])
    counted = counting.counted(output)
    result = _result(reader, {**chosen, "limit": limit}, counted, data_set)
    card = classifier.card
    why = _incomparable(classifier, data_set, every)
    claims = () if why else _claims(card, result)
    why = "" if claims else why or f"{card.uid} claims no accuracy."
    about = {**classifier.about(pictures.samples), **facts, **counted.skipped}
    weights = "published" if about["network"] == "published" else None
    return Report(card.uid, result, claims, weights, about, versions(), why)


@dataclass(frozen=True, eq=False)
class Counted:
    """What became of the pictures that could be read, each `(N,)`.

    Attributes:
        labels: Class of each, from 0.
        ranks: Place of that class among the scores, from 0.
        predicted: Class with the highest score.
        skipped: What could not be read, as a fact of the report; empty if all could.
    """

    labels: Integers
    ranks: Integers
    predicted: Integers
    skipped: dict[str, Any]


class Counting:
    """Finds the place of the class of each picture among its scores, batch by batch.

    Args:
        classifier: What scores them.
        pictures: Pictures and their classes.
        data_set: Name of the data set, which is that of its labels.
        unused: Whether scores without a class are `dropped` or `ranked`.
    """

    def __init__(
        self, classifier: Classifier, pictures: Pictures, data_set: str, *, unused: str
    ) -> None:
        self._classifier = classifier
        self._pictures = pictures
        self._data_set = data_set
        self._unused = unused

    def counted(self, output: Path | None) -> Counted:
        """Score all pictures; a CSV file is written on request, and taken up where a run stopped.

        Raises:
            FeaturesError: The network has other classes than the data set.
            HubError: As in `Runner.run`.
        """
        return self._in_memory() if output is None else self._stored(output)

    def _in_memory(self) -> Counted:
        chunks: list[Chunk] = []
        samples = self._pictures.samples.samples
        self._classifier.run(samples, lambda chunk: chunks.append(self._ranked(chunk)))
        skipped = {number: why for chunk in chunks for number, why in chunk.skipped.items()}
        require_some(skipped, len(samples))
        made = [chunk.arrays for chunk in chunks if chunk.arrays]
        return self._made(
            {name: np.concatenate([rows[name] for rows in made]) for name in made[0]}, skipped
        )

    def _stored(self, output: Path) -> Counted:
        pictures = self._pictures.samples
        plan = {
            **self._classifier.about(pictures),
            "data_set": self._data_set,
            "files": self._pictures.files,
            "unused": self._unused,
        }
        with self._classifier.stored(pictures, output, plan) as chunks:
            self._classifier.run(
                pictures.samples,
                lambda chunk: chunks.append(self._ranked(chunk)),
                missing=chunks.missing(),
            )
            require_some(chunks.skipped, len(pictures.samples))
            made = self._made({name: chunks.read(name) for name in chunks.widths}, chunks.skipped)
            chunks.finish(self._csv(made, chunks.skipped))
        return made

    def _ranked(self, chunk: Chunk) -> Chunk:
        """Place of the class, and the best class, in place of all scores."""
        if not chunk.arrays:
            return chunk
        scores = chunk.arrays["scores"]
        classes, wanted = len(self._classifier.labels(scores.shape[1])), len(self._names)
        if classes != wanted:
            msg = (
                f"The network tells {classes} classes apart, but {self._data_set} has {wanted}; give "
                "another data set (protocol, --protocol), or a network with these classes."
            )
            raise FeaturesError(msg)
        if self._unused == "dropped":
            scores = scores[:, :classes]
        read = [number for number in chunk.numbers if number not in chunk.skipped]
        rows = {
            "ranks": ranks_of(scores, self._pictures.labels[read]),
            "predicted": scores.argmax(axis=1),
        }
        # As float32, which has all of these numbers.
        made = {name: values[:, None].astype(np.float32) for name, values in rows.items()}
        return Chunk(made, chunk.numbers, chunk.skipped)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(labels_of(self._data_set).names)

    def _made(self, arrays: Mapping[str, npt.NDArray[Any]], skipped: Mapping[int, str]) -> Counted:
        read = np.delete(np.arange(len(self._pictures.labels)), list(skipped))
        ranks, predicted = (arrays[name][:, 0].astype(np.int64) for name in ("ranks", "predicted"))
        facts = skipped_of(self._pictures.samples, skipped)
        return Counted(self._pictures.labels[read], ranks, predicted, facts)

    def _csv(self, counted: Counted, skipped: Mapping[int, str]) -> bytes:
        """A line for each picture: its class, the place of that class from 1, and the best class."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("picture", "class", "label", "rank", "predicted", "predicted_label"))
        names = self._names
        samples = self._pictures.samples.samples
        read = [number for number in range(len(samples)) if number not in skipped]
        rows = zip(read, counted.labels, counted.ranks, counted.predicted, strict=True)
        for number, label, rank, best in rows:
            other = names[best] if best < len(names) else ""
            name = samples[number].path or number
            writer.writerow((name, label, names[label], rank + 1, best, other))
        return text.getvalue().encode("utf-8", "surrogateescape")


def _data_set(classifier: Classifier, protocol: str | None) -> str:
    """The data set that is asked for, else the one whose labels the card names."""
    card, labels = classifier.card, classifier.task.labels
    if protocol is None and not labels:
        msg = (
            f"{card.uid} does not name the labels of its classes; say which data set this is with "
            f"protocol (--protocol), one of {', '.join(datasets.names())}."
        )
        raise CardError(msg)
    if protocol is not None and labels and protocol in datasets.names() and protocol != labels:
        msg = (
            f"{card.uid} tells the classes of {labels} apart, not those of {protocol}; leave the "
            "protocol out, or take another network."
        )
        raise FeaturesError(msg)
    return protocol or labels


def _options(data_set: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a measurement with their values."""
    known = {**OPTIONS, **datasets.dataset_options(data_set)}
    made = {**known, **options_of(f"The protocol {data_set!r}", known, given, error=FeaturesError)}
    choose("unused", made["unused"], ("dropped", "ranked"), error=FeaturesError)
    for name, end in (("seed", _SEEDS), ("drop_last", _SEEDS)):
        if not 0 <= made[name] < end:
            msg = f"{name} must be from 0 to {end - 1}, but is {made[name]}."
            raise FeaturesError(msg)
    return made


def _drawn(pictures: Pictures, options: Mapping[str, Any], limit: int | None) -> Pictures:
    """Those pictures that are measured, in their order; a smaller limit draws some of the same."""
    if limit is not None and (type(limit) is not int or limit < 1):
        msg = f"limit must be a whole number of at least 1, or None, but is {limit!r}."
        raise FeaturesError(msg)
    count, batch = len(pictures.labels), options["drop_last"]
    kept = count - count % batch if batch else count
    if not kept:
        msg = f"drop_last={batch} leaves no picture of {count}; give the size of the batches."
        raise FeaturesError(msg)
    # RandomState draws the same with every version of NumPy.
    order = np.random.RandomState(options["seed"]).permutation(count)
    chosen = order[: kept if limit is None else min(limit, kept)]
    return pictures if len(chosen) == count else pictures.part(np.sort(chosen))


def _facts(data_set: str, pictures: Pictures) -> dict[str, Any]:
    """Which data these are, as plain JSON, with digests of the list and of all pictures in files."""
    samples = pictures.samples
    paths = [sample.path for sample in samples.samples]
    rows = [*zip(paths, pictures.labels.tolist(), strict=True)]
    found = {
        "name": data_set,
        "pictures": len(rows),
        "files": pictures.files,
        "list_sha256": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
    }
    if samples.root is None:
        return found
    files = digest_of_files(samples.root / path for path in paths)
    return {**found, "pictures_sha256": files}


def _result(reader: Dataset, options: dict[str, Any], counted: Counted, data_set: str) -> Accuracy:
    names = labels_of(data_set).names
    metrics, intervals, classes = measure(counted.ranks, counted.predicted, counted.labels, names)
    counts = {"pictures": len(counted.labels), "classes": len(classes)}
    return Accuracy(data_set, options, metrics, counts, intervals, classes, reader.COUNT)


def _incomparable(classifier: Classifier, data_set: str, pictures: Pictures) -> str:
    """Why nothing on these pictures compares with what the card claims; empty if it does."""
    there, wanted = len(np.unique(pictures.labels)), len(labels_of(data_set))
    if classifier.task.labels != data_set:
        return f"{classifier.card.uid} does not say that its metrics are those of {data_set}."
    if there < wanted:
        return f"Claims are of all {wanted:,} classes, but only {there:,} of them have pictures."
    return ""


def _claims(card: Card, result: Accuracy) -> tuple[Claim, ...]:
    """Published top-1 and top-5, each once; a few cards repeat the name of the first one."""
    names = {m.name: _METRICS.get(common_name(m.name), "") for m in card.metrics if m.name}
    found: dict[str, Claim] = {}
    for claim in claims_of(card, result, names):
        found.setdefault(claim.metric, claim)
    return tuple(found.values())
