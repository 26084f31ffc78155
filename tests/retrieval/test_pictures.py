"""Files of pictures: which are read, which are refused, and what is said about them."""

import logging
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mindspore_hub
from mindspore_hub.errors import PictureError
from mindspore_hub.tasks.pictures import resize as resizing
from mindspore_hub.tasks.pictures.decode import as_maps, as_rgb
from mindspore_hub.tasks.pictures.samples import list_samples

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\nshowpage\n%%EOF\n"
DOS_EPS = struct.pack("<IIIII", 0xC6D3D0C5, 32, len(EPS), 0, 0).ljust(32, b"\0") + EPS


def iptc(*fields: tuple[int, int, bytes]) -> bytes:
    return b"".join(struct.pack(">BBBH", 0x1C, a, b, len(data)) + data for a, b, data in fields)


SIDES = ((3, 60, b"\1\0"), (3, 20, b"\0\x28"), (3, 30, b"\0\x28"), (3, 120, b"\5"))
IPTC = iptc(*SIDES, (8, 10, EPS))
"""Pillow opens what is inside as a picture of any format."""

LIBRARIES = ("pillow", "mindspore", "opencv")


def draw(path: Path, size: tuple[int, int] = (9, 7), **options: Any) -> Path:
    """Blocks of colours that do not suffer much from JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(np.kron(colours, np.ones((8, 8, 1), np.uint8))).save(path, **options)
    return path


# What is opened


@pytest.mark.parametrize("data", [EPS, DOS_EPS, IPTC], ids=["plain", "binary", "wrapped"])
def test_no_program_is_started_for_postscript(data: bytes, tmp_path: Path) -> None:
    program = tmp_path / "bin/gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n")
    program.chmod(0o755)
    paths = [tmp_path / name for name in ("a.jpg", "b.PNG", "c.eps", "d.ps", "e.bmp", "f")]
    for path in paths:
        path.write_bytes(data)
    code = (
        "import sys, mindspore_hub\n"
        "for path in sys.argv[1:]:\n"
        "    for network in ('MVD', 'VehicleNet', 'metric_learn'):\n"
        "        try: mindspore_hub.transforms(network)(path)\n"
        "        except mindspore_hub.PictureError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *paths],
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
        text=True,
    )
    refused = "{} cannot be read as a picture: it is in none of the formats"
    wanted = [refused.format(path) for path in paths for _ in range(3)]
    found = done.stdout.splitlines()
    assert all(line.startswith(text) for line, text in zip(found, wanted, strict=True))
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    "data", [EPS, IPTC, b"GRIB\0\0\0\1", b"BUFR" + bytes(20), b"\x89HDF\r\n\x1a\n"]
)
def test_formats_for_which_others_are_called_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "00.jpg").write_bytes(data)
    for library in LIBRARIES:
        with pytest.raises(PictureError, match=r"00\.jpg cannot be read .* none of the formats"):
            as_rgb(tmp_path / "00.jpg", library=library)
    with pytest.raises(PictureError, match=r"00\.jpg cannot be read .* none of the formats"):
        as_maps(tmp_path, 1)


def test_an_image_that_would_start_a_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.eps").write_bytes(EPS)
    with Image.open(tmp_path / "a.eps") as image, pytest.raises(PictureError, match="format EPS"):
        as_rgb(image, library="opencv")


@pytest.mark.parametrize(
    "ending", ["jpg", "png", "bmp", "gif", "tif", "webp", "ppm", "tga", "ico", "pcx", "sgi", "dds"]
)
def test_common_formats_are_read_whatever_they_are_called(ending: str, tmp_path: Path) -> None:
    file = draw(tmp_path / f"a.{ending}", (4, 4))
    with Image.open(file) as image:
        expected = np.asarray(image.convert("RGB"))
    renamed = file.rename(tmp_path / "a.jpeg")
    assert np.array_equal(as_rgb(renamed, library="opencv"), expected)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    # Its name may be no longer than some hundred characters.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


ODD: list[tuple[Callable[[Path], None], str]] = [
    (fifo, "a named pipe"),
    (unix_socket, "a socket"),
    (endless_device, "a device"),
    (link_to_a_pipe, "a named pipe"),
    (Path.mkdir, "a folder"),
]


@pytest.mark.parametrize(("make", "kind"), ODD, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_not_a_regular_file_is_refused_at_once(
    make: Callable[[Path], None], kind: str, tmp_path: Path
) -> None:
    make(tmp_path / "00.jpg")
    message = rf"00\.jpg cannot be read as a picture: it is {kind}, not a regular file\.$"
    for library in LIBRARIES:
        with pytest.raises(PictureError, match=message):
            as_rgb(tmp_path / "00.jpg", library=library)
    with pytest.raises(PictureError, match=message):
        as_maps(tmp_path, 1)
    if kind != "a folder":
        with pytest.raises(PictureError, match=message):
            list_samples(tmp_path / "00.jpg")


# The same with OpenCV and without


def damage(data: bytes, kind: str) -> bytes:
    """A JPEG file that no longer holds what it held; its end is there."""
    begin = data.index(b"\xff\xda") + 14
    middle = (begin + len(data)) // 2
    return {
        "cut in the middle": data[:middle] + b"\xff\xd9",
        "no data": data[:begin] + b"\xff\xd9",
        "zeros": data[:middle] + bytes(len(data) - 2 - middle) + b"\xff\xd9",
        "end in the middle": data[:middle] + b"\xff\xd9" + data[middle:],
        "another begins": data[:middle] + data,
        "unknown marker": data[:middle] + b"\xff\xc0" + data[middle:],
        "one bit": data[:middle] + bytes([data[middle] ^ 16]) + data[middle + 1 :],
        "text behind": data + b"text",
        "sound": data,
    }[kind]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        *("cut in the middle", "no data", "zeros", "end in the middle", "another begins"),
        *("unknown marker", "one bit", "text behind", "sound"),
    ],
)
def test_opencv_changes_neither_what_is_refused_nor_pixels(
    kind: str, progressive: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed", exc_type=ImportError)
    file = draw(tmp_path / "a.jpg", (12, 12), progressive=progressive)
    file.write_bytes(damage(file.read_bytes(), kind))
    for network in ("metric_learn", "VehicleNet"):
        found = outcome(network, file)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resizing, "find_opencv", lambda: None)
            assert outcome(network, file) == found
    assert "Corrupt" not in capfd.readouterr().err


def outcome(network: str, file: Path) -> bytes | str:
    try:
        made: np.ndarray[Any, Any] = mindspore_hub.transforms(network)(file)
    except PictureError as error:
        return str(error)
    return made.tobytes()


# Orientation


def exif(*entries: tuple[int, int, int, bytes], data: bytes = b"", order: str = "<") -> bytes:
    """Tags as they stand in a file: tag, type, count and the four bytes of the value."""
    out = b"Exif\0\0" + (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    out += struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        out += struct.pack(f"{order}HHI", tag, kind, count) + value
    return out + bytes(4) + data


def with_tags(file: Path, tags: bytes) -> Path:
    data = file.read_bytes()
    head = b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags
    file.write_bytes(data[:2] + head + data[2:])
    return file


TURNED = (0x112, 3, 1, b"\x06\0\0\0")
RATIONAL = struct.pack("<II", 1, 3)


@pytest.mark.parametrize(
    "odd",
    [
        (0x10F, 5, 1, b"\x26\0\0\0"),  # Make, a fraction
        (0x10E, 5, 1, b"\x26\0\0\0"),  # ImageDescription
        (0x100, 1, 1, b"\x05\0\0\0"),  # ImageWidth, a byte
        (0x101, 2, 4, b"abc\0"),  # ImageLength, a text
        (0x10F, 5, 900, b"\x26\0\0\0"),  # more than the file holds
        (0x11A, 2, 4, b"abc\0"),  # XResolution
        (0x132, 12, 1, b"\x26\0\0\0"),  # DateTime, a float
        (0x8769, 2, 4, b"abc\0"),  # the place of further tags
        (0x131, 77, 1, b"\0\0\0\0"),  # Software, of no type
    ],
    ids=lambda tag: f"{tag[0]:#x}-{tag[1]}-{tag[2]}",
)
def test_tags_of_odd_types_change_no_picture(
    odd: tuple[int, int, int, bytes], tmp_path: Path
) -> None:
    plain = with_tags(draw(tmp_path / "a.jpg"), exif(TURNED))
    expected = np.asarray(as_rgb(plain, library="opencv"))
    assert expected.shape == (9 * 8, 7 * 8, 3)
    tags = exif(*sorted([odd, TURNED]), data=RATIONAL)
    for library in LIBRARIES:
        file = with_tags(draw(tmp_path / "b.jpg"), tags)
        made = np.asarray(as_rgb(file, library=library))
        assert np.array_equal(
            made, expected if library == "opencv" else as_rgb(file, library="pillow")
        )


@pytest.mark.parametrize("value", range(10))
def test_every_orientation_is_turned_as_pillow_turns_it(value: int, tmp_path: Path) -> None:
    from PIL import ImageOps

    tags = exif((0x112, 3, 1, struct.pack(">HH", value, 0)), order=">")
    file = with_tags(draw(tmp_path / "a.jpg"), tags)
    with Image.open(file) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(as_rgb(file, library="opencv"), expected)


@pytest.mark.parametrize(
    "tags",
    [
        b"Exif\0\0",
        b"Exif\0\0XX*\0",
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        exif(TURNED)[:20],
        exif((0x112, 2, 2, b"6\0\0\0")),
        exif((0x112, 3, 1, b"\x00\x09\0\0")),
        exif(),
    ],
)
def test_an_orientation_that_cannot_be_read_turns_nothing(tags: bytes, tmp_path: Path) -> None:
    stored = np.asarray(as_rgb(draw(tmp_path / "a.jpg"), library="pillow"))
    file = with_tags(draw(tmp_path / "a.jpg"), tags)
    assert np.array_equal(as_rgb(file, library="opencv"), stored)


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_other_formats_are_turned_as_well(ending: str, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x112] = 6
    options: dict[str, Any] = {"lossless": True} if ending == "webp" else {}
    stored = Image.open(draw(tmp_path / "a.bmp"))
    stored.save(tmp_path / f"a.{ending}", exif=tags, **options)
    expected = np.asarray(stored.transpose(Image.Transpose.ROTATE_270))
    assert np.array_equal(as_rgb(tmp_path / f"a.{ending}", library="opencv"), expected)


# What is said


def following(message: str, image: Image.Image) -> Image.Image:
    """What the code in backquotes makes of an image whose values lie between 0 and 1000."""
    code = message.split("`")[1]  # of our own messages; it is run as a reader would run it
    made = eval(code, {"Image": Image, "np": np, "image": image, "low": 0, "high": 1000})  # noqa: S307
    assert isinstance(made, Image.Image)
    return made


def slope(mode: str) -> Image.Image:
    """From black to white, as far as a mode goes."""
    most, kind = {"I;16": (65535, np.uint16), "I": (1000, np.int32), "F": (1000, np.float32)}[mode]
    return Image.fromarray(np.linspace(0, most, 256).reshape(16, 16).astype(kind))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_advice_keeps_the_grey_levels_of_deep_pictures(mode: str, library: str) -> None:
    image = slope(mode)
    assert image.mode == mode
    with pytest.raises(PictureError, match=r"scale its (16 bits|values) to 8") as caught:
        as_rgb(image, library=library)
    assert "convert" not in str(caught.value)
    levels = np.asarray(following(str(caught.value), image)).astype(int).ravel()
    assert np.abs(levels - np.arange(256)).max() <= 1


@pytest.mark.parametrize(
    ("mode", "library", "said"),
    [
        ("CMYK", "opencv", "gives its colours"),
        ("CMYK", "pillow", "gives its colours"),
        ("YCbCr", "opencv", "gives its colours"),
        ("HSV", "mindspore", "gives its colours"),
        ("RGBA", "pillow", "gives its colours"),
        ("P", "pillow", "gives its colours"),
        ("L", "pillow", "if three equal channels are what you want"),
        ("LA", "pillow", "if three equal channels are what you want"),
        ("1", "pillow", "if three equal channels are what you want"),
    ],
)
def test_advice_says_what_conversion_makes(mode: str, library: str, said: str) -> None:
    image = Image.new("RGB", (4, 4), (200, 30, 40)).convert(mode)
    with pytest.raises(PictureError, match=said) as caught:
        as_rgb(image, library=library)
    assert as_rgb(following(str(caught.value), image), library=library).mode == "RGB"


IMPOSSIBLE: list[tuple[Any, str, str]] = [
    ("metric_learn", Image.new("L", (1, 9000)), "A picture of 1 x 9000 pixels"),
    ("metric_learn", Image.new("F", (4, 4)), "mode F"),
    ("MVD", Image.new("L", (4, 4)), "mode L"),
]


@pytest.mark.parametrize(("network", "image", "said"), IMPOSSIBLE)
def test_a_bad_picture_among_others_is_named(
    network: str, image: Image.Image, said: str, tmp_path: Path
) -> None:
    transform = mindspore_hub.transforms(network)
    good = draw(tmp_path / "good.png")
    bad = tmp_path / "which one.tif"
    image.save(bad)
    for pictures in ([good, bad], [str(good), str(bad)], bad):
        with pytest.raises(PictureError, match=said) as caught:
            transform(pictures)
        assert str(caught.value).startswith(str(bad))
        assert str(caught.value).count(str(bad)) == 1
    with pytest.raises(PictureError, match=f"^Picture 2: .*{said}"):
        transform([good, good, image])


def test_what_belongs_to_a_bad_picture_is_named_with_it(tmp_path: Path) -> None:
    transform = mindspore_hub.transforms("MultiTaskNet")
    files = [draw(tmp_path / f"{number}.png") for number in range(2)]
    maps, points = np.zeros((36, 4, 4), np.uint8), np.zeros((36, 3))
    for heatmaps, keypoints, said in (
        ([maps, maps[1:]], [points, points], "Maps must be uint8"),
        ([maps, tmp_path / "none"], [points, points], "00.jpg cannot be read as a picture"),
        ([maps, maps], [points, points[1:]], "Keypoints must be"),
        ([maps, maps], [points, ["x"] * 108], "Keypoints must be numbers"),
    ):
        with pytest.raises(PictureError, match=f"1.png: .*{said}"):
            transform(files, heatmaps=heatmaps, keypoints=keypoints)


# Folders


def names(folder: Path) -> list[str]:
    return [sample.path for sample in list_samples(folder).samples]


def test_linked_folders_are_searched_once_each_and_loops_end(tmp_path: Path) -> None:
    root = tmp_path / "all"
    draw(root / "z/real.png")
    draw(tmp_path / "other/deep/x.png")
    draw(tmp_path / ".hidden/h.png")
    for link, target in {
        "a": root / "z",  # which goes by its own path
        "b": tmp_path / "other",
        "c": tmp_path / "other/deep",
        "z/up": root,
        "d": tmp_path / ".hidden",
        ".e": tmp_path / "other",
    }.items():
        (root / link).symlink_to(target)
    (tmp_path / "other/loop").symlink_to(tmp_path / "other")
    assert names(root) == ["b/deep/x.png", "d/h.png", "z/real.png"]


def test_a_folder_of_a_link_alone_holds_the_pictures_behind_it(tmp_path: Path) -> None:
    draw(tmp_path / "other/x.png")
    (tmp_path / "all").mkdir()
    (tmp_path / "all/linked").symlink_to("../other")
    (tmp_path / "link").symlink_to("all")
    assert names(tmp_path / "all") == names(tmp_path / "link") == ["linked/x.png"]


def test_pictures_of_two_frames_are_pictures_in_any_case(tmp_path: Path) -> None:
    frame = Image.new("RGB", (9, 9))
    for name in ("a.mpo", "b.MPO", "c.Mpo"):
        frame.save(tmp_path / name, "MPO", save_all=True, append_images=[frame])
    assert names(tmp_path) == ["a.mpo", "b.MPO", "c.Mpo"]
    assert as_rgb(tmp_path / "b.MPO", library="opencv").size == (9, 9)


def test_what_looks_like_a_picture_and_is_not_read_is_counted_in_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    draw(tmp_path / "a.png")
    for name in ("b.heic", "sub/c.HEIC", "d.heif", "e.CR2", "f.eps", "notes.txt", ".g.heic"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert names(tmp_path) == ["a.png"]
    [warning] = [entry for entry in caplog.records if entry.levelno == logging.WARNING]
    assert warning.getMessage() == (
        f"{tmp_path}: left out 5 files that cannot be read as a picture: .cr2 (1), .eps (1), "
        ".heic (2), .heif (1); save as PNG or JPEG what you need"
    )


def test_only_regular_files_of_a_folder_are_pictures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    draw(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("a.png")
    os.mkfifo(tmp_path / "c.png")
    (tmp_path / "d.png").symlink_to("nowhere")
    (tmp_path / "e.png").symlink_to("/dev/zero")
    assert names(tmp_path) == ["a.png", "b.png"]
    [warning] = caplog.records
    assert warning.getMessage() == (
        f"{tmp_path}: left out what is not a regular file, such as a link to nothing or a pipe: "
        "c.png, d.png, e.png"
    )


@pytest.mark.parametrize("name", ["MVD", "VehicleNet"])
@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_a_picture_without_pixels_is_refused(size: tuple[int, int], name: str) -> None:
    with pytest.raises(PictureError, match=rf"has the size {size[0]} x {size[1]}, so no pixel"):
        mindspore_hub.transforms(name)(Image.new("RGB", size))
