"""Batches of a fine-tuning: P identities with K pictures each, augmented.

Everything that is drawn follows from the seed and the number of the batch, so that a run that goes on
needs to know nothing of what was drawn before.
"""

from __future__ import annotations

import functools
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.tasks.pictures.preprocess import Transform
from mindspore_hub.tasks.retrieval.training.data import Part
from mindspore_hub.tasks.retrieval.training.options import Options

Array = npt.NDArray[Any]
Batch = tuple[Array, tuple[Array, ...]]
"""Labels `(N,)` int32 from 0, and the inputs of the network for N pictures."""

_IDENTITIES, _PICTURES, _AUGMENTATION = 1, 2, 3
"""What tells streams of random numbers apart."""

_ERASED = (0.02, 0.4)
"""Share of a picture that is erased, from and to, as published."""

_ASPECT = 0.3
"""Smallest ratio of height to width of what is erased; the largest one is its inverse."""

_ATTEMPTS = 100


class Batches:
    """Batches by their number from 0; `data` are the pictures that train."""

    def __init__(self, data: Part, transform: Transform, options: Options) -> None:
        self._transform = transform
        self._options = options
        self._samples = data.samples
        self.identities = data.identities
        self._places = [
            np.flatnonzero(np.asarray(data.labels) == label) for label in self.identities
        ]
        self._count = min(options.identities, len(self.identities))

    @property
    def size(self) -> int:
        """Pictures of a batch."""
        return self._count * self._options.pictures

    def drawn(self, number: int) -> tuple[Array, Array]:
        """Places of the pictures of a batch, and their labels, which count identities from 0.

        Each identity is in one batch of every so many: they are shuffled anew for each round.
        """
        rounds, place = divmod(number * self._count, len(self.identities))
        order = [self._order(rounds), self._order(rounds + 1)]
        identities: list[int] = []
        for identity in np.concatenate(order)[place:].tolist():
            if identity not in identities:
                identities.append(identity)
            if len(identities) == self._count:
                break
        random = np.random.default_rng([self._options.seed, _PICTURES, number])
        wanted = self._options.pictures
        places = [
            random.choice(self._places[i], wanted, replace=len(self._places[i]) < wanted)
            for i in identities
        ]
        return np.concatenate(places), np.repeat(np.asarray(identities, np.int32), wanted)

    def __call__(self, number: int) -> Batch:
        """Prepare a batch."""
        places, labels = self.drawn(number)
        random = np.random.default_rng([self._options.seed, _AUGMENTATION, number])
        made = []
        for place in places.tolist():
            sample = self._samples[place]
            prepared = self._transform(sample.picture, **sample.extras)
            image, *others = prepared if isinstance(prepared, tuple) else (prepared,)
            has_places = bool(sample.extras)
            colors = self._transform.preprocessing.colors
            augment(image, self._options, random, colors=colors, keep_places=has_places)
            made.append((image, *others))
        return labels, tuple(map(np.stack, zip(*made, strict=True)))

    def ahead(self, first: int, last: int) -> Generator[Batch]:
        """Batches from `first` to before `last`, each prepared while the one before is computed."""
        with ThreadPoolExecutor(1) as pool:
            try:
                pending = pool.submit(self, first)
                for number in range(first + 1, last + 1):
                    done = pending.result()
                    if number < last:
                        pending = pool.submit(self, number)
                    yield done
            finally:
                pool.shutdown(cancel_futures=True)

    @functools.lru_cache(4)  # noqa: B019 - there is one of these in a run
    def _order(self, rounds: int) -> Array:
        random = np.random.default_rng([self._options.seed, _IDENTITIES, rounds])
        return random.permutation(len(self.identities))


def augment(
    image: Array,
    options: Options,
    random: np.random.Generator,
    *,
    colors: int,
    keep_places: bool,
) -> None:
    """Augment a prepared picture `(C, H, W)` in place; 0 is the mean colour, as its card normalises.

    It is mirrored, shifted by a crop of the picture with a border of the mean colour, and a rectangle of
    it is set to the mean colour: Zhong et al., Random Erasing Data Augmentation, AAAI 2020,
    arXiv:1708.04896, algorithm 1. Where key points or maps belong to a picture, places must stay, so that
    only colours are erased.
    """
    # All is drawn whatever is done, so that no choice changes what is drawn for another picture.
    mirrored, erased = random.random(2)
    shift = random.integers(-options.crop, options.crop + 1, 2)
    seed = random.integers(2**63)
    if not keep_places:
        if mirrored < options.flip:
            image[...] = image[..., ::-1].copy()
        if shift.any():
            image[...] = _shifted(image, *shift.tolist())
    if erased < options.erase:
        _erase(image[:colors], np.random.default_rng(seed))


def _shifted(image: Array, down: int, right: int) -> Array:
    made = np.zeros_like(image)
    height, width = image.shape[1:]
    if abs(down) < height and abs(right) < width:
        rows = slice(max(down, 0), height + min(down, 0))
        columns = slice(max(right, 0), width + min(right, 0))
        from_rows = slice(max(-down, 0), height + min(-down, 0))
        from_columns = slice(max(-right, 0), width + min(-right, 0))
        made[:, rows, columns] = image[:, from_rows, from_columns]
    return made


def _erase(image: Array, random: np.random.Generator) -> None:
    height, width = image.shape[1:]
    for _ in range(_ATTEMPTS):
        area = random.uniform(*_ERASED) * height * width
        aspect = np.exp(random.uniform(np.log(_ASPECT), -np.log(_ASPECT)))
        rows, columns = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
        if 0 < rows < height and 0 < columns < width:
            top, left = random.integers(height - rows), random.integers(width - columns)
            image[:, top : top + rows, left : left + columns] = 0
            return
