"""Retrieval: pictures to features, features to matches and to published numbers.

`embed` and `match` are what `mindspore_hub` offers, and need nothing until they are called: `samples` to
`embedding`, and `neighbours` to `matching` do their work, `threshold` finds that of a match. `evaluation` is what `mindspore_hub.evaluate` calls. `task`
has the fields of a card. `ranking`, `rerank` and `metrics` know no networks; a data set and its protocol
are one file of `datasets`. `docs/reid.md` describes the files that go in and come out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from mindspore_hub.errors import PictureError
from mindspore_hub.tasks import required_by

if TYPE_CHECKING:
    import numpy.typing as npt
    from mindspore import nn

    from mindspore_hub.gallery.features import Features
    from mindspore_hub.gallery.gallery import Gallery
    from mindspore_hub.tasks.pictures import AnyHub
    from mindspore_hub.tasks.retrieval.calibration import Calibration
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
    shard: str | None = None,
    on: str | None = None,
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
            `MSHUB_RUNTIME` says, else `auto` (`docs/runtimes.md`).
        precision: `f32`, or `bf16` by OpenVINO where the processor has it; `auto` takes bf16 there.
        threads: Threads of the runtime, but of MindSpore; by default as many as this process may use.
        shard: Compute a part only, for several machines: `3/16`, or `auto` for what Slurm, Kubernetes or
            MPI say; docs/clusters.md. It needs an output, and `merge_parts` makes one file of all.
        on: Let others compute: `dask://HOST:PORT`, the workers of a Dask cluster, or `local:4`, so many
            processes here. The features are those that this process would make.

    Returns:
        Features in the order of the pictures: `vectors` `(N, D)` float32, `paths` where pictures
        are files, `about` what made them.

    Raises:
        HubError: As in `load` and `transforms`.
        PictureError: There is no picture, one cannot be read, or its modality is not the network's.
        FeaturesError: No picture could be read, a feature is not finite, or the network gives other
            outputs than `task` of the card names.
        StoreError: The output cannot be written (an OSError).
        ClusterError: Workers lack something, or were lost again and again.
        NetworkError: There is no scheduler at the address of `on`.
        SettingsError: The environment does not say which shard this is.
    """
    from mindspore_hub.hub.values import as_builtin

    with required_by("Embedding"):
        from mindspore_hub.gallery.features import load
        from mindspore_hub.tasks.pictures.cluster import Engine
        from mindspore_hub.tasks.pictures.samples import known_of, list_samples
        from mindspore_hub.tasks.pictures.shards import Shard
        from mindspore_hub.tasks.retrieval.embedding import Embedding
    if shard is not None and (output is None or on is not None):
        msg = (
            "shard= needs output=, and goes without on=: a part is a file, and `on` needs no parts."
        )
        raise PictureError(msg)
    part = None if shard is None else Shard.of(shard)
    embedding = Embedding(
        name,
        modality=modality,
        on=None if on is None else Engine.of(on),
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
    embedding.write(listed, Path(output), known=known, shard=part)
    return load(Path(output))


def merge_parts(
    parts: Iterable[str | os.PathLike[str]], output: str | os.PathLike[str]
) -> Features:
    """Make one file of those that `embed` wrote for each shard, as if there had been none.

    Args:
        parts: The file of each part, in any order.
        output: The npz file; an existing one is replaced.

    Returns:
        All features, whose vectors are mapped from the file: they can be read only.

    Raises:
        FeaturesError: A part cannot be read, is not one, is missing or there twice, or the parts were
            not made alike.
        StoreError: The output cannot be written (an OSError).
    """
    with required_by("Merging"):
        from mindspore_hub.gallery.features import load
        from mindspore_hub.tasks.retrieval.parts import merge
    merge(parts, Path(output))
    return load(Path(output), mapped=True)


def match(
    query: Source,
    gallery: Source | Gallery | None = None,
    *,
    k: int = 10,
    distance: str | None = None,
    rerank: bool | Mapping[str, float] | None = None,
    index: str | None = None,
    where: str | None = None,
    exact: bool = False,
    calibration: Calibration | str | os.PathLike[str] | None = None,
) -> Matches:
    """Find the nearest gallery images of each query.

    Args:
        query: Features `(Q, D)` of the queries.
        gallery: Features `(G, D)` of the gallery. If it is the query itself, or the same file,
            images are looked up among themselves, and none finds itself. So it is without a
            gallery, unless the features have roles: then, their first trial says what is what. It may
            also be a `Gallery`, or the path of one whose name ends in `.lance`.
        k: How many neighbours; at most all are returned.
        distance: `dot`, the negative inner product, or `euclidean`, the squared Euclidean distance.
            By default what the features say ranks them, else `dot`.
        rerank: True to rank again by k-reciprocal encoding (arXiv:1701.08398), or a mapping of its
            options `k1`, `k2` and `original_share`; 20, 6 and 0.3 by default. Features must have norm
            1, and distances are those of the re-ranking.
        index: None for the exact search. Otherwise what `faiss.index_factory` takes, such as `Flat`
            or `IVF1024,Flat`, and after a semicolon parameters of the search:
            `IVF1024,Flat;nprobe=32`. The index is made anew, in memory.
        where: A filter that images of the gallery must fit, such as `camera != 2 and label in (7, 8)`;
            `docs/gallery.md` has all that it can say.
        exact: Leave the index of a gallery of LanceDB alone, and compare with every row.
        calibration: A calibration, or its file: with it, what is further than its threshold is no match.

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
        from mindspore_hub.tasks.retrieval.matching import find
    return find(
        query,
        gallery,
        k=as_builtin(k),
        distance=distance,
        rerank=rerank,
        index=index,
        where=where,
        exact_search=exact,
        calibration=calibration,
    )


def calibrate(
    features: Features | str | os.PathLike[str],
    *,
    false_match_rate: float,
    confidence: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    distance: str | None = None,
) -> Calibration:
    """Find how far an image may be to be a match: the threshold for a wanted false match rate.

    All pairs of labelled images are compared. The false match rate (FMR, ISO/IEC 19795-1) is the share of
    non-mated comparisons, of two identities, within the threshold. It is of one comparison: a query that is
    compared with G identities of a gallery meets up to G times as many. Intervals are those of a bootstrap over
    identities.

    Args:
        features: Features of images with labels, or their npz file, made as those that are to be matched. Images
            with a negative label are left out, as are mated comparisons of images that one camera took.
        false_match_rate: The rate that is wanted, such as 0.01.
        confidence: Probability that an interval holds what it is for.
        replicates: How often identities are drawn, at most.
        seed: Decides what is drawn.
        distance: `dot` or `euclidean`; by default what the features say ranks them, else `dot`.

    Returns:
        The threshold, the false non-match rate that it costs (FNMR, the share of mated comparisons beyond it),
        both with an interval, and the DET curve.

    Raises:
        FeaturesError: There are too few identities for the rate; the message says how many it takes.
    """
    from mindspore_hub.hub.values import as_builtin

    with required_by("Calibration"):
        from mindspore_hub.gallery.features import Features, load
        from mindspore_hub.tasks.retrieval.matching import kind_of
        from mindspore_hub.tasks.retrieval.threshold import calibrate as measure
    found = features if isinstance(features, Features) else load(features, mapped=True)
    return measure(
        found,
        false_match_rate=as_builtin(false_match_rate),
        confidence=as_builtin(confidence),
        replicates=as_builtin(replicates),
        seed=as_builtin(seed),
        kind=kind_of(distance, found.about),
    )
