"""What a worker of a cluster does: it makes the runner of a card, and with it the rows of some batches."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import ClusterError, HubError, PictureError
from mindspore_hub.hub.hub import Hub, own_root
from mindspore_hub.tasks.pictures.journal import changes
from mindspore_hub.tasks.pictures.samples import Sample, Samples

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Card
    from mindspore_hub.tasks.pictures.chunks import Chunk
    from mindspore_hub.tasks.pictures.runner import Runner

_ONE_AT_A_TIME = threading.Lock()

_runners: dict[bytes, Runner] = {}
"""The runner of the last recipe, by it and by what has to make the rows."""


@dataclass(frozen=True)
class Recipe:
    """What makes the runner of a card, in any process.

    Attributes:
        kind: The class of the runner.
        name: The uid of the card, or the path of its file.
        hub: Hub root of the card; None for that of this package.
        options: Keyword arguments of the class, without the hub.
    """

    kind: type[Runner]
    name: str
    hub: str | None
    options: dict[str, Any]

    @classmethod
    def of(
        cls, kind: type[Runner], name: str, hub: Hub, card: Card, options: Mapping[str, Any]
    ) -> Recipe:
        """The recipe of a runner that was made with these arguments.

        Raises:
            PictureError: It was given a network, which only this process has.
        """
        if options.get("network") is not None:
            msg = (
                "A network that is given is only in this process; name a card, or compute it here."
            )
            raise PictureError(msg)
        local = {"network", "hub", "progress", "trust"}
        kept = {key: value for key, value in options.items() if key not in local}
        root = None if hub.is_own else str(hub.root.absolute())
        if root is not None:
            kept["trust"] = hub.trust
        return cls(
            kind, str(card.path.absolute()) if name.endswith(".md") else card.uid, root, kept
        )

    def using(self, **options: Any) -> Recipe:
        """The same, with these options instead of its own."""
        return replace(self, options={**self.options, **options})

    def make(self) -> Runner:
        """The runner."""
        hub = Hub(self.hub or own_root())
        return self.kind(self.name, hub=hub, progress=_nothing, **self.options)


def _nothing(_done: int, _total: int | None) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Job:
    """What a worker is asked for: rows of some batches of a run of `count` pictures.

    Pictures are by their numbers; `states` tell each of them from what it was before a change.
    """

    recipe: Recipe
    about: Mapping[str, Any]
    count: int
    samples: dict[int, Sample]
    states: list[str]


def answer(payload: bytes) -> list[Chunk] | HubError:
    """The rows that a job asks for, or why there are none.

    Several threads of a worker wait for each other: a network computes one batch at a time.
    """
    from mindspore_hub.tasks import required_by

    job: Job = pickle.loads(payload)  # noqa: S301 - as Dask does with all that its clients send
    with _ONE_AT_A_TIME:
        try:
            with required_by("Computing"):
                return _rows(job)
        except HubError as error:
            return _of_worker(error)


def _of_worker(error: HubError) -> HubError:
    """The same error, which says where it occurred."""
    return type(error)(f"{error} (On the worker {_name()}.)")


def _name() -> str:
    from distributed import get_worker

    return str(get_worker().address)


def _rows(job: Job) -> list[Chunk]:
    key = pickle.dumps((job.recipe, job.about))
    if key not in _runners:
        _runners.clear()
        made = job.recipe.make()
        _require_alike(made, job.about)
        _runners[key] = made
    runner = _runners[key]
    _require_pictures(job)
    chunks: list[Chunk] = []
    samples: Any = _Some(job.samples, job.count)
    runner.run(samples, chunks.append, missing=list(job.samples))
    return chunks


class _Some(Sequence[Sample]):
    """Some samples of a longer list, by their numbers in it."""

    def __init__(self, samples: Mapping[int, Sample], count: int) -> None:
        self._samples = samples
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: Any) -> Any:
        return self._samples[number]


def _require_alike(runner: Runner, about: Mapping[str, Any]) -> None:
    """Refuse to compute otherwise than the machine that asks."""
    here = runner.about(Samples(None, []))
    wanted = {key: about.get(key) for key in here}
    if differ := changes(wanted, here):
        msg = (
            f"This worker would compute otherwise than the machine that asks: {'; '.join(differ.values())}. "
            "Have the same versions, the same hub and the same files on both."
        )
        raise ClusterError(msg)


def _require_pictures(job: Job) -> None:
    """Refuse pictures that are not here, or are not as they are where the run was begun."""
    samples = list(job.samples.values())
    for sample, here, there in zip(
        samples, Samples(None, samples).states(), job.states, strict=True
    ):
        if here != there:
            is_there = Path(str(sample.picture)).exists()
            what = "is not as it is on the machine that asks" if is_there else "does not exist here"
            msg = (
                f"{sample.picture} {what}. All machines must see the same files under the same paths: share "
                "the folder, or copy it with its times (rsync -a), and change nothing during the run."
            )
            raise ClusterError(msg)
