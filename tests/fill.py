"""Numbers that anybody can draw again: parameters by name, inputs by tag.

Every array comes from a generator of its own, seeded with the CRC-32 of a text, so that it depends
on nothing but that text and the shape. The golden outputs in `data/golden` belong to networks that
hold `parameter(name, shape)` and look at `image`, `vector` and `tensor`.
"""

import math
import zlib
from collections.abc import Callable

import numpy as np

Shape = tuple[int, ...]
Array = np.ndarray

_LEAVES: dict[str, Callable[[np.random.RandomState, Shape], Array]] = {
    "moving_mean": lambda random, shape: 0.1 * random.standard_normal(shape),
    "moving_variance": lambda random, shape: 0.5 + random.random_sample(shape),
    "gamma": lambda random, shape: 0.8 + 0.4 * random.random_sample(shape),
    "beta": lambda random, shape: 0.1 * random.standard_normal(shape),
    "bias": lambda random, shape: 0.1 * random.standard_normal(shape),
}


def parameter(name: str, shape: Shape) -> Array:
    """Value of the parameter called `name`: by its last component, else by its rank.

    Weights are normal with variance 1 / fan-in, vectors and scalars without a rule of their own
    uniform in [0, 1).
    """
    random = _random(name)
    leaf = name.rsplit(".", maxsplit=1)[-1]
    if leaf in _LEAVES:
        value = _LEAVES[leaf](random, shape)
    elif len(shape) > 1:
        value = np.empty(shape, np.float32)
        for row in value:  # the same numbers as all at once, which take thrice the memory
            row[...] = random.standard_normal(shape[1:]) * math.sqrt(1 / math.prod(shape[1:]))
    else:
        value = random.random_sample(shape)
    return np.asarray(value, np.float32)


def image(tag: str, shape: Shape) -> Array:
    """Images `(N, C, H, W)`: noise on squares of 16 pixels on one brightness per channel."""
    random = _random(f"image:{tag}")
    count, channels, height, width = shape
    noise = random.standard_normal(shape)
    squares = random.standard_normal(
        (count, channels, math.ceil(height / 16), math.ceil(width / 16))
    )
    brightness = random.standard_normal((count, channels, 1, 1))
    enlarged = np.kron(squares, np.ones((16, 16)))[:, :, :height, :width]
    return np.asarray(0.5 * noise + 2 * brightness + enlarged, np.float32)


def vector(tag: str, shape: Shape) -> Array:
    """Values uniform in [-0.5, 0.5)."""
    return np.asarray(_random(f"vector:{tag}").random_sample(shape) - 0.5, np.float32)


def tensor(tag: str, shape: Shape) -> Array:
    """Standard normal values."""
    return np.asarray(_random(f"tensor:{tag}").standard_normal(shape), np.float32)


def _random(text: str) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(text.encode()))
