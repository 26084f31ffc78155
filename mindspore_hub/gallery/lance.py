"""A gallery that is a table of LanceDB: in a folder, or at the address of an object store.

Every change is one atomic commit of the table: a row is there for all readers or for none. Ids are the primary
key of the table, so that of two writers who add one picture at the same time, the later one leaves it out.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from mindspore_hub.errors import FeaturesError, HubError, MissingDependencyError, StoreError
from mindspore_hub.gallery.arrow import (
    ABOUT,
    about_of,
    as_arrow,
    features_of,
    pages,
    positions,
    rows_of,
    schema_of,
    vectors_of,
)
from mindspore_hub.gallery.distances import Kind, exact_in_parts, part_rows
from mindspore_hub.gallery.features import Features, Floats, Integers
from mindspore_hub.gallery.index import SAMPLE, K, Measured, measure
from mindspore_hub.gallery.origin import digests_of, ids_of
from mindspore_hub.gallery.store import Found
from mindspore_hub.gallery.where import Filter
from mindspore_hub.settings import shown_address

_ROWS, _EMPTY = "features", "empty"
"""Names of the table of rows, and of the one in its place until there are any."""

_COLUMNS = ("id", "label", "camera", "path")
"""What is told of a row that was found."""

_INDEX = "mindspore-hub-index"
"""Where the column of vectors has what was measured of its index."""

_QUERIES = 16
"""Queries up to which LanceDB searches; for more, reading the table once for all of them is faster."""

_PART = 8192
"""Rows that are read at a time."""

_METRICS = {"dot": "dot", "euclidean": "l2"}

_FEWEST = 1000
"""Rows from which an index may be made."""

_SOURCE = re.compile(r",? /\S+/\.cargo/|\bLocation\b")
"""Where LanceDB begins to say which line of its own code an error is from."""

_OLD = timedelta(hours=1)
"""Age from which a version of the table is removed, since no reader can be at it still."""


class LanceStore:
    """Rows in a table; what others changed is seen after `refresh`."""

    kind = "lance"

    def __init__(self, uri: str) -> None:
        self._uri = uri
        if _is_local(uri) and not Path(uri).is_dir():
            msg = f"{uri} is not a folder, so no gallery; `mshub gallery create {uri}` makes one."
            raise FeaturesError(msg)
        with _named(uri):
            self._database = _connect(uri)
            names = self._database.list_tables().tables
            self._table = self._database.open_table(_ROWS) if _ROWS in names else None
            if self._table is None and _EMPTY not in names:
                msg = f"{uri} holds no gallery; `mshub gallery create {uri}` makes one."
                raise FeaturesError(msg)
            empty = None if self._table else self._database.open_table(_EMPTY)
            self._empty_about = {} if empty is None else about_of(empty)

    @staticmethod
    def create(uri: str, about: Mapping[str, Any]) -> None:
        """Make an empty gallery."""
        import pyarrow as pa

        if _is_local(uri) and Path(uri).exists():
            msg = f"{uri} exists; choose another name, or remove it first."
            raise StoreError(msg)
        with _named(uri):
            database = _connect(uri)
            if database.list_tables().tables:
                msg = f"{uri} holds tables already; choose another name."
                raise StoreError(msg)
            fields = [pa.field("id", pa.int64())]
            database.create_table(_EMPTY, schema=pa.schema(fields, {ABOUT: json.dumps(about)}))

    @property
    def about(self) -> dict[str, Any]:
        """What made the features."""
        return self._empty_about if self._table is None else about_of(self._table)

    @property
    def dimension(self) -> int | None:
        """Values of each feature; None while no row was ever added."""
        if self._table is None:
            return None
        size: int = self._table.schema.field("vector").type.list_size
        return size

    def refresh(self) -> None:
        """See the newest version of the table."""
        with _named(self._uri):
            if self._table is not None:
                self._table.checkout_latest()
            elif _ROWS in self._database.list_tables().tables:
                self._table = self._database.open_table(_ROWS)

    def writing(self) -> AbstractContextManager[None]:
        """Nothing: every commit of the table is atomic, and conflicts are found when it is made."""
        self.refresh()
        return nullcontext()

    def count(self, where: Filter | None) -> int:
        """How many rows there are, or fit a filter."""
        if self._table is None:
            return 0
        with _named(self._uri):
            return int(self._table.count_rows(None if where is None else where.sql()))

    def known(self, ids: Integers) -> dict[int, str]:
        """Digests, by id, of those ids that are there."""
        found: dict[int, str] = {}
        if self._table is not None:
            with _named(self._uri):
                for rows in rows_of(self._table, ids, ["id", "digest"]):
                    found.update(
                        zip(rows["id"].to_pylist(), rows["digest"].to_pylist(), strict=True)
                    )
        return found

    def append(self, rows: Features, about: Mapping[str, Any]) -> int:
        """Add rows that are not there, in one commit, and say how many that were."""
        with _named(self._uri):
            if self._table is None:
                self._table = self._first(rows.vectors.shape[1], about)
            made = as_arrow(rows, self._table.schema)
            insert = self._table.merge_insert("id").when_not_matched_insert_all()
            return int(insert.execute(made).num_inserted_rows)

    def _first(self, dimension: int, about: Mapping[str, Any]) -> Any:
        """Make the table of rows, unless another writer has made it meanwhile."""
        schema = schema_of(dimension, about)
        try:
            made = self._database.create_table(_ROWS, schema=schema)
        except ValueError:
            made = self._database.open_table(_ROWS)
            if made.schema.field("vector") != schema.field("vector") or about_of(made) != dict(
                about
            ):
                msg = (
                    f"Another writer has just added other features to {self._uri}; see its `info`."
                )
                raise FeaturesError(msg) from None
        return made

    def delete(self, where: Filter) -> int:
        """Remove what fits, in one commit."""
        if self._table is None:
            return 0
        with _named(self._uri):
            return int(self._table.delete(where.sql()).num_deleted_rows)

    def nearest(
        self, vectors: Floats, k: int, where: Filter | None, *, kind: Kind, use_index: bool
    ) -> Found:
        """The nearest rows; fewer than k if there are fewer."""
        index = self._measured() if use_index else None
        if index is None or index.distance != kind:
            index, how, probes = None, {"kind": "exact"}, None
        else:
            how = index.how(filtered=where is not None)
            probes = index.probes_for(filtered=where is not None)
        if self._table is None or not self.count(where):
            return Found.none(len(vectors), how)
        with _named(self._uri):
            if index is None and len(vectors) > _QUERIES:
                return self._streamed(vectors, k, where, kind)
            parts = [
                self._searched(vectors[start : start + _QUERIES], k, where, kind, probes)
                for start in range(0, len(vectors), _QUERIES)
            ]
        return Found.joined(parts, how)

    def _searched(
        self, vectors: Floats, k: int, where: Filter | None, kind: Kind, probes: int | None
    ) -> Found:
        """What LanceDB finds; without probes it compares all rows."""
        query: Any = list(np.ascontiguousarray(vectors, np.float32))
        several = len(query) > 1
        search = self._opened.search(query if several else query[0], vector_column_name="vector")
        search = search.distance_type(_METRICS[kind]).limit(k)
        search = search.bypass_vector_index() if probes is None else search.nprobes(probes)
        if where is not None:
            search = search.where(where.sql(), prefilter=True)
        rows = search.select([*_COLUMNS, "_distance"]).to_arrow()
        distances = rows["_distance"].to_numpy().astype(np.float32)
        if kind == "dot":
            distances -= 1  # LanceDB says 1 - x·y
        owner = rows["query_index"].to_numpy() if several else np.zeros(len(rows), np.int64)
        order = np.lexsort((rows["id"].to_numpy(), distances, owner))
        found = Found.none(len(vectors), {"kind": "exact"}).padded(k)
        owner = owner[order]
        place = np.arange(len(owner)) - np.searchsorted(owner, owner)
        paths = np.full(found.ids.shape, "", object)
        paths[owner, place] = np.array(rows["path"].to_pylist(), object)[order]
        for target, name in ((found.ids, "id"), (found.labels, "label"), (found.cameras, "camera")):
            target[owner, place] = rows[name].to_numpy()[order]
        found.distances[owner, place] = distances[order]
        return dataclasses.replace(found, paths=paths.astype(np.str_))

    def _streamed(self, vectors: Floats, k: int, where: Filter | None, kind: Kind) -> Found:
        """Compare all queries with all rows, while the table is read once."""
        snapshot = self._snapshot()
        ids: list[Integers] = []
        parts = vectors_of(snapshot, where, part_rows(k, kind), ids)
        places, distances = exact_in_parts(vectors, parts, k=k, kind=kind)
        found = np.concatenate(ids)[places]
        rows = features_of(rows_of(snapshot, np.unique(found)))
        at = positions(rows, found)
        if rows.labels is None or rows.cameras is None or rows.paths is None:
            raise AssertionError
        return Found(
            *(found, distances, rows.labels[at], rows.cameras[at], rows.paths[at]),
            how={"kind": "exact"},
        )

    def rows(self, ids: Integers) -> Features | None:
        """Rows of those of the ids that are there, in this order; None if none is."""
        if self._table is None:
            return None
        with _named(self._uri):
            parts = [part for part in rows_of(self._table, np.unique(ids)) if len(part)]
        if not parts:
            return None
        found = features_of(parts)
        there = np.isin(ids, ids_of(digests_of(found)))
        return found.take(positions(found, ids[there])) if there.any() else None

    def parts(self, where: Filter | None) -> Iterator[Features]:
        """All rows, or those that fit, part by part, as they are now."""
        if self._table is None:
            return
        with _named(self._uri):
            for page in pages(self._snapshot(), where, _PART):
                yield features_of([page])

    def facts(self) -> dict[str, Any]:
        """What only this kind has to say."""
        found: dict[str, Any] = {}
        if _is_local(self._uri):
            files = [path for path in Path(self._uri).rglob("*") if path.is_file()]
            found["bytes"] = sum(path.stat().st_size for path in files)
        if self._table is None:
            return found
        with _named(self._uri):
            found["version"] = self._table.version
            index, name = self._measured(), self._index_name()
            if name is not None:
                unindexed = self._table.index_stats(name).num_unindexed_rows
                facts = {"unmeasured": True} if index is None else dataclasses.asdict(index)
                found["index"] = {**facts, "unindexed": unindexed}
        return found

    def index(self, *, kind: Kind, partitions: int | None, target: float) -> Measured:
        """Make an inverted file (IVF) of all rows, and measure it; searches use it from then on."""
        from lancedb.index import IvfFlat

        rows = self.count(None)
        if rows < _FEWEST:
            msg = f"{self._uri} has {rows} rows; an index of fewer than {_FEWEST} saves nothing."
            raise FeaturesError(msg)
        partitions = partitions or math.isqrt(rows)
        with _named(self._uri):
            self._note(None)  # what is known is of another index
            config = IvfFlat(distance_type=_METRICS[kind], num_partitions=partitions)  # type: ignore[arg-type] # a Literal of its own
            self._opened.create_index("vector", config=config)
            self._opened.checkout_latest()
            found = self._measure(kind, partitions, target)
            self._note(found)
        return found

    def _measure(self, kind: Kind, partitions: int, target: float) -> Measured:
        ids = self._opened.search().select(["id"]).to_arrow()["id"].to_numpy()
        chosen = np.random.default_rng(0).choice(ids, min(SAMPLE, len(ids)), replace=False)
        sample = features_of(rows_of(self._opened, np.unique(chosen)))
        own = ids_of(digests_of(sample))

        def search(queries: Floats, k: int, where: Filter | None, probes: int | None) -> Integers:
            if probes is None:
                return self._streamed(queries, k, where, kind).ids
            parts = [
                self._searched(queries[start : start + _QUERIES], k, where, kind, probes)
                for start in range(0, len(queries), _QUERIES)
            ]
            return Found.joined(parts, {}).ids

        measured = measure(search, sample.vectors, own, partitions=partitions, target=target)
        return Measured("IVF_FLAT", kind, partitions, len(ids), len(own), K, *measured)

    def compact(self, *, now: bool) -> None:
        """Make few large files of many small ones, add new rows to the index, remove old versions.

        Versions that a reader may still be at, those of the last hour, stay, unless it is to be `now`.
        """
        if self._table is None:
            return
        with _named(self._uri):
            self._table.checkout_latest()
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", UserWarning
                )  # `now` is documented to be for nobody else
                self._table.optimize(cleanup_older_than=timedelta(0) if now else _OLD)

    def _note(self, index: Measured | None) -> None:
        facts = None if index is None else json.dumps(dataclasses.asdict(index))
        self._opened.update_field_metadata({"path": "vector", "metadata": {_INDEX: facts}})

    def _measured(self) -> Measured | None:
        """What is known of the index; None without one, or if it was not measured to the end."""
        if self._table is None:
            return None
        text = (self._table.schema.field("vector").metadata or {}).get(_INDEX.encode())
        return Measured(**json.loads(text)) if text else None

    def _index_name(self) -> str | None:
        found = [one.name for one in self._opened.list_indices() if one.columns == ["vector"]]
        return found[0] if found else None

    @property
    def _opened(self) -> Any:
        return self._table

    def _snapshot(self) -> Any:
        """The table as this object sees it, whatever others do to it."""
        found = self._database.open_table(_ROWS)
        found.checkout(self._opened.version)
        return found


def _connect(uri: str) -> Any:
    try:
        import lancedb
    except ImportError as error:
        msg = (
            f"{uri} is a gallery of LanceDB, which cannot be imported ({error}); "
            "`pip install lancedb pyarrow`. A gallery in an npz file needs NumPy only."
        )
        raise MissingDependencyError(msg) from error
    return lancedb.connect(uri)


def _is_local(uri: str) -> bool:
    return "://" not in uri


@contextmanager
def _named(uri: str) -> Iterator[None]:
    """Let errors of LanceDB become errors that name the gallery."""
    try:
        yield
    except HubError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        why = _SOURCE.split(str(error), maxsplit=1)[0].rstrip(", ")
        msg = f"{shown_address(uri)} cannot be used: {why}."
        raise StoreError(msg) from error
