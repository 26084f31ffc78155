"""Sealed files: whole, or refused."""

from pathlib import Path

import pytest

from mindspore_hub.errors import IntegrityError
from mindspore_hub.files.sealed import read_seal, seal, size_of, verify_seal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 40)
    return path


def test_a_sealed_file_says_what_it_is(path: Path) -> None:
    before = path.read_bytes()
    digest = seal(path, {"key": "k", "card": "a/b/c"})
    with path.open("rb") as file:
        facts = verify_seal(file, path)
        assert facts == read_seal(file, path) == {"sha256": digest, "key": "k", "card": "a/b/c"}
        assert path.read_bytes()[: size_of(file)] == before


def test_an_empty_file_can_be_sealed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    seal(path, {"key": "k"})
    with path.open("rb") as file:
        assert verify_seal(file, path)["key"] == "k"


@pytest.mark.parametrize("place", [0, 5000, -4100, -4090])
def test_a_flipped_byte_is_found(place: int, path: Path) -> None:
    seal(path, {"key": "k"})
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with path.open("rb") as file, pytest.raises(IntegrityError, match=str(path)):
        verify_seal(file, path)


@pytest.mark.parametrize("size", [0, 1, 4000, 10_000, -1])
def test_a_part_is_no_whole_file(size: int, path: Path) -> None:
    seal(path, {"key": "k"})
    path.write_bytes(path.read_bytes()[:size])
    with path.open("rb") as file, pytest.raises(IntegrityError):
        verify_seal(file, path)


def test_facts_have_a_bound(path: Path) -> None:
    with pytest.raises(ValueError, match="4096"):
        seal(path, {"key": "k" * 5000})
