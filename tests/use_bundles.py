"""Use bundles as the upstream client would, where the package is not importable.

Arguments: `pynative` or `graph`, then paths of cards in bundles. A program of its own, because
nothing else may have imported the package.
"""

import json
import sys
from pathlib import Path

import mindspore
import numpy as np
import upstream


class Unimportable:
    """Stands for a machine without the package."""

    def find_spec(self, name, _path=None, _target=None):
        """Refuse the package, leave all else to the other finders."""
        if name.split(".")[0] == "mindspore_hub":
            message = f"{name} is not installed here"
            raise ModuleNotFoundError(message, name=name)


def report(card):
    """Load a card and compute with its network; what came out."""
    golden = card.with_name("golden.npz")
    loaded = upstream.load(card, pretrained=golden.is_file())
    random = np.random.RandomState(0)
    shapes = loaded.network.input_shapes
    inputs = [random.standard_normal((1, *shape)).astype(np.float32) for shape in shapes]
    outputs = loaded.network(*map(mindspore.Tensor, inputs))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    outputs = [output.asnumpy() for output in outputs]
    package = type(loaded.network).__module__.rpartition(".")[0]
    facts = {
        "network": type(loaded.network).__name__,
        "modules": [name.split(".")[-1] for name in sys.modules if name.startswith(f"{package}.")],
        "shapes": [list(output.shape[1:]) for output in outputs],
        "parameters": {name: item.shape for name, item in loaded.network.parameters_and_names()},
        "missing": loaded.missing,
        "left over": loaded.left_over,
    }
    if golden.is_file():
        recorded = list(np.load(golden).values())
        facts["deviation"] = max(
            float(np.abs(found - expected).max() / np.abs(expected).max())
            for found, expected in zip(outputs, recorded, strict=True)
        )
    return facts


def main(mode, *cards):
    """Print what came of every card as JSON."""
    sys.meta_path.insert(0, Unimportable())
    modes = {"pynative": mindspore.PYNATIVE_MODE, "graph": mindspore.GRAPH_MODE}
    mindspore.set_context(mode=modes[mode])
    print(json.dumps({Path(card).stem: report(Path(card)) for card in cards}))


if __name__ == "__main__":
    main(*sys.argv[1:])
