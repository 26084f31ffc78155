"""What the data sets of persons share: names of files, and how features are scored.

Sources: research/cv/osnet (branches r1.3 to r1.10) and research/cv/pcb_rpp (r1.7 to r1.10). Both remove
gallery items with the identity and the camera of the query, and read id 0 (distractors) as wrong
answers. They differ in what the options of `Persons` say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import DatasetError, FeaturesError
from mindspore_hub.gallery.distances import (
    Blocks,
    Distances,
    block_rows,
    check_dimensions,
    nearest_in_rows,
)
from mindspore_hub.gallery.features import Features, Floats, Integers, squared_norms
from mindspore_hub.tasks.datasets import Source, choose
from mindspore_hub.tasks.retrieval import metrics
from mindspore_hub.tasks.retrieval.datasets import Item
from mindspore_hub.tasks.retrieval.ranking import Ranks, Relevance, match_ranks

DISTANCES = ("euclidean", "cosine", "dot")

_NAME = re.compile(r"([-\d]+)_c(\d)")

_DRAWS = 10


def folder_of(root: Path, *names: str) -> Path:
    """The deepest of these nested folders that is there, each of which may be missing."""
    for name in names:
        root = root / name if (root / name).is_dir() else root
    return root


def named_items(root: Path, folder: Path, source: Source, *, cameras: int) -> list[Item]:
    """Images `0002_c1s1_000451_03.jpg` of a folder, by name: person 2, camera 1.

    Images of the person -1, which are nobody, are left out.

    Raises:
        DatasetError: The folder is missing or empty, or a name says something else.
    """
    if not folder.is_dir():
        raise source.missing(folder)
    items = []
    for path in sorted(folder.glob("*.jpg")):
        found = _NAME.search(path.name)
        if not found or not re.fullmatch(r"-1|\d+", found[1]) or not 1 <= int(found[2]) <= cameras:
            msg = (
                f"{path} must be named after person and camera, such as 0002_c1s1_000451_03.jpg, with a "
                f"camera from 1 to {cameras}. Get the images of {source.name} again: {source.ask}"
            )
            raise DatasetError(msg)
        if found[1] != "-1":
            items.append(Item(path.relative_to(root).as_posix(), int(found[1]), int(found[2])))
    if not items:
        raise source.missing(folder / "*.jpg")
    return items


@dataclass(frozen=True)
class Persons:
    """Persons that other cameras saw.

    Args:
        distance: `euclidean` (OSNet; cosine for MSMT17) or `cosine` or `dot` (PCB and RPP).
        product: `half`, as published for the Euclidean distance of OSNet, rounds features and their
            products to float16; `single` does not.
        precisions: `steps` (OSNet) averages the precision at each match; `trapezoids` (PCB and RPP)
            also that just before it.
        unmatched: `skipped` (OSNet) leaves queries without a match out; `failures` (PCB and RPP)
            counts them with 0.
        unlabelled: `kept` ranks gallery items with a negative label as wrong answers; `removed` (PCB
            and RPP) leaves them out. The readers here leave them out already.
        shots: `all` looks through the gallery; `one` (CUHK03 as it was first used) through one drawn
            image per person for the CMC curve, ten times for each query.
        seed: Seed of these draws.
        length: Length of the CMC curve, or the size of the gallery if that is smaller.
    """

    name: ClassVar[str]

    distance: str = "euclidean"
    product: str = "half"
    precisions: str = "steps"
    unmatched: str = "skipped"
    unlabelled: str = "kept"
    shots: str = "all"
    seed: int = 1
    length: int = 50

    def __post_init__(self) -> None:
        metrics.at_least("length", self.length, 1)
        metrics.at_least("seed", self.seed, 0)
        words = {
            "distance": DISTANCES,
            "product": ("half", "single"),
            "precisions": ("steps", "trapezoids"),
            "unmatched": ("skipped", "failures"),
            "unlabelled": ("kept", "removed"),
            "shots": ("all", "one"),
        }
        for option, choices in words.items():
            choose(option, getattr(self, option), choices, error=FeaturesError)

    def evaluate(self, query: Features, gallery: Features | None = None) -> metrics.Result:
        """Score features of persons with cameras."""
        gallery = metrics.needed(gallery)
        labels = (query.known("labels"), gallery.known("labels"))
        relevance = Relevance(*labels, cameras=(query.known("cameras"), gallery.known("cameras")))
        left_out = (labels[1] < 0) & (self.unlabelled == "removed")
        ranks = match_ranks(self._blocks(query, gallery, left_out), relevance)
        metrics.require_match(ranks.counts, *labels, removed=metrics.SAME_CAMERA)
        area = self.precisions == "trapezoids"
        result = metrics.standard_result(
            self.name,
            asdict(self),
            ranks,
            gallery=len(gallery),
            precisions=metrics.trapezoid_precisions if area else metrics.average_precisions,
            queries=len(ranks.counts) if self.unmatched == "failures" else None,
        )
        if self.shots == "all":
            return result
        rows = self._blocks(query, gallery, left_out)
        curve = _curve_of_draws(rows, relevance, labels[1], ranks, self.seed)[: self.length]
        found = {f"rank{k}": curve[k - 1] for k in (1, 5, 10, 20) if k <= len(curve)}
        others = {key: it for key, it in result.metrics.items() if not key.startswith("rank")}
        return replace(result, metrics={**found, **others}, cmc=curve)

    def _blocks(
        self, query: Features, gallery: Features, left_out: npt.NDArray[np.bool_]
    ) -> Blocks:
        parts = (query.vectors, gallery.vectors)
        if self.distance == "cosine":
            parts = (_unit(query.vectors), _unit(gallery.vectors))
        if self.distance == "euclidean" and self.product == "half":
            blocks: Blocks = _half_blocks(*parts)
        else:
            kind: Any = "euclidean" if self.distance == "euclidean" else "dot"
            blocks = Distances(*parts, kind=kind).blocks()
        for start, block in blocks:
            block[:, left_out] = np.inf
            yield start, block


def _unit(vectors: Floats) -> Floats:
    """Features `(N, D)` divided by their norms; one of zeros stays as it is."""
    norms = np.sqrt(squared_norms(vectors))[:, None]
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


def _half_blocks(query: Floats, gallery: Floats) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Squared Euclidean distances, with products of float16 that are float16 again."""
    check_dimensions(query, gallery)
    norms = [np.square(part.astype(np.float32)).sum(1) for part in (query, gallery)]
    with np.errstate(over="ignore"):
        halves = [part.astype(np.float16).astype(np.float32) for part in (query, gallery)]
        rows = block_rows(len(gallery), 4)
        for start in range(0, len(query), rows):
            part = slice(start, start + rows)
            products = (halves[0][part] @ halves[1].T).astype(np.float16)
            if not np.isfinite(products).all():
                msg = (
                    "Products of these features are too large for float16, in which the published "
                    "evaluation computes them; give the option product: single."
                )
                raise FeaturesError(msg)
            yield start, norms[0][part, None] + norms[1] - 2 * products.astype(np.float32)


def _curve_of_draws(
    blocks: Blocks, relevance: Relevance, labels: Integers, ranks: Ranks, seed: int
) -> tuple[float, ...]:
    """CMC curve over galleries of one image of each person, drawn ten times for each query."""
    random = np.random.RandomState(seed)
    hits: list[npt.NDArray[np.float64]] = []
    for start, block in blocks:
        for row, order in enumerate(nearest_in_rows(block, block.shape[1]), start):
            if not ranks.counts[row]:
                continue
            matches, removed = relevance.of(row)
            kept = order[~np.isin(order, removed)]
            _, first, person = np.unique(labels[kept], return_index=True, return_inverse=True)
            places = [np.flatnonzero(person == one) for one in np.argsort(first)]
            match = np.isin(kept, matches)
            for _ in range(_DRAWS):
                drawn = np.sort([random.choice(of) for of in places])
                hits.append(np.maximum.accumulate(match[drawn]).astype(np.float64))
    length = min(map(len, hits))
    return tuple(np.mean([curve[:length] for curve in hits], axis=0).tolist())
