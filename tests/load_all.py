"""Load every card of the hub on the search path by every kind of name; report what differs.

A program of its own, so that the hub can be a copy whose cards name files of a test server.
"""

import json
from pathlib import Path

import checkpoints
import numpy as np

import mindspore_hub
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.weights import facts_of


def names(card):
    """The bare name where it means this card, variant, card name, uid and path."""
    bare = [card.model_name.swapcase()] if card.is_default else []
    return [*bare, f"{card.model_name}@{card.variant}", card.name, card.uid, str(card.path)]


def differences(network, expected):
    """Names of parameters whose values are not those of the file, and names that are not shared."""
    parameters = dict(network.parameters_and_names())
    different = set(parameters) ^ set(expected)
    for name in set(parameters) & set(expected):
        if not np.array_equal(parameters[name].asnumpy(), expected[name]):
            different.add(name)
    return sorted(different)


def main():
    """Print a report as JSON."""
    report = {"package": str(Path(mindspore_hub.__file__).parent), "loaded": {}, "different": []}
    for card in Hub.of().cards:
        network = mindspore_hub.load(card.uid, pretrained=False)
        held = {name for name, _ in network.parameters_and_names()}
        expected = {
            tensor.canonical: checkpoints.value(tensor)
            for tensor in checkpoints.tensors_of(card)
            if tensor.canonical and (tensor.canonical in held or not is_unused(tensor, network))
        }
        for name in names(card):
            report["different"] += differences(mindspore_hub.load(name), expected)
        report["loaded"][card.name] = names(card)
    print(json.dumps(report))


def is_unused(tensor, network):
    """Whether the original network saves a tensor that it never computes with."""
    return any(tensor.canonical.startswith(part.prefix) for part in facts_of(network).unused)


if __name__ == "__main__":
    main()
