"""`data/training/<module>.json`: shapes of inputs and of what comes out for them.

Training takes all `inputs`, inference as many as `input_shapes` has.
"""

import functools
import json
import zlib
from fnmatch import fnmatchcase
from pathlib import Path

import fill
import mindspore
import numpy as np
import pytest
import sample
from mindspore import ops

from mindspore_hub.networks.construct import build_uninitialised

pytestmark = pytest.mark.slow

CASES = Path(__file__).parents[1] / "data" / "training"

COMPILED = sorted(path.stem for path in CASES.glob("*.json"))
if not sample.ALL:
    COMPILED = ["ddag", "metric_learn"]


@pytest.fixture
def case(network_module):
    path = CASES / f"{network_module}.json"
    if not path.is_file():
        pytest.skip(f"nobody wrote {path.name}")
    return json.loads(path.read_text())


@pytest.fixture
def net(network_module, network_class, case):
    return network_class(network_module)(**case["arguments"])


@pytest.fixture
def inputs(case):
    return [mindspore.Tensor(_draw(shape)) for shape in case["inputs"]]


def _draw(shape):
    return np.ones(shape["ones"], "f4") if "ones" in shape else fill.tensor("training", shape)


def test_a_training_step_changes_all_and_the_network_returns_to_inference(net, inputs, case):
    before = _values(net)
    net.set_train()
    assert _shapes(_step(net, inputs, net.trainable_params())) == case["training"]
    after = _values(net)
    unchanged = {name for name in before if before[name] == after[name]}
    # A shift or scale in front of a normalisation has no gradient.
    assert not {n for n in unchanged if not n.endswith((".bias", ".beta", ".gamma"))}
    net.set_train(False)
    assert _shapes(net(*inputs[: len(net.input_shapes)])) == case["inference"]


@pytest.mark.parametrize("network_module", COMPILED)
@pytest.mark.parametrize("mode", ["graph"], indirect=True)
@pytest.mark.usefixtures("mode")
def test_graph_mode_trains_the_head(net, inputs, case):
    # The head alone: compiling the way back through the trunks of MVD takes 40 seconds.
    head = [p for p in net.trainable_params() if _matches(p.name, net.checkpoint.head)]
    before = {parameter.name: parameter.asnumpy().copy() for parameter in head}
    net.set_train()
    assert _shapes(_step(net, inputs, head)) == case["training"]
    assert not [p.name for p in head if np.array_equal(p.asnumpy(), before[p.name])]


@pytest.mark.parametrize(
    ("network", "path", "share"),
    [
        ("MVD", "shared_backbone.base.layer4.0.bn3", 0.003),
        ("DDAG", "resnet50.layer1.0.bn3", 0.003),
        ("DDAG", "resnet50.layer1.0.bn2", 0.1),
        ("VehicleNet", "model.layer1.0.bn3", 0.1),
        ("metric_learn", "layer1.0.bn3", 0.1),
        ("resnet.resnet18", "bn1", 0.9),
        ("resnet.resnet18", "layer2.0.bn1d", 0.1),
        ("resnet.resnet18", "layer2.0.down_sample_layer.1", 0.9),
    ],
)
def test_a_batch_has_its_share_in_the_running_mean(network, path, share, network_class):
    norm = _part(network_class(network), {}, path)
    norm.set_train()
    norm(mindspore.Tensor(np.ones((2, norm.num_features, 4, 4), "f4")))
    np.testing.assert_allclose(norm.moving_mean.asnumpy(), share, rtol=1e-5)


def test_each_distillation_of_mvd_is_of_the_feature_before_it(network_class):
    net = network_class("MVD")(num_class=5).set_train()
    heads = [net.rgb_bottleneck, net.shared_bottleneck, net.ir_bottleneck, net.shared_bottleneck]
    pairs = net(mindspore.Tensor(fill.tensor("training", (2, 3, 64, 32))))
    for head, (feature, _), (representation, _) in zip(heads, pairs[::2], pairs[1::2], strict=True):
        expected = head.bottleneck(feature).asnumpy()
        np.testing.assert_allclose(representation.asnumpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "arguments", "path", "share"),
    [
        ("MVD", {}, "rgb_bottleneck.classifier.3", 0.5),
        ("DDAG", {"drop": 0.2}, "graph_att.dropout", 0.2),
        ("DDAG", {"drop": 0.0}, "graph_att.dropout", 0.0),
        ("VehicleNet", {"droprate": 0.2}, "classifier.dropout", 0.2),
        ("VehicleNet", {"droprate": 0.0}, "classifier.dropout", 0.0),
        ("googlenet.mindcv_googlenet", {}, "dropout", 0.2),
    ],
)
def test_training_sets_its_share_of_values_to_zero(network, arguments, path, share, network_class):
    cell = _part(network_class(network), arguments, path)
    cell.set_train()
    dropped = cell(mindspore.Tensor(np.ones((1000, 512), "f4"))).asnumpy()
    assert np.mean(dropped == 0) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(("droprate", "same"), [(0.0, True), (0.5, False)])
