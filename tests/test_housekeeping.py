"""What lies in the store is listed as it is, and only what is not needed leaves it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import checkpoints
import manifests
import pytest
from downloads import fetch
from faults import dropped, halted, truncated
from server import FileServer, good, read_only

import mindspore_hub
from mindspore_hub.errors import (
    AmbiguousNameError,
    IntegrityError,
    NetworkError,
    StoreError,
    UnknownNameError,
)
from mindspore_hub.files.records import note_use, read_refs, stat_of
from mindspore_hub.files.store import Store
from mindspore_hub.files.upkeep import (
    DAY,
    Entry,
    State,
    check,
    discard,
    foreign_size,
    inventory,
    meant,
    prunable,
)
from mindspore_hub.hub.hub import Hub
from mindspore_hub.settings import Settings

ROOT = Path(__file__).parents[1]
HUB = Hub.of()
NOW = 2_000_000_000.0
CONTENTS = {f"/{letter}.ckpt": letter.encode() * 100_000 for letter in "abc"}
HALF = 50_000
DIGESTS = {name: hashlib.sha256(data).hexdigest() for name, data in CONTENTS.items()}

FETCH = """
import sys
from pathlib import Path
from mindspore_hub.files.download import obtain
from mindspore_hub.settings import Settings

home, link, sha256 = sys.argv[1:]
obtain(link, sha256, settings=Settings(home=Path(home))).verify()
"""

KILLED = """
import os, signal, sys

from mindspore_hub.commands.main import main

left = int(os.environ["REMOVALS"])

def watch(event, args):
    global left
    if event == "os.remove" and str(args[0]).startswith(os.environ["MSHUB_HOME"]):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

sys.addaudithook(watch)
main()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    folder = tmp_path / "served"
    folder.mkdir()
    for name, data in CONTENTS.items():
        (folder / name[1:]).write_bytes(data)
    with FileServer(folder) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", timeout=20, retries=0)


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.home)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A memo that takes files without the two seconds that it waits for a clock to move on."""
    monkeypatch.setattr("mindspore_hub.files.records._SETTLED", -1.0)


def bring(server: FileServer, settings: Settings, name: str = "/a.ckpt") -> Path:
    return fetch(server.url + name, DIGESTS[name], settings=settings)


def leave_partial(server: FileServer, settings: Settings, name: str = "/b.ckpt") -> None:
    """Let a download end with all but the last byte."""
    server.on(name, truncated())
    with pytest.raises(NetworkError):
        bring(server, settings, name)
    server.on(name, good)


def leave_damaged(server: FileServer, settings: Settings, name: str = "/c.ckpt") -> None:
    """Let a file of the store be damaged, and a load find that."""
    blob = bring(server, settings, name)
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    with pytest.raises(IntegrityError):
        bring(server, settings, name)


def fill(server: FileServer, settings: Settings) -> None:
    """A file with two refs, a partial and a damaged file."""
    bring(server, settings)
    for uid in ("p/1/x", "p/1/y"):
        note_use(settings.home / "refs", uid, DIGESTS["/a.ckpt"], "https://h.example/a.ckpt")
    leave_partial(server, settings)
    leave_damaged(server, settings)


def listed(store: Store) -> list[Entry]:
    return inventory(store, HUB.cards)


def states(store: Store) -> dict[str, str]:
    """State by the name under which a file is served."""
    names = {sha256: name for name, sha256 in DIGESTS.items()}
    return {names[entry.sha256]: entry.state.value for entry in listed(store)}


def contents(folder: Path) -> dict[str, bytes]:
    """Everything under a folder but the locks, which are made by looking."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {str(path): (folder / path).read_bytes() for path in found if path.parts[0] != "locks"}


def age(path: Path, seconds: float) -> None:
    os.utime(path, (path.stat().st_mtime - seconds,) * 2)


# What is listed


