"""Parts of a long run, which machines compute without knowing of each other.

A shard is a share of the batches that one run would make, because what a network gives for a picture
depends, by rounding, on its place in the batch: a part has the numbers of the whole run, to the last bit.
Batches are put in the order of a hash of the path of their first picture and dealt like cards, so that
every shard has as many as the others, and of every folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mindspore_hub.errors import PictureError, SettingsError
from mindspore_hub.tasks.pictures.samples import Sample, Samples

_WRITTEN = re.compile(r"(?:(?P<number>[0-9]+)/|auto(?:/|$))(?P<count>[0-9]+)?")


@dataclass(frozen=True)
class _Source:
    """Variables that tell a process which of several it is; the first number is that of shard 1."""

    name: str
    number: str
    count: str = ""
    first: str = ""
    last: str = ""
    step: str = ""


_SOURCES = (
    _Source(
        "a Slurm array job",
        *("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"),
        *("SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP"),
    ),
    _Source("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    _Source("an indexed job of Kubernetes", "JOB_COMPLETION_INDEX"),
    _Source("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    _Source("MPI", "PMI_RANK", "PMI_SIZE"),
)
"""Slurm gives SLURM_PROCID to scripts as well, and only srun SLURM_STEP_NUM_TASKS."""


@dataclass(frozen=True)
class Shard:
    """Which part of a run: a number, from 1 on, of so many."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def of(cls, text: str, environment: Mapping[str, str] = os.environ) -> Shard:
        """Read `3/16`; `auto`, or `auto/16` where only the number is known, asks the environment.

        Raises:
            PictureError: The text is something else, or the number is not among so many.
            SettingsError: The environment does not say it, says two things, or something else than a
                number.
        """
        match = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
        if match is None or not (match["count"] or text == "auto"):
            msg = (
                f"The shard {text!r} is not one: write NUMBER/COUNT, such as 3/16, or auto for what "
                "Slurm, Kubernetes or MPI say (auto/16 where they do not say how many)."
            )
            raise PictureError(msg)
        count = int(match["count"]) if match["count"] else None
        if match["number"] is None:
            return _of_environment(count, environment)
        shard = cls(int(match["number"]), count or 0)
        if not 1 <= shard.number <= shard.count:
            last = (
                f"; they are 1/{shard.count} to {shard.count}/{shard.count}" if shard.count else ""
            )
            msg = f"There is no shard {shard}{last}."
            raise PictureError(msg)
        return shard

    def pictures(self, samples: Sequence[Sample], size: int) -> list[int]:
        """Numbers of the pictures of this shard, in batches of so many.

        Raises:
            PictureError: There are fewer batches than shards.
        """
        starts = range(0, len(samples), size)
        if len(starts) < self.count:
            msg = (
                f"{len(samples)} pictures in batches of {size} are {len(starts)} batches, which cannot be "
                f"dealt to {self.count} shards; ask for at most {len(starts)}, or for smaller batches."
            )
            raise PictureError(msg)
        dealt = sorted(starts, key=lambda start: (_hash(samples[start].path), start))
        mine = sorted(dealt[self.number - 1 :: self.count])
        return [
            number for start in mine for number in range(start, min(start + size, len(samples)))
        ]


def require_files(pictures: Samples, what: str) -> None:
    """Refuse pictures that another machine, or a later run, could not find again."""
    for number, sample in enumerate(pictures.samples):
        if not sample.path:
            msg = f"{what} is for files, but picture {number} is not one; write it to a file."
            raise PictureError(msg)


def digest(texts: Any) -> str:
    """What tells a list of texts, such as the states of pictures, from any other."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _hash(path: str) -> bytes:
    return hashlib.sha256(path.encode(errors="surrogateescape")).digest()


def _of_environment(count: int | None, environment: Mapping[str, str]) -> Shard:
    found = dict(_found(count, environment))
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    if found:
        said = "; ".join(f"{name} says {shard}" for name, shard in found.items())
        msg = f"The environment says two things of the shard: {said}. Write it as NUMBER/COUNT."
        raise SettingsError(msg)
    named = ", ".join(source.number for source in _SOURCES)
    msg = (
        "The environment does not say which shard this is: it has neither of "
        f"{named}. Write it as NUMBER/COUNT, such as 3/16."
    )
    raise SettingsError(msg)


def _found(count: int | None, environment: Mapping[str, str]) -> Iterator[tuple[str, Shard]]:
    """The shard by each source that is there."""
    for source in _SOURCES:
        if {source.number, source.count} - {""} <= environment.keys():
            yield source.name, _shard_of(source, count, environment)


def _shard_of(source: _Source, count: int | None, environment: Mapping[str, str]) -> Shard:
    number, first = (_number(environment, name) for name in (source.number, source.first))
    said = _number(environment, source.count) if source.count else None
    if source.last:
        last, step = (_number(environment, name, 1) for name in (source.last, source.step))
        number, rest = divmod(number - first, max(step, 1))
        if rest or said != (last - first) // max(step, 1) + 1:
            msg = (
                f"{source.name} with gaps ({source.number}={environment[source.number]}, "
                f"{source.count}={said}) does not say which shard this is; write it as NUMBER/COUNT, "
                "or ask for an array such as 1-16."
            )
            raise SettingsError(msg)
    total = said if said is not None else count
    if total is None:
        msg = f"{source.name} does not say how many shards there are; write auto/COUNT, such as auto/16."
        raise SettingsError(msg)
    if count not in {None, total} or not 0 <= number < total:
        asked = f", but {count} were asked for" if count not in {None, total} else ""
        msg = (
            f"{source.name} says that this is number {number + 1} of {total} ({source.number}="
            f"{environment[source.number]}){asked}; write the shard as NUMBER/COUNT."
        )
        raise SettingsError(msg)
    return Shard(number + 1, total)


def _number(environment: Mapping[str, str], name: str, default: int = 0) -> int:
    """The whole number in a variable."""
    text = environment.get(name, str(default)) if name else str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text):
        msg = (
            f"{name} must be a whole number, but is {text[:40]!r}; write the shard as NUMBER/COUNT."
        )
        raise SettingsError(msg)
    return int(text)
