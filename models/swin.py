"""Swin Transformer: classification of pictures by attention inside of windows that shift.

Source: Liu et al., Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, ICCV
2021, arXiv:2103.14030; `research/cv/swin_transformer` of mindspore/models, branches r1.3 to r1.10,
where the file of the network is the same.
"""

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import TruncatedNormal, initializer

from ._classifier import INPUT_SHAPE, classifier_files, last_layer
from ._transformer import attend

_WINDOW = 7
"""Height and width of a window, in tokens."""

_SHIFT = 3
"""How far every other block moves its windows, in tokens."""


class swin_tiny(nn.Cell):  # as the original calls it
    """Swin-T. Its GELU is the approximation by a tanh.

    What a block adds for the distance of two tokens, and which tokens of a shifted window do not
    see each other, are constants that the files hold: tensors `index` and `attn_mask`, which are
    not trained.

    Args:
        num_classes: Classes; with 0 the output is the pooled feature `(N, 768)`.

    Inputs:
        **x** - RGB images `(N, 3, 224, 224)`, float32: values of 0 to 255, less 255 · (0.485,
        0.456, 0.406), divided by 255 · (0.229, 0.224, 0.225). No other size is possible.

    Outputs:
        Logits `(N, num_classes)`, float32, in training too.

    Raises:
        ValueError: `num_classes` is not an integer of at least 0.
    """

    checkpoint = classifier_files("head", prefixes=("model.",))

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.patch_embed = _Patches(96)
        self.layers = nn.SequentialCell(
            _Layer(96, 2, 3, 56),
            _Layer(192, 2, 6, 28),
            _Layer(384, 6, 12, 14),
            _Last(768, 2, 24, 7),
        )
        self.norm = nn.LayerNorm((768,), epsilon=1e-5)
        self.head = last_layer(768, num_classes)

    def construct(self, x: Tensor) -> Tensor:
        """Compute logits."""
        return self.head(ops.mean(self.norm(self.layers(self.patch_embed(x))), 1))


class _Patches(nn.Cell):
    """Images to normalised tokens `(N, L, width)`, one of 4×4 pixels, row by row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, 4, 4, pad_mode="valid", has_bias=True)
        self.norm = nn.LayerNorm((width,), epsilon=1e-5)

    def construct(self, x: Tensor) -> Tensor:
        return self.norm(self.proj(x).flatten(start_dim=2).transpose(0, 2, 1))


class _Last(nn.Cell):
    """Blocks of tokens `(N, size * size, width)`, of which every other one shifts its windows."""

    def __init__(self, width: int, depth: int, heads: int, size: int) -> None:
        super().__init__()
        shifts = [_SHIFT if index % 2 and size > _WINDOW else 0 for index in range(depth)]
        self.blocks = nn.SequentialCell([_Block(width, heads, size, shift) for shift in shifts])

    def construct(self, x: Tensor) -> Tensor:
        return self.blocks(x)


class _Layer(_Last):
    """Blocks of tokens, and a quarter as many of twice the length."""

    def __init__(self, width: int, depth: int, heads: int, size: int) -> None:
        super().__init__(width, depth, heads, size)
        self.downsample = _Merging(width, size)

    def construct(self, x: Tensor) -> Tensor:
        return self.downsample(self.blocks(x))


class _Merging(nn.Cell):
    """Four neighbouring tokens to one of twice their length; they go column by column."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.reduction = nn.Dense(4 * width, 2 * width, has_bias=False)
        self.norm = nn.LayerNorm((4 * width,), epsilon=1e-7)

    def construct(self, x: Tensor) -> Tensor:
        n, _, c = x.shape
        half = self.size // 2
        x = x.reshape((n, half, 2, half, 2, c)).transpose(0, 1, 3, 4, 2, 5)
        return self.reduction(self.norm(x.reshape((n, half * half, 4 * c))))


