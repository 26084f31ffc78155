"""The ways of loading that `benchmarks.load` compares, each run as a process.

Little is imported here, and everything else where it is used: starting is measured, too.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def prepare(name: str, folder: Path) -> dict[str, Any]:
    """Write a checkpoint as published, and a card for it."""
    from mindspore_hub.commands.demo import write_stand_in
    from mindspore_hub.hub.hub import Hub

    card = write_stand_in(Hub.of().resolve(name), folder)
    (file,) = (folder / "mirror").iterdir()
    return {"size": file.stat().st_size, "card": str(card.path)}


def read_and_hash(_card: str, folder: Path) -> dict[str, Any]:
    """What verifying takes at the least for who loads from memory."""
    import hashlib

    (file,) = (folder / "mirror").iterdir()
    return timed(lambda: hashlib.sha256(file.read_bytes()).hexdigest())


def hash_and_load_as_usual(card: str, folder: Path) -> dict[str, Any]:
    """As `load_as_usual`, of a file that is hashed first."""
    import hashlib

    return load_as_usual(card, folder, lambda file: hashlib.sha256(file.read_bytes()).hexdigest())


def load_as_usual(
    card: str, folder: Path, before: Callable[[Path], object] = lambda _: None
) -> dict[str, Any]:
    """Build with initial values, then MindSpore's functions."""
    import mindspore

    from mindspore_hub.networks.weights import facts_of, network_name

    (file,) = (folder / "mirror").iterdir()
    cell, arguments = network_of(card)
    # MindSpore refuses a file that is larger than the free pages, of which a full page cache leaves
    # few; what has been in use and is given back is free.
    len(b"x" * (4 * file.stat().st_size))
    file.read_bytes()

    def load() -> Any:
        before(file)
        network = cell(**arguments)
        held = mindspore.load_checkpoint(str(file))
        named = {network_name(name, facts_of(cell)): value for name, value in held.items()}
        mindspore.load_param_into_net(network, named, strict_load=True)
        return network

    return measured(load)


def build(card: str, _folder: Path) -> dict[str, Any]:
    """A network whose parameters have no values, as MindSpore builds it."""
    from mindspore.nn.utils import no_init_parameters

    cell, arguments = network_of(card)
    with no_init_parameters():
        return timed(lambda: cell(**arguments))


def load(card: str, _folder: Path) -> dict[str, Any]:
    """This package, in a process that has MindSpore already."""
    network_of(card)
    import mindspore_hub

    return measured(lambda: mindspore_hub.load(card))


def start(card: str, _folder: Path) -> dict[str, Any]:
    """This package, from the start of the process on."""
    import mindspore_hub

    network = mindspore_hub.load(card)
    return {"ready": time.monotonic(), "digest": digest(network)}


def import_mindspore(_card: str, _folder: Path) -> dict[str, Any]:
    """MindSpore alone, from the start of the process on."""
    import mindspore  # noqa: F401 - what it takes is measured

    return {"ready": time.monotonic()}


def network_of(card: str) -> tuple[Any, dict[str, Any]]:
    """Class and arguments of a network; MindSpore is ready then."""
    import mindspore

    from mindspore_hub.hub.card import read_card
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.networks.classes import network_class
    from mindspore_hub.networks.framework import require_mindspore

    read = read_card(Path(card), "card")
    require_mindspore()
    cell = network_class(read, Hub.of())
    mindspore.Tensor(0).asnumpy()
    return cell, dict(read.asset.network_args) if read.asset else {}


def timed(work: Callable[[], Any]) -> dict[str, Any]:
    """Seconds of some work."""
    begin = time.perf_counter()
    work()
    return {"seconds": time.perf_counter() - begin}


def measured(load: Callable[[], Any]) -> dict[str, Any]:
    """Seconds of loading, what memory it took in bytes, and a digest of the weights.

    `own` is memory that no file backs and that stays; `peak` is what was resident at most, pages of
    the mapped file included.
    """
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    own, resident = memory("smaps_rollup", "Anonymous"), memory("status", "VmRSS")
    begin = time.perf_counter()
    network = load()
    seconds = time.perf_counter() - begin
    return {
        "seconds": seconds,
        "own": memory("smaps_rollup", "Anonymous") - own,
        "peak": memory("status", "VmHWM") - resident,
        "digest": digest(network),
    }


def memory(file: str, key: str) -> int:
    """A figure that the system keeps of this process, in bytes."""
    lines = Path("/proc/self", file).read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def digest(network: Any) -> str:
    """Digest of the names and values of all parameters."""
    import hashlib

    state = hashlib.sha256()
    for name, parameter in sorted(network.parameters_and_names()):
        state.update(name.encode())
        state.update(parameter.asnumpy())
    return state.hexdigest()


WAYS: dict[str, Callable[[str, Path], dict[str, Any]]] = {
    "prepare": prepare,
    "read and sha256": read_and_hash,
    "the usual way": load_as_usual,
    "the usual way, hashed": hash_and_load_as_usual,
    "network without values": build,
    "load, hashed": load,
    "load, hashed before": load,
    "import": import_mindspore,
    "start, hashed": start,
    "start, hashed before": start,
}
"""What a process can be started for."""

if __name__ == "__main__":
    print(json.dumps(WAYS[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))))
