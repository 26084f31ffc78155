"""Strict loading: every tensor of a file and every parameter of a network is accounted for."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import checkpoints
import manifests
import mindspore
import numpy as np
import pytest

from mindspore_hub.errors import CheckpointError
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import assign as checkpoint
from mindspore_hub.networks.build import assemble
from mindspore_hub.networks.weights import (
    Signature,
    Weight,
    derive_arguments,
    derive_embedding_size,
    facts_of,
    name_weights,
    network_name,
    read_weights,
)

NAMES = sorted(set(checkpoints.MANIFESTS.values()))

Tensors = list[manifests.Tensor]


def build(name: str, held: dict[str, np.ndarray]) -> Any:
    """Build the network of a manifest from a file that holds these tensors."""
    card = card_of(name)
    cell = checkpoints.network_class(card.model_name)
    weights = name_weights(stored(held), facts_of(cell))
    return assemble(cell, weights, card.asset.network_args)


def stored(held: dict[str, np.ndarray]) -> dict[str, Callable[[], Weight]]:
    """Tensors as a file holds them."""
    return {
        name: partial(Weight, name, Signature(array.shape, str(array.dtype)), array)
        for name, array in held.items()
    }


def signatures(tensors: Tensors) -> dict[str, np.ndarray]:
    """Tensors of nothing but zeros that take no memory, for files that are refused anyway."""
    return {item.name: np.broadcast_to(np.zeros((), item.dtype), item.shape) for item in tensors}


def values(tensors: Tensors) -> dict[str, np.ndarray]:
    """Tensors with values."""
    return {item.name: checkpoints.value(item) for item in tensors}


def card_of(name: str) -> Card:
    """First card whose file a manifest describes."""
    return next(card for card in Hub.of().cards if checkpoints.MANIFESTS.get(card.name) == name)


def pick(tensors: Tensors, seed: str) -> manifests.Tensor:
    """One tensor that belongs to the network, another one for each seed."""
    return random.Random(seed).choice([tensor for tensor in tensors if tensor.canonical])


def without(tensors: Tensors, tensor: manifests.Tensor) -> Tensors:
    return [other for other in tensors if other != tensor]


def renamed(tensors: Tensors, tensor: manifests.Tensor) -> Tensors:
    other = tensor._replace(name=f"{tensor.name}_1")
    return [other if item == tensor else item for item in tensors]


def reshaped(tensors: Tensors, tensor: manifests.Tensor) -> Tensors:
    other = tensor._replace(shape=(*tensor.shape[:-1], tensor.shape[-1] + 1))
    return [other if item == tensor else item for item in tensors]


def extended(tensors: Tensors, _tensor: manifests.Tensor) -> Tensors:
    return [*tensors, manifests.Tensor("layer9.weight", None, "extra", "float32", (2, 3))]


def retyped(tensors: Tensors, tensor: manifests.Tensor) -> Tensors:
    other = tensor._replace(dtype="float16")
    return [other if item == tensor else item for item in tensors]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", [without, renamed, reshaped, extended, retyped])
def test_a_file_that_differs_in_one_tensor_is_refused_by_name(
    name: str, damage: Callable[[Tensors, manifests.Tensor], Tensors]
) -> None:
    tensors = manifests.read(name)
    tensor = pick(tensors, f"{name} {damage.__name__}")
    named = "layer9.weight" if damage is extended else tensor.canonical
    with pytest.raises(CheckpointError) as caught:
        build(name, signatures(damage(tensors, tensor)))
    assert named in str(caught.value)


@pytest.mark.parametrize("damage", [without, renamed, reshaped])
def test_parts_that_the_network_does_not_use_are_checked_too(
    damage: Callable[[Tensors, manifests.Tensor], Tensors],
) -> None:
    tensors = manifests.read("ddag_regdb")
    unused = "base_resnet.base.layer3.2.conv2.weight"
    tensor = next(item for item in tensors if item.canonical == unused)
    with pytest.raises(CheckpointError, match=unused):
        build("ddag_regdb", signatures(damage(tensors, tensor)))


def test_a_file_without_any_unused_part_is_whole() -> None:
    tensors = manifests.read("ddag_regdb")
    network = build("ddag_regdb", values(tensors))
    held = {name for name, _ in network.parameters_and_names()}
    used = [tensor for tensor in tensors if tensor.canonical in held]
    again = build("ddag_regdb", values(used))
    assert {name for name, _ in again.parameters_and_names()} == held


def test_a_refused_file_changes_no_parameter() -> None:
    network = mindspore.nn.Dense(2, 3)
    before = network.weight.asnumpy().copy()
    weights = named_weights({"weight": np.ones((3, 2), np.float32)})
    with pytest.raises(CheckpointError, match="1 missing in the file"):
        checkpoint.assign(network, weights, facts_of(network))
    assert (network.weight.asnumpy() == before).all()


def test_the_report_lists_every_kind_of_difference_with_near_names() -> None:
    expected = {
        "conv1.weight": Signature((64, 3, 7, 7), "float32"),
        "bn1.gamma": Signature((64,), "float32"),
        "bn1.beta": Signature((64,), "float32"),
        "head.weight": Signature((10, 512), "float32"),
    }
    weights = named_weights(
        {
            "conv1.weights": np.ones((64, 3, 7, 7), np.float32),
            "bn1.gamma": np.zeros(32, np.float32),
            "bn1.beta": np.zeros(64, np.float16),
            "head.weight": np.ones((10, 512), np.float32),
        }
    )
    difference = checkpoint.compare(expected, weights, facts_of(object))
    assert str(difference) == (
        "  1 missing in the file:\n"
        "    conv1.weight float32 (64, 3, 7, 7) (near conv1.weights)\n"
        "  1 unexpected in the file:\n"
        "    conv1.weights (near conv1.weight)\n"
        "  1 of another shape:\n"
        "    bn1.gamma: expected (64,), the file has (32,)\n"
        "  1 of another dtype:\n"
        "    bn1.beta: expected float32, the file has float16"
    )


def test_a_file_of_another_model_is_refused_with_a_short_report() -> None:
    with pytest.raises(CheckpointError) as caught:
        build("vehiclenet_stage2_veri575", signatures(manifests.read("metric_learn_triplet")))
    assert len(str(caught.value).splitlines()) < 30
    assert "more" in str(caught.value)


def test_two_entries_for_one_parameter_are_refused() -> None:
    held = {"network.weight": np.ones(1), "net.weight": np.ones(1)}
    with pytest.raises(CheckpointError, match="both mean weight"):
        name_weights(stored(held), PREFIXED)


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("optimizer._backbone.bottleneck.gamma", "bottleneck.gamma"),
        ("network._backbone.bottleneck.moving_mean", "bottleneck.moving_mean"),
        ("network.base.conv0.weight", "base.conv0.weight"),
        ("backbone.conv1.weight", "conv1.weight"),
        ("wpa.bottleneck.gamma", "wpa.bottleneck.gamma"),
        ("network.network.weight", "network.weight"),
        ("rgb_backbone.visible.conv1.weight", "rgb_backbone.visible.conv1.weight"),
    ],
)
def test_at_most_one_prefix_is_removed_and_only_from_the_front(file_name: str, name: str) -> None:
    assert network_name(file_name, PREFIXED) == name


@pytest.mark.parametrize(
    "name",
    [
        *(f"{kind}.conv1.weight" for kind in ("moments", "moment1", "moment2", "accum", "stat")),
        *("step", "global_step", "momentum", "learning_rate", "learning_rate_group_12"),
        *("beta1_power", "beta2_power", "index_var", "epoch_num", "step_num", "loss_scale"),
    ],
)
def test_what_optimizers_and_callbacks_leave_in_a_file_is_passed_over(name: str) -> None:
    assert name_weights(stored({name: np.ones(1)}), PREFIXED) == {}


@pytest.mark.parametrize(
    "name",
    ["moments", "accum.", "step.weight", "conv1.momentum", "my_step", "learning_rate_group_x",
     "beta3_power", "epoch_num_2", "moments_of.weight"],
)  # fmt: skip
def test_what_is_only_called_alike_is_a_tensor_of_the_file(name: str) -> None:
    assert name_weights(stored({name: np.ones(1)}), PREFIXED).keys() == {name}


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(CheckpointError, match="is not a MindSpore checkpoint"):
        read_weights(path.read_bytes(), PREFIXED)


def test_a_shape_that_determines_no_argument_is_refused() -> None:
    tensors = [
        tensor._replace(shape=(64, 5, 7, 7)) if tensor.canonical == "base.conv0.weight" else tensor
        for tensor in manifests.read("multitasknet_heatmap575")
    ]
    with pytest.raises(CheckpointError, match=r"base\.conv0\.weight has shape \(64, 5, 7, 7\)"):
        build("multitasknet_heatmap575", signatures(tensors))


@pytest.mark.parametrize("name", NAMES)
def test_the_embedding_size_is_told_by_the_matrix_of_the_classes(name: str) -> None:
    card = card_of(name)
    facts = facts_of(checkpoints.network_class(card.model_name))
    weights = name_weights(stored(signatures(manifests.read(name))), facts)
    size = derive_embedding_size(derive_arguments(weights, facts), facts)
    assert size
    assert (size.value,) in card.output_shapes
    others = {key: item for key, item in weights.items() if key != size.tensor}
    assert derive_embedding_size(derive_arguments(others, facts), facts) is None


def named_weights(held: dict[str, np.ndarray]) -> dict[str, Weight]:
    return name_weights(stored(held), facts_of(object))


PREFIXED = checkpoints.network_class("MVD").checkpoint
"""Facts with the published prefixes."""
