"""Use bundles as the upstream client would, where the package is not importable.

Arguments: `pynative` or `graph`, then pairs of a bundle folder and a model name. A program of its
own, because nothing else may have imported the package.
"""

import json
import sys
from pathlib import Path

import mindspore
import numpy as np
from upstream import create_network


class Unimportable:
    """Stands for a machine without the package."""

    def find_spec(self, name, _path=None, _target=None):
        """Refuse the package, leave all else to the other finders."""
        if name.split(".")[0] == "mindspore_hub":
            message = f"{name} is not installed here"
            raise ModuleNotFoundError(message, name=name)


def main(mode, *bundles):
    """Print the shapes of every network's outputs as JSON."""
    sys.meta_path.insert(0, Unimportable())
    modes = {"pynative": mindspore.PYNATIVE_MODE, "graph": mindspore.GRAPH_MODE}
    mindspore.set_context(mode=modes[mode])
    shapes = {}
    for folder, name in zip(bundles[::2], bundles[1::2], strict=True):
        network = create_network(Path(folder), name)
        inputs = [np.ones((1, *shape), np.float32) for shape in network.input_shapes]
        outputs = network(*map(mindspore.Tensor, inputs))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        shapes[name] = [list(output.shape[1:]) for output in outputs]
    print(json.dumps(shapes))


if __name__ == "__main__":
    main(*sys.argv[1:])
