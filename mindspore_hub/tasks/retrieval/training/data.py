"""Pictures of a fine-tuning: which identities train and which are held out, and what is bad about them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mindspore_hub import _files
from mindspore_hub._text import and_more, count
from mindspore_hub.errors import DatasetError, PictureError
from mindspore_hub.tasks.pictures.decode import as_rgb
from mindspore_hub.tasks.pictures.samples import Sample, Samples

_LISTED = 8
"""How many pictures or identities a message lists."""


@dataclass(frozen=True, eq=False)
class Part:
    """Pictures of some identities: samples, and the label of each; cameras where they are known."""

    samples: list[Sample]
    labels: list[int]
    cameras: list[int] | None

    @property
    def identities(self) -> list[int]:
        """The labels that occur, ascending."""
        return sorted(set(self.labels))


@dataclass(frozen=True, eq=False)
class Data:
    """Identities that train and identities that are held out, which share none.

    `digest` tells these pictures and labels from any others, whatever the folder is called; `remarks` say
    what was found wrong, and what is done about it.
    """

    train: Part
    held_out: Part
    digest: str
    remarks: tuple[str, ...]


def split(
    pictures: Samples,
    known: Mapping[str, Sequence[int]],
    *,
    library: str,
    share: float,
    seed: int,
    identities: int,
    skip_bad: bool,
) -> Data:
    """Read every picture once, and split by identity.

    Args:
        pictures: What there is.
        known: The `labels`, and the `cameras` if they are known.
        library: Library that decodes, as the card says.
        share: Share of the identities to hold out, at least two.
        seed: Which ones are drawn.
        identities: Identities that a batch is to have.
        skip_bad: Leave out pictures that cannot be read, instead of failing.

    Raises:
        DatasetError: Labels are missing, one picture has two of them, or there are too few.
        PictureError: Pictures cannot be read.
    """
    if "labels" not in known:
        msg = (
            r"Fine-tuning needs the identity of each picture; give a pattern with a group label, such as "
            r"'(?P<label>\d+)_c(?P<camera>\d+)'."
        )
        raise DatasetError(msg)
    labels, cameras = known["labels"], known.get("cameras")
    remarks: list[str] = []
    digests, unread = _read(pictures.samples, library)
    if unread and not skip_bad:
        msg = (
            f"{count(len(unread), 'picture')} of {len(digests)} cannot be read; repair or remove them, or "
            f"leave them out with skip_bad (--skip-bad):\n{_lines(unread.values())}"
        )
        raise PictureError(msg)
    if unread:
        remarks.append(
            f"left out, because unreadable: {and_more(pictures.samples[n].path for n in unread)}"
        )
    junk = [n for n, label in enumerate(labels) if label < 0]
    if junk:
        remarks.append(f"left out, because the label is negative: {count(len(junk), 'picture')}")
    used = [n for n in range(len(labels)) if n not in unread and labels[n] >= 0]
    _require_one_label(pictures, digests, labels, used)
    held = _held_out([labels[n] for n in used], share=share, seed=seed)

    def part(*, held_out: bool) -> Part:
        numbers = [n for n in used if (labels[n] in held) is held_out]
        return Part(
            [pictures.samples[n] for n in numbers],
            [labels[n] for n in numbers],
            [cameras[n] for n in numbers] if cameras else None,
        )

    train, held_out = part(held_out=False), part(held_out=True)
    remarks += _remarks(train, held_out, identities)
    lines = [
        f"{pictures.samples[n].path!a} {digests[n]} {labels[n]} {cameras and cameras[n]}"
        for n in used
    ]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return Data(train, held_out, digest, tuple(remarks))


def _read(samples: Sequence[Sample], library: str) -> tuple[list[str], dict[int, str]]:
    """Digest of each file, and which pictures cannot be read, and why."""

    def look(sample: Sample) -> tuple[str, str]:
        path = Path(str(sample.picture))
        try:
            digest = hashlib.sha256(_files.read_regular(path)).hexdigest()
            as_rgb(sample.picture, library=library)
        except OSError as error:
            return "", f"{path}: {_files.reason(error)}"
        except PictureError as error:
            return "", str(error)
        return digest, ""

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(look, samples))
    return [digest for digest, _ in found], {n: why for n, (_, why) in enumerate(found) if why}


def _require_one_label(
    pictures: Samples, digests: Sequence[str], labels: Sequence[int], used: Sequence[int]
) -> None:
    """Refuse one picture under two labels: it could be in training and held out at once."""
    seen: dict[str, int] = {}
    wrong = []
    for number in used:
        first = seen.setdefault(digests[number], number)
        if labels[first] != labels[number]:
            one, other = pictures.samples[first].path, pictures.samples[number].path
            wrong.append(f"{one} is {labels[first]}, {other} is {labels[number]}")
    if wrong:
        msg = (
            f"{count(len(wrong), 'picture')} can be found twice, with different labels, so that an "
            f"identity would be in training and held out at once; remove the wrong ones:\n{_lines(wrong)}"
        )
        raise DatasetError(msg)


def _held_out(labels: Sequence[int], *, share: float, seed: int) -> set[int]:
    """Identities that are held out, drawn from all by the seed."""
    every = sorted(set(labels))
    wanted = max(2, round(share * len(every)))
    if len(every) - wanted < 2:
        msg = (
            f"Of {len(every)} identities, {wanted} would be held "
            "out; at least two must be left to train. Give pictures of more, or a smaller holdout."
        )
        raise DatasetError(msg)
    order = np.random.default_rng([seed, 0]).permutation(len(every))
    return {every[place] for place in order[:wanted]}


def _remarks(train: Part, held_out: Part, identities: int) -> Iterator[str]:
    """What is odd about the identities, and what is done about it."""
    for part, effect in (
        (train, "it is repeated in a batch, with another augmentation each time"),
        (held_out, "it is a wrong answer for others, and never a query"),
    ):
        single = [label for label, number in Counter(part.labels).items() if number == 1]
        if single:
            what = "training" if part is train else "held-out"
            yield f"{what} identities with one picture, {effect}: {and_more(map(str, sorted(single)))}"
    if held_out.cameras is not None:
        seen = defaultdict(set)
        for label, camera in zip(held_out.labels, held_out.cameras, strict=True):
            seen[label].add(camera)
        alone = [label for label, cameras in seen.items() if len(cameras) == 1]
        if len(alone) == len(seen):
            msg = (
                "No held-out identity was seen by two cameras, and a picture of the query's own camera is "
                "no match, so nothing could be measured. Leave the group camera out of the pattern, or "
                "give pictures of more cameras."
            )
            raise DatasetError(msg)
        if alone:
            yield f"held-out identities of one camera, which are wrong answers only: {and_more(map(str, sorted(alone)))}"
    elif max(Counter(held_out.labels).values()) == 1:
        msg = "Every held-out identity has one picture, so nothing could be measured; give more of them."
        raise DatasetError(msg)
    if len(train.identities) < identities:
        yield (
            f"{len(train.identities)} identities train, fewer than the {identities} of a batch, which "
            f"gets {len(train.identities)}"
        )


def _lines(texts: Iterable[str]) -> str:
    found = list(texts)
    more = [f"  and {len(found) - _LISTED} more"] if len(found) > _LISTED else []
    return "\n".join([f"  {text}" for text in found[:_LISTED]] + more)
