"""What embed asks of disk and memory: full disks lose nothing, and long runs stay small."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import disks
import numpy as np
import pytest
import tiny

import mindspore_hub
from mindspore_hub.errors import StoreError
from mindspore_hub.gallery import features
from mindspore_hub.tasks.pictures.chunks import Chunk, StoredChunks
from mindspore_hub.tasks.pictures.samples import list_samples
from mindspore_hub.tasks.retrieval.embedding import Embedding

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
PICTURES = 24


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.numbered(tmp_path / "all", PICTURES)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disks.small_disk(tmp_path / "disk", "64k") as disk:
        yield disk


def test_a_full_disk_is_a_clear_error_and_loses_nothing(
    card: str, folder: Path, small_disk: Path
) -> None:
    output = small_disk / "f.npz"
    output.write_bytes(b"earlier")
    (small_disk / "ballast").write_bytes(bytes(20_000))

    def embed() -> None:
        embedding = Embedding(card, network=tiny.Tiny(width=320), batch_size=4)
        embedding.write(list_samples(folder), output, known={})

    with pytest.raises(StoreError, match=r"f\.npz.* cannot be written: No space left on device"):
        embed()
    assert output.read_bytes() == b"earlier"
    (small_disk / "ballast").unlink()
    with pytest.raises(StoreError, match="No space left"):
        embed()
    assert output.read_bytes() == b"earlier"
    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    embed()
    assert features.load(output).vectors.shape == (PICTURES, 320)
    assert [path.name for path in small_disk.iterdir()] == ["f.npz"]


def test_a_write_that_fails_half_way_leaves_whole_chunks(tmp_path: Path) -> None:
    pictures = ["a", "b", "c", "d"]
    program = f"""
import resource
from pathlib import Path
import numpy as np
from mindspore_hub.errors import StoreError
from mindspore_hub.tasks.pictures.chunks import Chunk, StoredChunks
arrays = {{"vectors": np.ones((2, 100), np.float32)}}
with StoredChunks(Path({str(tmp_path / "f.npz")!r}), {{}}, {pictures}, skipping=False) as chunks:
    chunks.append(Chunk(arrays, [0, 1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        chunks.append(Chunk(arrays, [2, 3]))
    except StoreError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=TESTS.parent,
    )
    assert "cannot be written: File too large" in done.stdout
    with StoredChunks(tmp_path / "f.npz", {}, pictures, skipping=False) as chunks:
        assert (chunks.missing(), chunks.rows) == ([2, 3], 2)
        chunks.append(Chunk({"vectors": np.ones((2, 100), np.float32)}, [2, 3]))
        chunks.save({"about": np.array(json.dumps({}))})
    assert np.array_equal(features.load(tmp_path / "f.npz").vectors, np.ones((4, 100)))


def test_a_place_that_takes_no_files_is_an_error_before_the_network_is_loaded(
    card: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written: Not a directory"):
        mindspore_hub.embed(card, folder, output=tmp_path / "file" / "f.npz")


WIDE = """
import resource, sys
from pathlib import Path
import numpy as np
import mindspore_hub, tiny
from mindspore_hub.tasks.retrieval.embedding import Embedding
from mindspore_hub.tasks.pictures.samples import list_samples
card, folder, output, width = sys.argv[1:]
embedding = Embedding(card, network=tiny.Tiny(width=int(width)), batch_size=8)
pictures = list_samples(folder)
few = type(pictures)(pictures.root, pictures.samples[:80])
embedding.write(few, Path(output), known={})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
written = embedding.write(pictures, Path(output), known={})
print(written.pictures, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_features_of_a_long_run_are_not_held_in_memory(card: str, tmp_path: Path) -> None:
    count, width = 600, 50_000
    folder = tiny.numbered(tmp_path / "all", 80)
    for number in range(80, count):
        shutil.copyfile(folder / f"{number % 80:04}.png", folder / f"{number:04}.png")
    output = tmp_path / "f.npz"
    done = subprocess.run(
        [sys.executable, "-c", WIDE, card, str(folder), str(output), str(width)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])},
        check=True,
        capture_output=True,
        text=True,
    )
    pictures, kilobytes = map(int, done.stdout.split())
    assert pictures == count
    assert 1024 * kilobytes < 4 * count * width / 4
    with np.load(output, mmap_mode="r") as arrays:
        assert arrays["paths"].shape == (count,)
    assert output.stat().st_size > 4 * count * width
