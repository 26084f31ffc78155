"""From links and a sha256 to a file in the store.

`sources.py` decides which places are asked, `transfer.py` brings the bytes. `obtain` asks the
stores and then one place after the other, takes up what an earlier download left, and renames only
what has the right digest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from mindspore_hub._progress import Progress, bar
from mindspore_hub.errors import (
    HubError,
    IntegrityError,
    NetworkError,
    OfflineError,
    StoreError,
    TrustError,
)
from mindspore_hub.files.partial import Partial
from mindspore_hub.files.sources import Location, segments_of, shown, sources
from mindspore_hub.files.store import Store, StoredFile, digest, stores_of
from mindspore_hub.files.transfer import deliver, receive
from mindspore_hub.files.web import PassingError

if TYPE_CHECKING:
    from mindspore_hub.settings import Settings

logger = logging.getLogger(__name__)

BACKOFF = 0.25
"""Seconds before the second attempt at a source; doubled before each one after it."""

MAX_WAIT = 60.0
"""Seconds for which a server can make us wait with Retry-After."""

STEP = 1 << 20
"""Bytes by which an attempt must go on to be no failure of its source."""


@dataclass(frozen=True)
class _Job:
    """What is asked for, where it may be found, and the store where it shall end."""

    links: Sequence[str]
    digits: str
    store: Store
    settings: Settings
    report: Progress
    locked: bool

    @property
    def name(self) -> str:
        return segments_of(self.links[0])[-1]

    @property
    def sha256(self) -> str:
        """Its digest; where only the first digits of it are known, what stands for it meanwhile."""
        return _whole(self.digits)


def obtain(
    link: str,
    sha256: str,
    *,
    alternatives: Iterable[str] = (),
    settings: Settings,
    progress: Progress | None = None,
    force: bool = False,
    pin: bool = False,
) -> StoredFile:
    """Open the file with this digest, downloading it if no store has it, or in any case by `force`.

    With `pin`, `sha256` are the first digits of the digest only: the file is downloaded, and it has to
    have them. It was published as `link`, an https URL, or http on this machine, and under `alternatives`, which are
    read on a miss only. Progress is reported in bytes; the default is a bar on a terminal.

    Returns:
        An open file of the store, or of an extra cache, to be verified before any byte is used.

    Raises:
        CardError: `sha256` is not a digest.
        IntegrityError: The file in the store is damaged, or every file received was another one.
        NetworkError: No source could deliver the file.
        OfflineError: The file is not here, and `settings.offline` forbids the network.
        StoreError: The store cannot be read or written, or its disk is full.
        TrustError: The link, or a redirect, leads to where no file may be taken from.
    """
    key = _whole(sha256) if pin else sha256
    if not force and (found := stored(key, settings)):
        return found
    store = stores_of(settings)[-1]
    store.prepare()
    name = segments_of(link)[-1]
    with store.lock(key, name=name) as locked, ExitStack() as stack:
        # Whoever held the lock before may have brought the file.
        if not force and (found := store.open(key)):
            return found
        report = progress or stack.enter_context(bar(name, shown=settings.progress))
        job = _Job((link, *alternatives), sha256, store, settings, report, locked)
        return _obtain(job)


def stored(sha256: str, settings: Settings) -> StoredFile | None:
    """Open the file with this digest if a store has it; as `obtain`, and nothing is downloaded.

    What is damaged in an extra cache is passed over.
    """
    *extra, own = stores_of(settings)
    for store in extra:
        try:
            with ExitStack() as stack:
                if found := store.open(sha256):
                    stack.enter_context(found).verify()
                    stack.pop_all()
                    return found
        except (IntegrityError, StoreError) as error:
            logger.warning("The extra cache %s is passed over: %s", store.home, error)
    return own.open(sha256)


def _whole(digits: str) -> str:
    """A digest that is whole already, or one that begins with these digits and that no file has."""
    return digits.ljust(64, "0")


def _obtain(job: _Job) -> StoredFile:
    """Ask one source after the other until one delivers."""
    failures: list[tuple[Location, HubError]] = []
    for source in sources(job.links, job.settings):
        for location in source:
            if failures:
                _tell(*failures[-1])
            try:
                return _ask(location, job)
            except (IntegrityError, NetworkError, TrustError) as error:
                failures.append((location, error))
                if isinstance(error, PassingError):
                    break  # who cannot be reached is not asked for a second path
    raise _verdict(job, failures)


def _tell(location: Location, error: HubError) -> None:
    """Say why the next place is asked; a mirror's folder without the file is not worth a word."""
    level = logging.DEBUG if isinstance(location, Path) else logging.INFO
    level = logging.WARNING if isinstance(error, IntegrityError) else level
    logger.log(level, "%s: %s", shown(location), error)


