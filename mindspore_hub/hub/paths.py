"""Which files are cards, and what they are called."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from mindspore_hub.errors import CardError, UnknownNameError
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.settings import shown_address

MAX_BYTES = 1_000_000
"""No card is larger; the largest published one has 40,000 bytes."""

_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

_SUFFIX = ".md"

_OTHER_SUFFIXES = (
    *(".markdown", ".mdown", ".mdwn", ".mkd", ".mkdn", ".mkdown"),
    *(".mdtxt", ".mdtext", ".mdx", ".livemd", ".rmd", ".qmd"),
)
"""Markdown too, but no name of a card."""

ENTRY_POINT = "mindspore_hub_conf"
"""Name of the folder of all entry points, and of the module of each."""

_VERSION = pattern(r"\d+(?:\.\d+)+")

_CARD_URL = pattern(
    r"(?i:https?://(?:www\.)?(?:gitee\.com|github\.com|raw\.githubusercontent\.com))"
    r"/[^?#]+/assets/(?P<uid>[^?#]+?)(?:\.md)?/?(?:[?#].*)?"
)


class Cards(NamedTuple):
    """Cards that belong together, unread, by uid and path.

    Attributes:
        root: Hub root that they are all cards of, if they are.
        folder: Folder that they were found under; None for a card that was named itself.
        others: The further cards of the hub, where these are a part of it.
        refused: Links among them all that lead out of the hub or the folder, and what says so.
        left_out: What was passed over in the folder, and why.
    """

    named: list[tuple[str, Path]]
    root: Path | None = None
    folder: Path | None = None
    others: Sequence[tuple[str, Path]] = ()
    refused: Mapping[Path, str] = MappingProxyType({})
    left_out: tuple[tuple[Path, str], ...] = ()

    @property
    def paths(self) -> list[Path]:
        """Paths of all cards."""
        return [path for _, path in self.named]

    @property
    def every(self) -> Sequence[tuple[str, Path]]:
        """Uid and path of each and of the others, in the order of the whole hub."""
        if not self.others:
            return self.named
        whole = [*self.named, *self.others]
        return sorted(whole, key=lambda item: _absolute(item[1]).parts)

    def read(self, path: Path) -> bytes:
        """All of one of the cards; a link that leads out of the hub is refused."""
        if path in self.refused:
            raise CardError(self.refused[path])
        return read_bytes(path)


def entry_point_path(root: Path, model_name: str) -> Path:
    """Where the entry point of a model lies under a hub root."""
    return root / ENTRY_POINT / model_name / f"{ENTRY_POINT}.py"


def is_card_name(name: str) -> bool:
    """Whether a file of that name is a card."""
    return name.lower().endswith(_SUFFIX)


def is_version(name: str) -> bool:
    """Whether a folder of that name holds the cards of a release."""
    return _VERSION.fullmatch(name) is not None


def uid_of(path: Path) -> str:
    """Uid of a card from its path: what follows the `assets` of a hub, else its file name."""
    parts = _absolute(path).parts
    start = _begin(parts)
    return "/".join((*parts[start:-1], path.stem)) if start else path.stem


def uid_of_url(url: str) -> str:
    """Uid of the card at an address of upstream's hub, or of another repository like it.

    Raises:
        UnknownNameError: It is not the address of a card.
    """
    match = _CARD_URL.fullmatch(url)
    if not match:
        msg = (
            f"{shown_address(url)!r} is not the address of a model card; expected "
            "https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/<uid>.md, "
            "the same on github.com, or just <uid>."
        )
        raise UnknownNameError(msg)
    return match["uid"]


def published_uid(uid: str, path: Path) -> str:
    """Uid by which a card is loaded, as far as its folders say it; empty if they do not."""
    *folders, name = uid.split("/")
    if folders and len(folders) < 3 and is_version(folders[-1]):
        return uid
    below = uid_of(path)
    if "/" in below:
        return below
    return "/".join((*folders[-2:], name)) if folders and is_version(folders[-1]) else ""


def root_above(path: Path) -> Path | None:
    """Hub root in whose `assets` a path lies: the nearest folder with `models/` beside `assets`."""
    parts = _absolute(path).parts
    return next((Path(*parts[:at]) for at in _assets_in(parts) if _is_root(parts[:at])), None)


def leads_out(path: Path, *bounds: Path | None) -> str:
    """What says that a path leads, through a link, out of folders; empty if it does not."""
    real = Path(os.path.realpath(path))
    folders = [folder for folder in bounds if folder]
    if any(real.is_relative_to(os.path.realpath(folder)) for folder in folders):
        return ""
    return f"{path} leads out of {folders[0]} through a link."


def refuse_links(paths: Iterable[Path], root: Path) -> None:
    """Refuse files to be written, if one of them leads out of their hub through a link."""
    for path in paths:
        if message := leads_out(path, root):
            msg = f"{message} Nothing was written; put a file or folder in place of the link."
            raise CardError(msg)


def card_paths(folder: Path) -> list[tuple[str, Path]]:
    """Uid and path of every `.md` under a folder, in order.

    The uid is the path below the `assets` folder of a hub, else below the folder itself.
    """
    return _search(folder, root_above(folder / "x")).named


def find_cards(path: Path) -> Cards:
    """A card, or all cards under a folder (a CardError if none); without the others of their hub."""
    if path.is_file():
        return Cards([(uid_of(path), path)], root_above(path))
    assets = searched(path)
    if assets.is_dir() and (message := leads_out(assets, path)):
        msg = f"{message} Give {assets} itself if you mean it."
        raise CardError(msg)
    root = root_above(assets / "x")
    cards = _search(assets, root)._replace(folder=path) if assets.is_dir() else Cards([])
    if not cards.named:
        msg = f"{path} holds no cards; give the hub root, a folder of cards, or single cards."
        raise CardError(msg)
    return cards


def in_hubs(found: Iterable[Cards]) -> list[Cards]:
    """Cards that were found, those that are a part of a hub with the others of it.

    Single cards of one hub become one part, so that the hub is read once for all of them.
    """
    single: dict[Path, Cards] = {}
    rest = []
    for cards in found:
        if cards.root and cards.folder is None:
            single.setdefault(cards.root, Cards([], cards.root)).named.extend(cards.named)
        else:
            rest.append(cards)
    return [_with_others(cards) for cards in (*rest, *single.values())]


def searched(path: Path) -> Path:
    """The folder in which cards are looked for: the `assets` of a hub root, else the path itself."""
    return path / "assets" if (path / "assets").is_dir() else path


def read_bytes(path: Path) -> bytes:
    """All of a card; a CardError if it cannot be read, or is larger than any card."""
    try:
        data = _read_at_once(path)
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
        raise CardError(msg) from error
    if data is None:
        msg = f"{path} cannot be read: it is not a regular file."
        raise CardError(msg)
    if len(data) > MAX_BYTES:
        msg = f"{path} has more than {MAX_BYTES:,} bytes; no card is so large."
        raise CardError(msg)
    return data


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - `..` is taken out, links are not followed


def _assets_in(parts: tuple[str, ...]) -> Iterator[int]:
    """Where folders called `assets` stand in a path, the last first."""
    return (at for at in range(len(parts) - 2, 0, -1) if parts[at] == "assets")


def _is_root(parts: tuple[str, ...]) -> bool:
    return Path(*parts, "models").is_dir()


def _begin(parts: tuple[str, ...]) -> int:
    """Where the uid begins in the path of a card; 0 where no folder is the `assets` of a hub.

    Many a folder is called `assets`: that of a hub has `models` beside it, or holds
    `<publisher>/<version>/<card>`.
    """
    for at in _assets_in(parts):
        if (len(parts) == at + 4 and is_version(parts[at + 2])) or _is_root(parts[:at]):
            return at + 1
    return 0


def _search(folder: Path, root: Path | None) -> Cards:
    """All cards under a folder, and what is passed over; a CardError if there is no folder."""
    if not folder.is_dir():
        msg = f"{folder} is not a folder of cards; give the hub root or its assets folder."
        raise CardError(msg)
    walk = _Walk((root, folder))
    walk.through(folder)
    above = _absolute(folder).parts

    @cache
    def uid_of_folder(here: Path) -> str:
        below = here.relative_to(folder).parts
        begin = _begin((*above, *below, ""))
        parts = (*above, *below)[begin:] if 0 < begin <= len(above) else below
        return "".join(f"{part}/" for part in parts)

    named: dict[str, Path] = {}
    for path in sorted(walk.cards, key=lambda path: path.parts):
        uid = f"{uid_of_folder(path.parent)}{path.name[: -len(_SUFFIX)]}"
        while uid in named:  # such as x.md beside x.MD
            uid += path.suffix
        named[uid] = path
    left_out = tuple(sorted(walk.left_out))
    return Cards([*named.items()], root, refused=walk.refused, left_out=left_out)


def _with_others(cards: Cards) -> Cards:
    """The same with the further cards of their hub."""
    if cards.root is None:
        return cards
    assets = cards.root / "assets"
    if cards.folder and _absolute(searched(cards.folder)) == assets:
        return cards
    whole = _search(assets, cards.root)
    own = {_absolute(path) for path in cards.paths}
    others = [(uid, path) for uid, path in whole.named if path not in own]
    return cards._replace(others=others, refused={**whole.refused, **cards.refused})


class _Walk:
    """Looks for cards through folders and the links to folders that do not lead out.

    Every real folder is entered once, so that links in a circle come to an end.
    """

    def __init__(self, bounds: tuple[Path | None, ...]) -> None:
        self.cards: list[Path] = []
        self.refused: dict[Path, str] = {}
        self.left_out: list[tuple[Path, str]] = []
        self._bounds = bounds
        self._entered: set[tuple[int, int]] = set()
        self._links: list[Path] = []

    def through(self, folder: Path) -> None:
        """Look through a folder, then through those that links lead to."""
        self._enter(folder)
        while self._links:
            link = self._links.pop(0)
            if message := leads_out(link, *self._bounds):
                self.left_out.append((link, message.removeprefix(f"{link} ")))
            else:
                self._enter(link)

    def _enter(self, folder: Path) -> None:
        pending = [folder]
        while pending:
            here = pending.pop()
            try:
                state = here.stat()
                if (state.st_dev, state.st_ino) in self._entered:
                    continue
                self._entered.add((state.st_dev, state.st_ino))
                with os.scandir(here) as entries:
                    pending += [here / item.name for item in entries if self._is_folder(here, item)]
            except OSError as error:
                self.left_out.append((here, f"cannot be read: {error.strerror}."))

    def _is_folder(self, here: Path, entry: os.DirEntry[str]) -> bool:
        """Note what an entry is; whether it is a folder to look through."""
        name, is_link = entry.name, entry.is_symlink()
        if is_card_name(name):
            path = here / name
            self.cards.append(path)
            if is_link and (message := leads_out(path, *self._bounds)):
                self.refused[path] = message
        elif is_link and os.path.isdir(entry):  # noqa: PTH112 - an entry raises in a circle of links
            self._links.append(here / name)
        # As above: an entry raises where links go in a circle.
        elif name.lower().endswith(_OTHER_SUFFIXES) and os.path.isfile(entry):  # noqa: PTH113
            self.left_out.append((here / name, "the name of a card ends in .md."))
        return entry.is_dir(follow_symlinks=False)


def _read_at_once(path: Path) -> bytes | None:
    """A regular file as far as it may be read; a pipe that nobody writes to is not waited for."""
    # To open an object per file would take twice as long.
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        state = os.fstat(descriptor)
        if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
            return None  # the system itself refuses to read a folder
        data = b""
        size = min(state.st_size, MAX_BYTES) + 1
        while len(data) <= MAX_BYTES and (piece := os.read(descriptor, size)):
            data += piece
        return data
    finally:
        os.close(descriptor)
