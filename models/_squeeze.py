"""Squeeze-and-excitation: Hu et al., CVPR 2018, arXiv:1709.01507."""

from mindspore import Tensor, nn, ops

from ._resnet import global_pool


def excite(maps: Tensor, squeeze: nn.Cell, expand: nn.Cell) -> Tensor:
    """Weigh the channels of feature maps `(N, C, H, W)` by what all of them hold on average.

    Args:
        maps: Feature maps.
        squeeze: Layer from the averages `(N, C)` to fewer values.
        expand: Layer from those to C values again.
    """
    weights = ops.sigmoid(expand(ops.relu(squeeze(global_pool(maps)))))
    return maps * weights.expand_dims(-1).expand_dims(-1)
