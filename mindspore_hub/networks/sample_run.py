"""A network run on random samples, to see what it takes and gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mindspore_hub.hub.hub import Hub

if TYPE_CHECKING:
    from mindspore import nn


def describe(network: nn.Cell, name: str) -> dict[str, Any]:
    """Facts of a network, with what goes in and comes out for one random sample.

    Numbers are numbers, and `size` is in bytes; `shape` is a list.

    Args:
        network: A network in inference mode.
        name: Name it was loaded by.
    """
    inputs = random_inputs(network, name)
    outputs = network(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    parameters = list(network.get_parameters())
    return {
        "network": type(network).__name__,
        "parameters": sum(parameter.size for parameter in parameters),
        "tensors": len(parameters),
        "size": sum(parameter.nbytes for parameter in parameters),
        "inputs": [_signature(value) for value in inputs],
        "outputs": [_signature(value) for value in outputs],
    }


def _signature(tensor: Any) -> dict[str, Any]:
    return {"shape": list(tensor.shape), "dtype": str(tensor.dtype).lower()}


def random_inputs(network: nn.Cell, name: str, *, batch: int = 1) -> list[Any]:
    """Random samples that a network takes.

    Args:
        network: The network.
        name: Name it was loaded by; its card says the shapes unless the network does.
        batch: Number of samples.
    """
    import mindspore
    import numpy as np

    shapes = getattr(network, "input_shapes", None) or Hub.of().resolve(name).input_shapes
    random = np.random.default_rng(0)
    return [
        mindspore.Tensor(random.standard_normal((batch, *shape), np.float32)) for shape in shapes
    ]
