"""A network as a function of arrays, on the runtime that a machine has.

`choice` decides which one, `open_derived` opens one: `mindspore` runs the network itself, `onnxruntime` and
`openvino` a derived file (`derived`), which `export` makes of it once, in a process of its own. Only that
process and `mindspore` import MindSpore.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mindspore_hub.hub.card import Card
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.runtimes.choice import Choice
    from mindspore_hub.runtimes.derived import Derived

    Array: TypeAlias = npt.NDArray[np.float32]

RUNTIMES = ("mindspore", "onnxruntime", "openvino")
"""What computes; each is a module here."""

PRECISIONS = ("f32", "bf16")
"""What is computed with; inputs and outputs are float32 either way."""


class Computation(Protocol):
    """Outputs of a network, as a function of its inputs.

    Attributes:
        batch: Samples that each call should have, so that none is compiled anew; None for any number.
    """

    batch: int | None

    def __call__(self, *inputs: Any) -> tuple[Array, ...]:
        """Rows `(N, D)` float32 for each wanted output, of N prepared samples `(N, ...)`."""

    def running(self) -> AbstractContextManager[None]:
        """What holds while it is called."""


@dataclass(frozen=True)
class Wanted:
    """Outputs of a card's network, and all that decides what they are.

    Attributes:
        card: The card.
        hub: The hub whose network it is.
        arguments: Arguments of the network that go before those of the card.
        places: Places of the outputs, from 0; none for all of them.
    """

    card: Card
    hub: Hub
    arguments: Mapping[str, object] = field(default_factory=dict)
    places: tuple[int, ...] = ()


def open_derived(derived: Derived, choice: Choice, *, threads: int | None = None) -> Computation:
    """The outputs in a derived file, as the runtime that was chosen computes them.

    Raises:
        ExportError: The runtime cannot run the file.
        MissingDependencyError: The runtime cannot be imported.
    """
    from mindspore_hub.runtimes.processor import available_threads

    threads = threads or available_threads()
    if choice.runtime == "openvino":
        from mindspore_hub.runtimes.openvino import OpenVino

        return OpenVino(derived, precision=choice.precision, threads=threads)
    from mindspore_hub.runtimes.onnxruntime import OnnxRuntime

    return OnnxRuntime(derived, threads=threads)
