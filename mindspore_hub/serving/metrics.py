"""Figures of a server in the text format of Prometheus.

Three kinds of figures need no library: what is counted, what is counted by its size, and what is now.
Format: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PICTURES = (1, 2, 4, 8, 16, 32, 64)


class Histogram:
    """How often a value was at most each of some bounds.

    Args:
        bounds: In rising order.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: str = "") -> Iterator[str]:
        """Lines of the text format; labels are text such as `route="infer"`."""
        total = 0
        comma = "," if labels else ""
        bounds = [*map("{:g}".format, self._bounds), "+Inf"]
        for bound, count in zip(bounds, self._counts, strict=True):
            total += count
            yield f'{name}_bucket{{{labels}{comma}le="{bound}"}} {total}'
        own = f"{{{labels}}}" if labels else ""
        yield f"{name}_sum{own} {self._sum:g}"
        yield f"{name}_count{own} {total}"


class Metrics:
    """What a server counts."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: dict[str, Histogram] = {}
        self._batches = Histogram(_PICTURES)
        self._computing = Histogram(_SECONDS)
        self.bad_pictures = 0
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        """Help and value of what is now, by name."""

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests[route, status] += 1
        self._seconds.setdefault(route, Histogram(_SECONDS)).observe(seconds)

    def batch(self, pictures: int, seconds: float) -> None:
        """Count a batch that was computed."""
        self._batches.observe(pictures)
        self._computing.observe(seconds)

    def text(self) -> str:
        """All of it."""
        return "\n".join([*self._lines(), ""])

    def _lines(self) -> Iterator[str]:
        yield from _head("mshub_requests_total", "counter", "Answered requests.")
        for (route, status), count in sorted(self._requests.items()):
            yield f'mshub_requests_total{{route="{route}",status="{status}"}} {count}'
        yield from _head("mshub_request_seconds", "histogram", "Time from request to answer.")
        for route, histogram in sorted(self._seconds.items()):
            yield from histogram.lines("mshub_request_seconds", f'route="{route}"')
        yield from _head("mshub_batch_pictures", "histogram", "Pictures of each batch.")
        yield from self._batches.lines("mshub_batch_pictures")
        yield from _head("mshub_batch_seconds", "histogram", "Time of the network for a batch.")
        yield from self._computing.lines("mshub_batch_seconds")
        yield from _head("mshub_bad_pictures_total", "counter", "Pictures that could not be used.")
        yield f"mshub_bad_pictures_total {self.bad_pictures}"
        for name, (help_, value) in self.gauges.items():
            yield from _head(name, "gauge", help_)
            yield f"{name} {value():g}"


def _head(name: str, kind: str, help_: str) -> tuple[str, str]:
    return f"# HELP {name} {help_}", f"# TYPE {name} {kind}"
