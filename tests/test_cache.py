"""The store: what is found is right, what is wrong is moved aside, what fails says what to do."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from server import read_only

from mindspore_hub.errors import CardError, IntegrityError, StoreError
from mindspore_hub.files import partial
from mindspore_hub.files.store import Store
from mindspore_hub.tensors import map_file

CONTENT = b"published weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


def put(store: Store, content: bytes = CONTENT, sha256: str = SHA256) -> Path:
    store.prepare()
    path = store.partial / "finished"
    with store.explained("write", path):
        path.write_bytes(content)
    return store.add(path, sha256)


def verified(store: Store) -> Path | None:
    """Path of the file if it is there and right."""
    found = store.open(SHA256)
    if not found:
        return None
    with found:
        found.verify()
        return found.path


def files(store: Store) -> list[str]:
    paths = sorted(store.home.rglob("*"))
    return [str(path.relative_to(store.home)) for path in paths if path.is_file()]


def test_blob_lies_under_its_digest(store: Store) -> None:
    assert store.blob(SHA256) == store.home / "blobs" / "sha256" / SHA256[:2] / SHA256[2:]


@pytest.mark.parametrize(
    "sha256", ["", "ab", SHA256.upper(), SHA256 + "0", SHA256 + "\n", f"../{SHA256[3:]}"]
)
def test_blob_refuses_what_is_not_a_digest(store: Store, sha256: str) -> None:
    with pytest.raises(CardError, match="64 lower-case hexadecimal digits"):
        store.blob(sha256)


def test_find_returns_none_in_a_store_that_does_not_exist(store: Store) -> None:
    assert verified(store) is None
    assert not store.home.exists()


def test_added_file_is_found_read_only_and_alone(store: Store) -> None:
    blob = put(store)
    assert verified(store) == blob == store.blob(SHA256)
    assert blob.read_bytes() == CONTENT
    assert stat.S_IMODE(blob.stat().st_mode) == 0o444
    assert files(store) == ["CACHEDIR.TAG", str(blob.relative_to(store.home)), "layout"]


def test_store_is_tagged_as_a_cache(store: Store) -> None:
    put(store)
    tag = (store.home / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_add_replaces_a_file_that_is_there(store: Store) -> None:
    put(store, b"damaged")
    assert put(store).read_bytes() == CONTENT


def test_damaged_file_is_moved_aside_with_a_full_report(store: Store) -> None:
    blob = put(store, b"damaged")
    with pytest.raises(IntegrityError) as caught:
        verified(store)
    (aside,) = (store.home / "corrupt").iterdir()
    assert str(caught.value) == (
        f"{blob} in the store is damaged:\n"
        f"  expected sha256 {SHA256}\n"
        f"  got      sha256 {hashlib.sha256(b'damaged').hexdigest()}\n"
        f"It was moved to {aside}. Try again: the file will be downloaded afresh."
    )
    assert aside.name.startswith(f"{SHA256}-")
    assert aside.read_bytes() == b"damaged"
    assert verified(store) is None


def test_only_the_last_damaged_file_is_kept_aside(store: Store) -> None:
    for damaged in (b"one", b"two"):
        put(store, damaged)
        with pytest.raises(IntegrityError):
            verified(store)
    assert [path.read_bytes() for path in (store.home / "corrupt").iterdir()] == [b"two"]


def test_damaged_files_of_other_digests_stay_aside(store: Store) -> None:
    other = hashlib.sha256(b"other weights").hexdigest()
    for sha256 in (SHA256, other):
        put(store, b"damaged", sha256)
        found = store.open(sha256)
        assert found
        with found, pytest.raises(IntegrityError, match="It was moved to"):
            found.verify()
    aside = [path.name.partition("-")[0] for path in (store.home / "corrupt").iterdir()]
    assert sorted(aside) == sorted([SHA256, other])


def test_file_that_was_removed_since_it_was_opened_is_no_obstacle(store: Store) -> None:
    blob = put(store, b"damaged")
    found = store.open(SHA256)
    assert found
    blob.unlink()
    with found, pytest.raises(IntegrityError) as caught:
        found.verify()
    assert str(caught.value).splitlines()[-1] == (
        "Another process has removed it meanwhile. Try again: the file will be downloaded afresh."
    )


def test_file_that_was_replaced_since_it_was_opened_is_not_moved_aside(store: Store) -> None:
    put(store, b"damaged")
    found = store.open(SHA256)
    assert found
    put(store)
    with found, pytest.raises(IntegrityError, match="Another process has replaced it"):
        found.verify()
    assert verified(store)
    assert not (store.home / "corrupt").exists()


def test_damage_weighs_more_than_what_failed_while_the_file_was_hashed(store: Store) -> None:
    put(store, b"damaged")
    found = store.open(SHA256)
    assert found
    content = map_file(found.file)
    with (
        found,
        pytest.raises(IntegrityError, match="It was moved to"),
        found.verifying(content),
    ):
        raise KeyError


def test_file_in_a_read_only_store_is_found(open_folder: Path) -> None:
    blob = put(Store(open_folder))
    with read_only(open_folder):
        assert verified(Store(open_folder)) == blob


def test_damaged_file_in_a_read_only_store_names_the_way_out(open_folder: Path) -> None:
    put(Store(open_folder), b"damaged")
    Store(open_folder).check_layout()  # imports a codec, which the other user may not read
    with (
        read_only(open_folder),
        pytest.raises(IntegrityError, match=r"Permission denied.*remove it as its owner.*MSHUB_H"),
    ):
        verified(Store(open_folder))


def test_unwritable_home_names_the_folder_and_the_setting(open_folder: Path) -> None:
    store = Store(open_folder / "home")
    with read_only(open_folder), pytest.raises(StoreError) as caught:
        put(store)
    assert str(caught.value) == (
        f"Cannot write {store.partial} in the store {store.home}: Permission denied. "
        "Make it accessible, or point MSHUB_HOME to a folder that you can write."
    )


def test_unreadable_file_names_the_setting(open_folder: Path) -> None:
    put(Store(open_folder)).chmod(0)
    with read_only(open_folder), pytest.raises(StoreError, match=r"Cannot read .*MSHUB_HOME"):
        verified(Store(open_folder))


def test_home_that_is_a_file_is_a_store_error(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("not a folder")
    with pytest.raises(StoreError, match=r"Cannot read .*Remove the file that is in the way"):
        verified(Store(home))
    with pytest.raises(StoreError, match=r"Cannot write .*Remove the file that is in the way"):
        put(Store(home))


def test_folder_in_the_place_of_a_file_is_a_store_error(store: Store) -> None:
    store.blob(SHA256).mkdir(parents=True)
    with pytest.raises(StoreError, match=r"Cannot read .*: it is a folder"):
        verified(store)
    with pytest.raises(StoreError, match=r"Cannot write .*Is a directory"):
        put(store)


def test_more_than_the_disk_has_is_refused(store: Store) -> None:
    store.home.mkdir()
    store.require_space(1)
    with pytest.raises(StoreError, match=r"bytes free, but 1,152,921,504,606,846,976 are needed"):
        store.require_space(1 << 60)


def test_store_without_locks_goes_on(store: Store) -> None:
    store.home.mkdir()
    (store.home / "locks").write_text("a file where the folder should be")
    with store.lock(SHA256):
        put(store)
    assert verified(store)


@pytest.mark.parametrize("mark", [b"", b" \n", b"\0\0", b"\0" * 4096, b"\0\n\t \0", b"1\n\0\0"])
def test_mark_of_nothing_but_nul_bytes_and_blanks_is_no_other_layout(
    store: Store, mark: bytes
) -> None:
    put(store)
    (store.home / "layout").write_bytes(mark)
    assert verified(store)


@pytest.mark.parametrize("mark", [b"2", b"\0002\0", b"1\0001", b"\xff"])
def test_mark_of_anything_else_is_another_layout(store: Store, mark: bytes) -> None:
    put(store)
    (store.home / "layout").write_bytes(mark)
    with pytest.raises(StoreError, match="Upgrade mindspore-hub"):
        store.open(SHA256)


def test_empty_file_is_damaged(store: Store) -> None:
    path = put(store, b"")
    with pytest.raises(IntegrityError, match="It was moved to"):
        store.open(SHA256)
    assert not path.exists()
    assert store.open(SHA256) is None


def test_empty_file_in_a_store_of_somebody_else_stays(store: Store) -> None:
    path = put(store, b"")
    with pytest.raises(IntegrityError, match="this store is only read"):
        Store(store.home, read_only=True).open(SHA256)
    assert path.exists()


def test_lock_keeps_others_off(store: Store) -> None:
    with store.lock(SHA256) as held:
        assert held
        with pytest.raises(TimeoutError), store.lock(SHA256, wait=False):
            pytest.fail("it was given twice")
    with store.lock(SHA256, wait=False) as again:
        assert again


@pytest.mark.parametrize("error", ["EIO", "ENOLCK", "EBADF", "ESTALE", "ETIMEDOUT"])
def test_lock_that_cannot_be_released_is_no_error_and_holds_nobody_off(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    flock = fcntl.flock

    def failing(descriptor: int, operation: int) -> None:
        if operation & fcntl.LOCK_UN:
            raise OSError(getattr(errno, error), os.strerror(getattr(errno, error)))
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", failing)
    for _ in range(2):
        with store.lock(SHA256, wait=False) as held:
            assert held


@pytest.mark.parametrize("error", ["EIO", "ENOLCK", "ENOSYS", "ETIMEDOUT"])
def test_lock_that_cannot_be_had_is_done_without(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    def failing(*_: object) -> None:
        raise OSError(getattr(errno, error), os.strerror(getattr(errno, error)))

    monkeypatch.setattr(fcntl, "flock", failing)
    with store.lock(SHA256, wait=False) as held:
        assert not held


def test_lock_that_everybody_gets_is_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    with store.lock(SHA256) as held:
        assert not held


def test_who_waits_for_a_lock_says_so_now_and_then(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(partial, "PATIENCE", 0.0)
    monkeypatch.setattr(partial, "REMINDER", 0.0)

    def wait() -> bool:
        with store.lock(SHA256, name="mvd.ckpt") as held:
            return held

    with ThreadPoolExecutor(1) as pool:
        with store.lock(SHA256):
            waiting = pool.submit(wait)
            while len(caplog.messages) < 2:
                assert not waiting.done()
        assert waiting.result()
    path = store.home / "locks" / f"{SHA256}.lock"
    assert all("mvd.ckpt" in said and str(path) in said for said in caplog.messages)
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_nobody_waits_for_a_lock_longer_than_five_seconds_without_a_word() -> None:
    assert partial.PATIENCE < 5