def _ask(location: Location, job: _Job) -> StoredFile:
    """Bring the file from one location; what came of it before a failure is kept for later."""
    resumable = job.locked and not isinstance(location, Path)
    try:
        return _bring(location, job, resumable=resumable)
    except StoreError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        logger.info("%s: another process took or removed what was downloaded", job.name)
    # Where locks do not reach everybody, the file is here by now, or it comes as nobody takes it up.
    job.store.prepare()
    return job.store.open(job.sha256) or _bring(location, job, resumable=False)


def _bring(location: Location, job: _Job, *, resumable: bool) -> StoredFile:
    """Bring the file, or raise; a `FileNotFoundError` is the cause if what was downloaded is gone."""
    with job.store.explained("write", job.store.partial):
        partial = Partial(job.store.partial, job.sha256, resumable=resumable)
        try:
            sha256 = _right(partial, job) or _persist(location, partial, job)
            right = partial.path.stat()
            job.store.add(partial.path, sha256)
        finally:
            partial.leave()
        found = job.store.open(sha256)
        if not found:
            msg = "it was removed as soon as it was there"
            raise PassingError(msg)
        stat = found.stat
        # Renaming changes nothing but the last time; another's file would have to be hashed.
        if stat[:4] == (right.st_dev, right.st_ino, right.st_size, right.st_mtime_ns):
            return replace(found, hashed=stat)
        return found


def _right(partial: Partial, job: _Job) -> str:
    """Digest of an earlier download that lacks nothing but its name, so that nobody need be asked."""
    if not partial.is_whole:
        return ""
    with partial.path.open("rb") as file:
        got = digest(file)
    return got if got.startswith(job.digits) else ""


def _persist(location: Location, partial: Partial, job: _Job) -> str:
    """Try one location again while its failures may pass, or while it goes on; return the digest."""
    reached, fruitless = partial.size, 0
    while True:
        try:
            return _attempt(location, partial, job)
        except PassingError as error:
            fruitless = 0 if partial.size >= reached + STEP else fruitless + 1
            reached = max(reached, partial.size)
            if fruitless > job.settings.retries or error.wait > MAX_WAIT:
                raise
            pause = max(error.wait, BACKOFF * 2.0**fruitless)
            logger.info("%s: %s; again in %s s", shown(location), error, pause)
            time.sleep(pause)


def _attempt(location: Location, partial: Partial, job: _Job) -> str:
    """Bring the whole file into the partial and return its digest, or raise."""
    with ExitStack() as stack:
        delivery = deliver(
            stack,
            location,
            have=partial.size,
            version=partial.version,
            settings=job.settings,
        )
        start, total = delivery.start, delivery.version.total
        size = "of unknown size" if total is None else f"{total:,} bytes"
        rest = f", from byte {start:,} on" if start else ""
        logger.info("Downloading %s (%s%s) from %s", job.name, size, rest, shown(location))
        job.store.require_space((total or 0) - start)
        with partial.open(start, delivery.version) as file:
            got = receive(delivery, file, job.report, settings=job.settings)
            if not got:  # the earlier part may be another file's
                file.seek(0)
                got = digest(file)
    if got.startswith(job.digits):
        return got
    if start:
        logger.info("What was kept of an earlier download belongs to another file; from 0 again")
        partial.discard()
        return _attempt(location, partial, job)
    raise _wrong(location, got, partial, job)


