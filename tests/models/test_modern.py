"""What is particular to single families of `data/families/modern`."""

import fill
import mindspore
import numpy as np
import pytest
import sample
from checkpoints import named
from mindspore import nn, ops
from windows import CONSTANTS

from mindspore_hub.networks.construct import build_uninitialised
from mindspore_hub.networks.weights import (
    Signature,
    Weight,
    derive_arguments,
    facts_of,
)

pytestmark = pytest.mark.slow

NETWORKS = {
    "densenet.densenet100": 342,
    "inception_v3.inception_v3": 2048,
    "xception.xception": 2048,
    "vit.vit_base_patch32": 768,
    "vit.vit_base": 768,
    "wideresnet.wideresnet": 640,
    "wideresnet.wrn": 640,
    "res2net.res2net50": 2048,
    "swin.swin_tiny": 768,
    "dpn.dpn92": 2688,
    "inception_v4.inception_v4": 1536,
    "inception_resnet_v2.inception_resnet_v2": 1536,
    "resnest.resnest50": 2048,
    "sknet.sknet50": 2048,
    "hrnet.hrnet_w48": 2048,
    "convnext.convnext_tiny": 768,
    "repvgg.repvgg_a0": 1280,
    "cct.cct_14_7x2_224": 384,
}
"""Lengths of the features that each gives without classes."""

TRIED = [*NETWORKS] if sample.ALL else ["densenet.densenet100"]


def _named(facts, shapes):
    """Tensors of a file, given as names and shapes, by the names of the network."""
    stored = [Weight(name, Signature(shape, "float32"), np.zeros(shape)) for name, shape in shapes]
    return named(stored, facts)


@pytest.mark.parametrize(
    ("network", "prefix", "slots"),
    [
        ("densenet.densenet121", "network.", ["moments."]),
        ("dpn.dpn92", "", ["accum.", "stat."]),
        ("inception_v3.inception_v3", "", ["mean_square.", "moment."]),
        ("vit.vit_base_patch32", "", ["adam_m.", "adam_v."]),
        ("convnext.convnext_tiny", "model.", ["adam_m.model.", "adam_v.model."]),
        ("repvgg.repvgg_a0", "model.", ["moments.model."]),
    ],
)
def test_what_training_left_in_a_file_is_not_read(network, prefix, slots, network_class):
    parameters = ["first.weight", "norm.gamma"]
    names = [*parameters, *(f"{before}{name}" for before in slots for name in parameters)]
    stored = [(prefix + name if name in parameters else name, (2,)) for name in names]
    counters = "learning_rate", "global_step", "momentum", "beta1_power", "beta2_power"
    stored += [(name, ()) for name in (*counters, "scale_sense", "last_overflow_iterator_step")]
    assert list(_named(facts_of(network_class(network)), stored)) == parameters


@pytest.mark.parametrize(
    ("network", "in_file", "name"),
    [
        ("vit.vit_base_patch32", "cls_token", "cls"),
        ("repvgg.repvgg_a0", "model.stage0.rbr_1x1.0.weight", "stage0.rbr_1x1.0.convs.0.weight"),
        (
            "repvgg.repvgg_a0",
            "model.stage3.13.rbr_dense.0.weight",
            "stage3.13.rbr_dense.0.convs.0.weight",
        ),
    ],
)
def test_a_file_may_spell_a_name_as_another_release(network, in_file, name, network_class):
    assert list(_named(facts_of(network_class(network)), [(in_file, (2, 2))])) == [name]


@pytest.mark.parametrize(
    ("network", "whole", "shape", "groups"),
    [
        ("dpn.dpn92", "features.conv2_1.layers.conv2", (96, 3, 3, 3), "{}.weight"),
        ("sknet.sknet50", "layer1.0.feas.2.convs.1.0", (128, 4, 5, 5), "convs.{}.weight"),
    ],
)
def test_a_file_may_hold_all_groups_in_one_tensor(network, whole, shape, groups, network_class):
    found = _named(facts_of(network_class(network)), [(f"{whole}.weight", shape)])
    assert list(found) == [f"{whole}.{groups.format(group)}" for group in range(32)]
    assert {w.signature.shape for w in found.values()} == {(shape[0] // 32, *shape[1:])}


@pytest.mark.parametrize("classes", [7, 1000])
def test_a_normalisation_in_a_file_tells_the_head(classes, network_class):
    facts = facts_of(network_class("inception_resnet_v2.inception_resnet_v2"))
    head = [("softmax.dense.weight", (classes, 1536)), ("softmax.batchnorm.gamma", (classes,))]
    for stored, expected in (
        (head, {"num_classes": classes, "head_bn": True}),
        (head[:1], {"num_classes": classes}),
    ):
        derived = derive_arguments(_named(facts, stored), facts)
        assert {name: item.value for name, item in derived.items()} == expected


def test_constants_of_swin_are_those_of_its_files(network_class):
    net = build_uninitialised(network_class("swin.swin_tiny"), {})
    constants = {n: p for n, p in net.parameters_and_names() if n.split(".")[-1] in CONSTANTS}
    assert len(constants) == 17
    for name, parameter in constants.items():
        assert not parameter.requires_grad
        expected = CONSTANTS[name.split(".")[-1]](parameter.shape)
        np.testing.assert_array_equal(parameter.asnumpy(), expected, err_msg=name)


@pytest.mark.parametrize("network", TRIED)
def test_without_classes_a_picture_has_the_same_feature_alone_and_beside_another(
    network, network_class
):
    net = network_class(network)(num_classes=0).set_train(False)
    ((*shape,),) = net.input_shapes
    images = fill.image("features", (2, *shape))
    features = net(mindspore.Tensor(images)).asnumpy()
    assert features.shape == (2, NETWORKS[network])
    alone = net(mindspore.Tensor(images[1:])).asnumpy()
    np.testing.assert_allclose(features[1:], alone, atol=1e-5 * np.abs(features).max())


@pytest.mark.parametrize("network", TRIED)
def test_a_training_step_reaches_every_weight(network, network_class):
    net = network_class(network)(num_classes=5).set_train()
    ((*shape,),) = net.input_shapes
    images = mindspore.Tensor(fill.tensor("training", (2, *shape)))
    parameters = net.trainable_params()
    differentiate = mindspore.value_and_grad(
        lambda images: ops.square(net(images)).mean(), None, parameters
    )
    _, gradients = differentiate(images)
    pairs = zip(parameters, gradients, strict=True)
    assert [p.name for p, gradient in pairs if not gradient.asnumpy().any()] == []


@pytest.mark.parametrize("rate", [0.0, 0.25])
def test_a_share_of_the_samples_skips_a_block_in_training(rate, network_class):
    cell = network_class("convnext.convnext_tiny")
    path = cell.construct.__globals__["DropPath"](rate)
    ones = mindspore.Tensor(np.ones((4000, 1, 2), "f4"))
    assert np.array_equal(path.set_train(False)(ones).asnumpy(), ones.asnumpy())
    mindspore.set_seed(5)
    kept = path.set_train()(ones).asnumpy()
    values = {0.0, np.float32(1 / (1 - rate))} if rate else {1.0}
    assert set(kept.reshape(-1).tolist()) == values
    assert np.array_equal(kept[..., 0], kept[..., 1])
    assert abs(kept.mean() - 1) < 0.05
    assert isinstance(path, nn.Cell)
