"""From features to published numbers: protocols, ranking, metrics, data sets.

Needs NumPy and nothing else; networks make features, and nothing here knows networks. A protocol is
found by its name in `protocols`, the reader of a data set in `datasets`. `docs/reid.md` describes
the files that go in and come out.
"""

from mindspore_hub.errors import MissingDependencyError

try:
    import numpy as np  # noqa: F401
except ImportError as error:
    _MESSAGE = "Evaluation needs NumPy; install it with: pip install 'mindspore-hub[reid]'"
    raise MissingDependencyError(_MESSAGE) from error
