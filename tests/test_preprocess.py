"""Pictures to inputs, as each card says it, against the values of the original pipelines."""

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import checkpoints
import numpy as np
import pytest
import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import mindspore_hub
from mindspore_hub.errors import CardError, PictureError, UnknownNameError
from mindspore_hub.hub.front_matter import read
from mindspore_hub.tasks.pictures import resize as resizing
from mindspore_hub.tasks.pictures.fields import MAPS, as_preprocessing
from mindspore_hub.tasks.pictures.preprocess import Transform
from mindspore_hub.tasks.pictures.resize import KERNELS, resize

ORIGINALS = Path(__file__).parents[2] / "shared" / "models" / "pre"
TOLERANCE = 2e-6

NETWORKS = ["MVD", "DDAG", "VehicleNet", "metric_learn", "MultiTaskNet"]
CARDS = sample.cards()
MAPS_OF = {"both": ("heatmaps", "segments"), "heatmap": ("heatmaps",), "segment": ("segments",)}

Array = np.ndarray[Any, Any]


@pytest.fixture(params=["numpy", "opencv"])
def _engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With OpenCV and without."""
    if request.param == "opencv":
        pytest.importorskip("cv2", reason="OpenCV is not installed", exc_type=ImportError)
    else:
        monkeypatch.setattr(resizing, "find_opencv", lambda: None)


def transform_of_colours(name: str) -> Transform:
    """The transform of a network without what it takes beside pictures."""
    facts = mindspore_hub.transforms(name).preprocessing
    return Transform(replace(facts, maps=(), keypoints=0), name=name)


# The originals


def original_cases() -> list[str]:
    path = ORIGINALS / "expected.json"
    return sorted(json.loads(path.read_text())["cases"]) if path.is_file() else []


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures that the originals were run on, drawn anew."""
    folder = tmp_path_factory.mktemp("pre")
    subprocess.run([sys.executable, ORIGINALS / "make_images.py", folder], check=True)
    return folder


@pytest.mark.skipif(not original_cases(), reason=f"values of the originals are not at {ORIGINALS}")
@pytest.mark.usefixtures("_engine")
@pytest.mark.parametrize("case", original_cases() or ["none"])
def test_values_equal_those_of_the_original_pipeline(case: str, pictures: Path) -> None:
    expected = json.loads((ORIGINALS / "expected.json").read_text())["cases"][case]
    made = prepare_case(case, pictures)
    sampled = expected.get("same_as", case)
    random = np.random.RandomState(crc32(f"pre:{sampled}".encode()))
    values = np.load(ORIGINALS / "samples.npz")[sampled]
    assert list(made.shape) == expected["shape"]
    assert made.dtype == np.float32
    found = made.ravel()[random.randint(0, made.size, values.size)]
    np.testing.assert_allclose(found, values, rtol=0, atol=TOLERANCE)
    assert made.mean(dtype=np.float64) == pytest.approx(expected["mean"], abs=TOLERANCE)
    assert made.std(dtype=np.float64) == pytest.approx(expected["std"], abs=TOLERANCE)


def prepare_case(case: str, pictures: Path) -> Array:
    """What we make of a picture of the originals."""
    pipeline, name = case.split("/")
    network, _, part = pipeline.partition("_")
    if network != "multitasknet":
        made: Array = mindspore_hub.transforms(pipeline)(pictures / name)
        return made
    facts = mindspore_hub.transforms("MultiTaskNet").preprocessing
    transform = Transform(replace(facts, maps=MAPS_OF.get(part, ())))
    with (pictures / "label.csv").open() as rows:
        keypoints = next(row[4:] for row in csv.reader(rows) if row[0] == name)
    folders = {
        kind: pictures / kind[:-1] / Path(name).stem for kind in transform.preprocessing.maps
    }
    image, points = transform(pictures / name, keypoints=keypoints, **folders)
    return points if part == "keypoints" else image


