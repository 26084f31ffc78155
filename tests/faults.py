"""Answers of servers that misbehave, for `FileServer.on`; each streams, whatever the file's size."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from server import PIECE, Answer, Change, Handler, good, pieces_of, range_headers, serve


def raw(answer: bytes) -> Answer:
    """Send these bytes instead of an answer, and close."""
    return lambda handler, _file: handler.write(iter([answer]))


def versioned(etag: str = "", modified: str = "") -> Answer:
    """Send the file under this ETag and this date, or without them."""
    marks = {"ETag": etag, "Last-Modified": modified}
    return lambda handler, file: serve(handler, file, marks=marks)


def without_ranges(handler: Handler, file: Path) -> None:
    """Send the whole file, whatever part of it was asked for."""
    serve(handler, file, ranges=False)


def instead(other: Path) -> Answer:
    """Send another file."""
    return lambda handler, _file: good(handler, other)


def misplaced(shift: int) -> Answer:
    """Send a range that begins this many bytes off what was asked for, and say so."""

    def answer(handler: Handler, file: Path) -> None:
        start, size = handler.exchange.start + shift, file.stat().st_size
        handler.send(pieces_of(file, start), range_headers(start, size), 206)

    return answer


def mislabelled(content_range: str) -> Answer:
    """Send the range that was asked for under another description."""

    def answer(handler: Handler, file: Path) -> None:
        start, size = handler.exchange.start, file.stat().st_size
        headers = range_headers(start, size) | {"Content-Range": content_range}
        handler.send(pieces_of(file, start), headers, 206)

    return answer


def truncated(missing: int = 1) -> Answer:
    """Announce all of it, leave out its last bytes, and close in good order."""

    def answer(handler: Handler, file: Path) -> None:
        end = file.stat().st_size - missing
        serve(handler, file, change=lambda _, pieces, start: _first(pieces, end - start))

    return answer


def too_long(extra: bytes = b"more") -> Answer:
    """Announce and send the file and further bytes behind it."""

    def answer(handler: Handler, file: Path) -> None:
        length = file.stat().st_size + len(extra)
        handler.send(chain(pieces_of(file), [extra]), {"Content-Length": str(length)})

    return answer


def trailing(extra: bytes = b"more") -> Answer:
    """Announce the whole file, and send further bytes behind it all the same."""
    return _changed(lambda _handler, pieces, _start: chain(pieces, [extra]))


def without_length(handler: Handler, file: Path) -> None:
    """Announce no size: the file ends where the connection ends."""
    handler.send(pieces_of(file), {})


def announced(size: int | str) -> Answer:
    """Announce this size whatever is sent."""
    return lambda handler, file: handler.send(pieces_of(file), {"Content-Length": str(size)})


def flipped(bit: int = 0) -> Answer:
    """Flip one bit of the file, counted from its first."""

    def change(_handler: Handler, pieces: Iterator[bytes], start: int) -> Iterator[bytes]:
        for piece in pieces:
            place = bit // 8 - start
            start += len(piece)
            if 0 <= place < len(piece):
                changed = bytearray(piece)
                changed[place] ^= 1 << bit % 8
                yield bytes(changed)
            else:
                yield piece

    return _changed(change)


def gzipped(handler: Handler, file: Path) -> None:
    """Send the file compressed, whatever the client accepts."""
    packer = zlib.compressobj(level=1, wbits=31)
    pieces = chain(pieces_of(file), [b""])
    packed = (packer.compress(piece) or (b"" if piece else packer.flush()) for piece in pieces)
    handler.send(packed, {"Content-Encoding": "gzip"})


def dropped(after: int = 1) -> Answer:
    """Reset the connection after this many bytes."""

    def change(handler: Handler, pieces: Iterator[bytes], _start: int) -> Iterator[bytes]:
        yield from _first(pieces, after)
        handler.reset()

    return _changed(change)


def stalled(after: int = 0) -> Answer:
    """Send this many bytes and then nothing, without closing the connection."""

    def change(handler: Handler, pieces: Iterator[bytes], _start: int) -> Iterator[bytes]:
        yield from _first(pieces, after)
        handler.wait(60)

    return _changed(change)


def dripping(pause: float, after: int = 0, piece: int = 1) -> Answer:
    """Send this many bytes at once, and then a few after each pause, in seconds."""

    def change(handler: Handler, pieces: Iterator[bytes], _start: int) -> Iterator[bytes]:
        for number, part in enumerate(pieces):
            if number * PIECE < after:
                yield part
                continue
            for place in range(0, len(part), piece):
                handler.wait(pause)
                yield part[place : place + piece]

    return _changed(change)


def halted(begun: threading.Event, rest: threading.Event, after: int) -> Answer:
    """Send this many bytes, at most one piece, say so, and send the rest when told."""

    def change(_handler: Handler, pieces: Iterator[bytes], _start: int) -> Iterator[bytes]:
        for piece in pieces:
            yield piece[:after]
            begun.set()
            assert rest.wait(60)
            yield piece[after:]
            yield from pieces

    return _changed(change)


def paced(speed: float) -> Answer:
    """Send this many bytes per second."""

    def change(handler: Handler, pieces: Iterator[bytes], _start: int) -> Iterator[bytes]:
        begin, sent = time.monotonic(), 0
        for piece in pieces:
            handler.wait(max(0.0, begin + sent / speed - time.monotonic()))
            sent += len(piece)
            yield piece

    return _changed(change)


def _changed(change: Change) -> Answer:
    return lambda handler, file: serve(handler, file, change=change)


def _first(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The first bytes of a file, and not one more."""
    for piece in pieces:
        yield piece[:size]
        size -= len(piece)
        if size <= 0:
            return
