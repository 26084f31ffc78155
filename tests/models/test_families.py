"""Parameters and outputs of the original networks, computed with MindSpore 2.10 on a CPU.

A folder of `data/families` holds three files. `networks.json` says of each form of a file which
network holds it, built with which arguments, and the shape of an image; where the original was
computed with larger weights of convolutions, their `gain`, and with other parameters multiplied,
their `factors` by patterns of names; and what a file has before every name, its `prefix`.
`parameters.tsv.xz` has a line for each tensor of each form in the order of the
original: form, name and shape. `golden.npz` has the output for one image by the name of the form;
where training has several, the others as `form/1` and so on. `training` says how many of several
outputs, from the last, are those of training; `parts` which elements of each are there, by end and
step. `image` and `output` name another form's, and `beside` what else there is in a file.

Names in files are compared for every form, parameters for the smallest form of networks that differ in a
number and are not `slow` to build, outputs for the smallest of each module that is not `large`, in GRAPH mode
for those that `networks.json` marks; some mistakes are made. If MSHUB_TEST_ALL is set, all of that is done for
all, in both modes.
"""

import functools
import gc
import json
import lzma
import math
import random
import re
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace

import fill
import mindspore
import numpy as np
import pytest
import sample
from checkpoints import named
from mindspore import nn, ops
from windows import CONSTANTS

from mindspore_hub.networks.assign import assign
from mindspore_hub.networks.construct import build_uninitialised
from mindspore_hub.networks.weights import (
    Signature,
    Weight,
    derive_arguments,
    facts_of,
    network_name,
)

pytestmark = pytest.mark.slow

FAMILIES = Path(__file__).parents[1] / "data" / "families"
FORMS = {
    form: SimpleNamespace(name=form, folder=path.parent, **facts)
    for path in sorted(FAMILIES.glob("*/networks.json"))
    for form, facts in json.loads(path.read_text()).items()
}
COMPILED = [name for name, form in FORMS.items() if hasattr(form, "graph") or sample.ALL]

# Of the largest magnitude; the originals differ from themselves by up to 1e-6.
TOLERANCE = 1e-4

_LARGE = 10_000_000
"""Elements from which on few values are held for other networks with a tensor of the same name."""


@functools.cache
def _sections(folder):
    """Names and shapes of the tensors of each form."""
    text = lzma.decompress((folder / "parameters.tsv.xz").read_bytes()).decode()
    sections = {}
    for line in text.splitlines():
        form, name, shape = line.split("\t")
        sizes = tuple(int(size) for size in shape.split("x"))
        sections.setdefault(form, []).append((name, sizes))
    return sections


def _parameters(form):
    return _sections(form.folder)[form.name]


def _smallest(names, kind):
    """The smallest form of each kind among these, or all of them."""
    smallest = {}
    for name in names:
        size = sum(math.prod(shape) for _, shape in _parameters(FORMS[name]))
        key = kind(FORMS[name])
        smallest[key] = min(smallest.get(key, (size, name)), (size, name))
    return list(FORMS) if sample.ALL else [name for _, name in smallest.values()]


def _unnumbered(form):
    """Module and name of a network, without what tells apart resnet50 and resnet101."""
    module, _, name = form.network.partition(".")
    return module, re.match(r"\D*", name)[0]


_BUILT = _smallest([name for name, form in FORMS.items() if not hasattr(form, "slow")], _unnumbered)
_COMPUTED = _smallest(
    [name for name in _BUILT if not hasattr(FORMS[name], "large")],
    lambda form: form.network.split(".")[0],
)


@pytest.fixture(scope="module")
def form(request):
    return FORMS[request.param]


@pytest.fixture(scope="module")
def built(form, network_class):
    """A network without values; building one costs more than the comparison of its names."""
    return build_uninitialised(network_class(form.network), form.arguments)


@pytest.fixture(scope="module")
def net(built, form, network_class):
    """A network with drawn parameters, loaded from what a file of it holds, in another order."""
    yield _load(built, form, facts_of(network_class(form.network)))
    gc.collect()  # tens of millions of numbers would wait for the next network


