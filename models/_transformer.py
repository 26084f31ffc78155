"""What transformers of pictures share: attention, and blocks that training skips now and then.

Source: Vaswani et al., Attention Is All You Need, NeurIPS 2017, arXiv:1706.03762; Huang et al.,
Deep Networks with Stochastic Depth, ECCV 2016, arXiv:1603.09382.
"""

import mindspore
from mindspore import Tensor, nn, ops


def attend(
    query: Tensor, key: Tensor, value: Tensor, heads: int, bias: Tensor | None = None
) -> Tensor:
    """Sum values by the softmax of how well queries and keys agree, in heads.

    Args:
        query: `(N, L, C)`, float32.
        key: `(N, L, C)`, float32.
        value: `(N, L, C)`, float32.
        heads: Heads, each of which looks at C / heads channels.
        bias: What is added to the agreement before the softmax, of a shape that fits `(N, heads,
            L, L)`, float32.

    Returns:
        `(N, L, C)`, float32.
    """
    shape = query.shape
    split = (shape[0], shape[1], heads, shape[2] // heads)
    query = query.reshape(split).transpose(0, 2, 1, 3) * split[3] ** -0.5
    agreement = ops.matmul(query, key.reshape(split).transpose(0, 2, 3, 1))
    if bias is not None:
        agreement = agreement + bias
    weights = ops.softmax(agreement, -1)
    summed = ops.matmul(weights, value.reshape(split).transpose(0, 2, 1, 3))
    return summed.transpose(0, 2, 1, 3).reshape(shape)


class DropPath(nn.Cell):
    """What a block adds to its input; in training a share of the samples gets nothing.

    Args:
        rate: That share, at least 0 and below 1. What the others get is divided by the rest.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def construct(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = ops.rand((x.shape[0],) + (1,) * (x.ndim - 1)) >= self.rate
        return x * kept.astype(mindspore.float32) / (1 - self.rate)


def drop_rates(last: float, depth: int) -> list[float]:
    """Shares of samples that each of `depth` blocks drops: evenly from 0 to `last`."""
    return [last * index / max(depth - 1, 1) for index in range(depth)]
