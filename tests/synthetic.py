"""Small data sets in the published layouts, with pictures that are drawn anew each time.

A picture of an identity shows its own colours under some noise, so that even a network of random
weights has something to tell identities apart by.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

JOINTS = 36


def draw(path: Path, identity: int, number: int, size: tuple[int, int] = (48, 96)) -> None:
    """Draw picture `number` of an identity, `size` is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colors = np.random.default_rng(identity).integers(0, 256, (4, 2, 3))
    blocks = np.kron(colors, np.ones((size[1] // 4, size[0] // 2, 1)))
    noise = np.random.default_rng([identity, number]).normal(0, 12, blocks.shape)
    Image.fromarray(np.clip(blocks + noise, 0, 255).astype(np.uint8)).save(path)


def write(path: Path, lines: list[str]) -> None:
    """Write a list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def regdb(root: Path) -> None:
    """RegDB: 6 identities in two trials of 4, which count them anew; 2 pictures per spectrum."""
    for spectrum, folder in (("visible", "Visible"), ("thermal", "Thermal")):
        for identity in range(6):
            for number in range(2):
                draw(root / f"{folder}/{identity}/{number}.bmp", identity, number + len(folder))
        for trial, identities in ((1, range(4)), (2, range(2, 6))):
            rows = [
                f"{folder}/{identity}/{number}.bmp {label}"
                for label, identity in enumerate(identities)
                for number in range(2)
            ]
            write(root / f"idx/test_{spectrum}_{trial}.txt", rows)


def sysu(root: Path) -> None:
    """SYSU-MM01: 3 identities, 2 pictures before each of the six cameras."""
    identities = (7, 12, 30)
    write(root / "exp/test_id.txt", [",".join(map(str, identities))])
    for camera in range(1, 7):
        for identity in identities:
            for number in (1, 2):
                file = root / f"cam{camera}/{identity:04}/{number:04}.jpg"
                draw(file, identity, 10 * camera + number)


def vehiclenet(root: Path) -> None:
    """VeRi-776: 3 identities before 3 cameras; the queries are those of the first."""
    names = {c: [f"{i:04}_c{c:03}_0000000{c}_0.jpg {i} {c}" for i in (2, 5, 9)] for c in (1, 2, 3)}
    parts = {"query": names[1], "test": [*names[1], *names[2], *names[3]]}
    for part, rows in parts.items():
        write(root / f"VeRi/name_{part}.txt", rows)
        for row in rows:
            name, identity, camera = row.split()
            draw(root / f"VeRi/image_{part}/{name}", int(identity), int(camera), (96, 64))


def veri(root: Path) -> None:
    """VeRi with the labels of PAMTRI: 2 identities before 3 cameras, with heatmaps."""
    random = np.random.default_rng(0)
    points = ",".join(["40", "30", "0.9"] * JOINTS)
    write(
        root / "veri/label_train.csv",
        [f"0001_c001_{color}.jpg,1,{color},{min(color, 9)},{points}" for color in range(1, 11)],
    )
    for part, cameras in (("query", (1,)), ("test", (2, 3))):
        rows = []
        for identity in (4, 8):
            for camera in cameras:
                stem = f"{identity:04}_c{camera:03}_00000001_0"
                rows.append(f"{stem}.jpg,{identity},{identity},{identity - 1},{points}")
                draw(root / f"veri/image_{part}/{stem}.jpg", identity, camera, (80, 64))
                for joint in range(JOINTS):
                    file = root / f"veri/heatmap_{part}/{stem}/{joint:02}.jpg"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(random.integers(0, 256, (16, 16), np.uint8)).save(file)
        write(root / f"veri/label_{part}.csv", rows)


def sop(root: Path) -> None:
    """Stanford Online Products: 4 classes with 3 pictures each, one of them grey."""
    rows = ["image_id class_id super_class_id path"]
    for label in range(1, 5):
        for number in range(3):
            path = f"chair_final/{label}_{number}.JPG"
            rows.append(f"{len(rows)} {label} 1 {path}")
            draw(root / path, label, number, (80, 60))
    grey = root / "chair_final/1_0.JPG"
    Image.open(grey).convert("L").save(grey)
    write(root / "Ebay_test.txt", rows)


SETS: dict[str, Callable[[Path], None]] = {
    "regdb": regdb,
    "sop": sop,
    "sysu": sysu,
    "vehiclenet": vehiclenet,
    "veri": veri,
}
"""What draws a data set, by the name of its protocol."""
