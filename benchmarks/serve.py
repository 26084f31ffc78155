"""What a server does at more than it can do: `mshub serve` under 1.2 times the rate that it reaches.

    python -m benchmarks.serve [--minutes 10] [--latency 1] [--load 1.2] [--seconds-of-network 0.01]

A network that takes a fixed time for a batch, so that the figures are those of the server, is served by a
process of its own. First, clients that wait for each answer find the rate; then requests are sent at fixed times,
whether earlier ones were answered or not, each with a picture. Printed are the rate, the answers by status, the latency of
the accepted ones beside its bound, and the memory of the server each minute.
"""

import argparse
import asyncio
import io
import json
import math
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import numpy as np
from PIL import Image

_WORKERS = 32


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--load", type=float, default=1.2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds-of-network", type=float, default=0.08)
    parser.add_argument("--server", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.server:
        serve(arguments)
        return
    options = [f"--latency={arguments.latency}", f"--batch={arguments.batch}"]
    options += [f"--seconds-of-network={arguments.seconds_of_network}", "--server"]
    command = [sys.executable, "-m", "benchmarks.serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - the command is ours
        try:
            port = int((process.stdout or sys.stdin).readline())
            asyncio.run(measure(port, process.pid, arguments))
        finally:
            process.terminate()


def serve(arguments: argparse.Namespace) -> None:
    """Serve a small network and a gallery of 1,000 rows; prints the port first."""
    from mindspore_hub.gallery.features import Features
    from mindspore_hub.gallery.gallery import Gallery
    from mindspore_hub.serving.limits import Limits
    from mindspore_hub.serving.server import listen, run
    from mindspore_hub.serving.service import Service
    from mindspore_hub.tasks.retrieval.embedding import Embedding

    class Timed(Embedding):
        """Features that are drawn, after a fixed time for each batch."""

        def compute(self, inputs: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
            time.sleep(arguments.seconds_of_network)
            return {"vectors": np.resize(inputs[0].mean(axis=(1, 2, 3)), (len(inputs[0]), 512))}

        def made_by(self) -> dict[str, object]:
            return {}

    rows = np.random.default_rng(0).normal(size=(1000, 512)).astype(np.float32)
    with TemporaryDirectory() as folder, listen("127.0.0.1", 0) as listener:
        gallery = Gallery.create(Path(folder) / "gallery.npz")
        gallery.add(Features(rows))
        limits = Limits(latency=arguments.latency, batch=arguments.batch)
        service = Service(Timed("VehicleNet"), gallery, limits=limits)
        print(listener.getsockname()[1], flush=True)
        run(service, listener, token=None)


async def measure(port: int, process: int, arguments: argparse.Namespace) -> None:
    """Find the rate, and send more than that."""
    content = picture()
    end = time.perf_counter() + 10
    counts = await asyncio.gather(*(keep_asking(port, content, end) for _ in range(_WORKERS)))
    rate = sum(counts) / 10
    print(f"{rate:.0f} requests/s by {_WORKERS} clients that wait for their answers", flush=True)
    sent = rate * arguments.load
    found: list[tuple[int, float, bool]] = []
    memory = [resident(process)]
    tasks: set[asyncio.Task[None]] = set()
    begin = time.perf_counter()
    total = math.ceil(arguments.minutes * 60 * sent)
    for number in range(total):
        at = begin + number / sent
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(port, content, found))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if number and number % round(60 * sent) == 0:
            memory.append(resident(process))
            print(f"minute {len(memory) - 1}: {memory[-1]:.1f} MB, {summary(found)}", flush=True)
    await asyncio.gather(*tasks)
    memory.append(resident(process))
    print(f"{sent:.0f} requests/s for {arguments.minutes:g} minutes: {summary(found)}")
    accepted = sorted(seconds for status, seconds, _ in found if status == 200)
    p50, p99 = (accepted[int(len(accepted) * share)] for share in (0.5, 0.99))
    print(f"the server's own time of all answers: {of_server(port)}")
    refused = [after for status, _, after in found if status == 503]
    print(
        f"accepted: p50 {p50:.3f} s, p99 {p99:.3f} s, most {accepted[-1]:.3f} s; bound {arguments.latency:g} s"
    )
    print(f"503 with Retry-After: {sum(refused)} of {len(refused)}")
    print("memory, MB: " + " ".join(f"{value:.1f}" for value in memory))


def summary(found: list[tuple[int, float, bool]]) -> str:
    """How many answers there were by status."""
    counts = Counter(status for status, _, _ in found)
    return json.dumps(dict(sorted(counts.items())))


async def keep_asking(port: int, content: bytes, end: float) -> int:
    """Ask again as soon as there is an answer; gives how often there was one."""
    count = 0
    while time.perf_counter() < end:
        status, _ = await ask(port, content)
        count += status == 200
        if status != 200:
            await asyncio.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - no secret
    return count


async def one(port: int, content: bytes, found: list[tuple[int, float, bool]]) -> None:
    """Ask once, and note status, seconds, and whether it was said when to try again."""
    begin = time.perf_counter()
    try:
        status, head = await asyncio.wait_for(ask(port, content), 60)
    except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
        status, head = 0, b""
    found.append((status, time.perf_counter() - begin, b"retry-after" in head.lower()))


async def ask(port: int, content: bytes) -> tuple[int, bytes]:
    """Search with a picture, over a connection of its own; gives status and headers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            b"POST /search?k=5 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
            b"content-type: image/jpeg\r\ncontent-length: %d\r\n\r\n" % len(content) + content
        )
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        return int(head.split()[1]), head
    finally:
        writer.close()


def of_server(port: int) -> str:
    """Shares of the answers that the server gave within some times, as it counted them."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    buckets = re.findall(r'mshub_request_seconds_bucket\{route="search",le="(.+)"\} (\d+)', text)
    total = int(buckets[-1][1])
    return ", ".join(f"{int(count) / total:.1%} in {bound} s" for bound, count in buckets[3:9])


def picture() -> bytes:
    """A JPEG of 128 x 64 pixels."""
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (128, 64, 3), np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def resident(process: int) -> float:
    """Megabytes of a process in memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