@pytest.fixture(autouse=True, scope="module")
def _values_are_dropped():
    yield
    _draw_small.cache_clear()
    _draw_large.cache_clear()


@pytest.mark.parametrize("form", FORMS, indirect=True, scope="module")
class TestForm:
    def test_names_in_a_file_are_those_of_the_network(self, form, network_class):
        facts = facts_of(network_class(form.network))
        names = [name for name, _ in _parameters(form)]
        assert [network_name(_prefix(form) + name, facts) for name in names] == names

    def test_shapes_in_a_file_determine_the_arguments(self, form, network_class):
        facts = facts_of(network_class(form.network))
        stored = {
            name: Weight(name, Signature(shape, "float32"), np.empty(0))
            for name, shape in _parameters(form)
        }
        derived = {name: item.value for name, item in derive_arguments(stored, facts).items()}
        assert not facts.class_argument or facts.class_argument in derived
        assert derived == {name: form.arguments[name] for name in derived}


@pytest.mark.parametrize("form", _BUILT, indirect=True, scope="module")
def test_parameters_are_those_of_the_original_in_its_order(built, form):
    expected = _parameters(form)
    assert [(name, p.shape) for name, p in built.parameters_and_names()] == expected
    assert [(p.name, p.shape) for p in built.get_parameters()] == expected


@pytest.mark.parametrize("form", _COMPUTED, indirect=True, scope="module")
@pytest.mark.parametrize("mode", ["pynative"], indirect=True)
@pytest.mark.usefixtures("mode")
def test_output_equals_that_of_the_original(net, form):
    assert _error(net, form) <= TOLERANCE


@pytest.mark.parametrize("form", COMPILED, indirect=True, scope="module")
@pytest.mark.parametrize("mode", ["graph"], indirect=True)
@pytest.mark.usefixtures("mode")
def test_output_in_graph_mode_equals_that_of_the_original(net, form):
    assert _error(net, form) <= TOLERANCE


_LEAKY = nn.LeakyReLU


