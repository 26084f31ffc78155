"""Galleries: both kinds do the same, exactly, and refuse what does not belong to them."""

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disks import small_disk
from server import read_only

from mindspore_hub import Features, Gallery
from mindspore_hub.errors import FeaturesError, StoreError
from mindspore_hub.gallery.features import load
from mindspore_hub.gallery.origin import digests_of, ids_of

ABOUT: dict[str, Any] = {
    "card": "m/1/one",
    "sha256": "a" * 64,
    "retrieval": {"distance": "dot"},
    "root": "/pictures",
}
ROWS, DIMENSION = 300, 24
KINDS = pytest.mark.parametrize("kind", ["npz", "lance"])


def drawn(rows: int = ROWS, seed: int = 0, **about: Any) -> Features:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, DIMENSION)).astype(np.float32)
    return Features(
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        labels=np.arange(rows) % 30,
        cameras=np.arange(rows) % 4,
        paths=np.array([f"gate {number % 3}/{seed}_{number}.png" for number in range(rows)]),
        about={**ABOUT, **about},
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A gallery of each kind, added in three parts."""
    found = {}
    for kind in ("npz", "lance"):
        found[kind] = tmp_path_factory.mktemp(kind) / f"g.{kind}"
        gallery = Gallery.create(found[kind])
        for part in np.array_split(np.arange(ROWS), 3):
            assert gallery.add(drawn().take(part)) == len(part)
    return found


@pytest.fixture
def copies(made: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Copies that may be changed."""
    found = {}
    for kind, path in made.items():
        found[kind] = tmp_path / path.name
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, found[kind])
    return found


FILTERS = [
    (None, lambda f: np.ones(ROWS, bool)),
    ("camera != 2", lambda f: f.cameras != 2),
    ("label in (7, 8) and not camera = 3", lambda f: np.isin(f.labels, [7, 8]) & (f.cameras != 3)),
    (
        "path like 'gate 1/%' or label >= 28",
        lambda f: (f.labels >= 28) | (np.arange(ROWS) % 3 == 1),
    ),
    (
        "label not in (0, 1) and (camera < 1 or camera > 2)",
        lambda f: (f.labels > 1) & np.isin(f.cameras, [0, 3]),
    ),
    ("path = 'gate 0/0_3.png'", lambda f: f.paths == "gate 0/0_3.png"),
]


@KINDS
@pytest.mark.parametrize("distance", ["dot", "euclidean"])
@pytest.mark.parametrize(("where", "mask"), FILTERS, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("queries", [1, 3, 40])
def test_search_is_what_numpy_sorts(
    made: dict[str, Path], kind: str, distance: Any, where: str | None, mask: Any, queries: int
) -> None:
    features, wanted = drawn(), drawn(queries, seed=1).vectors
    fits = np.flatnonzero(mask(features))
    rows = features.vectors[fits].astype(np.float64)
    if distance == "dot":
        distances = -wanted @ rows.T
    else:
        distances = ((wanted[:, None] - rows) ** 2).sum(axis=2)
    order = np.argsort(distances, axis=1, kind="stable")[:, :5]
    found = Gallery(made[kind]).search(wanted, 5, where, distance=distance)
    width = min(5, len(fits))
    ids = ids_of(digests_of(features))[fits]
    assert found.ids.shape == (queries, 5)
    np.testing.assert_array_equal(found.ids[:, :width], ids[order])
    np.testing.assert_allclose(
        found.distances[:, :width], np.take_along_axis(distances, order, 1), atol=1e-6
    )
    assert features.paths is not None
    np.testing.assert_array_equal(found.paths[:, :width], features.paths[fits][order])
    np.testing.assert_array_equal(found.labels[:, :width], features.known("labels")[fits][order])
    np.testing.assert_array_equal(found.cameras[:, :width], features.known("cameras")[fits][order])
    assert (found.ids[:, width:] == -1).all()
    assert np.isinf(found.distances[:, width:]).all()


@KINDS
@pytest.mark.parametrize(("where", "mask"), FILTERS, ids=lambda value: str(value)[:12])
def test_filters_count_the_same(made: dict[str, Path], kind: str, where: Any, mask: Any) -> None:
    assert Gallery(made[kind]).count(where) == mask(drawn()).sum()


@KINDS
def test_what_is_there_is_not_added_again(copies: dict[str, Path], kind: str) -> None:
    gallery = Gallery(copies[kind], writable=True)
    assert gallery.add(drawn()) == 0
    assert gallery.add(drawn(20, seed=5)) == 20
    assert gallery.count() == ROWS + 20
    digests = digests_of(drawn(20, seed=5)).tolist()
    assert gallery.missing([*digests, "f" * 32]) == [20]


@KINDS
def test_rows_are_removed_by_filter_and_by_id(copies: dict[str, Path], kind: str) -> None:
    gallery = Gallery(copies[kind], writable=True)
    reader = Gallery(copies[kind])
    assert gallery.remove("label = 7") == 10
    assert gallery.remove("label = 7") == 0
    ids = reader.search(drawn().vectors[:1], 3).ids[0]
    assert gallery.remove(ids=ids) == 3
    assert reader.count() == ROWS - 13
    assert not np.isin(reader.search(drawn().vectors[:1], 20).ids, ids).any()
    with pytest.raises(FeaturesError, match=f"no row with the id {ids[1]}"):
        reader.rows(ids[1:])
    gallery.compact(now=True)
    assert Gallery(copies[kind]).count() == ROWS - 13


@KINDS
def test_rows_come_in_the_order_of_their_ids(made: dict[str, Path], kind: str) -> None:
    features = drawn()
    chosen = np.array([200, 3, 77])
    found = Gallery(made[kind]).rows(ids_of(digests_of(features))[chosen])
    np.testing.assert_array_equal(found.vectors, features.vectors[chosen])
    np.testing.assert_array_equal(found.paths, features.take(chosen).paths)


@KINDS
def test_an_export_is_features(made: dict[str, Path], kind: str, tmp_path: Path) -> None:
    file = tmp_path / "e.npz"
    assert Gallery(made[kind]).export(file, where="camera = 1") == ROWS // 4
    found = load(file)
    assert found.about == ABOUT
    expected = drawn().take(np.flatnonzero(drawn().cameras == 1))
    assert sorted(map(bytes, found.vectors)) == sorted(map(bytes, expected.vectors))
    again = Gallery.create(tmp_path / f"again.{kind}")
    assert again.add(found) == ROWS // 4
    with pytest.raises(FeaturesError, match="no rows that fit"):
        again.export(file, where="camera = 2")


@KINDS
@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "b" * 64},
        {"retrieval": {"distance": "euclidean"}},
        {"preprocessing": {"size": 3}},
    ],
)
def test_features_of_another_origin_are_refused(
    copies: dict[str, Path], kind: str, change: dict[str, Any]
) -> None:
    gallery = Gallery(copies[kind], writable=True)
    with pytest.raises(FeaturesError, match=f"not made alike: {next(iter(change))} is"):
        gallery.add(drawn(5, seed=9, **change))
    with pytest.raises(FeaturesError, match="24"):
        gallery.add(Features(np.ones((2, 7)), about=ABOUT))
    with pytest.raises(FeaturesError, match="24"):
        gallery.search(np.ones((2, 7)))
    assert gallery.count() == ROWS


