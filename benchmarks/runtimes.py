"""Runtimes side by side: features a second, against bare scripts and the limit of the processor.

    python -m benchmarks.runtimes [ROUNDS [NAME]]

Weights of the network and pictures of 500 x 500 pixels are drawn. Three things are measured, in one process
and in turns, after each ran once; figures are medians over the rounds:

- `embed`, from JPEG files to features, with MindSpore compiled, ONNX Runtime, OpenVINO in f32, and in bf16
  where the processor has it;
- the same computations on arrays that are ready, and beside them what `onnxruntime` and `openvino` do with
  the same file in five lines;
- a product of float32 matrices, whose operations a second are the limit.

Then, each in a process of its own: the time from its start to the feature of one picture, and its memory.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

import mindspore_hub
from benchmarks._processor import processor
from mindspore_hub.hub.hub import Hub
from mindspore_hub.runtimes.derived import Derived, find
from mindspore_hub.runtimes.processor import available_threads, computes_bf16
from mindspore_hub.tasks.needs import needed_by
from mindspore_hub.tasks.pictures.samples import list_samples
from mindspore_hub.tasks.retrieval.embedding import Embedding

PICTURES, BATCH, ROUNDS = 128, 16, 5

SIDE = 500

OPERATIONS = {"metric_learn": 8.2e9}
"""Multiplications and additions of float32 for a picture, where the limit is printed."""

Array = Any


def main() -> None:
    """Print the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    name = sys.argv[2] if len(sys.argv) > 2 else "metric_learn"
    os.environ["MSHUB_NO_PROGRESS"] = "1"
    print(f"on {processor()}; load {os.getloadavg()[0]:.1f}")
    with TemporaryDirectory() as folder:
        card = publish(Path(folder), name)
        pictures = draw(Path(folder, "pictures"))
        measure(card, pictures, rounds, OPERATIONS.get(name))
        start(card, next(pictures.iterdir()))


