import re

import mindspore
import numpy as np
import pytest

from mindspore_hub.networks.construct import build_uninitialised

pytestmark = pytest.mark.slow

REFUSED = [
    ("MVD", {"num_class": 0}, "num_class must be an integer of at least 1, got 0"),
    ("MVD", {"num_class": "395"}, "num_class must be an integer of at least 1, got '395'"),
    ("MVD", {"drop": 1}, "drop must be a number of at least 0 and below 1, got 1"),
    ("MVD", {"z_dim": 512.0}, "z_dim must be an integer of at least 2, got 512.0"),
    ("DDAG", {"class_num": True}, "class_num must be an integer of at least 1, got True"),
    ("DDAG", {"low_dim": -1}, "low_dim must be an integer of at least 1, got -1"),
    ("DDAG", {"drop": "0.2"}, "drop must be a number of at least 0 and below 1, got '0.2'"),
    ("DDAG", {"alpha": -0.2}, "alpha must be a number of at least 0 and below 1, got -0.2"),
    ("DDAG", {"part": 6}, "part must be 0 or 3, got 6"),
    ("DDAG", {"nheads": -1}, "nheads must be an integer of at least 0, got -1"),
    ("VehicleNet", {"class_num": None}, "class_num must be an integer of at least 1, got None"),
    ("VehicleNet", {"droprate": 2}, "droprate must be a number of at least 0 and below 1, got 2"),
    ("VehicleNet", {"stride": 3}, "stride must be 1 or 2, got 3"),
    ("metric_learn", {"class_num": -5}, "class_num must be an integer of at least 1, got -5"),
    ("MultiTaskNet", {"num_vids": 0}, "num_vids must be an integer of at least 1, got 0"),
    ("MultiTaskNet", {"num_vcolors": 0}, "num_vcolors must be an integer of at least 1, got 0"),
    ("MultiTaskNet", {"num_vtypes": 0}, "num_vtypes must be an integer of at least 1, got 0"),
    ("MultiTaskNet", {"heatmapaware": "no"}, "heatmapaware must be False or True, got 'no'"),
    ("MultiTaskNet", {"segmentaware": 2}, "segmentaware must be False or True, got 2"),
    ("MultiTaskNet", {"keyptaware": None}, "keyptaware must be False or True, got None"),
    ("alexnet", {"dropout": 1.5}, "dropout must be a number of at least 0 and below 1, got 1.5"),
    ("lenet.lenet5", {"in_channels": 0}, "in_channels must be an integer of at least 1, got 0"),
    ("lenet.lenet5", {"num_classes": -1}, "num_classes must be an integer of at least 0, got -1"),
    ("vgg.vgg16", {"batch_norm": "yes"}, "batch_norm must be False or True, got 'yes'"),
    ("MultiTaskNet", {"multitask": "yes"}, "multitask must be False or True, got 'yes'"),
]


@pytest.mark.parametrize(("network", "arguments", "message"), REFUSED)
def test_a_value_outside_its_range_is_refused(network, arguments, message, network_class):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared below, whole
        network_class(network)(**arguments)
    assert str(caught.value) == message


INTEGERS = [
    ("MVD", {"num_class": 5, "drop": 0, "z_dim": 4}),
    ("DDAG", {"low_dim": 5, "class_num": 5, "drop": 0, "alpha": 0, "part": 3, "nheads": 0}),
    ("DDAG", {"class_num": 5, "part": 0}),
    ("VehicleNet", {"class_num": 5, "droprate": 0, "stride": 2}),
    ("metric_learn", {"class_num": 5}),
    ("MultiTaskNet", {"num_vids": 5, "num_vcolors": 4, "num_vtypes": 3}),
    ("MultiTaskNet", {"num_vids": 5, "keyptaware": 0, "heatmapaware": 1, "multitask": 0}),
]


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
@pytest.mark.parametrize(("network", "arguments"), INTEGERS)
def test_integers_of_numpy_are_integers(kind, network, arguments, network_class):
    given = {name: kind(value) for name, value in arguments.items()}
    made, expected = (
        build_uninitialised(network_class(network), values) for values in (given, arguments)
    )
    assert _shapes(made) == _shapes(expected)
    assert made.input_shapes == expected.input_shapes


def _shapes(network):
    return {name: value.shape for name, value in network.parameters_and_names()}


@pytest.fixture(scope="module")
def ddag(network_class):
    return network_class("DDAG")(class_num=5)


@pytest.fixture(scope="module")
def multitasknet(network_class):
    return network_class("MultiTaskNet")(num_vids=5)


@pytest.mark.parametrize("mode", ["pynative", "graph"], indirect=True)
@pytest.mark.usefixtures("mode")
def test_part_attention_refuses_images_of_another_size(ddag):
    with pytest.raises(ValueError, match=r"needs \(N, 3, 288, 144\) images.*got \(8, 4\)"):
        ddag(_zeros(1, 3, 256, 128))


@pytest.mark.parametrize("mode", ["pynative", "graph"], indirect=True)
@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("shape", [None, (1, 36, 3), (1, 107)])
def test_missing_keypoints_and_those_of_another_shape_are_refused(multitasknet, shape):
    keypoints = _zeros(*shape) if shape else None
    expected = re.escape(f"keyptaware=True needs keypoints of shape (N, 108), got {shape or ()}")
    with pytest.raises(ValueError, match=expected):
        multitasknet(_zeros(1, 39, 256, 256), keypoints)


def _zeros(*shape):
    return mindspore.Tensor(np.zeros(shape, "f4"))
