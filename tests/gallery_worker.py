"""Change a gallery until somebody kills this process; say what begins, and what is done.

`python gallery_worker.py GALLERY FIRST STEPS [alone]`: labels count from FIRST, a label for each batch. Only
a worker that is alone may remove versions that others could be at.
"""

import itertools
import json
import sys

import numpy as np

ROWS, DIMENSION = 20, 16


def vectors(label: int) -> np.ndarray:
    """The features of a batch, which its label determines."""
    return np.random.default_rng(label).normal(size=(ROWS, DIMENSION)).astype(np.float32)


def main(path: str, first: int, steps: int, *, alone: bool) -> None:
    from mindspore_hub import Features, Gallery

    gallery = Gallery(path, writable=True)
    say("ready", -1)
    for step in itertools.islice(itertools.count(), steps):
        label = first + step
        if step % 7 == 6:
            say("compact", -1)
            gallery.compact(now=alone and step % 2 == 0)
            say("compacted", -1)
        if step % 3 == 2:
            say("remove", label - 2)
            gallery.remove(f"label = {label - 2}")
            say("removed", label - 2)
        rows = Features(vectors(label), labels=np.full(ROWS, label), about={"sha256": "one"})
        say("add", label)
        gallery.add(rows)
        say("added", label)
    say("finished", -1)


def say(what: str, label: int) -> None:
    print(json.dumps([what, label]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), alone="alone" in sys.argv)
