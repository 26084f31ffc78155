"""Embed a folder with the tiny network, and say of each batch when it is there.

    python embed_slowly.py CARD FOLDER OUTPUT BATCH_SIZE

A line `call` for each call of the network that is not compiled, a line `done N` for each batch; then
it waits for a line on stdin, or its end.
"""

import sys
from pathlib import Path

import tiny

from mindspore_hub.tasks.pictures.samples import known_of, list_samples
from mindspore_hub.tasks.retrieval.embedding import Embedding


def main() -> None:
    card, folder, output, size = sys.argv[1:]

    def said(done: int, _total: int | None) -> None:
        print(f"done {done}", flush=True)
        sys.stdin.readline()

    pictures = list_samples(folder)
    compiled = len(pictures.samples) >= 8 * int(size)
    network = tiny.Tiny(called=None if compiled else lambda _: print("call", flush=True))
    embedding = Embedding(card, network=network, batch_size=int(size), progress=said)
    known = known_of(pictures, r"(?P<label>\d+)")
    embedding.write(pictures, Path(output), known=known)


if __name__ == "__main__":
    main()