class _Block(nn.Cell):
    """Adds attention inside of windows, and an MLP, of normalised tokens to them."""

    def __init__(self, width: int, heads: int, size: int, shift: int) -> None:
        super().__init__()
        self.size, self.shift = size, shift
        if shift:
            mask = Tensor.from_numpy(_mask(size))
            self.attn_mask = Parameter(mask, requires_grad=False)
        self.norm1 = nn.LayerNorm((width,), epsilon=1e-5)
        self.attn = _Attention(width, heads)
        self.norm2 = nn.LayerNorm((width,), epsilon=1e-5)
        self.mlp = _Mlp(width)

    def construct(self, x: Tensor) -> Tensor:
        normalised = self.norm1(x)
        if self.shift:
            windows = self.attn(self._windows(self._rolled(normalised, self.shift)), self.attn_mask)
            added = self._rolled(self._tokens(windows), self.size - self.shift)
        else:
            added = self._tokens(self.attn(self._windows(normalised)))
        x = x + added
        return x + self.mlp(self.norm2(x))

    def _rolled(self, x: Tensor, shift: int) -> Tensor:
        """Tokens moved up and left, those of the first rows and columns to the other end.

        MindSpore 2.10 has no `ops.roll` for CPUs.
        """
        shape = x.shape
        x = x.reshape((shape[0], self.size, self.size, shape[2]))
        x = ops.concat((x[:, shift:], x[:, :shift]), 1)
        return ops.concat((x[:, :, shift:], x[:, :, :shift]), 2).reshape(shape)

    def _windows(self, x: Tensor) -> Tensor:
        """Tokens `(N, L, C)` as those of windows `(N * windows, 49, C)`, both row by row."""
        n, _, c = x.shape
        count = self.size // _WINDOW
        x = x.reshape((n, count, _WINDOW, count, _WINDOW, c)).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape((n * count * count, _WINDOW * _WINDOW, c))

    def _tokens(self, windows: Tensor) -> Tensor:
        """The reverse of `_windows`."""
        count, c = self.size // _WINDOW, windows.shape[2]
        x = windows.reshape((-1, count, count, _WINDOW, _WINDOW, c)).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape((-1, self.size * self.size, c))


class _Attention(nn.Cell):
    """Attention of the tokens of a window to each other, by their distance too."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_bias = _RelativeBias(heads)
        self.q = nn.Dense(width, width)
        self.k = nn.Dense(width, width)
        self.v = nn.Dense(width, width)
        self.proj = nn.Dense(width, width)

    def construct(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        bias = self.relative_bias()
        if mask is not None:
            bias = bias + mask.reshape((-1, 1, _WINDOW * _WINDOW, _WINDOW * _WINDOW))
            bias = ops.tile(bias, (x.shape[0] // mask.shape[1], 1, 1, 1))
        return self.proj(attend(self.q(x), self.k(x), self.v(x), self.heads, bias))


class _RelativeBias(nn.Cell):
    """What is added for each pair of tokens of a window: `(1, heads, 49, 49)`."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        shape = ((2 * _WINDOW - 1) ** 2, heads)
        self.heads = heads
        self.relative_position_bias_table = Parameter(initializer(TruncatedNormal(0.02), shape))
        self.index = Parameter(Tensor.from_numpy(_index()), requires_grad=False)

    def construct(self) -> Tensor:
        bias = ops.matmul(self.index, self.relative_position_bias_table)
        pairs = (_WINDOW * _WINDOW, _WINDOW * _WINDOW, self.heads)
        return bias.reshape(pairs).transpose(2, 0, 1).expand_dims(0)


class _Mlp(nn.Cell):
    """Two layers with a GELU between them, for each token by itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Dense(width, 4 * width)
        self.gelu = nn.GELU(approximate=True)
        self.fc2 = nn.Dense(4 * width, width)

    def construct(self, x: Tensor) -> Tensor:
        return self.fc2(self.gelu(self.fc1(x)))


def _index() -> np.ndarray:
    """Which entry of a table is that of a pair of tokens: `(49 * 49, 169)`, float32, 0 or 1."""
    rows, columns = np.divmod(np.arange(_WINDOW * _WINDOW), _WINDOW)
    span = 2 * _WINDOW - 1
    row = rows[:, None] - rows + _WINDOW - 1
    column = columns[:, None] - columns + _WINDOW - 1
    return np.eye(span * span, dtype=np.float32)[(row * span + column).reshape(-1)]


def _mask(size: int) -> np.ndarray:
    """What keeps tokens apart that a shift put into one window: `(1, windows, 1, 49, 49)`, float32.

    It is -100 for a pair of tokens of which one was moved to the other end of the map, and else 0.
    """
    place = np.arange(size)
    part = (place >= size - _WINDOW).astype(int) + (place >= size - _SHIFT)
    count = size // _WINDOW
    regions = (3 * part[:, None] + part).reshape(count, _WINDOW, count, _WINDOW)
    regions = regions.transpose(0, 2, 1, 3).reshape(1, count * count, 1, _WINDOW * _WINDOW)
    apart = regions[..., :, None] != regions[..., None, :]
    return np.where(apart, np.float32(-100), np.float32(0))
