"""The walk of a fine-tuning: data, network, steps and measurements, outputs."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub._progress import Progress, stepper
from mindspore_hub.errors import FeaturesError, PictureError
from mindspore_hub.files.checkpoint import loadable_asset
from mindspore_hub.gallery.distances import Distances
from mindspore_hub.networks.build import build, create
from mindspore_hub.networks.classes import network_class
from mindspore_hub.networks.own import note_path, open_own
from mindspore_hub.networks.weights import facts_of
from mindspore_hub.settings import Settings
from mindspore_hub.tasks.pictures.chunks import Chunk
from mindspore_hub.tasks.pictures.preprocess import Transform
from mindspore_hub.tasks.pictures.samples import Samples, known_of
from mindspore_hub.tasks.report import versions
from mindspore_hub.tasks.retrieval.embedding import Embedding
from mindspore_hub.tasks.retrieval.metrics import require_match, standard_result
from mindspore_hub.tasks.retrieval.ranking import Relevance, match_ranks
from mindspore_hub.tasks.retrieval.task import Retrieval
from mindspore_hub.tasks.retrieval.training import losses
from mindspore_hub.tasks.retrieval.training.batches import Batches
from mindspore_hub.tasks.retrieval.training.data import Data, Part, split
from mindspore_hub.tasks.retrieval.training.options import Options
from mindspore_hub.tasks.retrieval.training.report import Log, draw_curves
from mindspore_hub.tasks.retrieval.training.snapshots import Snapshots
from mindspore_hub.tasks.retrieval.training.step import Trainer, seeded
from mindspore_hub.tensors.write import write_arrays

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.tasks.pictures import AnyHub

Array = npt.NDArray[Any]
Metrics = dict[str, float]

_MEASURED = ("rank1", "mAP")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finetuned:
    """What a fine-tuning made.

    Attributes:
        path: The checkpoint with the best held-out mAP; its note lies beside it.
        last: The checkpoint after the last step.
        step: Step of the best one.
        metrics: `rank1` and `mAP` of the best one, shares between 0 and 1.
        before: The same before the first step.
        note: The note, as plain JSON.
    """

    path: Path
    last: Path
    step: int
    metrics: Mapping[str, float]
    before: Mapping[str, float]
    note: Mapping[str, Any]


class Finetuning:
    """Fine-tunes the network of a card; arguments and errors are those of `mindspore_hub.finetune`."""

    def __init__(
        self,
        name: str,
        options: Options,
        *,
        pretrained: bool = True,
        checkpoint: Path | None = None,
        skip_bad: bool = False,
        hub: AnyHub = None,
        trust: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._name = name
        self._options = options
        self._embedding = self._for(None, hub, trust=trust)
        self.card = self._embedding.card
        self._hub = self._embedding.hub
        self._retrieval = Retrieval.of(self.card)
        self._facts = facts_of(network_class(self.card, self._hub))
        self._pretrained = pretrained
        self._checkpoint = checkpoint
        self._skip_bad = skip_bad
        self._progress = progress

    def _for(self, network: nn.Cell | None, hub: AnyHub, *, trust: bool = False) -> Embedding:
        """What measures a network."""
        return Embedding(
            self._name,
            batch_size=self._options.batch_size,
            network=network,
            hub=hub,
            trust=trust,
            progress=lambda _done, _total: None,
        )

    def run(
        self,
        pictures: Samples,
        pattern: str | None,
        output: Path,
        *,
        plot: Path | None = None,
        tensorboard: Path | None = None,
        force: bool = False,
    ) -> Finetuned:
        """Train on pictures, and write the outputs; what an earlier call left is taken up."""
        _files.require_file(output)
        transform = self._embedding.transform
        for extras in {tuple(sample.extras) for sample in pictures.samples}:
            transform.require(extras)
        data = split(
            pictures,
            known_of(pictures, pattern),
            library=transform.preprocessing.library,
            share=self._options.holdout,
            seed=self._options.seed,
            identities=self._options.identities,
            skip_bad=self._skip_bad,
        )
        for remark in data.remarks:
            logger.warning("%s", remark)
        snapshots = Snapshots(output, self._plan(data), force=force)
        trainer = self._trainer(len(data.train.identities), begun=snapshots.begun)
        log = Log(Path(f"{output}.jsonl"), snapshots.state.log, tensorboard)
        try:
            self._train(trainer, data, snapshots, log, transform)
        finally:
            log.close()
        made = self._write(output, trainer, data, snapshots)
        if plot:
            draw_curves(log.path, plot)
        snapshots.remove()
        return made

    def _plan(self, data: Data) -> dict[str, Any]:
        """What decides the weights."""
        return {
            "card": self.card.uid,
            "from": self._origin(),
            "data": data.digest,
            "options": self._options.as_json(),
            "versions": versions(),
        }

    def _origin(self) -> dict[str, str]:
        """Which weights it begins with."""
        if self._checkpoint is not None:
            return {"weights": "own", "sha256": open_own(self._checkpoint, self.card).sha256}
        if not self._pretrained:
            return {"weights": "random"}
        return {"weights": "published", "sha256": loadable_asset(self.card).sha256}

    def _trainer(self, classes: int, *, begun: bool) -> Trainer:
        """The network with a head for so many identities; its values do not count if it has `begun`."""
        facts = self._facts
        given: dict[str, object] = {facts.class_argument: classes} if facts.class_argument else {}
        with seeded(self._options.seed):
            if self._pretrained and not begun:
                built = build(self.card, self._hub, given, checkpoint=self._checkpoint)
            else:
                built = create(self.card, self._hub, given)
        self._embedding = self._for(built, self._hub)
        unit = self._retrieval.distance == "dot"
        return Trainer(built, head=facts.head, unit=unit, options=self._options)

    def _train(
        self,
        trainer: Trainer,
        data: Data,
        snapshots: Snapshots,
        log: Log,
        transform: Transform,
    ) -> None:
        """Do the steps that are missing."""
        options, state = self._options, snapshots.state
        if snapshots.begun:
            trainer.restore(state.step, snapshots.load())
            logger.info("%s: going on after %d steps", snapshots.folder, state.step)
        else:
            state.first = self._measure(trainer, data, snapshots, log)
            state.log = log.size
            snapshots.save(trainer.state(0))
        batches = Batches(data.train, transform, options)
        every = options.accumulate
        ahead = batches.ahead(state.step * every, options.steps * every)
        rate = _Rate(batches.size * every)
        with self._shown() as show:
            while state.step < options.steps and not self._is_stale(state.stale):
                loss, identity, triplet = trainer(state.step, ahead)
                state.step += 1
                facts = {"loss": loss, "identity": identity, "triplet": triplet}
                log.add(state.step, {**facts, "pictures_per_second": rate.tick()})
                show(state.step, options.steps, f"loss {loss:.3f}, {rate.value:.0f} pictures/s")
                last = state.step == options.steps
                if last or state.step % options.evaluate_every == 0:
                    self._measure(trainer, data, snapshots, log)
                    rate.pause()
                ends = last or self._is_stale(state.stale)
                if ends or state.step % options.snapshot_every == 0:
                    state.log = log.size
                    snapshots.save(trainer.state(state.step))
        ahead.close()

    def _is_stale(self, stale: int) -> bool:
        return bool(self._options.patience) and stale >= self._options.patience

    def _measure(self, trainer: Trainer, data: Data, snapshots: Snapshots, log: Log) -> Metrics:
        """Measure the held-out identities, and keep the weights if they are the best so far."""
        state = snapshots.state
        found = self._score(data.held_out)
        state.last = found
        log.add(state.step, found)
        logger.info(
            "step %d: held-out rank-1 %.1f %%, mAP %.1f %%",
            *(state.step, 100 * found["rank1"], 100 * found["mAP"]),
        )
        if not state.best or found["mAP"] > state.best["mAP"]:
            weights = {name: item.asnumpy() for name, item in trainer.parameters.items()}
            snapshots.keep_best(state.step, found, weights)
            state.stale = 0
        else:
            state.stale += 1
        return found

    def _score(self, part: Part) -> Metrics:
        """Rank-1 and mAP of pictures among themselves, as evaluations score them."""
        chunks: list[Chunk] = []
        try:
            self._embedding.run(part.samples, chunks.append)
        except FeaturesError as error:
            msg = f"The held-out pictures cannot be measured: {error}"
            raise FeaturesError(msg) from error
        vectors = np.concatenate([chunk.arrays["vectors"] for chunk in chunks])
        return score(vectors, part, distance=self._retrieval.distance)

    def _shown(self) -> AbstractContextManager[Callable[[int, int, str], None]]:
        given = self._progress
        if given is not None:
            return nullcontext(lambda done, total, _facts: given(done, total))
        return stepper(self.card.short_name, shown=Settings.from_environment().progress)

    def _write(self, output: Path, trainer: Trainer, data: Data, snapshots: Snapshots) -> Finetuned:
        """Write both checkpoints and the note; the checkpoint that was asked for comes last."""
        state = snapshots.state
        last = output.with_name(f"{output.stem}.last{output.suffix}")
        weights = {name: item.asnumpy() for name, item in trainer.parameters.items()}
        with _files.replacing(last) as path:
            write_arrays(path, weights)
        with _files.replacing(output) as path:
            write_arrays(path, snapshots.best())
            digest = _digest(path)
            note = self._note(digest, trainer, data, snapshots)
            _files.replace(note_path(output), f"{json.dumps(note, indent=1)}\n")
        best = {name: state.best[name] for name in _MEASURED}
        return Finetuned(output, last, state.best["step"], best, state.first, note)

    def _note(
        self, digest: str, trainer: Trainer, data: Data, snapshots: Snapshots
    ) -> dict[str, Any]:
        """The note beside a checkpoint, as plain JSON."""
        state = snapshots.state
        facts = self._facts
        preprocessing = self._embedding.transform.preprocessing
        classes = {facts.class_argument: len(data.train.identities)} if facts.class_argument else {}
        asset = self.card.asset
        note = {
            "sha256": digest,
            "model": self.card.model_name,
            **state.plan,
            "network_args": {**(asset.network_args if asset else {}), **classes},
            "preprocessing": preprocessing.as_json(),
            "retrieval": self._retrieval.feature,
            "outputs_in_training": losses.places(trainer.network),
            "device": _device(),
            "step": state.best["step"],
            "steps": state.step,
            "metrics": {name: state.best[name] for name in _MEASURED},
            "before": state.first,
            "last": state.last,
            "train": {"identities": data.train.identities, "pictures": len(data.train.samples)},
            "held_out": {
                "identities": data.held_out.identities,
                "pictures": len(data.held_out.samples),
                "cameras": data.held_out.cameras is not None,
            },
            "remarks": list(data.remarks),
        }
        plain: dict[str, Any] = json.loads(json.dumps(note))
        return plain


def score(vectors: Array, part: Part, *, distance: str) -> Metrics:
    """Rank-1 and mAP of pictures among themselves.

    Each picture is a query, and all others are the gallery, but for those of its identity by its camera
    where cameras are known.
    """
    labels = np.asarray(part.labels)
    cameras = np.arange(len(labels)) if part.cameras is None else np.asarray(part.cameras)
    relevance = Relevance(labels, labels, cameras=(cameras, cameras))
    kind: Any = distance
    ranks = match_ranks(Distances(vectors, vectors, kind=kind).blocks(), relevance)
    require_match(ranks.counts, labels, removed="a query is no match of itself or of its camera")
    found = standard_result("held-out", {"length": 50}, ranks, gallery=len(labels))
    return {name: float(found.metrics[name]) for name in _MEASURED}


class _Rate:
    """Pictures per second, averaged over the last steps."""

    def __init__(self, pictures: int) -> None:
        self._pictures = pictures
        self._begin = time.perf_counter()
        self.value = 0.0

    def tick(self) -> float:
        """The rate after a step."""
        now = time.perf_counter()
        found = self._pictures / max(now - self._begin, 1e-9)
        self.value = found if not self.value else 0.9 * self.value + 0.1 * found
        self._begin = now
        return round(found, 2)

    def pause(self) -> None:
        """Leave out the time since the last step."""
        self._begin = time.perf_counter()


def _device() -> str:
    import mindspore

    return str(mindspore.get_context("device_target")).lower()


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def require_text(images: Any) -> str | os.PathLike[str]:
    """Refuse what is no path: a run that goes on must find its pictures again."""
    if isinstance(images, str | os.PathLike):
        return images
    msg = f"Fine-tuning takes a folder of pictures, but got {type(images).__name__}; give its path."
    raise PictureError(msg)