def publish(folder: Path, name: str) -> str:
    """A card of a network with drawn weights, whose file a mirror has; also a store."""
    import mindspore

    os.environ.update(MSHUB_HOME=str(folder / "store"), MSHUB_MIRRORS=str(folder))
    path = folder / "drawn.ckpt"
    mindspore.save_checkpoint(mindspore_hub.load(name, pretrained=False), str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    text = Hub.of().resolve(name).path.read_text(encoding="utf-8")
    text = re.sub(r"(asset-link: ).*", r"\1https://download.mindspore.cn/drawn.ckpt", text)
    text = re.sub(r"(asset-sha256: ).*", rf"\g<1>{digest}", text)
    card = folder / "drawn_pictures.md"
    card.write_text(text, encoding="utf-8")
    return str(card)


def draw(folder: Path) -> Path:
    """JPEG files whose content compresses as photographs do: noise over large squares."""
    folder.mkdir()
    random = np.random.RandomState(0)
    for number in range(PICTURES):
        squares = random.randint(0, 200, (SIDE // 50, SIDE // 50, 3))
        pixels = np.kron(squares, np.ones((50, 50, 1))) + random.randint(0, 56, (SIDE, SIDE, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number:04}.jpg", quality=90)
    return folder


def measure(card: str, folder: Path, rounds: int, operations: float | None) -> None:
    """Time all ways in turns, and print their rates."""
    pictures = list_samples(folder)
    ways = [("mindspore", "f32"), ("onnxruntime", "f32"), ("openvino", "f32")]
    ways += [("openvino", "bf16")] * computes_bf16()
    made = {
        " ".join(way): Embedding(card, batch_size=BATCH, runtime=way[0], precision=way[1])
        for way in ways
    }
    runner = made["onnxruntime f32"]
    prepared = [runner.prepared(sample) for sample in pictures.samples]
    ready = [np.stack(rows) for rows in zip(*prepared, strict=True)]
    batches = [[each[at : at + BATCH] for each in ready] for at in range(0, PICTURES, BATCH)]
    calls: dict[str, Callable[[], Any]] = {}
    for way, embedding in made.items():
        calls[f"embed, {way}"] = lambda e=embedding: e.features(pictures, known={}).vectors
    calls["embed, mindspore f32"]()
    for way, embedding in made.items():
        rows_of = embedding._open(PICTURES, compiled=True)[1]
        calls[f"arrays, {way}"] = lambda r=rows_of: [r(*batch) for batch in batches]
    hub = Hub.of()
    derived = find(needed_by(hub.resolve(card), hub))
    assert derived is not None  # noqa: S101 - it was made a moment ago
    calls |= bare(derived, batches)
    features = {way: call() for way, call in calls.items()}
    compare({way: rows for way, rows in features.items() if way.startswith("embed")})
    taken: dict[str, list[float]] = {way: [] for way in calls}
    peaks = []
    for _ in range(rounds):
        peaks.append(peak())
        for way, call in calls.items():
            taken[way].append(PICTURES / seconds(call))
    for way, rates in taken.items():
        print(f"  {way:28} {median(rates):7.1f} /s ({min(rates):.1f} to {max(rates):.1f})")
    print(f"  float32 product              {median(peaks) / 1e9:7.1f} GFLOP/s", end="")
    print(f", {median(peaks) / operations:.1f} pictures/s" if operations else "")
    for ours, theirs in PAIRS:
        if ours in taken and theirs in taken:
            ratios = [a / b for a, b in zip(taken[ours], taken[theirs], strict=True)]
            print(
                f"  {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}): {ours} / {theirs}"
            )


PAIRS = (
    ("arrays, onnxruntime f32", "bare onnxruntime"),
    ("arrays, openvino f32", "bare openvino f32"),
    ("arrays, openvino bf16", "bare openvino bf16"),
    ("embed, onnxruntime f32", "bare onnxruntime"),
    ("embed, openvino f32", "bare openvino f32"),
    ("embed, openvino bf16", "bare openvino bf16"),
    ("embed, onnxruntime f32", "embed, mindspore f32"),
    ("embed, openvino f32", "embed, mindspore f32"),
    ("embed, openvino bf16", "embed, mindspore f32"),
)
"""What is compared: rates of the first as a multiple of the second."""


def bare(derived: Derived, batches: list[list[Array]]) -> dict[str, Callable[[], Any]]:
    """What scripts without this package would do with the same file."""
    import onnxruntime
    import openvino

    os.environ.pop("ONEDNN_MAX_CPU_ISA", None)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_threads()
    session = onnxruntime.InferenceSession(str(derived.path), options)
    names = [item.name for item in session.get_inputs()]
    calls: dict[str, Callable[[], Any]] = {
        "bare onnxruntime": lambda: [
            session.run(None, dict(zip(names, batch, strict=True))) for batch in batches
        ]
    }
    for precision in ["f32", "bf16"] if computes_bf16() else ["f32"]:
        settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        model = openvino.Core().compile_model(str(derived.path), "CPU", settings)
        calls[f"bare openvino {precision}"] = lambda m=model: [m(batch)[0] for batch in batches]
    return calls


def compare(features: dict[str, Array]) -> None:
    """Print how much features differ, and whether their neighbours do."""
    expected = features["embed, mindspore f32"]
    nearest = neighbours(expected)
    for way, rows in features.items():
        largest = np.abs(rows - expected).max() / np.abs(expected).max()
        unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (rows, expected)]
        cosine = (unit[0] * unit[1]).sum(axis=1).min()
        same = (neighbours(rows) == nearest).mean()
        print(f"  {way:28} differs by {largest:.1e}, cosine {cosine:.7f}, neighbours {same:.1%}")


def neighbours(rows: Array) -> Array:
    """The nearest other picture of each."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    products = unit @ unit.T
    np.fill_diagonal(products, -2)
    return products.argmax(axis=1)


def peak() -> float:
    """Operations a second of a product of float32 matrices."""
    side = 2048
    matrix = np.random.RandomState(0).random_sample((side, side)).astype(np.float32)
    return 2 * side**3 / seconds(lambda: matrix @ matrix)


def seconds(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def start(card: str, picture: Path) -> None:
    """From the start of a process to the feature of one picture, the best of three, and its memory."""
    size = max(
        path.stat().st_size for path in Path(os.environ["MSHUB_HOME"]).glob("derived/*.onnx")
    )
    for runtime in ("mindspore", "onnxruntime", "openvino"):
        best, memory = 1e9, 0
        for number in range(3):
            words = ["-m", "mindspore_hub", "embed", card, str(picture)]
            words += ["-o", f"{picture}.{runtime}.{number}.npz", "--runtime", runtime, "-q"]
            begin = time.perf_counter()
            process = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, *words])  # noqa: S606 - wait4 tells its memory
            _, status, usage = os.wait4(process, 0)
            assert status == 0  # noqa: S101 - a failed one is no measure
            best, memory = min(best, time.perf_counter() - begin), usage.ru_maxrss * 1024
        print(
            f"  start to the first feature, {runtime:12} {best:5.2f} s, {memory / 1e6:.0f} MB, "
            f"{memory / size:.2f} times the ONNX file"
        )


if __name__ == "__main__":
    main()
