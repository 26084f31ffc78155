"""Classification: pictures to the classes that they show.

`classify` is what `mindspore_hub` offers, and needs nothing until it is called: `classifier` has the
scores and the most probable classes, `predictions` what is given and written, `sheet` a page of pictures.
`task` has the fields of a card, and `labels` the names of the classes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.tasks import required_by

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.tasks.classification.predictions import Predictions
    from mindspore_hub.tasks.pictures import AnyHub


def classify(
    name: str,
    images: Any,
    k: int = 5,
    *,
    labels: Sequence[str] | None = None,
    batch_size: int = 16,
    skip_bad: bool = False,
    output: str | os.PathLike[str] | None = None,
    network: nn.Cell | None = None,
    hub: AnyHub = None,
    trust: bool = False,
    runtime: str | None = None,
    precision: str = "f32",
    threads: int | None = None,
) -> Predictions:
    """The most probable classes of pictures.

    Scores that belong to no class, as the card says, are dropped; the probabilities of all others sum
    up to 1. Pictures are prepared in threads while the network computes.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        images: A folder, whose pictures are taken at every depth and in the order of their paths;
            a picture; or several, of any kind that `mindspore_hub.transforms` takes.
        k: How many classes of each picture; at most all are given.
        labels: Names of the classes of `network`, in the order of its scores, if they are not those
            of the card.
        batch_size: Pictures that the network sees at once.
        skip_bad: Leave out pictures that cannot be read, with a warning each, instead of failing.
        output: A file to write that ends in `.csv` or `.json`. Until it is whole, its parts are kept
            beside it, and a call with the same pictures and the same network goes on where an
            earlier one was stopped.
        network: The network, if it is loaded already or was fine-tuned.
        hub: Hub root whose card the name means and whose network runs, as in `load`.
        trust: Run the networks of a hub that is not this package's own, as in `load`.
        runtime: What computes: `mindspore`, `onnxruntime`, `openvino`, or `auto`; by default what
            `MSHUB_RUNTIME` says, else `auto` (`docs/runtimes.md`).
        precision: `f32`, or `bf16` by OpenVINO where the processor has it; `auto` takes bf16 there.
        threads: Threads of the runtime, but of MindSpore; by default as many as this process may use.

    Returns:
        Predictions in the order of the pictures: `classes` and `probabilities` `(N, k)`, best first;
        of classes with the same score, the one with the lower number.

    Raises:
        HubError: As in `load` and `transforms`.
        PictureError: There is no picture, or one cannot be read.
        FeaturesError: No picture could be read, a score is not finite, the labels are not as many as
            the scores, k is below 1, or the output has another end.
        StoreError: The output cannot be written (an OSError).
    """
    from mindspore_hub.errors import FeaturesError
    from mindspore_hub.hub.values import as_builtin

    with required_by("Classification"):
        from mindspore_hub.tasks.classification.classifier import Classifier
        from mindspore_hub.tasks.pictures.samples import list_samples
    k = as_builtin(k)
    if type(k) is not int or k < 1:
        msg = f"k must be a whole number of at least 1, but is {k!r}."
        raise FeaturesError(msg)
    classifier = Classifier(
        name,
        labels=labels,
        batch_size=as_builtin(batch_size),
        skip_bad=skip_bad,
        network=network,
        hub=hub,
        trust=trust,
        runtime=runtime,
        precision=precision,
        threads=as_builtin(threads),
    )
    listed = list_samples(images)
    if output is None:
        return classifier.predictions(listed, k=k)
    return classifier.write(listed, Path(output), k=k)
