"""Which pictures are meant, what belongs to each, and what tells them from others."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tiny

from mindspore_hub.errors import PictureError
from mindspore_hub.tasks.pictures.samples import EXAMPLE, known_of, list_samples

POINTS = ",".join(map(str, range(108)))


@pytest.mark.parametrize("line", ["a.png,{}", "b/a.png, {}", "\ufeffa.png,1,2,3,{}\n\n"])
def test_keypoints_are_found_by_name_or_path(line: str, tmp_path: Path) -> None:
    folder = tiny.draw(tmp_path / "all", "b/a.png")
    file = tmp_path / "keypoints.csv"
    file.write_text(line.format(POINTS), encoding="utf-8")
    (sample,) = list_samples(folder, keypoints=file).samples
    assert sample.extras["keypoints"].tolist() == list(range(108))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (f"b.png,{POINTS}", "no keypoints for 1 of 1 pictures, the first is 'a.png'"),
        (f"a.png,{POINTS}\na.png,{POINTS}", "line 2: 'a.png' has keypoints in an earlier line"),
        (f"a.png,1,2,{POINTS}", "line 1 has 111 cells"),
        (f"a.png,x{POINTS}", "line 1: could not convert string to float: 'x0'"),
        (f"a.png,nan{POINTS[1:]}", "line 1: not a finite number: 'nan'"),
        (f"a.png,{POINTS[:-3]}1e999", "line 1: not a finite number: '1e999'"),
        (b"\xff\xfe\xff", "cannot be read as keypoints"),
        (None, "cannot be read as keypoints"),
    ],
)
def test_keypoints_that_do_not_fit_are_an_error(
    lines: str | bytes | None, message: str, tmp_path: Path
) -> None:
    folder = tiny.draw(tmp_path / "all", "a.png")
    file = tmp_path / "keypoints.csv"
    if lines is not None:
        file.write_bytes(lines.encode() if isinstance(lines, str) else lines)
    with pytest.raises(PictureError, match=message):
        list_samples(folder, keypoints=file)


def test_as_many_keypoints_as_pictures_are_asked_for() -> None:
    with pytest.raises(PictureError, match="keypoints are given for 1 pictures, but there are 2"):
        list_samples([tiny.pixels("a"), tiny.pixels("b")], keypoints=np.zeros((1, 108)))


def test_maps_lie_in_folders_as_the_pictures_do(tmp_path: Path) -> None:
    folder = tiny.draw(tmp_path / "all", "b/a.png", "a.png")
    first, second = list_samples(folder, heatmaps=tmp_path / "h", segments=tmp_path / "s").samples
    assert first.extras == {"heatmaps": tmp_path / "h" / "a", "segments": tmp_path / "s" / "a"}
    assert second.extras["heatmaps"] == tmp_path / "h" / "b" / "a"
    (listed,) = list_samples([folder / "b/a.png"], heatmaps=tmp_path / "h").samples
    assert listed.extras["heatmaps"] == tmp_path / "h" / "a"


@pytest.mark.parametrize(
    ("pictures", "lines", "ambiguous"),
    [
        (["a/1.jpg", "b/1.jpg"], ["1.jpg"], ["a/1.jpg", "b/1.jpg"]),
        (["1.jpg", "a/1.jpg"], ["1.jpg"], ["1.jpg", "a/1.jpg"]),
        (["a/1.jpg", "b/1.jpg"], ["1.jpg", "a/1.jpg"], ["a/1.jpg", "b/1.jpg"]),
        (["a/b/x.png", "a/x.png", "c.png"], ["c.png", "x.png"], ["a/b/x.png", "a/x.png"]),
        (["a/1.jpg", "b/1.jpg"], ["a/1.jpg", "b/1.jpg", "1.jpg"], []),
        (["1.jpg", "a/1.jpg"], ["1.jpg", "a/1.jpg"], []),
        (["a/1.jpg", "b/1.png"], ["1.jpg", "1.png"], []),
    ],
)
@pytest.mark.parametrize("as_list", [False, True])
def test_a_bare_name_in_a_file_of_keypoints_stands_for_one_picture_only(
    pictures: list[str],
    lines: list[str],
    ambiguous: list[str],
    as_list: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tiny.draw(tmp_path / "all", *pictures)
    monkeypatch.chdir(folder)
    file = tmp_path / "keypoints.csv"
    file.write_text("".join(f"{line},{POINTS}\n" for line in lines))
    images = pictures if as_list else folder
    if not ambiguous:
        assert len(list_samples(images, keypoints=file).samples) == len(pictures)
        return
    with pytest.raises(PictureError) as caught:
        list_samples(images, keypoints=file)
    assert ", ".join(map(repr, ambiguous)) in str(caught.value)
    assert "begin each line with the path" in str(caught.value)


@pytest.mark.parametrize("kind", ["heatmaps", "segments"])
@pytest.mark.parametrize(
    ("pictures", "as_list", "ambiguous"),
    [
        (["a/1.jpg", "a/1.png"], False, ["a/1.jpg", "a/1.png"]),
        (["a/1.jpg", "b/1.png"], False, []),
        (["a/1.jpg", "b/1.jpg"], True, ["a/1.jpg", "b/1.jpg"]),
        (["a/1.jpg", "a/1.jpg"], True, []),
        (["x.1.png", "x.2.png"], True, []),
    ],
)
def test_a_folder_of_maps_belongs_to_one_picture_only(
    pictures: list[str], as_list: bool, ambiguous: list[str], kind: str, tmp_path: Path
) -> None:
    folder = tiny.draw(tmp_path / "all", *pictures)
    images = [folder / path for path in pictures] if as_list else folder
    options = {kind: tmp_path / "maps"}
    if not ambiguous:
        assert len(list_samples(images, **options).samples) == len(pictures)
        return
    with pytest.raises(PictureError, match=rf"{kind} .* belong to any of 2 pictures") as caught:
        list_samples(images, **options)
    assert all(path in str(caught.value) for path in ambiguous)


def test_what_is_no_file_gets_nothing_by_name(tmp_path: Path) -> None:
    file = tmp_path / "keypoints.csv"
    file.write_text(f",{POINTS}\n")
    for options in ({"keypoints": file}, {"heatmaps": tmp_path}, {"segments": tmp_path}):
        with pytest.raises(PictureError, match="but picture 1 is not a file"):
            list_samples([tiny.draw(tmp_path, "a.png") / "a.png", tiny.pixels("b")], **options)


def test_a_folder_that_may_not_be_searched_is_an_error() -> None:
    user = os.geteuid()
    with TemporaryDirectory() as name:
        folder = tiny.draw(Path(name), "a.png", "closed/b.png")
        folder.chmod(0o755)
        (folder / "closed").chmod(0)
        try:
            if user == 0:
                os.seteuid(65534)  # nobody; permissions do not bind root
            with pytest.raises(PictureError, match="closed cannot be searched for pictures: Perm"):
                list_samples(folder)
        finally:
            os.seteuid(user)
            (folder / "closed").chmod(0o755)


# What tells pictures from others


def add_map(folder: Path) -> None:
    tiny.draw(folder / "maps" / "0", "01.jpg")


def change_map(folder: Path) -> None:
    (folder / "maps" / "1" / "00.jpg").write_bytes(b"another")


def lose_maps(folder: Path) -> None:
    shutil.rmtree(folder / "maps" / "1")


def change_keypoints(folder: Path) -> None:
    file = folder / "keypoints.csv"
    file.write_text(file.read_text().replace("107\n", "108\n", 1))


def swap_pictures(folder: Path) -> None:
    one, other = (folder / "all" / f"{number}.png" for number in range(2))
    one.rename(folder / "kept")
    other.rename(one)
    (folder / "kept").rename(other)


def lose_a_picture(folder: Path) -> None:
    (folder / "all" / "0.png").unlink()


@pytest.mark.parametrize(
    "change",
    [add_map, change_map, lose_maps, change_keypoints, swap_pictures, lose_a_picture],
)
def test_the_states_tell_of_any_change(change: Callable[[Path], None], tmp_path: Path) -> None:
    folder = tiny.draw(tmp_path / "all", "0.png", "1.png")
    os.utime(folder / "0.png", (1, 1))
    for number in range(2):
        tiny.draw(tmp_path / "maps" / str(number), "00.jpg")
    (tmp_path / "keypoints.csv").write_text(f"0.png,{POINTS}\n1.png,{POINTS}\n")

    def states(paths: list[Path]) -> list[str]:
        points = tmp_path / "keypoints.csv"
        maps = [tmp_path / "maps" / path.stem for path in paths]
        keypoints = [line.split(",")[1:] for line in points.read_text().splitlines()]
        numbers = np.array(keypoints, float)
        return list_samples(paths, heatmaps=maps, keypoints=numbers).states()

    paths = sorted(folder.iterdir())
    before = states(paths)
    assert states(paths) == before
    change(tmp_path)
    assert states(paths) != before


def test_pictures_that_are_no_files_are_never_the_same() -> None:
    samples = list_samples([tiny.pixels("a")])
    assert samples.states() != samples.states()


def test_the_states_of_pictures_are_their_own(tmp_path: Path) -> None:
    folder = tiny.draw(tmp_path / "all", "0.png", "1.png")
    shutil.copystat(folder / "0.png", folder / "1.png")
    listed = [folder / "0.png", folder / "1.png", folder / "0.png"]
    states = list_samples(listed).states()
    assert len(set(states)) == 3
    tiny.draw(folder, "2.png")
    assert list_samples([folder / "2.png", *listed]).states()[1:] == states


@pytest.mark.parametrize("name", ["9223372036854775813_a.png", "1_0_a.png"])
def test_a_label_that_is_no_number_of_64_bits_is_refused_at_once(name: str) -> None:
    with pytest.raises(PictureError, match="needs a whole number of 64 bits"):
        known_of(list_samples([name]), r"(?P<label>[\d_]+)_")


@pytest.mark.parametrize(
    ("path", "pattern", "found"),
    [
        ("-1_c1s1.jpg", r"(?P<label>\d+)_c(?P<camera>\d)", "label '1'"),
        ("0002_c015_0.jpg", r"(?P<label>-?\d+)_c(?P<camera>\d)", "camera '0'"),
        ("0002_c015_0.jpg", r"(?P<label>-?\d+)_c0(?P<camera>\d+)", "camera '15'"),
        ("0002_c-5.jpg", r"(?P<label>-?\d+)_c\D*(?P<camera>\d)", "camera '5'"),
        ("a/12345.jpg", r"(?P<label>\d{4})", "label '1234'"),
        ("2021-05_c1.jpg", r"(?P<label>-?\d+)_c(?P<camera>\d)", "label '-05'"),
        ("\N{MINUS SIGN}1_c1.jpg", r"(?P<label>\d+)_", "label '1'"),
        ("\N{ARABIC-INDIC DIGIT ONE}2_c1.jpg", r"(?P<label>[0-9]+)_", "label '2'"),
    ],
)
def test_a_pattern_that_cuts_a_number_is_refused(path: str, pattern: str, found: str) -> None:
    with pytest.raises(PictureError) as caught:
        known_of(list_samples([path]), pattern)
    assert found in str(caught.value)
    assert repr(path) in str(caught.value)
    assert EXAMPLE in str(caught.value)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("-1_c1s1_000401_03.jpg", (-1, 1)),
        ("0002_c015_00029855_0.jpg", (2, 15)),
        ("a-b/0002_c015.jpg", (2, 15)),
        ("7_c03", (7, 3)),
    ],
)
def test_the_pattern_that_is_shown_reads_whole_numbers(
    path: str, expected: tuple[int, int]
) -> None:
    found = known_of(list_samples([path]), EXAMPLE)
    assert (found["labels"], found["cameras"]) == ([expected[0]], [expected[1]])


@pytest.mark.parametrize("name", ["README.md", "docs/reid.md", "docs/tutorial.md"])
def test_documents_show_the_pattern_that_cuts_no_number(name: str) -> None:
    text = (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
    patterns = set(re.findall(r"\(\?P<label>[^'\"`]*", text))
    assert patterns == {EXAMPLE}
