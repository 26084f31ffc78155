"""Retrieval: pictures to features, features to matches and to published numbers.

`embed` and `match` are what `mindspore_hub` offers, and need nothing until they are called: `samples` to
`embedding`, and `neighbours` to `matches` do their work. `evaluation` is what `mindspore_hub.evaluate` calls. `task`
has the fields of a card. `ranking`, `rerank` and `metrics` know no networks; a data set and its protocol
are one file of `datasets`. `docs/reid.md` describes the files that go in and come out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from mindspore_hub.tasks import required_by

if TYPE_CHECKING:
    import numpy.typing as npt
    from mindspore import nn

    from mindspore_hub.gallery.features import Features
    from mindspore_hub.tasks.pictures import AnyHub
    from mindspore_hub.tasks.retrieval.matches import Matches

Source: TypeAlias = Union["Features", str, os.PathLike[str], "npt.ArrayLike"]
"""Features, an npz file of them, or an array `(N, D)`."""


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
    checkpoint: str | os.PathLike[str] | None = None,
    heatmaps: Any = None,
    segments: Any = None,
    keypoints: Any = None,
    hub: AnyHub = None,
    trust: bool = False,
    runtime: str | None = None,
    precision: str = "f32",
    threads: int | None = None,
) -> Features:
    r"""Features of pictures, as the published evaluation of a network makes them.

    Which outputs make a feature, whether a mirrored picture is added and what it is divided by,
    stands in the card. Pictures are prepared in threads while the network computes.

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
        checkpoint: A file of yours that is loaded in place of the published one, as in `load`.
        heatmaps: For networks that take them: a folder with a folder `STEM/` for each picture, or
            the maps of each picture; see `transforms`.
        segments: Folder with the segments, likewise.
        keypoints: For networks that take them: a CSV file, whose lines are the name or path of a
            picture and 108 numbers (x, y and confidence of each), or those of VeRi's label files;
            or the keypoints of each picture.
        hub: Hub root whose card the name means and whose network runs, as in `load`.
        trust: Run the networks of a hub that is not this package's own, as in `load`.
        runtime: What computes: `mindspore`, `onnxruntime`, `openvino`, or `auto`; by default what
            `MSHUB_RUNTIME` says, else `auto` (`docs/speed.md`).
        precision: `f32`, or `bf16` by OpenVINO where the processor has it; `auto` takes bf16 there.
        threads: Threads of the runtime, but of MindSpore; by default as many as this process may use.

    Returns:
        Features in the order of the pictures: `vectors` `(N, D)` float32, `paths` where pictures
        are files, `about` what made them.

    Raises:
        HubError: As in `load` and `transforms`.
        PictureError: There is no picture, one cannot be read, or its modality is not the network's.
        FeaturesError: No picture could be read, a feature is not finite, or the network gives other
            outputs than `task` of the card names.
        StoreError: The output cannot be written (an OSError).
    """
    from mindspore_hub.hub.values import as_builtin

    with required_by("Embedding"):
        from mindspore_hub.gallery.features import load
        from mindspore_hub.tasks.pictures.samples import known_of, list_samples
        from mindspore_hub.tasks.retrieval.embedding import Embedding
    embedding = Embedding(
        name,
        modality=modality,
        batch_size=as_builtin(batch_size),
        skip_bad=skip_bad,
        network=network,
        checkpoint=checkpoint,
        hub=hub,
        trust=trust,
        runtime=runtime,
        precision=precision,
        threads=as_builtin(threads),
    )
    listed = list_samples(images, heatmaps=heatmaps, segments=segments, keypoints=keypoints)
    known = known_of(listed, pattern)
    if output is None:
        return embedding.features(listed, known=known)
    embedding.write(listed, Path(output), known=known)
    return load(Path(output))


def match(
    query: Source,
    gallery: Source | None = None,
    *,
    k: int = 10,
    distance: str | None = None,
    rerank: bool | Mapping[str, float] | None = None,
    index: str | None = None,
) -> Matches:
    """Find the nearest gallery images of each query.

    Args:
        query: Features `(Q, D)` of the queries.
        gallery: Features `(G, D)` of the gallery. If it is the query itself, or the same file,
            images are looked up among themselves, and none finds itself. So it is without a
            gallery, unless the features have roles: then, their first trial says what is what.
        k: How many neighbours; at most all are returned.
        distance: `dot`, the negative inner product, or `euclidean`, the squared Euclidean distance.
            By default what the features say ranks them, else `dot`.
        rerank: True to rank again by k-reciprocal encoding (arXiv:1701.08398), or a mapping of its
            options `k1`, `k2` and `original_share`; 20, 6 and 0.3 by default. Features must have norm
            1, and distances are those of the re-ranking.
        index: None for the exact search. Otherwise what `faiss.index_factory` takes, such as `Flat`
            or `IVF1024,Flat`, and after a semicolon parameters of the search:
            `IVF1024,Flat;nprobe=32`. The index is made anew, in memory.

    Returns:
        Indices and distances `(Q, k)`, nearest first. Of images at the same distance, the one with
        the lower index comes first.

    Raises:
        FeaturesError: A file cannot be read, queries and gallery come from different networks, or
            an argument does not fit them.
        MissingDependencyError: NumPy, or faiss for an index, is not installed.
    """
    from mindspore_hub.hub.values import as_builtin

    with required_by("Matching"):
        from mindspore_hub.tasks.retrieval.matches import find
    return find(query, gallery, k=as_builtin(k), distance=distance, rerank=rerank, index=index)
