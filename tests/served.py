"""A server with a tiny network, in a thread of this process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tiny

from mindspore_hub.gallery.gallery import Gallery
from mindspore_hub.serving.limits import Limits
from mindspore_hub.serving.server import listen, make_server
from mindspore_hub.serving.service import Service
from mindspore_hub.tasks.pictures.samples import list_samples
from mindspore_hub.tasks.retrieval.calibration import Calibration
from mindspore_hub.tasks.retrieval.embedding import Embedding

LIMITS = Limits(
    body=200_000, pictures=4, pixels=10_000, receive=1.0, answer=10, neighbours=20, batch=4
)

TOKEN = "0123456789abcdef"  # noqa: S105 - nobody else's


@dataclass(frozen=True)
class Running:
    """A server that runs, and what it has."""

    port: int
    service: Service
    folder: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pictures(self) -> list[Path]:
        return sorted((self.folder / "pictures").glob("*.png"))


@contextmanager
def running(service: Service, folder: Path, *, token: str | None = None) -> Iterator[Running]:
    """Run a server as long as the block runs."""
    server = make_server(service, token=token)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield Running(listener.getsockname()[1], service, folder)
        finally:
            server.should_exit = True
            thread.join()


def make_service(folder: Path, *, kind: str = "npz", limits: Limits = LIMITS) -> Service:
    """A service with a gallery of twelve pictures of three people before two cameras."""
    tiny.draw(folder / "pictures", *(f"{n:02}.png" for n in range(12)))
    embedding = Embedding(tiny.card(folder), network=tiny.Tiny())
    pictures = list_samples(folder / "pictures")
    known = {"labels": [n % 3 for n in range(12)], "cameras": [1 + n % 2 for n in range(12)]}
    features = embedding.features(pictures, known=known)
    gallery = Gallery.create(folder / f"gallery.{kind}")
    gallery.add(features)
    distances = np.sort((-features.vectors @ features.vectors.T).ravel())
    threshold = float(distances[len(distances) // 2])
    calibration = Calibration(
        *(threshold, (threshold, threshold), 0.01, 0.1, (0.0, 0.2), 0.95, "dot", {}),
        about=dict(gallery.about),
    )
    return Service(embedding, gallery, calibration, writable=True, limits=limits)