def _padded_as(wrong):
    """Convolutions and max-pools that pad as `wrong` says, whatever they are asked for."""

    def padded(cell):
        def make(*args, **kwargs):
            if kwargs.get("pad_mode", wrong) != wrong:
                kwargs = {**kwargs, "pad_mode": wrong, "padding": 0}
                kwargs |= {"padding": args[2] // 2} if wrong == "pad" else {}
            return cell(*args, **kwargs)

        return make

    return {"Conv2d": padded(nn.Conv2d)}


def _norms_of(eps):
    """Batch normalisation that adds `eps` to the variance, whatever it is asked for."""
    norm = nn.BatchNorm2d
    return {"BatchNorm2d": lambda channels, **_: norm(channels, eps=eps)}


MISTAKES = {
    "even padding": _padded_as("pad"),
    "uneven padding": _padded_as("same"),
    "eps of 1e-5": _norms_of(1e-5),
    "eps of 1e-3": _norms_of(1e-3),
    "average pools": {"MaxPool2d": nn.AvgPool2d},
    "leaky units": {"ReLU": functools.partial(nn.LeakyReLU, 0.1)},
    "bounded units": {"ReLU": nn.ReLU6},
    "sigmoid": {"HSigmoid": nn.Sigmoid},
    "slope of 0.1": {"LeakyReLU": lambda _: _LEAKY(0.1)},
    "pools of the largest": {"AvgPool2d": nn.MaxPool2d},
}


MADE = [
    ("resnet18_10", "uneven padding"),
    ("lenet_10", "average pools"),
    ("lenet_10", "leaky units"),
    ("densenet100_c10", "pools of the largest"),
    ("mobilenetv1_cifar10", "even padding"),
    ("mobilenetv3_small_imagenet1000", "sigmoid"),
    ("tinydarknet_imagenet1000", "eps of 1e-5"),
    ("tinydarknet_imagenet1000", "slope of 0.1"),
]
if sample.ALL:
    MADE += [
        ("resnet18_10", "eps of 1e-5"),
        ("resnet50_10", "even padding"),
        ("googlenet_10", "even padding"),
        ("googlenet_10", "eps of 1e-5"),
        ("googlenet_10", "bounded units"),
        ("mindcv_seresnet18", "uneven padding"),
        ("resnetv2_50_10", "uneven padding"),
        ("resnetv2_50_10", "eps of 1e-3"),
        ("osnet_market1501", "uneven padding"),
        ("facerecognition_for_tracking", "uneven padding"),
        ("deepsort_market1501", "eps of 1e-3"),
        ("repvgg_a0_models", "bounded units"),
    ]


@pytest.mark.parametrize(("form", "mistake"), MADE, indirect=["form"])
def test_a_mistake_in_a_network_is_noticed(form, mistake, network_class, monkeypatch):
    cell = network_class(form.network)
    for name, wrong in MISTAKES[mistake].items():
        monkeypatch.setattr(nn, name, wrong)
    net = build_uninitialised(cell, form.arguments)
    assert _error(_load(net, form, facts_of(cell)), form) > TOLERANCE


@pytest.mark.parametrize(
    ("network", "idle"),
    [
        ("lenet.lenet5", []),
        ("googlenet.googlenet", []),
        ("resnext.se_resnext50_32x4d", []),
        ("resnetv2.resnetv2_50", ["conv1.weight"]),
        ("tinydarknet.tinydarknet", []),
    ],
)
def test_a_training_step_reaches_every_weight_but_the_idle(network, idle, network_class):
    net = network_class(network)(num_classes=5).set_train()
    ((channels, *_),) = net.input_shapes
    images = mindspore.Tensor(fill.tensor("training", (2, channels, 32, 32)))
    parameters = net.trainable_params()
    differentiate = mindspore.value_and_grad(
        lambda images: ops.square(net(images)).mean(), None, parameters
    )
    _, gradients = differentiate(images)
    assert [
        parameter.name
        for parameter, gradient in zip(parameters, gradients, strict=True)
        if not gradient.asnumpy().any()
    ] == idle


def test_googlenet_trains_with_auxiliary_classifiers(network_class):
    cell = network_class("googlenet.mindcv_googlenet")
    net = cell(num_classes=5, aux_logits=True)
    shapes = {name: parameter.shape for name, parameter in net.parameters_and_names()}
    assert shapes["aux1.conv.conv.weight"] == (128, 512, 1, 1)
    assert shapes["aux2.conv.conv.weight"] == (128, 528, 1, 1)
    assert shapes["aux2.fc1.weight"] == (1024, 2048)
    stored = [Weight(name, Signature(shape, "float32"), None) for name, shape in shapes.items()]
    derived = derive_arguments({weight.file_name: weight for weight in stored}, cell.checkpoint)
    assert {name: item.value for name, item in derived.items()} == {
        "num_classes": 5,
        "aux_logits": True,
    }
    images = mindspore.Tensor(fill.tensor("training", (2, 3, 224, 224)))
    assert net.set_train(False)(images).shape == (2, 5)
    assert [output.shape for output in net.set_train()(images)] == [(2, 5)] * 3


def test_every_form_has_its_parameters_and_its_output():
    for folder in {form.folder for form in FORMS.values()}:
        names = {form.name for form in FORMS.values() if form.folder == folder}
        assert set(_sections(folder)) == names
        outputs = np.load(folder / "golden.npz").files
        expected = {_output(form) for form in FORMS.values() if form.folder == folder}
        assert {output.split("/")[0] for output in outputs} == expected


HEADS = [
    "alexnet.alexnet",
    "googlenet.googlenet",
    "googlenet.mindcv_googlenet",
    "inception_v3.inception_v3",
    "lenet.lenet5",
    "mobilenetv3.mobilenetv3_small",
    "resnet.mindcv_resnet50",
    "resnet.resnet18",
    "resnet.resnet50",
    "resnetv2.mindcv_bit_resnet50",
    "resnetv2.resnetv2_50",
    "resnext.resnext50",
    "resnext.se_resnext50_32x4d",
    "se_resnet.mindcv_seresnet18",
    "se_resnet.se_resnet50",
    "se_resnet.senet_resnet50",
    "squeezenet.squeezenet",
    "squeezenet.squeezenet_residual",
    "tinydarknet.tinydarknet",
    "vgg.mindcv_vgg13",
    "vgg.vgg16",
    "vit.vit_base",
]


def _classifies(form):
    return "num_classes" in form.arguments and form.folder.name != "embedding"


@pytest.mark.parametrize(
    "network",
    sorted({form.network for form in FORMS.values() if _classifies(form)}) if sample.ALL else HEADS,
)
def test_without_classes_a_network_lacks_its_head_alone(network, network_class):
    cell = network_class(network)
    facts = facts_of(cell)
    whole, rest = (
        [(name, item.shape) for name, item in built.parameters_and_names()]
        for built in (build_uninitialised(cell, {facts.class_argument: n}) for n in (6, 0))
    )
    trunk = [
        item for item in whole if not any(fnmatchcase(item[0], pattern) for pattern in facts.head)
    ]
    assert trunk != whole
    assert rest == trunk


def _load(net, form, facts):
    stored = [
        Weight(_prefix(form) + name, Signature(shape, "float32"), _value(form, name, shape))
        for name, shape in _parameters(form)
    ]
    left = [Weight(f"moments.{w.file_name}", w.signature, w.array) for w in stored]
    counters = ("momentum", "learning_rate", "global_step", "step", "scale_sense")
    left += [Weight(name, Signature((), "float32"), np.float32(0)) for name in counters]
    for name, shape in getattr(form, "beside", {}).items():
        signature = Signature(tuple(shape), "float32")
        left += [Weight(n, signature, np.empty(0)) for n in (name, f"accum.{name}")]
    mixed = [*stored, *left]
    random.Random(form.name).shuffle(mixed)
    assign(net, named(mixed, facts), facts)
    return net.set_train(False)


def _prefix(form):
    return getattr(form, "prefix", "")


def _value(form, name, shape):
    """A parameter: a constant, or drawn, and larger where small ones would hide what they are given."""
    leaf = name.split(".")[-1]
    if leaf in CONSTANTS:
        return CONSTANTS[leaf](shape)
    value = _draw(name, shape)
    factors = getattr(form, "factors", {})
    factor = next((factors[pattern] for pattern in factors if fnmatchcase(name, pattern)), None)
    if hasattr(form, "gain") and len(shape) == 4 and name.endswith(".weight"):
        factor = form.gain
    return value if factor is None else value * np.float32(factor)


def _output(form):
    return getattr(form, "output", form.name)


def _error(net, form):
    """Largest difference to an output of the original, in shares of its largest magnitude."""
    golden = np.load(form.folder / "golden.npz")
    expected = [golden[name] for name in golden.files if name.split("/")[0] == _output(form)]
    training = getattr(form, "training", len(expected) if len(expected) > 1 else 0)
    image = fill.image(f"{getattr(form, 'image', form.name)}/b1", (1, 1, 1, *form.input)[-4:])
    image = mindspore.Tensor(image.reshape(1, *form.input))
    outputs = []
    if training < len(expected):
        outputs += _outputs(net, image)
    if training:
        net.set_train()  # but not the normalisation and the dropout in it
        for cell in net.cells():
            cell.set_train(False)
        outputs += _outputs(net, image)
        net.set_train(False)
    for place, (end, step) in enumerate(getattr(form, "parts", ())):
        outputs[place] = outputs[place][:, :end:step]
    assert [output.shape for output in outputs] == [output.shape for output in expected]
    pairs = zip(outputs, expected, strict=True)
    return max(float(np.abs(found - right).max() / np.abs(right).max()) for found, right in pairs)


def _outputs(net, image):
    outputs = net(image)
    return [output.asnumpy() for output in (outputs if isinstance(outputs, tuple) else [outputs])]


def _draw(name, shape):
    return (_draw_large if np.prod(shape) >= _LARGE else _draw_small)(name, shape)


@functools.lru_cache(maxsize=800)  # tensors of a network with those of the one before
def _draw_small(name, shape):
    return fill.parameter(name, shape)


@functools.lru_cache(maxsize=2)
def _draw_large(name, shape):
    return fill.parameter(name, shape)


def test_the_last_layer_may_be_called_as_in_another_release(network_class):
    facts = facts_of(network_class("mobilenetv2.mobilenetv2"))
    names = [network_name(f"{layer}.bias", facts) for layer in ("head.1", "dense", "head.2")]
    assert names == ["dense.bias", "dense.bias", "head.2.bias"]


def test_weights_of_all_groups_in_one_tensor_are_those_of_each(network_class):
    facts = facts_of(network_class("resnext.resnext50"))
    whole = fill.parameter("whole", (128, 4, 3, 3))
    name = "backbone.layer1.0.conv2.weight"
    found = named([Weight(name, Signature(whole.shape, "float32"), whole)], facts)
    assert list(found) == [f"backbone.layer1.0.conv2.convs.{group}.weight" for group in range(32)]
    assert all(weight.signature == Signature((4, 4, 3, 3), "float32") for weight in found.values())
    assert np.array_equal(np.concatenate([weight.array for weight in found.values()]), whole)


@pytest.mark.parametrize("mode", ["pynative", "graph"], indirect=True)
@pytest.mark.usefixtures("mode")
def test_groups_of_channels_are_convolved_each_by_its_weights(network_class):
    block = network_class("resnext.resnext50")(num_classes=5).backbone.layer2[0].conv2
    x = mindspore.Tensor(fill.tensor("groups", (2, 256, 9, 9)))
    expected = [
        ops.conv2d(part, group.weight, stride=2, pad_mode="pad", padding=1).asnumpy()
        for part, group in zip(ops.chunk(x, 32, 1), block.convs, strict=True)
    ]
    np.testing.assert_allclose(block(x).asnumpy(), np.concatenate(expected, 1), atol=1e-5)


@pytest.mark.parametrize("network", ["resnet.resnet50", "resnet.resnet50_thor"])
def test_what_thor_leaves_in_a_file_is_accepted_for_its_network_alone(network, network_class):
    facts = facts_of(network_class(network))
    left = ["cov_step", "matrix_a_inv_0", "layer1.0.conv1.matrix_g_cov", "end_point.matrix_a"]
    stored = [Weight(name, Signature((), "float32"), np.float32(0)) for name in left]
    assert list(named(stored, facts)) == ([] if network.endswith("thor") else left)


LEFT = [
    ("arcface.ArcFace", "mp_weight"),
    ("facerecognition.FaceRecognition", "network.margin_fc.weight"),
    ("facerecognition.FaceRecognition", "network.backbone.head.bn2.gamma"),
    ("facerecognitionfortracking.FaceRecognitionForTracking", "head.weight"),
]


@pytest.mark.parametrize(("network", "left"), LEFT)
def test_what_training_held_beside_a_network_is_left_out_by_its_whole_name(
    network, left, network_class
):
    facts = facts_of(network_class(network))
    names = [left, f"accum.{left}", f"{left}s", f"other.{left}"]
    stored = [Weight(name, Signature((2,), "float32"), np.zeros(2, "f4")) for name in names]
    assert len(named(stored, facts)) == 2
    assert list(named(stored[:2], facts)) == []


def test_the_last_normalisation_of_faces_is_needed_where_it_is_computed_with(network_class):
    facts = facts_of(network_class("facerecognition.FaceRecognition"))
    name = "network.backbone.head.bn2.gamma"
    weights = named([Weight(name, Signature((2,), "float32"), np.zeros(2, "f4"))], facts)
    weights.claim(["head.bn2.gamma"])
    assert list(weights) == ["head.bn2.gamma"]