def _wrong(location: Location, got: str, partial: Partial, job: _Job) -> IntegrityError:
    """What says that a whole file is another one; what was downloaded is kept to be looked at."""
    msg = f"another file: expected sha256 {job.digits}, got {got}"
    if isinstance(location, str):
        with suppress(OSError):
            msg += f"; it is kept as {job.store.set_aside(partial.path, job.sha256)}"
    partial.discard()
    return IntegrityError(msg)


def _verdict(job: _Job, failures: list[tuple[Location, HubError]]) -> HubError:
    """Say in one error what every source answered; the gravest failure gives its type."""
    file = f"{job.name} (sha256 {job.digits})"
    # A wrong copy of the file says nothing of the published file.
    copies = [
        location
        for location, error in failures
        if isinstance(error, IntegrityError) and location not in job.links
    ]
    kinds = {type(error) for location, error in failures if location not in copies}
    kind: type[HubError] = NetworkError
    problem = f"No source could deliver {file}:"
    if IntegrityError in kinds:
        kind = IntegrityError
        remedy = (
            "Try again. If that changes nothing, the published file is not the one of the card: "
            "name a mirror that has it in MSHUB_MIRRORS."
        )
    elif job.settings.offline:
        kind = OfflineError
        problem, remedy = _offline(job, file)
    elif TrustError in kinds:
        kind = TrustError
        remedy = "Correct the link in the card, or name a mirror of the file in MSHUB_MIRRORS."
    else:
        remedy = _next_step(job, may_pass=PassingError in kinds)
    tried = [f"  {shown(location)}: {error}" for location, error in failures]
    return kind("\n".join([problem, *tried, *map(_about_copy, copies), remedy]))


def _about_copy(location: Location) -> str:
    """What to do about a wrong copy."""
    if isinstance(location, Path):
        return f"Remove {location}: it is another file, or a part of the file."
    return (
        f"Correct {shown(location)}, or take that mirror out of MSHUB_MIRRORS: it has another file."
    )


def _offline(job: _Job, file: str) -> tuple[str, str]:
    """Problem and remedy where the network may not be used."""
    blobs = [store.blob(job.sha256) for store in stores_of(job.settings)]
    here = next(filter(Path.is_file, blobs), None)
    if here:  # but it was to be downloaded again
        problem = f"{file} cannot be downloaded again, because MSHUB_OFFLINE forbids the network."
        remedy = f"Leave out force_reload (--force-reload) to use the stored file {here}"
    else:
        problem = f"{file} is not in {job.store.home}, and MSHUB_OFFLINE forbids the network."
        remedy = (
            f"On a machine with a network run `{_curl(job)}`, bring {job.name} into a folder here "
            "and name that folder in MSHUB_MIRRORS"
        )
    return problem, f"{remedy}; or unset MSHUB_OFFLINE."


def _next_step(job: _Job, *, may_pass: bool) -> str:
    """What to do about sources that could not deliver."""
    kept = Partial.is_kept(job.store.partial, job.sha256)
    resumed = " What has come is kept, and the download goes on from there." if kept else ""
    brought = (
        f"run `{_curl(job)}` wherever it works, put the file into a folder here and name that "
        "folder in MSHUB_MIRRORS."
    )
    if may_pass:
        return f"Try again later.{resumed} Or {brought}"
    return (
        "Trying again does not help: the file is refused, not there, or cannot be taken from here "
        f"as said above. Name a mirror that has it in MSHUB_MIRRORS.{resumed} Or {brought}"
    )


def _curl(job: _Job) -> str:
    link = job.links[0]
    # What a card says is public, and without its query the link may lead to another file.
    return f"curl -fLo {quote(job.name)} {quote(shown(link) if '@' in link else link)}"