def test_a_store_that_does_not_exist_holds_nothing(store: Store) -> None:
    assert listed(store) == []
    assert foreign_size(store.home) == 0
    assert not store.home.exists()


def test_files_partials_and_damaged_files_are_listed(server: FileServer, store: Store) -> None:
    fill(server, Settings(home=store.home, retries=0))
    ref = store.home / "refs" / "p" / "1" / "y.json"
    os.utime(ref, (NOW, NOW))
    used, partial, damaged = sorted(listed(store), key=lambda entry: list(State).index(entry.state))
    assert used == Entry(
        State.NOT_VERIFIED,
        DIGESTS["/a.ckpt"],
        (store.blob(DIGESTS["/a.ckpt"]),),
        100_000,
        NOW,
        ("p/1/x", "p/1/y"),
    )
    assert (partial.state, partial.sha256) == (State.UNFINISHED, DIGESTS["/b.ckpt"])
    assert (partial.size, partial.total) == (99_999, 100_000)
    assert [path.suffix for path in partial.paths] == [".part", ".json"]
    assert (damaged.state, damaged.sha256, damaged.size) == (
        State.DAMAGED,
        DIGESTS["/c.ckpt"],
        len(b"damaged"),
    )


def test_a_file_without_a_ref_was_used_when_it_was_downloaded(
    server: FileServer, settings: Settings, store: Store
) -> None:
    os.utime(bring(server, settings), (NOW, NOW))
    assert [(entry.used, entry.uids) for entry in listed(store)] == [(NOW, ())]


def test_files_of_the_catalog_have_the_uids_of_all_their_cards(store: Store) -> None:
    card = HUB.resolve("MVD")
    assert card.asset
    path = store.blob(card.asset.sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"anything")
    sharing = {other.uid for other in HUB.cards if other.asset and other.asset == card.asset}
    assert [set(entry.uids) for entry in listed(store)] == [sharing]


@pytest.mark.usefixtures("settled")
def test_a_file_is_verified_until_it_changes(
    server: FileServer, settings: Settings, store: Store
) -> None:
    blob = bring(server, settings)
    list(check([store], [DIGESTS["/a.ckpt"]], progress=lambda *_: None))
    assert states(store) == {"/a.ckpt": "verified"}
    age(blob, 1)
    assert states(store) == {"/a.ckpt": "not verified"}


def test_what_other_programs_left_is_counted_and_never_removed(
    server: FileServer, settings: Settings, store: Store
) -> None:
    fill(server, settings)
    theirs = ["mindspore/1.9/x.ckpt", "blobs/readme.txt", "partial/notes.part", "corrupt/x"]
    for name in theirs:
        (store.home / name).parent.mkdir(parents=True, exist_ok=True)
        (store.home / name).write_bytes(b"theirs")
        age(store.home / name, 100 * DAY)
    assert foreign_size(store.home) == len(b"theirs")
    everything = prunable(listed(store), now=NOW, older_than=0)
    assert len(list(discard(store, everything, now=NOW))) == 3
    assert set(contents(store.home)) == {*theirs, "layout", "CACHEDIR.TAG"}


@pytest.mark.parametrize(
    "name",
    [
        f"corrupt/{'a' * 64}-notes.txt",
        f"corrupt/{'a' * 64}-backup",
        f"corrupt/{'A' * 64}-{'0' * 16}",
        f"partial/{'a' * 64}.part",
        f"partial/{'a' * 64}.my.notes.part",
        "refs/notes about files.json",
        f"verified/{'a' * 64}.txt",
        f"blobs/sha256/aa/{'a' * 61}",
        "links/mine.json",
    ],
)
def test_what_has_another_name_than_ours_stays_in_every_folder(
    name: str, server: FileServer, settings: Settings, store: Store
) -> None:
    sha256 = "a" * 64
    theirs = store.home / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text(json.dumps({"sha256": sha256, "link": "https://h.invalid/x"}))
    age(theirs, 100 * DAY)
    blob = store.blob(sha256)
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(b"damaged")
    found = store.open(sha256)
    assert found
    with found, pytest.raises(IntegrityError, match="It was moved to"):
        found.verify()
    (aside,) = (path for path in (store.home / "corrupt").iterdir() if path != theirs)
    server.on("/a.ckpt", dropped(after=HALF))
    with pytest.raises(NetworkError):
        fetch(server.url + "/a.ckpt", sha256, settings=settings)
    gone = discard(store, prunable(listed(store), now=NOW, older_than=0), now=NOW + DAY)
    assert aside in {path for entry in gone for path in entry.paths}
    assert "sha256" in theirs.read_text()


