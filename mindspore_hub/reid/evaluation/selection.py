"""The images of a data set that an evaluation needs: each once, whatever the number of trials."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from mindspore_hub.cards.preprocessing import Preprocessing
from mindspore_hub.errors import DatasetError
from mindspore_hub.reid.datasets import Dataset, Item
from mindspore_hub.reid.embedding.run import Known
from mindspore_hub.reid.embedding.samples import Sample, Samples
from mindspore_hub.reid.features import GALLERY, QUERY

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
        self._needed = {*preprocessing.maps}
        if preprocessing.keypoints or "segments" in self._needed:
            self._needed.add("keypoints")
        self._items: list[Item] = []
        self._has_gallery = True
        places: dict[tuple[str, int], int] = {}
        parts = []
        for trial, reader in enumerate(readers):
            gallery = reader.gallery()
            self._has_gallery = gallery is not None
            for role, items in ((QUERY, reader.queries()), (GALLERY, gallery or [])):
                for item in items:
                    place = places.setdefault((item.path, role), len(places))
                    if place == len(self._items):
                        self._items.append(item)
                    parts.append((place, trial, role))
        self._roles = np.zeros((len(self._items), len(readers)), np.int64)
        rows, columns, roles = np.array(parts).T
        self._roles[rows, columns] = roles

    def samples(self) -> Samples:
        """The images."""
        reader = self._readers[0]
        return Samples(
            reader.root.absolute(),
            [
                Sample(
                    reader.root / item.path,
                    item.path,
                    {kind: v for kind, v in reader.beside(item).items() if kind in self._needed},
                )
                for item in self._items
            ],
        )

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
        return {
            "options": options,
            "trials": len(self._readers),
            "images": len(self._items),
            "list_sha256": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
            "images_sha256": self._digest(),
            "protocol_options": reader.protocol_options(),
        }

    def _rows(self) -> list[tuple[Item, list[int]]]:
        return list(zip(self._items, self._roles.tolist(), strict=True))

    def _digest(self) -> str:
        """Digest of the digests of all images, in their order."""
        found = hashlib.sha256()
        for item in self._items:
            path = self._readers[0].root / item.path
            try:
                content = path.read_bytes()
            except OSError as error:
                msg = f"{path} cannot be read: {error.strerror}."
                raise DatasetError(msg) from error
            found.update(hashlib.sha256(content).digest())
        return found.hexdigest()