@pytest.mark.skipif(not original_cases(), reason=f"values of the originals are not at {ORIGINALS}")
@pytest.mark.parametrize("name", ["MVD", "DDAG"])
def test_one_channel_is_refused_where_the_original_refuses_it(name: str, pictures: Path) -> None:
    with pytest.raises(PictureError, match="has the mode L, but the network takes pictures of thr"):
        mindspore_hub.transforms(name)(pictures / "e_grey_97x64.png")


# Pictures of our own; the digests are those of the code that passed the tests above.

DIGESTS = {
    "MVD": "4ddae9672d93c6e358d8944de41b20465602a88196a3ea729dc6b950265c84ed",
    "DDAG": "4ddae9672d93c6e358d8944de41b20465602a88196a3ea729dc6b950265c84ed",
    "VehicleNet": "68f66d4081d8a3a0b70350faf8cdc2cbc6727bf4a1e7481ec5848b148e406f4a",
    "metric_learn": "c84700ba14f94862aaec212c26e1dc9641317a74ec53a491cf3e7386ba89c144",
    "MultiTaskNet": "e4797c1aa4b29b3861f2a41540ec4dfeb76a9e54af4ee35a47da14162ddf4f82",
}


def draw(height: int, width: int) -> Array:
    """Slopes, stripes and a frame, in whole numbers."""
    y, x = np.mgrid[:height, :width]
    colours = [7 * x + 3 * y, (x // 5 + y // 3) % 2 * 255, 255 * y // height]
    picture = np.stack(colours, axis=2) % 256
    picture[:2] = picture[:, -1:] = (250, 10, 90)
    return picture.astype(np.uint8)


@pytest.mark.usefixtures("_engine")
@pytest.mark.parametrize("name", NETWORKS)
def test_values_of_our_own_pictures_are_as_recorded(name: str) -> None:
    maps = np.stack([draw(40, 50)[:, :, i % 3] // (1 + i) for i in range(36)])
    keypoints = np.arange(108).reshape(36, 3) / 108
    extras = {"heatmaps": maps, "keypoints": keypoints} if name == "MultiTaskNet" else {}
    made = mindspore_hub.transforms(name)(draw(123, 211), **extras)
    parts = made if isinstance(made, tuple) else (made,)
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    assert digest == DIGESTS[name]


def test_samples_of_the_demo_equal_plain_float_arithmetic() -> None:
    paths = sorted((Path(mindspore_hub.__file__).parent / "samples").glob("*.png"))
    made = mindspore_hub.transforms("MVD")(paths)
    mean, std = np.float32((0.485, 0.456, 0.406)), np.float32((0.229, 0.224, 0.225))
    for path, found in zip(paths, made, strict=True):
        with Image.open(path) as image:
            resized = image.resize((144, 288), Image.Resampling.LANCZOS)
        expected = (np.asarray(resized, np.float32) / 255 - mean) / std
        assert np.array_equal(found, expected.transpose(2, 0, 1))


PREPARED = [
    card
    for card in CARDS
    if card.name in checkpoints.MANIFESTS or (card.asset and card.asset.mapping("preprocessing"))
]
"""Cards of the files that are known in detail, and whoever else says how pictures are prepared."""


@pytest.mark.parametrize("card", PREPARED, ids=lambda card: card.uid)
def test_every_card_says_how_to_make_the_inputs_that_it_states(card: Any) -> None:
    transform = mindspore_hub.transforms(card.uid)
    assert transform.preprocessing.input_shapes == card.input_shapes
    assert transform.name == card.short_name


# Kinds of pictures

few = settings(max_examples=25, deadline=None)

sizes = st.integers(1, 40)
rasters = st.builds(
    lambda height, width, seed: np.random.default_rng(seed).integers(
        0, 256, (height, width, 3), np.uint8
    ),
    sizes,
    sizes,
    st.integers(0, 2**32 - 1),
)


@few
@given(picture=rasters, name=st.sampled_from(NETWORKS))
def test_an_array_an_image_and_a_file_are_one_picture(
    picture: Array, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "picture.png"
    image = Image.fromarray(picture)
    image.save(path)
    transform = transform_of_colours(name)
    made = transform(picture)
    assert made.shape == (3, *transform.preprocessing.size)
    for same in (image, path, str(path)):
        assert np.array_equal(transform(same), made)


@few
@given(pictures=st.lists(rasters, max_size=3), name=st.sampled_from(NETWORKS))
def test_a_batch_is_its_pictures_one_by_one(pictures: list[Array], name: str) -> None:
    transform = transform_of_colours(name)
    made = transform(pictures)
    assert made.shape == (len(pictures), 3, *transform.preprocessing.size)
    assert made.dtype == np.float32
    for one, found in zip(pictures, made, strict=True):
        assert np.array_equal(transform(one), found)
    assert np.array_equal(transform(iter(pictures)), made)


def test_an_array_of_several_pictures_is_a_batch() -> None:
    transform = mindspore_hub.transforms("VehicleNet")
    pictures = np.stack([draw(30, 40), draw(30, 40)[::-1]])
    assert np.array_equal(transform(pictures), transform(list(pictures)))


@pytest.mark.parametrize("name", ["VehicleNet", "metric_learn", "MultiTaskNet"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_other_kinds_of_channels_are_made_three(name: str, mode: str) -> None:
    image = Image.fromarray(draw(20, 30)).convert(mode)
    transform = transform_of_colours(name)
    assert np.array_equal(transform(image), transform(image.convert("RGB")))


def test_a_grey_array_is_three_equal_channels() -> None:
    grey = draw(20, 30)[:, :, 0]
    transform = mindspore_hub.transforms("VehicleNet")
    assert np.array_equal(transform(grey), transform(np.stack([grey] * 3, axis=2)))


@pytest.mark.parametrize(
    ("name", "turns"), [("metric_learn", True), ("VehicleNet", False), ("MVD", False)]
)
def test_orientation_tags_count_where_opencv_decoded_the_pictures(
    name: str, turns: bool, tmp_path: Path
) -> None:
    stored = Image.fromarray(draw(20, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    stored.save(tmp_path / "turned.png", exif=exif)
    shown = stored.transpose(Image.Transpose.ROTATE_270) if turns else stored
    transform = mindspore_hub.transforms(name)
    assert np.array_equal(transform(tmp_path / "turned.png"), transform(shown))


# Maps and keypoints


def pose(confidence: float = 1.0) -> dict[str, Array]:
    maps = np.full((13, 8, 8), 200, np.uint8)
    keypoints = np.tile([10.0, 5.0, confidence], (36, 1))
    return {"segments": maps, "keypoints": keypoints}


def segment_transform() -> Transform:
    facts = mindspore_hub.transforms("MultiTaskNet").preprocessing
    return Transform(replace(facts, maps=("segments",)))


def test_a_segment_with_a_doubtful_corner_is_black() -> None:
    given_ = pose()
    given_["keypoints"][5, 2] = 0.49  # a corner of segments 0 and 1
    image, _ = segment_transform()(draw(20, 30), **given_)
    black, white = np.float32(-0.449 / 0.226), np.float32((200 / 255 - 0.449) / 0.226)
    np.testing.assert_allclose(image[3:5], black, atol=TOLERANCE)
    np.testing.assert_allclose(image[5:], white, atol=TOLERANCE)


def test_a_segment_that_is_black_is_not_read(tmp_path: Path) -> None:
    image, _ = segment_transform()(
        draw(20, 30), segments=tmp_path / "absent", keypoints=pose(0.1)["keypoints"]
    )
    np.testing.assert_allclose(image[3:], np.float32(-0.449 / 0.226), atol=TOLERANCE)


def test_maps_and_keypoints_of_a_batch_go_with_their_pictures() -> None:
    transform = segment_transform()
    alone = [transform(draw(20, 30), **pose(0.7)), transform(draw(50, 40), **pose(0.2))]
    both = {name: [pose(0.7)[name], pose(0.2)[name]] for name in pose()}
    images, points = transform([draw(20, 30), draw(50, 40)], **both)
    assert images.shape == (2, 16, 256, 256)
    for (image, point), found, found_point in zip(alone, images, points, strict=True):
        assert np.array_equal(image, found)
        assert np.array_equal(point, found_point)


def test_keypoints_are_relative_to_the_picture() -> None:
    _, points = segment_transform()(draw(20, 40), **pose(0.75))
    assert points.tolist() == [-0.25, -0.25, 0.25] * 36


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segments": None}, "takes keypoints, segments beside pictures, but keypoints was given"),
        ({"heatmaps": np.zeros((36, 8, 8), np.uint8)}, "but heatmaps, keypoints, segments was"),
        ({"segments": np.zeros((12, 8, 8), np.uint8)}, r"uint8 \(13, H, W\), but are uint8 \(12"),
        ({"segments": np.zeros((13, 8, 8))}, "but are float64"),
        ({"segments": 3}, "Maps are a folder or a uint8 array, but int was given"),
        ({"segments": "absent"}, r"00.jpg cannot be read as a picture: .*No such file"),
        ({"keypoints": np.zeros((35, 3))}, r"must be \(36, 3\) or \(108,\), .* are \(35, 3\)"),
        ({"keypoints": ["x"] * 108}, "Keypoints must be numbers"),
        ({"keypoints": [np.nan, *[1] * 107]}, "Keypoints must be finite numbers"),
    ],
)
def test_what_goes_with_a_picture_has_to_be_there_and_to_fit(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(PictureError, match=message):
        segment_transform()(draw(20, 30), **{**pose(), **change})


def test_maps_of_several_sizes_or_colours_are_refused(tmp_path: Path) -> None:
    for number in range(MAPS["segments"]):
        Image.new("L", (8, 8 + number // 12)).save(tmp_path / f"{number:02d}.jpg")
    with pytest.raises(PictureError, match=r"of the sizes \[\(8, 8\), \(9, 8\)\]; one size is"):
        segment_transform()(draw(20, 30), segments=tmp_path, keypoints=pose()["keypoints"])
    Image.new("RGB", (8, 8)).save(tmp_path / "00.jpg")
    with pytest.raises(PictureError, match="has the mode RGB; maps are 8-bit grey"):
        segment_transform()(draw(20, 30), segments=tmp_path, keypoints=pose()["keypoints"])


def test_a_batch_needs_maps_for_each_of_its_pictures() -> None:
    extras = {name: [value] for name, value in pose().items()}
    with pytest.raises(PictureError, match="segments are given for 1 pictures, but there are 2"):
        segment_transform()([draw(20, 30)] * 2, **extras)


# A resize, and the centre of it

RECORDED = Path(__file__).parent / "data" / "preprocessing"
"""What operators of MindSpore 2.10 make of small pictures, at 24 places each."""
PIPELINES = json.loads((RECORDED / "expected.json").read_text())


@pytest.mark.usefixtures("_engine")
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_pipelines_of_classification_give_the_values_of_mindspore(pipeline: str) -> None:
    fields, samples = PIPELINES[pipeline].values()
    facts = {"library": "mindspore", "interpolation": "bilinear", "order": "RGB", "layout": "CHW"}
    said = ", ".join(f"{name}: {value}" for name, value in {**facts, **fields}.items())
    card, _ = read([f"preprocessing: {{{said}}}"], 1)
    preprocessing = as_preprocessing(card.get("preprocessing"))
    assert preprocessing is not None
    assert preprocessing.as_json() == {**facts, **fields}
    for picture, expected in samples.items():
        made = Transform(preprocessing)(RECORDED / picture)
        assert made.shape == preprocessing.input_shapes[0]
        np.testing.assert_allclose(made.flat[expected["positions"]], expected["values"], atol=5e-5)


@pytest.mark.parametrize(("library", "top"), [("pillow", 4), ("opencv", 3), ("mindspore", 3)])
def test_the_centre_is_cut_from_what_every_library_resizes(library: str, top: int) -> None:
    whole = replace(transform_of_colours("VehicleNet").preprocessing, short_side="")
    whole = replace(whole, library=library, interpolation="bilinear", size=(16, 9))
    cut = replace(whole, resize=9, size=(9, 9))
    picture = draw(48, 27)
    expected = Transform(whole)(picture)[:, top : top + 9]
    assert np.array_equal(Transform(cut)(picture), expected)


def test_a_resize_is_described() -> None:
    facts = replace(transform_of_colours("MVD").preprocessing, size=(224, 224), modality=())
    assert Transform(replace(facts, resize=256)).describe() == (
        "The network takes pictures, decoded and resized as Pillow does, the short side to 256 pixels "
        "(lanczos), of which the centre of 224 x 224 is taken, channels in the order RGB, divided by "
        "255, less (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225): float32 (3, 224, 224)."
    )
    assert (
        ", to 256 x 300 pixels (lanczos), of which"
        in Transform(replace(facts, resize=(300, 256))).describe()
    )


# What cannot be prepared


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((4, 4, 3)), r"uint8 \(H, W, 3\).*but is float64 \(4, 4, 3\)"),
        (np.zeros((3, 4, 4), np.uint8), r"but is uint8 \(3, 4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"but is uint8 \(4, 4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), r"but is uint8 \(0, 4, 3\)"),
        (np.zeros(4, np.uint8), r"but is uint8 \(4,\)"),
        (np.zeros((4, 4), np.uint8), "mode L, but the network takes pictures of three channels"),
        (Image.new("RGBA", (4, 4)), "mode RGBA, but the network takes pictures of three channels"),
        (3, "a path, a Pillow image or a uint8 array, but int was given"),
        ([None], "but NoneType was given"),
        ("absent.png", "absent.png cannot be read as a picture: .*No such file"),
    ],
)
def test_what_is_no_picture_for_the_network_is_an_error(picture: Any, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        mindspore_hub.transforms("MVD")(picture)


@pytest.mark.parametrize("mode", ["I;16", "F", "CMYK"])
def test_pictures_of_other_depths_are_refused(mode: str) -> None:
    with pytest.raises(
        PictureError, match=f"mode {mode}, but the network takes pictures of one to"
    ):
        mindspore_hub.transforms("VehicleNet")(Image.new(mode, (4, 4)))


@pytest.mark.parametrize("format_", ["png", "jpg", "bmp", "gif"])
@pytest.mark.parametrize("name", ["MVD", "metric_learn"])
def test_a_file_that_was_cut_short_is_an_error(format_: str, name: str, tmp_path: Path) -> None:
    whole, short = tmp_path / f"whole.{format_}", tmp_path / f"short.{format_}"
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(noise).save(whole)
    for count in (0, 3, 40, whole.stat().st_size // 2):
        short.write_bytes(whole.read_bytes()[:count])
        with pytest.raises(PictureError, match="cannot be read as a picture"):
            mindspore_hub.transforms(name)(short)


def test_a_line_of_pixels_is_no_picture_for_a_short_side() -> None:
    with pytest.raises(PictureError, match="20000 x 1 pixels would become 4480000 x 224 first"):
        mindspore_hub.transforms("metric_learn")(np.zeros((1, 20000), np.uint8))


def test_a_card_that_does_not_say_how_is_an_error(tmp_path: Path) -> None:
    text = CARDS[0].path.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "preprocessing:" in line)
    card = tmp_path / "card.md"
    for lacking in ("", line.replace("CHW", "WHC")):
        card.write_text(text.replace(line, lacking), encoding="utf-8")
        with pytest.raises(CardError, match="says no `preprocessing` that could be followed; add"):
            mindspore_hub.transforms(str(card))


def test_a_name_without_a_card_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="MVDD"):
        mindspore_hub.transforms("MVDD")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "MVD@sysumm01-all",
            (
                "MVD@sysumm01-all takes visible or infrared pictures, decoded and resized as Pillow "
                "does, to 144 x 288 pixels (lanczos), channels in the order RGB, divided by 255, less "
                "(0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225): float32 (3, 288, 144)."
            ),
        ),
        (
            "metric_learn",
            (
                "metric_learn takes visible pictures, decoded and resized as OpenCV does, first the "
                "short side to 224 pixels (lanczos4), then to 224 x 224 pixels (bilinear), channels in "
                "the order BGR, divided by 255, less (0.485, 0.456, 0.406), divided by (0.229, 0.224, "
                "0.225): float32 (3, 224, 224)."
            ),
        ),
        (
            "MultiTaskNet",
            (
                "MultiTaskNet takes visible pictures with 36 heatmaps and 36 keypoints, decoded and "
                "resized as OpenCV does, to 256 x 256 pixels (bilinear), channels in the order RGB, "
                "divided by 255, less (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225): float32 "
                "(39, 256, 256) and float32 (108,)."
            ),
        ),
    ],
)
def test_a_transform_describes_itself_in_a_sentence(name: str, sentence: str) -> None:
    transform = mindspore_hub.transforms(name)
    assert transform.describe() == sentence
    assert repr(transform) == f"<Transform: {sentence}>"


# Resizing


@few
@given(picture=rasters, size=st.tuples(sizes, sizes), kernel=st.sampled_from(sorted(KERNELS)))
def test_numpy_and_opencv_make_the_same_grey_levels(
    picture: Array, size: tuple[int, int], kernel: str
) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed", exc_type=ImportError)
    plane = np.ascontiguousarray(picture[:, :, 0])
    found, expected = with_and_without_opencv(lambda: resize(plane, size, kernel=kernel))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("levels", [(0, 255), (0, 1), (127, 128)])
@pytest.mark.parametrize("size", [(40, 48), (80, 96), (13, 30), (41, 47)])
def test_lanczos_rounds_pictures_of_two_levels_as_opencv_does(
    levels: tuple[int, int], size: tuple[int, int]
) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed", exc_type=ImportError)
    chosen = np.random.default_rng(0).integers(0, 2, (20, 24, 3))
    picture = np.array(levels, np.uint8)[chosen]
    found, expected = with_and_without_opencv(lambda: resize(picture, size, kernel="lanczos4"))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("name", ["metric_learn", "VehicleNet"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "L"},
        {"subsampling": "4:4:4", "quality": 100},
        {"subsampling": "4:2:2", "quality": 30},
        {"progressive": True},
        {"restart_marker_blocks": 3},
        {"orientation": 6},
    ],
    ids=str,
)
def test_numpy_and_opencv_read_the_same_from_a_jpeg_file(
    options: dict[str, Any], name: str, tmp_path: Path
) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed", exc_type=ImportError)
    path = tmp_path / "picture.jpg"
    exif = Image.Exif()
    exif[0x0112] = options.get("orientation", 1)
    image = Image.fromarray(draw(97, 131)).convert(options.get("mode", "RGB"))
    image.save(path, exif=exif, **options)
    transform = mindspore_hub.transforms(name)
    found, expected = with_and_without_opencv(lambda: transform(path))
    assert np.array_equal(found, expected)


def with_and_without_opencv(make: Callable[[], Array]) -> tuple[Array, Array]:
    with pytest.MonkeyPatch.context() as patch:
        expected = make()
        patch.setattr(resizing, "find_opencv", lambda: None)
        return make(), expected


@pytest.mark.usefixtures("_engine")
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_resize_to_the_same_size_is_left_out(kernel: str) -> None:
    plane = draw(20, 30)[:, :, 0]
    assert resize(plane, (20, 30), kernel=kernel) is plane


@pytest.mark.usefixtures("_engine")
@few
@given(level=st.integers(0, 255), size=st.tuples(sizes, sizes))
@pytest.mark.parametrize("kernel", ["bicubic", "lanczos4"])
def test_an_even_plane_stays_even(kernel: str, level: int, size: tuple[int, int]) -> None:
    made = resize(np.full((7, 9), level, np.uint8), size, kernel=kernel)
    assert np.abs(made.astype(int) - level).max() <= 1


def test_opencv_keeps_the_setting_of_its_caller() -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed", exc_type=ImportError)
    before = cv2.ipp.useIPP()
    mindspore_hub.transforms("VehicleNet")(draw(20, 30))
    assert cv2.ipp.useIPP() == before