@pytest.mark.parametrize("folder", ["corrupt", "partial"])
def test_links_and_folders_with_a_name_of_ours_are_not_ours(folder: str, store: Store) -> None:
    names = {"corrupt": f"{'a' * 64}-{'0' * 16}", "partial": f"{'a' * 64}.0123.part"}
    target = store.home / "mine"
    (store.home / folder).mkdir(parents=True)
    target.write_bytes(b"mine")
    (store.home / folder / names[folder]).symlink_to(target)
    (store.home / folder / names[folder].replace("a", "b")).mkdir()
    assert listed(store) == []


def test_answers_to_links_are_ours(store: Store) -> None:
    store.prepare()
    (store.home / "links.json").write_text('{"links": {}}')
    assert foreign_size(store.home) == 0


def test_a_store_of_a_newer_version_is_left_alone(store: Store) -> None:
    store.home.mkdir()
    (store.home / "layout").write_text("2\n", encoding="ascii")
    with pytest.raises(StoreError, match="Upgrade mindspore-hub"):
        listed(store)


# What is decided


def entry(state: State = State.VERIFIED, *, days: float = 0, uids: tuple[str, ...] = ()) -> Entry:
    return Entry(state, "a" * 64, (Path("x"),), 1, NOW - days * DAY, uids)


@pytest.mark.parametrize(
    ("found", "older_than", "kept", "expected"),
    [
        (entry(State.UNFINISHED), None, (), True),
        (entry(State.DAMAGED), None, (), True),
        (entry(days=500, uids=("p/1/x",)), None, (), False),
        (entry(days=0.9), None, (), False),
        (entry(days=1), None, (), True),
        (entry(days=29, uids=("p/1/x",)), 30 * DAY, (), False),
        (entry(days=30, uids=("p/1/x",)), 30 * DAY, (), True),
        (entry(days=30, uids=("p/1/x",)), 30 * DAY, ("a" * 64,), False),
        (entry(State.DAMAGED), 30 * DAY, ("a" * 64,), True),
        (entry(days=2), 30 * DAY, (), True),
        (entry(days=0.5), 0.5 * DAY, (), True),
    ],
    ids=[
        "unfinished",
        "damaged",
        "wanted",
        "unwanted, fresh",
        "unwanted",
        "used lately",
        "unused",
        "kept",
        "damaged, kept",
        "unwanted, used lately",
        "unwanted, unused",
    ],
)
def test_prune_takes_what_is_not_needed(
    found: Entry, older_than: float | None, kept: tuple[str, ...], *, expected: bool
) -> None:
    chosen = prunable([found], now=NOW, older_than=older_than, kept=kept)
    assert chosen == ([found] if expected else [])


def test_a_name_means_the_files_of_its_card() -> None:
    card = HUB.resolve("MVD")
    assert card.asset
    earlier = Entry(State.VERIFIED, "b" * 64, (Path("x"),), 1, NOW, (card.uid,))
    for name in ("mvd", card.name, card.uid):
        assert meant(name, [], HUB) == {card.asset.sha256}
        assert meant(name, [earlier], HUB) == {card.asset.sha256, "b" * 64}
    assert meant(card.asset.sha256[:8].upper(), [], HUB) == {card.asset.sha256}


