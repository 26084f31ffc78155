"""The images of a data set that an evaluation needs.

An image of several trials is there once, unless it has another label in each: RegDB counts the
identities of every trial anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mindspore_hub import _files
from mindspore_hub.errors import DatasetError
from mindspore_hub.tasks.pictures.fields import MAPS, Preprocessing
from mindspore_hub.tasks.retrieval.datasets import Dataset, Item
from mindspore_hub.tasks.retrieval.embedding import Known
from mindspore_hub.tasks.retrieval.features import GALLERY, QUERY
from mindspore_hub.tasks.retrieval.samples import Sample, Samples

_ATTRIBUTES = {"labels": "label", "cameras": "camera", "colors": "color", "types": "type"}
"""Arrays of features, and what an item calls its entry."""


class Selection:
    """Images of the trials of a data set.

    Args:
        readers: A reader per trial.
        preprocessing: How pictures are prepared, which tells what is needed beside them.

    Raises:
        DatasetError: Something is missing or cannot be read.
    """

    def __init__(self, readers: Sequence[Dataset], preprocessing: Preprocessing) -> None:
        self._readers = readers
        self._needed = preprocessing.extras
        self._items: list[Item] = []
        self._has_gallery = True
        places: dict[tuple[Item, int, int], int] = {}
        parts = []
        for trial, reader in enumerate(readers):
            gallery = reader.gallery()
            self._has_gallery = gallery is not None
            for role, items in ((QUERY, reader.queries()), (GALLERY, gallery or [])):
                seen: Counter[Item] = Counter()  # a list may name an image twice, which counts
                for item in items:
                    place = places.setdefault((item, role, seen[item]), len(places))
                    seen[item] += 1
                    if place == len(self._items):
                        self._items.append(item)
                    parts.append((place, trial, role))
        self._roles = np.zeros((len(self._items), len(readers)), np.int64)
        rows, columns, roles = np.array(parts).T
        self._roles[rows, columns] = roles
        self._require_maps()

    def samples(self) -> Samples:
        """The images."""
        root = self._readers[0].root
        return Samples(
            root.absolute(),
            [Sample(root / item.path, item.path, self._extras(item)) for item in self._items],
        )

    def _extras(self, item: Item) -> dict[str, Any]:
        """What the network takes besides an image, as far as the data set has it."""
        found = self._readers[0].extras(item)
        return {kind: value for kind, value in found.items() if kind in self._needed}

    def _maps(self) -> list[tuple[str, Path]]:
        """Folders of maps, each after its kind."""
        kinds = [self._extras(item).items() for item in self._items]
        return [(kind, v) for found in kinds for kind, v in found if isinstance(v, Path)]

    def _require_maps(self) -> None:
        for kind, folder in self._maps():
            absent = [n for n in range(MAPS[kind]) if not (folder / f"{n:02}.jpg").is_file()]
            if absent:
                msg = (
                    f"{folder} must hold {MAPS[kind]} {kind}, but {absent[0]:02}.jpg is missing; "
                    "get the maps from where the labels of the data set come from."
                )
                raise DatasetError(msg)

    def known(self) -> Known:
        """What the data set says of each image, and its role in each trial."""
        found: dict[str, Sequence[Any]] = {}
        for name, attribute in _ATTRIBUTES.items():
            values = [getattr(item, attribute) for item in self._items]
            if None not in values:
                found[name] = values
        return {**found, "roles": self._roles.tolist()} if self._has_gallery else found

    def about(self) -> dict[str, Any]:
        """Which data these are, as plain JSON, with digests of the list and of all images."""
        reader = self._readers[0]
        options = {
            field.name: getattr(reader, field.name)
            for field in dataclasses.fields(reader)
            if field.name != "root"
        }
        rows = [(*dataclasses.astuple(item), *roles) for item, roles in self._rows()]
        maps = [path for _, folder in self._maps() for path in sorted(folder.glob("*.jpg"))]
        return {
            "options": options,
            "trials": len(self._readers),
            "images": len(self._items),
            "list_sha256": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
            "images_sha256": _digest(self._readers[0].root / item.path for item in self._items),
            **({"maps_sha256": _digest(maps)} if maps else {}),
            "protocol_options": reader.protocol_options(),
        }

    def _rows(self) -> list[tuple[Item, list[int]]]:
        return list(zip(self._items, self._roles.tolist(), strict=True))


def _digest(paths: Iterable[Path]) -> str:
    """Digest of the digests of files, in their order."""
    found = hashlib.sha256()
    for path in paths:
        try:
            with _files.open_regular(path) as file:
                content = file.read()
        except OSError as error:
            msg = f"{path} cannot be read: {error.strerror}."
            raise DatasetError(msg) from error
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()
