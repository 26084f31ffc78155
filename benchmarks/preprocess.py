"""What `mindspore_hub.transforms` costs against the original chains, side by side in one run.

    python -m benchmarks.preprocess

The original chains are read plainly: decoded pictures go through the resizes and float steps that
the original code spells out, with Pillow where it used Pillow, and with OpenCV where it used OpenCV
or MindSpore, whose operators are built on it. OpenCV is in the extra `opencv`; without it only the
chain of MVD and DDAG is measured, with it the other ones are measured twice, as `transforms` makes
use of OpenCV or does without. Figures are processor time of the whole process, the best of several passes over
the same pictures, from files to arrays. The pictures are drawn anew, in sizes that vary as those of
the data sets do.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

import mindspore_hub
from benchmarks._processor import processor
from mindspore_hub.tasks.pictures import resize as resizing

try:
    import cv2
except ImportError:
    cv2 = None

MEAN = np.array((0.485, 0.456, 0.406), np.float32)
STD = np.array((0.229, 0.224, 0.225), np.float32)

PICTURES = 24
PASSES = 7
TOLERANCE = 2e-6
"""The originals order their float steps in three ways, which round differently."""

Array = Any
Case = dict[str, Any]


def main() -> None:
    """Print the figures."""
    print(f"on {processor()}")
    with TemporaryDirectory() as name:
        folder = Path(name)
        measure("MVD", mvd, draw(folder / "person", (50, 120), (100, 260)))
        if cv2 is None:
            print("VehicleNet, metric_learn and MultiTaskNet need OpenCV to compare with; skipped.")
            return
        cv2.setNumThreads(1)
        cv2.ipp.setUseIPP(False)
        cars = draw(folder / "car", (150, 450), (120, 400))
        products = draw(folder / "product", (300, 900), (300, 900))
        poses = [with_maps(case) for case in cars]
        made: dict[str, list[Array]] = {}
        for found in (cv2, None):
            print(f"transforms {'with' if found else 'without'} OpenCV:")
            # Hiding OpenCV from all of the process would hide it from the original chains too.
            with patch.object(resizing, "find_opencv", return_value=found):
                for network, original, cases in (
                    ("VehicleNet", vehiclenet, cars),
                    ("metric_learn", metric_learn, products),
                    ("MultiTaskNet", multitasknet, poses),
                ):
                    inputs = measure(network, original, cases)
                    if not all(map(np.array_equal, inputs, made.setdefault(network, inputs))):
                        sys.exit(f"{network}: inputs with OpenCV and without are not the same")


def measure(name: str, original: Callable[..., Any], cases: list[Case]) -> list[Array]:
    """Compare both results, and print the processor time of both; returns ours."""
    transform = mindspore_hub.transforms(name)
    ours = [array for case in cases for array in as_tuple(transform(**case))]
    theirs = [array for case in cases for array in as_tuple(original(**case))]
    deviation = max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))
    if not deviation <= TOLERANCE:
        sys.exit(f"{name}: the results differ by {deviation:.1e}")
    # Taking turns gives both the same share of whatever else the machine does.
    passes = [(seconds(original, cases), seconds(transform, cases)) for _ in range(PASSES)]
    before, after = (min(column) * 1e3 / len(cases) for column in zip(*passes, strict=True))
    print(
        f"{name:14} original {before:7.2f} ms   transforms {after:7.2f} ms   ratio "
        f"{before / after:5.2f}   largest difference {deviation:.1e}"
    )
    return ours


def seconds(prepare: Callable[..., Any], cases: list[Case]) -> float:
    """Processor time of preparing all pictures."""
    begin = time.process_time()
    for case in cases:
        prepare(**case)
    return time.process_time() - begin


def as_tuple(value: Any) -> tuple[Array, ...]:
    """The inputs of a network, where it has one as well."""
    return value if isinstance(value, tuple) else (value,)


def mvd(pictures: Path) -> Array:
    """MVD and DDAG: Lanczos, a second resize to the same size, float steps."""
    with Image.open(pictures) as image:
        resized = image.resize((144, 288), Image.Resampling.LANCZOS)
    resized = resized.resize((144, 288), Image.Resampling.LANCZOS)
    pixels = (np.array(resized).astype(np.float32) / 255 - MEAN) / STD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def vehiclenet(pictures: Path) -> Array:
    """VehicleNet: bicubic, statistics for values up to 255."""
    with Image.open(pictures) as image:
        pixels = np.array(image.convert("RGB"))
    resized = cv2.resize(pixels, (384, 384), interpolation=cv2.INTER_CUBIC)
    normalised = (resized.astype(np.float32) - MEAN * 255) / (STD * 255)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1))


def metric_learn(pictures: Path) -> Array:
    """metric_learn: BGR, two resizes, a factor."""
    pixels = cv2.imread(str(pictures))
    ratio = 224 / min(pixels.shape[:2])
    height, width = (round(side * ratio) for side in pixels.shape[:2])
    large = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LANCZOS4)
    resized = cv2.resize(large, (224, 224), interpolation=cv2.INTER_LINEAR)
    normalised = (resized.astype(np.float32) * np.float32(1 / 255) - MEAN) / STD
    return np.ascontiguousarray(normalised.transpose(2, 0, 1))


def multitasknet(pictures: Path, heatmaps: Path, keypoints: Array) -> tuple[Array, Array]:
    """MultiTaskNet: maps in the size of the picture, then one stack of 39 channels."""
    pixels = cv2.cvtColor(cv2.imread(str(pictures)), cv2.COLOR_BGR2RGB)
    height, width = pixels.shape[:2]
    stack = [pixels]
    for number in range(36):
        plane = cv2.imread(str(heatmaps / f"{number:02d}.jpg"), cv2.IMREAD_GRAYSCALE)
        stack.append(cv2.resize(plane, (width, height))[:, :, None])
    resized = cv2.resize(np.concatenate(stack, axis=2), (256, 256)).astype(np.float32) / 255
    mean = np.concatenate([MEAN, np.full(36, 0.449, np.float32)])[:, None, None]
    std = np.concatenate([STD, np.full(36, 0.226, np.float32)])[:, None, None]
    points = keypoints * (256 / width, 256 / height, 1)
    points = points / (256, 256, 1) - 0.5
    return (resized.transpose(2, 0, 1) - mean) / std, points.ravel().astype(np.float32)


def draw(folder: Path, widths: tuple[int, int], heights: tuple[int, int]) -> list[Case]:
    """Pictures of smooth noise, as JPEG files of sizes between the bounds."""
    folder.mkdir()
    random = np.random.default_rng(0)
    cases = []
    for number in range(PICTURES):
        size = int(random.integers(*widths)), int(random.integers(*heights))
        coarse = Image.fromarray(random.integers(0, 256, (24, 24, 3), np.uint8))
        path = folder / f"{number}.jpg"
        coarse.resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
        cases.append({"pictures": path})
    return cases


def with_maps(case: Case) -> Case:
    """A picture with 36 heatmaps and keypoints beside it."""
    folder = case["pictures"].with_suffix("")
    folder.mkdir()
    random = np.random.default_rng(1)
    y, x = np.mgrid[:64, :64]
    for number in range(36):
        across, down = random.integers(4, 60, 2)
        hill = np.clip(230 - 9 * ((x - across) ** 2 + (y - down) ** 2), 0, 255)
        Image.fromarray(hill.astype(np.uint8)).save(folder / f"{number:02d}.jpg", quality=90)
    return {**case, "heatmaps": folder, "keypoints": random.random((36, 3)) * (100, 100, 1)}


if __name__ == "__main__":
    main()
