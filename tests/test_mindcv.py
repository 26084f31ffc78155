"""Published files in networks of mindcv, which have other names for the same parameters.

By default one network is tried, with MSHUB_TEST_ALL=1 all: the file of vgg16 has 550 MB.
"""

import json
from pathlib import Path

import checkpoints
import manifests
import numpy as np
import pytest
import sample

import mindspore_hub
from mindspore_hub.errors import CheckpointError

models = pytest.importorskip(
    "mindcv.models", reason="mindcv is not installed; its networks are what files are fitted to"
)

NETWORKS = {
    # published: function of mindcv, its arguments, how many names differ, one that does
    "mobilenetv2": (
        *("mobilenet_v2_100", {}, 262),
        ("features.0.features.0.weight", "features.0.weight"),
    ),
    "resnet50": ("resnet50", {"num_classes": 1001}, 22, ("end_point.weight", "classifier.weight")),
    "squeezenet1_1": ("squeezenet1_1", {}, 0, None),
    "vgg16": ("vgg16", {}, 13, ("layers.0.weight", "features.0.weight")),
}

TRIED = [*NETWORKS] if sample.ALL else ["mobilenetv2"]


def published(name: str) -> dict[str, np.ndarray]:
    """What a published file holds, each parameter filled with its place, and one of an optimizer."""
    own = [tensor for tensor in manifests.published()[name] if tensor.canonical]
    tensors = {item.name: np.full(item.shape, place, np.float32) for place, item in enumerate(own)}
    return {**tensors, f"moments.{own[0].name}": np.zeros(1), "global_step": np.zeros(1, np.int32)}


@pytest.mark.parametrize("name", TRIED)
def test_a_published_file_fits_by_the_names_that_are_proposed(name: str, tmp_path: Path) -> None:
    function, arguments, differing, example = NETWORKS[name]
    file = checkpoints.save(tmp_path / f"{name}.ckpt", published(name))
    rename = {}
    if differing:
        network = getattr(models, function)(**arguments)
        before = [item.asnumpy().copy() for item in network.get_parameters()]
        with pytest.raises(CheckpointError, match="and nothing was loaded") as caught:
            mindspore_hub.fit(network, file)
        rename = json.loads(str(caught.value).partition("\nrename=")[2])
        assert example in rename.items()
        after = [item.asnumpy() for item in network.get_parameters()]
        assert all(map(np.array_equal, before, after))
    assert len(rename) == differing
    for _ in range(2):
        network = getattr(models, function)(**arguments)
        fitted = mindspore_hub.fit(network, file, rename=rename)
        for place, item in enumerate(network.get_parameters()):
            assert (item.asnumpy() == place).all(), item.name
        assert len(fitted.left_out) == 2
    unfit = getattr(models, function)(**{**arguments, "num_classes": 7})
    with pytest.raises(CheckpointError) as caught:
        mindspore_hub.fit(unfit, file, rename=rename)
    assert "of another shape" in str(caught.value)
    assert "expected (7," in str(caught.value)
