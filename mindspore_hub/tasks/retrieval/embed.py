"""`mindspore_hub.embed`, apart from what it needs, so that it is imported with the package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.tasks.retrieval._dependencies import required_by

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.tasks.retrieval.features import Features


def embed(
    name: str,
    images: Any,
    *,
    modality: str | None = None,
    batch_size: int = 16,
    skip_bad: bool = False,
    pattern: str | None = None,
    output: str | os.PathLike[str] | None = None,
    network: nn.Cell | None = None,
    heatmaps: Any = None,
    segments: Any = None,
    keypoints: Any = None,
) -> Features:
    r"""Features of pictures, as the published evaluation of a network makes them.

    Which outputs make a feature, whether a mirrored picture is added and what it is divided by,
    stands in the card. Pictures are prepared in a thread while the network computes.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        images: A folder, whose pictures are taken at every depth and in the order of their paths;
            a picture; or several, of any kind that `mindspore_hub.transforms` takes.
        modality: `visible`, `infrared` or `thermal`: refused if the network was not trained on
            such pictures, and noted with the features. The networks take all kinds the same way.
        batch_size: Pictures that the network sees at once.
        skip_bad: Leave out pictures that cannot be read, with a warning each, instead of failing.
        pattern: Regular expression with a group `label` and perhaps a group `camera`, which is
            searched in the path of each picture, such as `(?P<label>-?\\d+)_c(?P<camera>\\d+)`. The
            groups hold whole numbers, each from its sign to its last digit.
        output: An npz file to write. Until it is whole, its parts are kept beside it, and a call
            with the same pictures and the same network goes on where an earlier one was stopped.
        network: The network, if it is loaded already or was fine-tuned.
        heatmaps: For networks that take them: a folder with a folder `STEM/` for each picture, or
            the maps of each picture; see `transforms`.
        segments: The same.
        keypoints: For networks that take them: a CSV file, whose lines are the name or path of a
            picture and 108 numbers (x, y and confidence of each), or those of VeRi's label files;
            or the keypoints of each picture.

    Returns:
        Features in the order of the pictures: `vectors` `(N, D)` float32, `paths` where pictures
        are files, `about` what made them.

    Raises:
        HubError: As in `load` and `transforms`.
        PictureError: There is no picture, one cannot be read, or its modality is not the network's.
        FeaturesError: No picture could be read, a feature is not finite, or the network gives other
            outputs than `retrieval` of the card names.
        StoreError: The output cannot be written (an OSError).
    """
    from mindspore_hub.hub.values import as_builtin

    with required_by("Embedding"):
        from mindspore_hub.tasks.retrieval.embedding.run import Embedding
        from mindspore_hub.tasks.retrieval.embedding.samples import known_of, list_samples
        from mindspore_hub.tasks.retrieval.features import load
    embedding = Embedding(
        name,
        modality=modality,
        batch_size=as_builtin(batch_size),
        skip_bad=skip_bad,
        network=network,
    )
    listed = list_samples(images, heatmaps=heatmaps, segments=segments, keypoints=keypoints)
    known = known_of(listed, pattern)
    if output is None:
        return embedding.features(listed, known=known)
    embedding.write(listed, Path(output), known=known)
    return load(Path(output))