def test_a_name_that_only_a_ref_has_means_its_file() -> None:
    assert meant("mine", [entry(uids=("mine",))], HUB) == {"a" * 64}
    assert meant("aaaaaaaa", [entry()], HUB) == {"a" * 64}


@pytest.mark.parametrize("name", ["nope", "aaaaaaa", "b" * 64])
def test_a_name_that_means_nothing_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="names no model card"):
        meant(name, [entry()], HUB)


def test_digits_that_begin_two_digests_are_refused() -> None:
    other = Entry(State.VERIFIED, "a" * 63 + "b", (Path("y"),), 1, NOW)
    with pytest.raises(AmbiguousNameError, match=f"give more digits.*\n  {'a' * 64}\n  a+b"):
        meant("aaaaaaaa", [entry(), other], HUB)


# What is removed


def test_discard_removes_a_file_and_all_that_is_known_of_it(
    server: FileServer, settings: Settings, store: Store
) -> None:
    fill(server, settings)
    note_use(store.home / "refs", "p/1/z", "f" * 64, "https://h.example/z.ckpt")
    store.memo.note(DIGESTS["/a.ckpt"], (0, 0, 0, 0, 0))
    entries = listed(store)
    assert list(discard(store, entries, now=NOW)) == entries
    assert set(contents(store.home)) == {"layout", "CACHEDIR.TAG", "refs/p/1/z.json"}
    for name, data in CONTENTS.items():
        assert bring(server, settings, name).read_bytes() == data


def test_dry_run_gives_the_same_and_removes_nothing(
    server: FileServer, settings: Settings, store: Store
) -> None:
    fill(server, settings)
    before, entries = contents(store.home), listed(store)
    assert list(discard(store, entries, now=NOW, dry_run=True)) == entries
    assert contents(store.home) == before


def test_what_has_gone_meanwhile_is_not_given(
    server: FileServer, settings: Settings, store: Store
) -> None:
    fill(server, settings)
    entries = listed(store)
    list(discard(store, entries, now=NOW))
    assert list(discard(store, entries, now=NOW)) == []


@pytest.mark.parametrize(
    ("name", "days", "locks", "goes"),
    [
        ("x.part", 0, True, True),
        ("x.part", 0, False, False),
        ("x.part", 2, False, True),
        (f"{'0' * 8}_{'0' * 16}.part", 0, True, False),  # of another machine, perhaps alive
        (f"{'0' * 8}_{'0' * 16}.part", 2, True, True),
        ("x.tmp", 0, True, False),
        ("x.tmp", 2, True, True),
        ("x.json", 0, True, False),
        ("x.json", 2, True, True),
        ("x.jsonq_1", 2, True, True),
    ],
)
def test_what_may_be_written_without_a_lock_stays_for_a_day(
    name: str, days: float, store: Store, *, locks: bool, goes: bool
) -> None:
    store.prepare()
    if not locks:
        (store.home / "locks").write_bytes(b"a file in the way")
    path = store.partial / f"{'a' * 64}.{name}"
    path.write_bytes(b"{}")
    age(path, days * DAY)
    gone = list(discard(store, listed(store), now=path.stat().st_mtime + days * DAY))
    assert (len(gone), path.exists()) == (goes, not goes)


def test_a_live_download_is_not_disturbed(
    server: FileServer, settings: Settings, store: Store
) -> None:
    half, rest = threading.Event(), threading.Event()
    server.on("/a.ckpt", halted(half, rest, HALF))
    command = [sys.executable, "-c", FETCH, str(store.home), server.url + "/a.ckpt"]
    with subprocess.Popen([*command, DIGESTS["/a.ckpt"]], cwd=ROOT) as process:
        assert half.wait(60)
        entries = listed(store)
        assert [found.state for found in entries] == [State.UNFINISHED]
        assert list(discard(store, entries, now=NOW)) == []
        rest.set()
    assert process.returncode == 0
    assert server.requests == ["GET /a.ckpt"]
    assert bring(server, settings).read_bytes() == CONTENTS["/a.ckpt"]


