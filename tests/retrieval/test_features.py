"""Features go to npz files and back whole, and what cannot be evaluated is refused."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Features, load
from mindspore_hub.tasks.retrieval.datasets import protocol


def whole() -> Features:
    return Features(
        np.arange(6.0, dtype=np.float32).reshape(3, 2) + 1,
        [4, 4, -1],
        cameras=[1, 2, 3],
        paths=["a.jpg", "b/ü.jpg", "c.jpg"],
        colors=[1, 2, 3],
        types=[3, 2, 1],
        color_scores=np.eye(3),
        type_scores=np.ones((3, 9)),
        roles=[[1, 0], [2, 1], [2, 2]],
        about={"card": "mindspore/1.9/mvd_infraredtovisible_regdb"},
    )


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["pipe", "folder"])
def test_features_are_read_from_regular_files_only(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "features.npz")
    with pytest.raises(FeaturesError, match=r"features\.npz cannot be read .* not a regular file"):
        load(tmp_path / "features.npz")


def test_features_come_back_from_a_file_as_they_were(tmp_path: Path) -> None:
    features = whole()
    features.save(tmp_path / "features.npz")
    found = load(tmp_path / "features.npz")
    assert found.about == features.about
    for name in ("vectors", "labels", "cameras", "paths", "colors", "type_scores", "roles"):
        np.testing.assert_array_equal(getattr(found, name), getattr(features, name))
        assert getattr(found, name).dtype == getattr(features, name).dtype


@pytest.mark.parametrize("kind", [str, Path])
def test_paths_are_texts_or_paths(tmp_path: Path, kind: Callable[[Path], Any]) -> None:
    path = kind(tmp_path / "new" / "f.npz")
    whole().save(path)
    assert len(load(path)) == len(whole())


def test_a_file_that_numpy_alone_wrote_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "plain.npz", vectors=np.eye(2, dtype=np.float16), labels=[1, 2])
    found = load(tmp_path / "plain.npz")
    assert found.vectors.dtype == np.float32
    assert (found.cameras, found.about) == (None, {})


def test_taking_some_keeps_everything_beside_them() -> None:
    some = whole().take(np.array([2, 0]))
    assert some.labels.tolist() == [-1, 4]
    assert some.paths.tolist() == ["c.jpg", "a.jpg"]
    assert some.about == whole().about


def test_roles_tell_the_queries_and_the_gallery_of_each_trial() -> None:
    trials = whole().trials()
    places = [[part.paths.tolist() for part in trial] for trial in trials]
    assert places == [[["a.jpg"], ["b/ü.jpg", "c.jpg"]], [["b/ü.jpg"], ["c.jpg"]]]
    assert trials[0][1].labels.tolist() == [4, -1]


def test_without_roles_all_are_queries_among_themselves() -> None:
    features = Features(np.eye(2))
    assert features.trials() == [(features, None)]


def test_a_trial_without_a_gallery_is_refused() -> None:
    with pytest.raises(FeaturesError, match="Trial 1 has 2 queries and 0 gallery images"):
        Features(np.eye(2), roles=[[1, 1], [2, 1]]).trials()


def test_labels_may_be_unknown_until_a_protocol_needs_them(tmp_path: Path) -> None:
    Features(np.eye(2)).save(tmp_path / "unlabelled.npz")
    found = load(tmp_path / "unlabelled.npz")
    assert found.labels is None
    with pytest.raises(FeaturesError, match="lack 'labels'"):
        protocol("sop").evaluate(found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"roles": [1, 2, 0]}, "roles has the shape"),
        ({"labels": [1, 2]}, r"labels has the shape \(2,\), but 3 features need"),
        ({"labels": [1.5, 2, 3]}, "labels has the dtype float64, but must be convertible to int64"),
        ({"cameras": [[1, 2, 3]]}, "cameras has the shape"),
        ({"paths": [1, 2, 3]}, "paths has the dtype int64"),
        ({"vectors": np.ones(3)}, r"vectors has the shape \(3,\), but must be \(N, D\)"),
        ({"vectors": np.ones((0, 3)), "labels": []}, "neither of them 0"),
        ({"vectors": [[1, 2], [np.nan, 1], [np.inf, 1]]}, "2 of 3 .* the first at index 1"),
        ({"vectors": np.full((3, 2), 1e30, np.float32)}, "too large to be squared"),
        ({"vectors": [["a"], ["b"], ["c"]]}, "vectors has the dtype <U1"),
        ({"vectors": np.full((3, 2), 1e60, np.longdouble)}, "3 of 3 features are infinite"),
        ({"labels": np.array([1, 2**63, 3], np.uint64)}, "labels holds 9223372036854775808, which"),
        ({"roles": np.array([[1], [2], [2**64 - 1]], np.uint64)}, "does not fit into int64"),
        ({"color_scores": np.ones((3, 0))}, r"color_scores has the shape \(3, 0\), but must have"),
        ({"color_scores": np.full((3, 4), np.nan)}, "3 of 3 rows of color_scores .* at index 0;"),
        ({"type_scores": [[1, 2], [0, 1], [np.inf, 0]]}, "1 of 3 rows of type_scores .* index 2;"),
        ({"type_scores": [[1, 2], [0, -np.inf], [1, 0]]}, "1 of 3 rows of type_scores .* index 1;"),
        ({"color_scores": [[1], [1e300], [1]]}, "1 of 3 rows of color_scores .* index 1;"),
        (
            {"color_scores": [[1], [np.nan], [1]], "paths": ["a", "b/c.jpg", "d"]},
            "color_scores .* the first at index 1, 'b/c.jpg'; look at the network's output",
        ),
    ],
)
def test_features_that_cannot_be_evaluated_are_refused(change: dict, message: str) -> None:
    parts = {"vectors": np.ones((3, 2)), "labels": np.array([1, 2, 3]), **change}
    with pytest.raises(FeaturesError, match=message):
        Features(**parts)


def write(path: Path, kind: str) -> None:
    arrays = {"vectors": np.eye(2), "labels": np.array([1, 2])}
    if kind == "text":
        path.write_text("no arrays", encoding="ascii")
    elif kind == "array":
        with path.open("wb") as stream:
            np.save(stream, np.eye(2))
    elif kind == "cut":
        np.savez(path, **arrays)
        path.write_bytes(path.read_bytes()[:200])
    elif kind == "pickle":
        np.savez(path, **arrays, paths=np.array([{}, {}], object))
    elif kind == "unknown":
        np.savez(path, **arrays, names=np.array(["a", "b"]))
    elif kind == "lacking":
        np.savez(path, labels=np.array([1, 2]))
    elif kind == "later":
        np.savez(path, **arrays, about=np.array(json.dumps({"schema": 99})))
    elif kind == "about":
        np.savez(path, **arrays, about=np.array("[1"))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("absent", "cannot be read as features"),
        ("text", "cannot be read as features"),
        ("array", "cannot be read as features"),
        ("cut", "cannot be read as features"),
        ("pickle", "cannot be read as features"),
        ("unknown", "rename or add arrays"),
        ("lacking", "rename or add arrays"),
        ("later", "has the schema 99, but this version reads up to 1"),
        ("about", "'about' must be a JSON object"),
    ],
)
def test_a_file_that_holds_no_features_is_refused(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / "features.npz"
    write(path, kind)
    with pytest.raises(FeaturesError, match=message) as error:
        load(path)
    assert str(path) in str(error.value)
