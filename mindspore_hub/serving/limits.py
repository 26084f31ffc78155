"""What a server takes from its clients, and how long it takes for it."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Bounds of a server.

    Attributes:
        body: Bytes of a request, without its headers.
        pictures: Pictures, or features, of a request.
        pixels: Pixels of a picture, before it is resized.
        queue: Pictures that are prepared, wait or are computed at a time.
        batch: Pictures that the network takes at once.
        latency: Seconds within which the features of a request's pictures are there. What would take longer is refused
            with 503 before anything is computed for it.
        receive: Seconds that a client has to send its headers, and as long again for the body.
        answer: Seconds after which a request is given up.
        neighbours: The largest `k` of a search.
    """

    body: int = 32 * MIB
    pictures: int = 64
    pixels: int = 50_000_000
    queue: int = 256
    batch: int = 8
    latency: float = 2.0
    receive: float = 20.0
    answer: float = 60.0
    neighbours: int = 1000

    @property
    def memory(self) -> int:
        """Bytes of all bodies that are held at a time."""
        return max(256 * MIB, 4 * self.body)
