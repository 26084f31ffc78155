"""What `num_classes=0` leaves out of a network: its head, and nothing else."""

import json
import os
from fnmatch import fnmatchcase
from pathlib import Path

import checkpoints
import pytest

from mindspore_hub.networks.classes import import_network
from mindspore_hub.networks.construct import build_uninitialised
from mindspore_hub.networks.weights import facts_of

pytestmark = pytest.mark.slow

FAMILIES = Path(__file__).parents[1] / "data" / "families"


def networks() -> dict[str, dict[str, object]]:
    """Every network that takes a count of classes, with arguments; one of a folder by default."""
    found: dict[str, dict[str, object]] = {}
    for path in sorted(FAMILIES.glob("*/networks.json")):
        of_folder = {
            form["network"]: form["arguments"]
            for form in json.loads(path.read_text()).values()
            if "num_classes" in form["arguments"]
        }
        names = sorted(of_folder) if os.environ.get("MSHUB_TEST_ALL") else sorted(of_folder)[:1]
        found.update({name: of_folder[name] for name in names})
    return found


@pytest.mark.parametrize(("name", "arguments"), networks().items())
def test_a_network_without_classes_lacks_its_head_alone(
    name: str, arguments: dict[str, object]
) -> None:
    network = import_network(checkpoints.ROOT, *name.split("."))
    facts = facts_of(network)
    whole, rest = (
        {key: tuple(item.shape) for key, item in built.parameters_and_names()}
        for built in (
            build_uninitialised(network, arguments),
            build_uninitialised(network, {**arguments, facts.class_argument: 0}),
        )
    )
    head = {key for key in whole if any(fnmatchcase(key, pattern) for pattern in facts.head)}
    assert head
    assert rest == {key: shape for key, shape in whole.items() if key not in head}