def test_what_a_killed_download_left_goes(server: FileServer, store: Store) -> None:
    half, rest = threading.Event(), threading.Event()
    server.on("/a.ckpt", halted(half, rest, HALF))
    command = [sys.executable, "-c", FETCH, str(store.home), server.url + "/a.ckpt"]
    with subprocess.Popen([*command, DIGESTS["/a.ckpt"]], cwd=ROOT) as process:
        assert half.wait(60)
        process.kill()
    rest.set()
    entries = listed(store)
    assert [found.state for found in entries] == [State.UNFINISHED]
    assert list(discard(store, entries, now=time.time())) == entries
    assert set(contents(store.home)) == {"layout", "CACHEDIR.TAG"}


def test_prunes_without_pause_harm_no_download(
    server: FileServer, settings: Settings, store: Store
) -> None:
    server.on("/a.ckpt", *[dropped(after) for after in range(1, 60_000, 20_000)], good)
    ended = threading.Event()

    def prune() -> None:
        while not ended.is_set():
            now = time.time()
            list(discard(store, prunable(listed(store), now=now), now=now))

    pruning = threading.Thread(target=prune)
    pruning.start()
    try:
        for _ in range(20):
            path = fetch(
                server.url + "/a.ckpt",
                DIGESTS["/a.ckpt"],
                settings=Settings(home=store.home, retries=9),
                force=True,
            )
            assert path.read_bytes() == CONTENTS["/a.ckpt"]
    finally:
        ended.set()
        pruning.join()


@pytest.mark.parametrize("command", [["prune", "--older-than", "0h"], ["rm", "p/1/x", "b", "c"]])
def test_whoever_is_killed_before_any_removal_leaves_a_store_that_is_right(
    command: list[str], server: FileServer, settings: Settings, store: Store
) -> None:
    outcomes = []
    for removals in range(20):
        fill(server, settings)
        for name in ("/b.ckpt", "/c.ckpt"):
            note_use(store.home / "refs", name[1], DIGESTS[name], "https://h.example/x")
        done = subprocess.run(
            [sys.executable, "-c", KILLED, "cache", *command],
            cwd=ROOT,
            env={**os.environ, "MSHUB_HOME": str(store.home), "REMOVALS": str(removals)},
            capture_output=True,
            check=False,
        )
        for path in (store.home / "blobs").rglob("*"):
            if path.is_file():
                assert path.parent.name + path.name == hashlib.sha256(path.read_bytes()).hexdigest()
        assert {found.sha256 for found in listed(store)} <= set(DIGESTS.values())
        for name, data in CONTENTS.items():
            assert bring(server, settings, name).read_bytes() == data
        outcomes.append(done.returncode)
        list(discard(store, listed(store), now=NOW))
        if done.returncode == 0:
            break
    assert outcomes[-1] == 0, "it never came to the end"
    assert outcomes[:-1] == [-signal.SIGKILL] * (len(outcomes) - 1)
    assert len(outcomes) > 5


def test_what_cannot_be_removed_is_named_and_the_rest_goes(
    server: FileServer, open_folder: Path
) -> None:
    store = Store(open_folder / "home")
    settings = Settings(home=store.home)
    stuck, free = bring(server, settings, "/a.ckpt"), bring(server, settings, "/b.ckpt")
    free.parent.chmod(0o777)
    entries = sorted(listed(store), key=lambda entry: entry.paths != (stuck,))
    gone: list[Entry] = []
    with read_only(stuck.parent):
        removals = discard(store, entries, now=NOW)
        with pytest.raises(StoreError, match=f"Cannot remove {stuck} .*Permission denied"):
            gone.extend(removals)
    assert [found.paths for found in entries if found not in gone] == [(stuck,)]
    assert (stuck.exists(), free.exists()) == (True, False)