@KINDS
def test_a_gallery_that_is_open_for_reading_is_not_changed(
    made: dict[str, Path], kind: str
) -> None:
    gallery = Gallery(made[kind])
    for change in (
        lambda: gallery.add(drawn()),
        lambda: gallery.remove("label = 1"),
        gallery.compact,
        gallery.index,
    ):
        with pytest.raises(StoreError, match="opened for reading"):
            change()


@KINDS
def test_an_empty_gallery_has_no_rows(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"g.{kind}"
    gallery = Gallery.create(path, root=tmp_path)
    assert (gallery.count(), gallery.dimension, len(list(gallery.parts()))) == (0, None, 0)
    assert (gallery.search(np.ones((2, 3)), 4).ids == -1).all()
    assert gallery.about == {"root": str(tmp_path)}
    assert gallery.remove("label = 1") == 0
    with pytest.raises(StoreError, match="exists"):
        Gallery.create(path)
    below = drawn(2, root=str(tmp_path / "a"))
    assert Gallery(path, writable=True).add(below) == 2
    assert next(iter(gallery.parts())).known("paths").tolist() == [
        f"a/{p}" for p in below.known("paths")
    ]
    with pytest.raises(FeaturesError, match="not below"):
        Gallery(path, writable=True).add(drawn(2, seed=3))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("label = 'x'", "at character 9: label is compared with a whole number"),
        ("camera !", "at character 8: this means nothing"),
        ("path like 7", "at character 11: path is compared with a text"),
        ("label = 1 or", "at character 13: a column is expected"),
        ("(label = 1", "at character 11: '\\)' is expected"),
        ("foo = 3", "at character 1: a column is expected: label, camera, id, path"),
        ("label in ()", "at character 11: label is compared"),
        ("path = 'a", "at character 8: this text has no closing quote"),
        ("label = 99999999999999999999", "at character 9: this number does not fit"),
        ("label = " + "9" * 5000, "at character 9: this number does not fit"),
        ("label like 'a'", "at character 7: like is for path"),
        ("label = 1; drop table features", "at character 10: this means nothing"),
        ("not " * 60 + "label = 1", "nested deeper than 50"),
        ("", "at character 1: a column is expected"),
    ],
)
def test_a_bad_filter_is_refused_at_its_place(where: str, message: str, made: Any) -> None:
    for path in made.values():
        with pytest.raises(FeaturesError, match=message):
            Gallery(path).count(where)


@KINDS
@pytest.mark.parametrize("name", ["it's", "50%", "a\\b", 'x" or 1=1', "ünï", "a_b", "%"])
def test_texts_in_filters_are_what_they_are(tmp_path: Path, kind: str, name: str) -> None:
    gallery = Gallery.create(tmp_path / f"g.{kind}")
    gallery.add(Features(np.eye(2), paths=np.array([name, "other"])))
    quoted = name.replace("'", "''")
    assert gallery.count(f"path = '{quoted}'") == 1
    expected = 2 if name == "%" else 1
    assert gallery.count(f"path like '{quoted}'") == expected
    assert gallery.count(f"path not like '{quoted}'") == 2 - expected


