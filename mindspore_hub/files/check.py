"""Hash what the store holds, whatever was known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mindspore_hub._progress import Progress
from mindspore_hub.errors import HubError
from mindspore_hub.files.memo import Memo
from mindspore_hub.files.store import Store


@dataclass(frozen=True)
class Checked:
    """A file that was hashed.

    Attributes:
        sha256: The digest that it has to have.
        path: Where it lies, or lay.
        size: Bytes.
        error: Why it cannot be used; none if it is whole.
    """

    sha256: str
    path: Path
    size: int
    error: HubError | None


def check(
    stores: Sequence[Store], digests: Iterable[str], *, memo: Memo, progress: Progress
) -> Iterator[Checked]:
    """Hash every copy of these files, whatever the memo knows, and note there what is whole.

    A damaged file in a store of one's own is moved to `corrupt/`.

    Args:
        stores: Where they may lie; a file that is nowhere is passed over.
        digests: Which files.
        memo: Stats of files that were hashed.
        progress: Called with bytes done and bytes in total.
    """
    copies = [(store, sha256, size) for sha256 in digests for store, size in _sizes(stores, sha256)]
    done, total = 0, sum(size for _, _, size in copies)
    for store, sha256, size in copies:
        note = _onward(progress, done, total)
        done += size
        error: HubError | None = None
        try:
            found = store.open(sha256)
            if not found:
                continue
            with found:
                before = found.stat
                found.expect(found.digest(note), before, memo)
        except HubError as problem:
            memo.forget(sha256)
            error = problem
        yield Checked(sha256, store.blob(sha256), size, error)


def _onward(progress: Progress, done: int, total: int) -> Callable[[int], None]:
    return lambda read: progress(done + read, total)


def _sizes(stores: Iterable[Store], sha256: str) -> Iterator[tuple[Store, int]]:
    """The stores that have this file, and its size there."""
    for store in stores:
        try:
            yield store, store.blob(sha256).stat().st_size
        except FileNotFoundError:
            continue
        except OSError:  # opening it will say why
            yield store, 0
