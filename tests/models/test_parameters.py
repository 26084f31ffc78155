from fnmatch import fnmatchcase

import manifests
import pytest

from mindspore_hub.networks.construct import build_uninitialised


@pytest.fixture(scope="module", params=manifests.NAMES)
def published(request, network_class):
    """A network, its arguments, and the tensors of a published file that belong to it."""
    network, arguments, _ = manifests.source(request.param)
    tensors = [tensor for tensor in manifests.read(request.param) if tensor.canonical]
    return build_uninitialised(network_class(network), arguments), arguments, tensors


def test_parameters_are_those_of_the_published_file(published):
    net, _, tensors = published
    prefixes = tuple(copy.prefix for copy in net.checkpoint.unused)
    expected = {t.canonical: t.shape for t in tensors if not t.canonical.startswith(prefixes)}
    assert {name: p.shape for name, p in net.parameters_and_names()} == expected
    assert {p.name: p.shape for p in net.get_parameters()} == expected


def test_unused_copies_are_those_of_the_published_file(published):
    net, _, tensors = published
    shapes = {name: parameter.shape for name, parameter in net.parameters_and_names()}
    copies = {
        copy.prefix + name.removeprefix(copy.source): shape
        for copy in net.checkpoint.unused
        for name, shape in shapes.items()
        if name.startswith(tuple(f"{copy.source}{part}." for part in copy.parts))
    }
    assert {t.canonical: t.shape for t in tensors if t.canonical not in shapes} == copies


def test_names_in_the_published_file_lead_to_parameters(published):
    net, _, tensors = published
    facts = net.checkpoint
    for tensor in tensors:
        prefixes = [prefix for prefix in facts.prefixes if tensor.name.startswith(prefix)]
        bare = tensor.name.removeprefix(max(prefixes, key=len, default=""))
        assert facts.renames.get(bare, bare) == tensor.canonical


def test_shapes_in_the_published_file_tell_the_arguments(published):
    net, arguments, tensors = published
    lengths = {tensor.canonical: tensor.shape for tensor in tensors}
    told = {}
    for argument in net.checkpoint.arguments:
        length = lengths[argument.tensor][argument.axis]
        told[argument.name] = argument.values[length] if argument.values else length
    assert told == {name: arguments[name] for name in told}
    assert net.checkpoint.class_argument in told


def test_head_is_what_the_class_count_shapes(network_module, network_class):
    network = network_class(network_module)
    if not hasattr(network, "checkpoint"):
        pytest.skip("nothing in its files depends on a class count")
    few, more = (
        _shapes(build_uninitialised(network, {network.checkpoint.class_argument: n}))
        for n in (6, 7)
    )
    changed = {name for name, shape in few.items() if more[name] != shape}
    patterns = network.checkpoint.head
    assert {n for n in few if any(fnmatchcase(n, pattern) for pattern in patterns)} == changed
    assert all(any(fnmatchcase(name, pattern) for name in few) for pattern in patterns)


def _shapes(net):
    return {name: parameter.shape for name, parameter in net.parameters_and_names()}