@KINDS
def test_what_is_unknown_is_minus_one(tmp_path: Path, kind: str) -> None:
    gallery = Gallery.create(tmp_path / f"g.{kind}")
    gallery.add(Features(np.eye(3)[:2]))
    assert gallery.count("label = -1 and camera = -1 and path = ''") == 2
    gallery.export(tmp_path / "e.npz")
    assert load(tmp_path / "e.npz").labels is None
    gallery.add(Features(np.eye(3)[2:], labels=np.array([4])))
    assert gallery.search(np.eye(3), 1).labels.tolist() == [[-1], [-1], [4]]


def test_an_index_says_what_it_finds(tmp_path: Path) -> None:
    gallery = Gallery.create(tmp_path / "g.lance")
    random = np.random.default_rng(0)
    centres = random.normal(size=(60, 16))
    vectors = centres[np.arange(3000) % 60] + 0.3 * random.normal(size=(3000, 16))
    gallery.add(Features(vectors, cameras=np.arange(3000) % 5))
    made = gallery.index(partitions=40, recall=0.9)
    assert min(made.recall, made.filtered_recall) >= 0.9
    assert (made.rows, made.sample, made.k) == (3000, 100, 10)
    assert made.filtered_probes > made.probes
    queries = vectors[:200].astype(np.float32)
    for where in (None, "camera = 3"):
        exact = gallery.search(queries, 10, where, use_index=False)
        found = gallery.search(queries, 10, where)
        assert exact.how == {"kind": "exact"}
        assert found.how["kind"] == "IVF_FLAT"
        assert found.how["recall"] == (made.filtered_recall if where else made.recall)
        hits = [len(set(a) & set(b)) for a, b in zip(exact.ids, found.ids, strict=True)]
        assert sum(hits) / 2000 >= 0.85
    # Another distance than that of the index is searched exactly.
    assert gallery.search(queries, 10, distance="euclidean").how == {"kind": "exact"}
    new = np.full((1, 16), 9.0)
    gallery.add(Features(new))
    assert gallery.search(new, 1).distances[0, 0] == pytest.approx(-16 * 81)
    assert gallery.info()["index"]["unindexed"] == 1
    gallery.compact()
    assert gallery.info()["index"]["unindexed"] == 0


def test_npz_has_no_index(made: dict[str, Path], copies: dict[str, Path]) -> None:
    with pytest.raises(FeaturesError, match=r"mshub gallery create g.lance --features"):
        Gallery(copies["npz"], writable=True).index()


def test_a_file_of_embed_is_a_gallery(tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    drawn().save(path)
    gallery = Gallery(path, writable=True)
    assert gallery.add(drawn()) == 0
    assert gallery.add(drawn(1, seed=2)) == 1
    roles = Features(np.eye(2), roles=np.array([[1], [2]]))
    roles.save(tmp_path / "r.npz")
    with pytest.raises(FeaturesError, match="holds roles, which a gallery does not keep"):
        Gallery(tmp_path / "r.npz", writable=True).add(drawn())


@pytest.mark.parametrize("name", ["none.npz", "none.lance", "folder.lance", "g.txt"])
def test_what_is_no_gallery_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.lance").mkdir()
    with pytest.raises(FeaturesError, match=name):
        Gallery(tmp_path / name)
    assert not (tmp_path / "none.lance").exists()


@KINDS
def test_a_folder_that_may_only_be_read_is_searched(
    made: dict[str, Path], kind: str, open_folder: Path
) -> None:
    path = open_folder / made[kind].name
    (shutil.copytree if made[kind].is_dir() else shutil.copyfile)(made[kind], path)
    with read_only(open_folder):
        gallery = Gallery(path, writable=True)
        assert gallery.search(drawn().vectors[:1], 1).distances[0, 0] == pytest.approx(-1)
        with pytest.raises(StoreError, match=path.name):
            gallery.add(drawn(3, seed=3))
        with pytest.raises(StoreError, match=path.name):
            gallery.remove("label = 1")
    assert Gallery(path).count() == ROWS


@pytest.fixture
def open_folder() -> Iterator[Path]:
    import tempfile

    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@KINDS
def test_a_full_disk_loses_nothing_that_was_added(tmp_path: Path, kind: str) -> None:
    with small_disk(tmp_path / "small", "2m") as disk:
        path = disk / f"g.{kind}"
        Gallery.create(path)
        added, message = filled(path)
        assert path.name in message
        assert added
        assert count(path) == added


def filled(path: Path) -> tuple[int, str]:
    """Rows that were added until the disk was full, and what was said then."""
    added = 0
    try:
        for seed in range(1000):
            added += Gallery(path, writable=True).add(drawn(400, seed=seed))
    except StoreError as error:
        message = str(error)
    gc.collect()  # what the error kept open
    return added, message


def count(path: Path) -> int:
    """Rows of a gallery that is not kept open."""
    return Gallery(path).count()
