"""Which pictures are to be embedded, in which order, and what belongs to each."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mindspore_hub import _files
from mindspore_hub._text import and_more
from mindspore_hub.errors import FeaturesError, PictureError
from mindspore_hub.tasks.pictures.decode import Picture, pictures_below
from mindspore_hub.tasks.pictures.fields import KEYPOINTS
from mindspore_hub.tasks.pictures.preprocess import per_picture

_CELLS = (1 + 3 * KEYPOINTS, 4 + 3 * KEYPOINTS)
_LINE = (
    f"a line is the name of a picture and {3 * KEYPOINTS} numbers, or as in VeRi's label files the "
    "name, vehicle, colour, type and those numbers"
)

EXAMPLE = r"(?P<label>-?\d+)_c(?P<camera>\d+)"
"""Pattern for names such as `0002_c3.png`; those of junk begin with `-1`."""


_INTEGER = re.compile(r"\s*[+-]?\d+\s*")


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """One picture or its file; there may be millions.

    Its path below the folder of all pictures, with `/`, is empty for what is not a file. Extras are what
    the network takes besides: heatmaps, segments, keypoints.
    """

    picture: Picture
    path: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Samples:
    """Pictures in their order, and the folder that their paths are relative to, if there is one."""

    root: Path | None
    samples: list[Sample]

    @property
    def are_files(self) -> bool:
        """Whether every picture is a file, and so can be found again."""
        return all(sample.path for sample in self.samples)

    def states(self) -> list[str]:
        """What tells each picture from all others, and from what it was before a change.

        Path, size and time of change of its file count, and what belongs to it. A picture that is
        no file is always another one.
        """
        if not self.are_files:
            return [uuid.uuid4().hex for _ in self.samples]
        seen: Counter[str] = Counter()
        return [_state_of(sample, seen) for sample in self.samples]


def _state_of(sample: Sample, seen: Counter[str]) -> str:
    """State of a sample; one that is listed again differs by its turn."""
    found = hashlib.blake2b(digest_size=12)
    found.update(f"{sample.path!a} {_stat(sample.picture)} {seen[sample.path]}\n".encode())
    seen[sample.path] += 1
    for name, value in sorted(sample.extras.items()):
        found.update(f"{name} ".encode() + _state(value))
    return found.hexdigest()


def _stat(path: Any) -> str:
    """Size and time of change of a file; a missing one is said to be so when it is read."""
    try:
        stat = Path(path).stat()
    except OSError:
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _state(value: Any) -> bytes:
    """What tells a folder of maps, or an array, from another."""
    if not isinstance(value, str | os.PathLike):
        array = np.asarray(value)
        return f"{array.dtype} {array.shape}\n".encode() + array.tobytes()
    folder = Path(value)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return "\n".join(f"{str(file)!a} {_stat(file)}" for file in [folder, *files]).encode()


def list_samples(
    images: Any, *, heatmaps: Any = None, segments: Any = None, keypoints: Any = None
) -> Samples:
    """List pictures in their order, files of a folder by path; arguments are those of `embed`.

    Raises:
        PictureError: There is no picture, or what belongs to the pictures does not fit them.
    """
    root, pictures = _pictures(images)
    found = {
        "heatmaps": _maps(heatmaps, root, pictures, "heatmaps"),
        "segments": _maps(segments, root, pictures, "segments"),
        "keypoints": _keypoints(keypoints, pictures),
    }
    extras = {name: values for name, values in found.items() if values is not None}
    samples = [
        Sample(picture, path, extras and {name: of[number] for name, of in extras.items()})
        for number, (path, picture) in enumerate(pictures)
    ]
    return Samples(root, samples)


def known_of(pictures: Samples, pattern: str | None) -> dict[str, list[int]]:
    """The `labels`, and the `cameras` if the pattern has that group, that the paths of pictures state.

    Raises:
        PictureError: A picture is not a file, the pattern has other groups, a path does not fit it, or
            a group holds a part of a number only.
    """
    if pattern is None:
        return {}
    if not pictures.are_files:
        msg = f"The pattern {pattern!r} is for paths, but not every picture is a file."
        raise PictureError(msg)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        msg = f"The pattern {pattern!r} is not a regular expression: {error}."
        raise PictureError(msg) from error
    groups = set(expression.groupindex)
    if groups not in ({"label"}, {"label", "camera"}):
        msg = (
            f"The pattern {pattern!r} must have a group (?P<label>...) and may have one "
            f"(?P<camera>...), but has {sorted(groups) or 'none'}."
        )
        raise PictureError(msg)
    found: dict[str, list[int]] = {f"{group}s": [] for group in sorted(groups)}
    for sample in pictures.samples:
        match = expression.search(sample.path)
        for group in sorted(groups):
            found[f"{group}s"].append(_number(sample.path, match, group, pattern))
    return found


def _number(path: str, match: re.Match[str] | None, group: str, pattern: str) -> int:
    """The number in a group; a part of one would be another number."""
    text = match and match[group]
    found = f"The pattern {pattern!r} finds the {group} {text!r} in {path!r}"
    try:
        # Python would take 1_0 for 10.
        number = int(np.array(int(text if text and _INTEGER.fullmatch(text) else ""), np.int64))
    except (ValueError, OverflowError) as error:
        msg = (
            f"{found}, but needs a whole number of 64 bits; correct the pattern, or leave that "
            "picture out."
        )
        raise PictureError(msg) from error
    if match and _cuts(path, *match.span(group)):
        msg = (
            f"{found}, where a digit or a minus sign stands directly beside it, so that it is a "
            f"part of a number only; correct the pattern, as in '{EXAMPLE}'."
        )
        raise PictureError(msg)
    return number


def _cuts(path: str, start: int, end: int) -> bool:
    """Whether a number in a path goes on before or after this part of it."""
    before, after = path[:start][-1:], path[end : end + 1]
    return before.isdigit() or before in {"-", "\N{MINUS SIGN}"} or after.isdigit()


def _pictures(images: Any) -> tuple[Path | None, list[tuple[str, Any]]]:
    """The folder that paths are relative to, and each picture after its path."""
    if isinstance(images, str | os.PathLike):
        path = Path(images).absolute()
        if path.is_dir():
            return path, [(name, f"{path}/{name}") for name in pictures_below(path)]
        if not path.exists():
            msg = f"There is no picture and no folder {path}; correct the path."
            raise PictureError(msg)
        try:  # what would be refused when the network is there
            _files.open_regular(path).close()
        except OSError as error:
            msg = f"{path} cannot be read as a picture: {error.strerror}."
            raise PictureError(msg) from error
        return path.parent, [(path.name, str(path))]
    if isinstance(images, Image.Image) or (isinstance(images, np.ndarray) and images.ndim < 4):
        images = [images]
    listed = [
        (Path(picture).as_posix() if isinstance(picture, str | os.PathLike) else "", picture)
        for picture in images
    ]
    if not listed:
        msg = "There is no picture; give a folder, or at least one picture."
        raise PictureError(msg)
    return None, listed


def _maps(
    values: Any, root: Path | None, pictures: list[tuple[str, Any]], kind: str
) -> list[Any] | None:
    """Maps lie below their folder as pictures do below theirs; paths in a list have none."""
    if not isinstance(values, str | os.PathLike):
        return None if values is None else per_picture(kind, values, len(pictures))
    paths = _paths(pictures, kind)
    folders = [
        Path(values) / Path(path if root else Path(path).name).with_suffix("") for path in paths
    ]
    shared = _sharing(map(str, folders), paths)
    if shared:
        folder, several = next(iter(shared.items()))
        msg = f"The {kind} {folder}"
        raise _ambiguous(msg, several, "give each picture a stem of its own")
    return folders


def _keypoints(values: Any, pictures: list[tuple[str, Any]]) -> list[Any] | None:
    if not isinstance(values, str | os.PathLike):
        return None if values is None else per_picture("keypoints", values, len(pictures))
    known = _read_keypoints(Path(values))
    paths = _paths(pictures, "keypoints")
    names = [Path(path).name for path in paths]
    shared = _sharing(names, paths)
    for path, name in zip(paths, names, strict=True):
        if path not in known and name in known and name in shared:
            instead = "begin each line with the path of its picture"
            msg = f"The keypoints of {name!r} in {values}"
            raise _ambiguous(msg, shared[name], instead)
    found = [known.get(path, known.get(name)) for path, name in zip(paths, names, strict=True)]
    absent = [path for (path, _), line in zip(pictures, found, strict=True) if line is None]
    if absent:
        msg = (
            f"{values} has no keypoints for {len(absent)} of {len(pictures)} pictures, the first is "
            f"{absent[0]!r}; a line is `{Path(absent[0]).name},x,y,confidence,...`."
        )
        raise PictureError(msg)
    return found


def _paths(pictures: list[tuple[str, Any]], kind: str) -> list[str]:
    """Path of each picture, by which what belongs to it is found in a file or folder."""
    for number, (path, _) in enumerate(pictures):
        if not path:
            msg = (
                f"{kind} are looked for by the names of files, but picture {number} is not a file."
            )
            raise PictureError(msg)
    return [path for path, _ in pictures]


def _sharing(names: Iterable[str], paths: list[str]) -> dict[str, list[str]]:
    """Different pictures that have one name, by that name."""
    found: dict[str, list[str]] = {}
    for path, name in dict(zip(paths, names, strict=True)).items():
        found.setdefault(name, []).append(path)
    return {name: several for name, several in found.items() if len(several) > 1}


def _ambiguous(what: str, paths: list[str], instead: str) -> PictureError:
    shown = and_more(map(repr, paths))
    return PictureError(f"{what} may belong to any of {len(paths)} pictures: {shown}; {instead}.")


def _read_keypoints(path: Path) -> dict[str, Any]:
    """Keypoints by the name or path of their picture."""
    known = {}
    try:
        with _files.open_regular(path) as file:
            lines = file.read().decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read as keypoints: {error}."
        raise PictureError(msg) from error
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.split(",")]
        if not line.strip():
            continue
        if cells[0] in known:
            msg = f"{path}, line {number}: {cells[0]!r} has keypoints in an earlier line, too."
            raise PictureError(msg)
        if len(cells) not in _CELLS:
            msg = f"{path}, line {number} has {len(cells)} cells; {_LINE}."
            raise PictureError(msg)
        try:
            values = np.array(cells[-3 * KEYPOINTS :], np.float64)
        except ValueError as error:
            msg = f"{path}, line {number}: {error}; {_LINE}."
            raise PictureError(msg) from error
        if not np.isfinite(values).all():
            odd = cells[-3 * KEYPOINTS :][int(np.isfinite(values).argmin())]
            msg = f"{path}, line {number}: not a finite number: {odd!r}; {_LINE}."
            raise PictureError(msg)
        known[cells[0]] = values
    return known


def require_some(skipped: Mapping[int, str], count: int) -> None:
    """Raise a FeaturesError if every one of so many pictures was skipped."""
    if len(skipped) == count:
        number, why = next(iter(skipped.items()))
        msg = f"None of {len(skipped)} pictures could be read; the first, number {number}: {why}"
        raise FeaturesError(msg)


def skipped_of(pictures: Samples, skipped: Mapping[int, str]) -> dict[str, Any]:
    """What was skipped, by path or number, and why, as a fact of an output; empty if nothing was."""
    names = {pictures.samples[n].path or str(n): why for n, why in skipped.items()}
    return {"skipped": names} if names else {}
