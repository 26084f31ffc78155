"""Load cards of the hub on the search path, by each kind of name in turn; report what differs.

    load_all.py UID...

A program of its own, so that the hub can be a copy whose cards name files of a test server.
"""

import json
import sys
from pathlib import Path

import checkpoints
import numpy as np

import mindspore_hub
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.weights import facts_of


def names(card):
    """The bare name where it means this card, variant, card name, uid and path."""
    bare = {"bare": card.model_name.swapcase()} if card.is_default else {}
    return {
        **bare,
        "variant": f"{card.model_name}@{card.variant}",
        "name": card.name,
        "uid": card.uid,
        "path": str(card.path),
    }


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
    package = str(Path(mindspore_hub.__file__).parent)
    report = {"package": package, "resolved": {}, "loaded": {}, "different": []}
    compared = set()
    for card in Hub.of().cards:
        if card.uid not in sys.argv[1:]:
            continue
        known = names(card)
        report["resolved"][card.name] = sorted(
            {Hub.of().resolve(name).uid for name in known.values()}
        )
        kind = min(known, key=[*report["loaded"].values()].count)
        network = mindspore_hub.load(known[kind])
        report["loaded"][card.name] = kind
        structure = (checkpoints.file_of(card), str(card.asset.network_args))
        if structure in compared:
            continue
        compared.add(structure)
        held = {name for name, _ in network.parameters_and_names()}
        expected = {
            tensor.canonical: checkpoints.value(tensor)
            for tensor in checkpoints.tensors_of(card)
            if tensor.canonical and (tensor.canonical in held or not is_unused(tensor, network))
        }
        report["different"] += differences(network, expected)
    print(json.dumps(report))


def is_unused(tensor, network):
    """Whether the original network saves a tensor that it never computes with."""
    return any(tensor.canonical.startswith(part.prefix) for part in facts_of(network).unused)


if __name__ == "__main__":
    main()
