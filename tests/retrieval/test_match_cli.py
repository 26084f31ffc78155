"""`mshub match` as users start it."""

import json
from pathlib import Path

import numpy as np
import pytest
import sheets
from commands import run

import mindspore_hub
from mindspore_hub.gallery.features import Features

ROOT = Path(__file__).parents[2]

TABLE = f"""\
Query                 Rank   Nearest             Distance   Right
─────────────────────────────────────────────────────────────────
{sheets.QUERY}   1      gallery/right.png   -1.000     ✓
                      2      gallery/wrong.png   -0.9950    ✗
queries/b.png         1      gallery/wrong.png   -1.000     ✓
                      2      gallery/right.png   -0.9950    ✗
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of queries and gallery, both of them in one file with roles, and their pictures."""
    folder = tmp_path_factory.mktemp("features")
    query, gallery = sheets.sides(folder / "pictures")
    query.save(folder / "query.npz")
    gallery.save(folder / "gallery.npz")
    assert query.labels is not None
    assert gallery.labels is not None
    assert query.paths is not None
    assert gallery.paths is not None
    Features(
        np.concatenate([query.vectors, gallery.vectors]),
        labels=np.concatenate([query.labels, gallery.labels]),
        paths=np.concatenate([query.paths, gallery.paths]),
        roles=np.array([[1], [1], [2], [2], [2]]),
        about=query.about,
    ).save(folder / "whole.npz")
    return folder


def test_the_table_lists_neighbours_and_whether_they_are_right(folder: Path) -> None:
    done = run("match", folder / "query.npz", folder / "gallery.npz", "-k", 2)
    assert (done.returncode, done.stdout, done.stderr) == (0, TABLE, "")


def test_a_file_with_roles_holds_queries_and_gallery(folder: Path) -> None:
    done = run("match", folder / "whole.npz", "-k", 2)
    assert (done.returncode, done.stdout, done.stderr) == (0, TABLE, "")


def test_json_is_that_of_the_matches(folder: Path) -> None:
    files = folder / "query.npz", folder / "gallery.npz"
    options = ("-k", 1, "--distance", "euclidean", "--format", "json")
    done = run("match", *files, *options)
    expected = mindspore_hub.match(*files, k=1, distance="euclidean").to_json()
    assert (done.returncode, done.stdout) == (0, f"{expected}\n")
    assert json.loads(done.stdout)["matches"][0]["nearest"][0]["correct"]


def test_reranking_has_options(folder: Path) -> None:
    given = ("--rerank", "--k1", 3, "--k2", 2, "--original-share", 0.5, "--format", "json")
    done = run("match", folder / "gallery.npz", folder / "query.npz", *given)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rerank"] == {"k1": 3, "k2": 2, "original_share": 0.5}


def test_an_index_of_faiss_finds_the_same(folder: Path) -> None:
    pytest.importorskip("faiss", reason="faiss-cpu is not installed")
    files = folder / "query.npz", folder / "gallery.npz"
    done = run("match", *files, "-k", 2, "--index", "Flat")
    assert (done.returncode, done.stdout) == (0, TABLE)


def test_sheets_are_written_and_named(folder: Path, tmp_path: Path) -> None:
    written = [tmp_path / "new" / "sheet.png", tmp_path / "sheet.HTML"]
    options = [part for path in written for part in ("--sheet", path)]
    done = run("match", folder / "whole.npz", *options, "--sheet-queries", 1)
    assert done.returncode == 0
    assert done.stderr == "".join(f"{path} written\n" for path in written)
    assert written[0].read_bytes().startswith(b"\x89PNG")
    assert "Queries: 1 of 2, evenly spread" in written[1].read_text(encoding="utf-8")
    again = run("match", folder / "whole.npz", *options)
    assert again.returncode == 2
    assert again.stderr.endswith(f"Error: {written[0]} exists; --force replaces it.\n")
    quiet = run("-q", "match", folder / "whole.npz", *options, "--force")
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_pictures_are_looked_for_where_they_were_moved(folder: Path, tmp_path: Path) -> None:
    query, gallery = sheets.sides(tmp_path / "old")
    query.save(tmp_path / "query.npz")
    gallery.save(tmp_path / "gallery.npz")
    (tmp_path / "old").rename(tmp_path / "new")
    files = tmp_path / "query.npz", tmp_path / "gallery.npz", "--sheet", tmp_path / "sheet.html"
    lost = run("match", *files)
    assert lost.returncode == 2
    assert f"{tmp_path}/old, which is not a folder" in lost.stderr
    assert "`--images DIR`" in lost.stderr
    assert run("match", *files, "--images", tmp_path / "new").returncode == 0
    assert (tmp_path / "sheet.html").exists()


def test_a_long_table_is_cut_and_says_so(tmp_path: Path) -> None:
    Features(np.eye(103)).save(tmp_path / "many.npz")
    done = run("match", tmp_path / "many.npz", "-k", 1)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 102
    assert done.stderr == "3 more queries; --format json lists all.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sheet", "sheet.pdf"], "sheet.pdf must end in .png or .html"),
        (["--k1", "3"], "--k1 means nothing without --rerank"),
        (["-k", "0"], "0 is not in the range x>=1"),
        (["--rerank", "--index", "Flat"], "leave out one of them"),
        (["--images", "nowhere"], "'nowhere' does not exist"),
    ],
)
def test_what_does_not_fit_is_an_error_of_usage(
    arguments: list[str], message: str, folder: Path
) -> None:
    done = run("match", folder / "query.npz", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.parametrize("ending", ["png", "html"])
def test_a_sheet_goes_where_a_link_leads_and_a_full_disk_is_named(
    folder: Path, tmp_path: Path, ending: str
) -> None:
    link, full = tmp_path / f"link.{ending}", tmp_path / f"full.{ending}"
    link.symlink_to(f"real.{ending}")
    full.symlink_to("/dev/full")
    assert run("match", folder / "whole.npz", "--sheet", link).returncode == 0
    assert link.is_symlink()
    assert (tmp_path / f"real.{ending}").stat().st_size > 0
    done = run("match", folder / "whole.npz", "--sheet", full)
    assert done.returncode == 9
    assert done.stderr == (
        f"mshub: error: {full} cannot be written: No space left on device. "
        "Make room there, or choose another place.\n"
    )
    assert full.is_symlink()


def test_names_of_features_are_shown_by_their_codes(folder: Path, tmp_path: Path) -> None:
    names = np.array(["a\x1b]0;x\x07\x7f\x9b\u202e", "\n ::error::forged", "caf\udce9"])
    Features(np.eye(3), paths=names, about={"root": str(folder)}).save(tmp_path / "f.npz")
    done = run("match", tmp_path / "f.npz", "-k", 2, "--sheet", tmp_path / "s.html")
    said = run("match", tmp_path / "f.npz", "-k", 2)
    for text in (said.stdout, done.stderr):
        assert r"a\x1b]0;x\x07\x7f\x9b\u202e" in text
        assert text.replace("\n", "").isprintable()
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    found = json.loads(run("match", tmp_path / "f.npz", "-k", 2, "--format", "json").stdout)
    assert [match["path"] for match in found["matches"]] == names.tolist()
