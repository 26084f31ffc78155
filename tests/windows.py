"""Constants that files of Swin Transformers hold, worked out one pair of tokens after the other."""

import itertools

import numpy as np

_WINDOW, _SHIFT = 7, 3


def pairs(shape):
    """Where the entry for each pair of tokens of a window stands in a table; `shape` is known."""
    span = 2 * _WINDOW - 1
    index = np.zeros((_WINDOW**4, span * span), np.float32)
    places = list(itertools.product(range(_WINDOW), repeat=2))
    for row, ((y1, x1), (y2, x2)) in enumerate(itertools.product(places, repeat=2)):
        index[row, (y1 - y2 + _WINDOW - 1) * span + x1 - x2 + _WINDOW - 1] = 1
    assert index.shape == shape
    return index


def apart(shape):
    """-100 for tokens of a window that come from both ends of the map, by the shape of it all."""
    size = _WINDOW * round(shape[1] ** 0.5)

    def region(place):
        return (place >= size - _WINDOW) + (place >= size - _SHIFT)

    mask = np.zeros(shape, np.float32)
    windows = itertools.product(range(0, size, _WINDOW), repeat=2)
    for number, (top, left) in enumerate(windows):
        places = itertools.product(range(top, top + _WINDOW), range(left, left + _WINDOW))
        regions = [(region(y), region(x)) for y, x in places]
        for (i, a), (j, b) in itertools.product(enumerate(regions), repeat=2):
            mask[0, number, 0, i, j] = 0 if a == b else -100
    return mask


CONSTANTS = {"index": pairs, "attn_mask": apart}
"""What computes each constant of a shape, by the last component of its name."""
