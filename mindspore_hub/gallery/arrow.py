"""Rows of a gallery as tables of Arrow, which LanceDB keeps."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mindspore_hub._foreign import read_object
from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Features, Floats, Integers
from mindspore_hub.gallery.origin import digests_of, ids_of
from mindspore_hub.gallery.where import Comparison, Filter

if TYPE_CHECKING:
    import pyarrow as pa

ABOUT = "mindspore-hub"
"""Where a table has what made the features."""

_IDS = 4096
"""Ids that one filter names."""


def schema_of(dimension: int, about: Mapping[str, Any]) -> pa.Schema:
    """The columns of a gallery with so many values in a feature, and what made them."""
    import pyarrow as pa

    key = {"lance-schema:unenforced-primary-key": "true"}
    fields = [
        pa.field("id", pa.int64(), nullable=False, metadata=key),
        pa.field("digest", pa.string(), nullable=False),
        pa.field("label", pa.int64(), nullable=False),
        pa.field("camera", pa.int64(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False),
    ]
    return pa.schema(fields, {ABOUT: json.dumps(about, sort_keys=True)})


def about_of(table: Any) -> dict[str, Any]:
    """What made the features of a table; a FeaturesError if it does not say that."""
    text = (table.schema.metadata or {}).get(ABOUT.encode())
    if text is None:
        msg = f"The table {table.name!r} was not made by mshub gallery; export its rows as npz."
        raise FeaturesError(msg)
    return read_object(text)


def as_arrow(rows: Features, schema: pa.Schema) -> pa.Table:
    """Features as rows of a table."""
    import pyarrow as pa

    digests = digests_of(rows)
    values = pa.array(np.ascontiguousarray(rows.vectors, np.float32).reshape(-1))
    vectors = pa.FixedSizeListArray.from_arrays(values, rows.vectors.shape[1])
    columns = [ids_of(digests), digests, rows.labels, rows.cameras, rows.paths]
    return pa.table([*map(pa.array, columns), vectors], schema=schema.remove_metadata())


def rows_of(table: Any, ids: Integers, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Rows of ids, in whatever order."""
    for start in range(0, len(ids), _IDS):
        where = Comparison("id", "in", tuple(ids[start : start + _IDS].tolist()))
        search = table.search().where(where.sql())
        yield (search if columns is None else search.select(columns)).to_arrow()


def vectors_of(
    table: Any, where: Filter | None, size: int, ids: list[Integers]
) -> Iterator[Floats]:
    """Vectors of a table in blocks of so many rows, and a last one; their ids are appended to `ids`."""
    for block in pages(table, where, size, ["id", "vector"]):
        ids.append(block["id"].to_numpy())
        yield np.concatenate([_as_rows(chunk) for chunk in block["vector"].chunks])


def pages(
    table: Any, where: Filter | None, size: int, columns: list[str] | None = None
) -> Iterator[pa.Table]:
    """Rows of a version of a table, so many at a time; a stream of them would be read ahead without end."""
    start = 0
    while True:
        search = table.search()
        if where is not None:
            search = search.where(where.sql())
        if columns is not None:
            search = search.select(columns)
        page = search.offset(start).limit(size).to_arrow()
        if len(page):
            yield page
        if len(page) < size:
            return
        start += size


def _as_rows(vectors: Any) -> Floats:
    """Vectors `(N, D)` of a column of them."""
    found: Floats = vectors.flatten().to_numpy().reshape(len(vectors), -1)
    return found


def features_of(parts: Iterable[Any]) -> Features:
    """Features of all columns of rows."""
    import pyarrow as pa

    batches = [part.to_batches() if isinstance(part, pa.Table) else [part] for part in parts]
    rows = pa.Table.from_batches(itertools.chain.from_iterable(batches)).combine_chunks()
    vectors = np.concatenate([_as_rows(chunk) for chunk in rows["vector"].chunks])
    return Features(
        vectors,
        labels=rows["label"].to_numpy(),
        cameras=rows["camera"].to_numpy(),
        paths=np.array(rows["path"].to_pylist(), np.str_),
        digests=np.array(rows["digest"].to_pylist(), np.str_),
    )


def positions(rows: Features, ids: Integers) -> Integers:
    """Where each of the ids is among the rows."""
    there = ids_of(digests_of(rows))
    order = np.argsort(there)
    found: Integers = order[np.searchsorted(there, ids, sorter=order)]
    return found
