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


def excite_maps(
    maps: Tensor, squeeze: nn.Cell, activation: nn.Cell, expand: nn.Cell, gate: nn.Cell
) -> Tensor:
    """Weigh the channels of feature maps `(N, C, H, W)` with layers that are 1×1 convolutions.

    Args:
        maps: Feature maps.
        squeeze: Layer from the averages `(N, C, 1, 1)` to fewer values.
        activation: What follows it.
        expand: Layer from those to C values again.
        gate: From those to weights.
    """
    return maps * gate(expand(activation(squeeze(ops.mean(maps, (2, 3), keep_dims=True)))))