def test_vehiclenet_tells_identities_from_what_is_not_set_to_zero(droprate, same, network_class):
    net = network_class("VehicleNet")(class_num=5, droprate=droprate).set_train()
    images = mindspore.Tensor(fill.tensor("training", (2, 3, 64, 64)))
    assert np.array_equal(net(images).asnumpy(), net(images).asnumpy()) is same


@pytest.mark.parametrize(
    ("network", "arguments", "path", "slope"),
    [
        ("MVD", {}, "shared_bottleneck.classifier.2", 0.1),
        ("DDAG", {"alpha": 0.3}, "graph_att.out_attention.leaky_relu", 0.3),
    ],
)
def test_negative_values_keep_their_share(network, arguments, path, slope, network_class):
    cell = _part(network_class(network), arguments, path)
    values = cell(mindspore.Tensor(np.array([-2, 3], "f4"))).asnumpy()
    np.testing.assert_allclose(values, [-2 * slope, 3], rtol=1e-6)


def test_graph_attention_is_that_of_the_paper(network_class):
    arguments = {"class_num": 5, "drop": 0.0, "alpha": 0.3}
    attention = _part(network_class("DDAG"), arguments, "graph_att").set_train()
    feat, adj = fill.tensor("graph", (3, 2048)), np.array([[1, 0, 2], [-1, 1, 0], [1, 1, 1]], "f4")
    got = attention(mindspore.Tensor(feat), mindspore.Tensor(adj)).asnumpy()
    layer = attention.out_attention
    weights, of_pair = (value.asnumpy().astype(float) for value in (layer.W, layer.a))
    hidden = feat.astype(float) @ weights
    for row, image in enumerate(hidden):
        near = hidden[adj[row] > 0]
        scores = np.array([(np.concatenate([image, other]) @ of_pair).item() for other in near])
        shares = np.exp(np.where(scores > 0, scores, 0.3 * scores))
        mixed = shares / shares.sum() @ near
        mixed = np.where(mixed > 0, mixed, np.exp(np.minimum(mixed, 0)) - 1)
        expected = mixed - np.log(np.exp(mixed).sum())
        np.testing.assert_allclose(got[row], expected, rtol=1e-3, atol=1e-4)


def _part(network, arguments, path):
    """A cell of a network; values of others are not drawn, which takes most of the time."""
    cell = functools.reduce(_child, path.split("."), build_uninitialised(network, arguments))
    for parameter in cell.get_parameters():
        parameter.init_data()
    return cell


def _child(cell, name):
    return cell[int(name)] if name.isdigit() else getattr(cell, name)


def _step(net, inputs, parameters):
    """Descend once along the gradient of the mean square of all outputs; give the outputs."""

    def loss(*inputs):
        outputs = net(*inputs)
        return _mean_square(outputs), outputs

    differentiate = mindspore.value_and_grad(
        loss, None, mindspore.ParameterTuple(parameters), has_aux=True
    )
    (_, outputs), gradients = differentiate(*inputs)
    # No optimizer of MindSpore, each of which holds every parameter once or twice more.
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.set_data(mindspore.Tensor(parameter.asnumpy() - 0.1 * gradient.asnumpy()))
    return outputs


def _mean_square(outputs):
    if not isinstance(outputs, tuple):
        return ops.square(outputs).mean()
    total = 0.0
    for output in outputs:
        total = total + _mean_square(output)
    return total


def _matches(name, patterns):
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _values(net):
    return {name: zlib.crc32(p.asnumpy()) for name, p in net.parameters_and_names()}


def _shapes(outputs):
    if isinstance(outputs, tuple):
        return [list(o.shape) if isinstance(o, mindspore.Tensor) else _shapes(o) for o in outputs]
    return [list(outputs.shape)]