# What is verified


def hashed(stores: list[Store], *names: str) -> list[tuple[Path, bool]]:
    digests = [DIGESTS[name] for name in names]
    found = check(stores, digests, progress=lambda *_: None)
    return [(item.path, item.error is None) for item in found]


@pytest.mark.usefixtures("settled")
def test_a_check_hashes_what_the_memo_knows(
    server: FileServer, settings: Settings, store: Store
) -> None:
    whole, damaged = bring(server, settings, "/a.ckpt"), bring(server, settings, "/b.ckpt")
    damaged.chmod(0o644)
    damaged.write_bytes(b"damaged")
    with damaged.open("rb") as file:
        store.memo.note(DIGESTS["/b.ckpt"], stat_of(file.fileno()))
    assert states(store) == {"/a.ckpt": "not verified", "/b.ckpt": "verified"}
    assert hashed([store], "/a.ckpt", "/b.ckpt", "/c.ckpt") == [(whole, True), (damaged, False)]
    assert states(store) == {"/a.ckpt": "verified", "/b.ckpt": "damaged"}
    assert bring(server, settings, "/b.ckpt").read_bytes() == CONTENTS["/b.ckpt"]


@pytest.mark.usefixtures("settled")
def test_a_damaged_copy_in_an_extra_cache_stays_and_is_no_longer_known(
    server: FileServer, settings: Settings, store: Store, tmp_path: Path
) -> None:
    extra = Store(tmp_path / "extra", read_only=True, memo=store.memo)
    damaged = bring(server, Settings(home=extra.home), "/a.ckpt")
    damaged.chmod(0o644)
    damaged.write_bytes(b"damaged")
    with damaged.open("rb") as file:
        store.memo.note(DIGESTS["/a.ckpt"], stat_of(file.fileno()))
    whole = bring(server, settings, "/a.ckpt")
    assert hashed([extra, store], "/a.ckpt") == [(damaged, False), (whole, True)]
    with damaged.open("rb") as file:
        assert not store.memo.knows(DIGESTS["/a.ckpt"], stat_of(file.fileno()))
    assert damaged.read_bytes() == b"damaged"


def test_a_check_reports_progress_over_all_files(
    server: FileServer, settings: Settings, store: Store
) -> None:
    for name in ("/a.ckpt", "/b.ckpt"):
        bring(server, settings, name)
    seen: list[tuple[int, int | None]] = []
    digests = [DIGESTS["/a.ckpt"], DIGESTS["/b.ckpt"]]
    list(check([store], digests, progress=lambda *now: seen.append(now)))
    assert seen == [(100_000, 200_000), (200_000, 200_000)]


# What is noted


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of metric_learn as it is published."""
    file = tmp_path_factory.mktemp("mirror") / "metric_learn.ckpt"
    checkpoints.write(file, manifests.read("metric_learn_triplet"))
    return file


@pytest.mark.parametrize("load", [mindspore_hub.load, mindspore_hub.load_weights])
def test_load_notes_which_card_used_which_file(
    load: Callable[[str], object],
    published: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sha256 = checkpoints.digest(published)
    card = tmp_path / "mine.md"
    card.write_bytes(HUB.resolve("metric_learn").path.read_bytes())
    checkpoints.publish(card, "https://h.invalid/metric_learn.ckpt", sha256)
    monkeypatch.setenv("MSHUB_MIRRORS", str(published.parent))
    load(str(card))
    (ref,) = read_refs(Path(os.environ["MSHUB_HOME"], "refs"))
    assert (ref.uid, ref.sha256) == ("mine", sha256)
    os.utime(Path(os.environ["MSHUB_HOME"], "refs", "mine.json"), (0, 0))
    load(str(card))
    assert [again.used for again in read_refs(Path(os.environ["MSHUB_HOME"], "refs"))] != [0]
