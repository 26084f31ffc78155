"""Pictures to inputs, against arrays of the published evaluation pipelines.

`data/preprocessing/pipelines.json` has each pipeline as a card spells it, and the pictures that it was
run on with MindSpore 2.10, OpenCV 4.10 and Pillow 13; `pipelines.npz` has, picture by picture, mean and
standard deviation of what came out and 24 of its values, at places that anybody can draw again.
"""

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

from mindspore_hub.errors import PictureError
from mindspore_hub.hub.front_matter import read
from mindspore_hub.tasks.pictures import align, resize
from mindspore_hub.tasks.pictures.fields import Preprocessing, as_preprocessing
from mindspore_hub.tasks.pictures.preprocess import Transform

Array = np.ndarray[Any, Any]

DATA = Path(__file__).parent / "data" / "preprocessing"
PIPELINES = json.loads((DATA / "pipelines.json").read_text())
CASES = [(name, picture) for name, facts in PIPELINES.items() for picture in facts["pictures"]]
TOLERANCE = 2e-6
"""Of the largest value."""

SEEDS = {"a_64x128": 100, "b_97x211": 101, "d_30x20": 102, "h_400x300": 103}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures that the pipelines were run on."""
    folder = tmp_path_factory.mktemp("drawn")
    for name, seed in SEEDS.items():
        width, height = map(int, name.rpartition("_")[2].split("x"))
        image = Image.fromarray(draw(seed, width, height))
        image.save(folder / f"{name}.png")
        image.save(folder / f"{name}.jpg", quality=90)
    shutil.copy(DATA / "e_grey_97x64.png", folder)
    return folder


@cache
def draw(seed: int, width: int, height: int) -> Array:
    """Slopes, six discs or boxes, a line of one pixel, and noise; in whole numbers."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[:height, :width]
    slopes = [255 * x // (width - 1), 255 * y // (height - 1)]
    made = np.stack([*slopes, 255 - 255 * (x + y) // (width + height - 2)], axis=2)
    for _ in range(6):
        left, top = random.randint(0, width), random.randint(0, height)
        size = random.randint(2, max(3, min(width, height) // 3))
        colour = random.randint(0, 256, 3)
        across, down = abs(x - left), abs(y - top)
        is_disc = random.randint(0, 2)
        disc, box = across**2 + down**2 <= size**2, (across <= size) & (down <= size // 2)
        made[disc if is_disc else box] = colour
    made[:, width // 2] = 255
    return np.clip(made + random.randint(-20, 21, made.shape), 0, 255).astype(np.uint8)


def preprocessing(name: str) -> Preprocessing:
    """How a card says a pipeline."""
    facts, _ = read([f"x: {PIPELINES[name]['preprocessing']}"], 1)
    made = as_preprocessing(facts.get("x"))
    assert made is not None
    return made


def prepare(name: str, picture: str, folder: Path) -> Array:
    """What we make of a picture."""
    given: Any = folder / picture
    if picture.startswith("c32_seed"):
        given = draw(int(picture[-3:]), 32, 32)
    elif name.endswith("simclr_eval"):  # whose pictures have 32 x 32 pixels
        with Image.open(given) as image:
            nearest = image.convert("RGB").resize((32, 32), Image.Resampling.NEAREST)
        given = np.asarray(nearest)
    facts = preprocessing(name)
    if PIPELINES[name].get("any-size"):  # the pipeline has no resizing
        width, height = map(int, Path(picture).stem.rpartition("_")[2].split("x"))
        facts = replace(facts, size=(height, width))
    made: Array = Transform(facts)(given)
    return made


@pytest.mark.parametrize("engine", ["opencv", "numpy"])
def test_values_equal_those_of_the_published_pipelines(
    engine: str, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "numpy":
        monkeypatch.setattr(resize, "find_opencv", lambda: None)
    elif resize.find_opencv() is None:
        pytest.skip("OpenCV is not installed")
    with np.load(DATA / "pipelines.npz") as file:
        samples, moments = file["samples"], file["moments"]
    wrong = {}
    for case in CASES:
        made = prepare(*case, drawn)
        number = CASES.index(case)
        name = case[0].partition("/")[2]
        random = np.random.RandomState(crc32(f"pre:{name}/{case[1]}".encode()))
        values = made.ravel()[random.randint(0, made.size, 4000)[: samples.shape[1]]]
        found = [*values, made.mean(dtype=np.float64), made.std(dtype=np.float64)]
        expected = [*samples[number], *moments[number]]
        worst = np.abs(np.subtract(found, expected)).max() / np.abs(made).max()
        if worst > TOLERANCE:
            wrong[case] = worst
    assert wrong == {}


@pytest.mark.parametrize(
    "name",
    ["classic/imagenet_256_224", "modern/imagenet_r256_c224_pilcubic", "embedding/deepsort_eval"],
)
def test_another_interpolation_is_noticed(name: str, drawn: Path) -> None:
    facts = preprocessing(name)
    other = {"bilinear": "bicubic", "pilcubic": "bicubic", "bilinear-float": "bilinear"}
    changed = replace(facts, interpolation=other[facts.interpolation])
    one, two = (Transform(way)(drawn / "b_97x211.png") for way in (facts, changed))
    assert np.abs(one - two).max() > 1000 * TOLERANCE * np.abs(one).max()


def test_grey_levels_stay_what_they_are_where_a_card_says_so(drawn: Path) -> None:
    facts = preprocessing("embedding/simclr_eval")
    made = Transform(facts)(draw(160, 32, 32))
    assert np.array_equal(made, draw(160, 32, 32).transpose(2, 0, 1))
    assert "channels in the order RGB, less (0, 0, 0), divided by" in Transform(facts).describe()


FACES = json.loads((DATA / "faces.json").read_text())


def five_points(width: int, height: int) -> list[tuple[int, int]]:
    """Where the pipelines took eyes, nose and mouth to be."""
    shares = ((0.30, 0.35), (0.70, 0.36), (0.50, 0.55), (0.33, 0.75), (0.66, 0.74))
    return [(int(x * width), int(y * height)) for x, y in shares]


@pytest.mark.parametrize("case", FACES)
def test_faces_are_cut_out_as_the_published_pipelines_do(case: str, drawn: Path) -> None:
    pipeline, picture = case.split("/")
    with Image.open(drawn / picture) as image:
        pixels = np.asarray(image.convert("RGB"))
    points = np.array(five_points(*pixels.shape[1::-1]))
    if pipeline == "arcface_ijb":
        made = (align.arcface_face(pixels, points) / np.float32(255) - 0.5) / 0.5
    else:
        made = (align.sphereface_face(pixels[..., ::-1], points) - 127.5) / 128
    made = made.transpose(2, 0, 1)
    places = np.random.RandomState(crc32(f"pre:{case}".encode())).randint(0, made.size, 4000)
    expected = FACES[case]
    differences = np.abs(made.ravel()[places[:24]] - expected["values"])
    # OpenCV rounds a place to 1/32 pixel; a map that differs in the last bit may round elsewhere.
    assert np.count_nonzero(differences > TOLERANCE) <= 1
    assert differences.max() < 1e-2
    found = [made.mean(dtype=np.float64), made.std(dtype=np.float64)]
    np.testing.assert_allclose(found, [expected["mean"], expected["std"]], rtol=0, atol=1e-5)


@pytest.mark.parametrize("points", [[[1, 2]] * 5, [[1, 2]] * 4, [[0, 0]] * 4 + [[0, np.nan]]])
def test_a_face_without_five_points_is_refused(points: list[list[float]]) -> None:
    with pytest.raises(PictureError, match="needs x and y of five different points"):
        align.arcface_face(np.zeros((9, 9, 3), np.uint8), np.array(points))
