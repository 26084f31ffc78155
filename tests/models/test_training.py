"""`data/training/<module>.json`: shapes of inputs and of what comes out for them.

Training takes all `inputs`, inference as many as `input_shapes` has.
"""

import functools
import json
from fnmatch import fnmatchcase
from pathlib import Path

import fill
import mindspore
import numpy as np
import pytest
from mindspore import nn, ops

CASES = Path(__file__).parents[1] / "data" / "training"


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


def test_a_training_step_changes_every_weight_and_statistic(net, inputs, case):
    before = _values(net)
    net.set_train()
    assert _shapes(_step(net, inputs, net.trainable_params())) == case["training"]
    after = _values(net)
    unchanged = {name for name in before if np.array_equal(before[name], after[name])}
    # A shift or scale in front of a normalisation has no gradient.
    assert not {n for n in unchanged if not n.endswith((".bias", ".beta", ".gamma"))}


@pytest.mark.parametrize("mode", ["graph"], indirect=True)
@pytest.mark.usefixtures("mode")
def test_graph_mode_trains_the_head_and_returns_to_inference(net, inputs, case):
    # The head alone: compiling the way back through the trunks of MVD takes 40 seconds.
    head = [p for p in net.trainable_params() if _matches(p.name, net.checkpoint.head)]
    before = {parameter.name: parameter.asnumpy().copy() for parameter in head}
    net.set_train()
    assert _shapes(_step(net, inputs, head)) == case["training"]
    assert not [p.name for p in head if np.array_equal(p.asnumpy(), before[p.name])]
    net.set_train(False)
    assert _shapes(net(*inputs[: len(net.input_shapes)])) == case["inference"]


@pytest.mark.parametrize(
    ("network", "path", "share"),
    [
        ("MVD", "shared_backbone.base.layer4.0.bn3", 0.003),
        ("DDAG", "resnet50.layer1.0.bn3", 0.003),
        ("DDAG", "resnet50.layer1.0.bn2", 0.1),
        ("VehicleNet", "model.layer1.0.bn3", 0.1),
        ("metric_learn", "layer1.0.bn3", 0.1),
    ],
)
def test_a_batch_has_its_share_in_the_running_mean(network, path, share, network_class):
    norm = functools.reduce(getattr, path.split("."), network_class(network)())
    norm.set_train()
    norm(mindspore.Tensor(np.ones((2, norm.num_features, 4, 4), "f4")))
    np.testing.assert_allclose(norm.moving_mean.asnumpy(), share, rtol=1e-5)


def _step(net, inputs, parameters):
    """Descend once along the gradient of the mean square of all outputs; give the outputs."""
    optimizer = nn.SGD(parameters, learning_rate=0.1)

    def loss(*inputs):
        outputs = net(*inputs)
        return _mean_square(outputs), outputs

    differentiate = mindspore.value_and_grad(loss, None, optimizer.parameters, has_aux=True)
    (_, outputs), gradients = differentiate(*inputs)
    optimizer(gradients)
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
    return {name: p.asnumpy().copy() for name, p in net.parameters_and_names()}


def _shapes(outputs):
    if isinstance(outputs, tuple):
        return [list(o.shape) if isinstance(o, mindspore.Tensor) else _shapes(o) for o in outputs]
    return [list(outputs.shape)]
