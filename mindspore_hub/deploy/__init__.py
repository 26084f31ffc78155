"""Upstream's module `deploy`: a network as a server, and how fast it is here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import HubError, RequestError

if TYPE_CHECKING:
    from mindspore_hub.tasks.pictures import AnyHub


def serving(
    name: str,
    port: int = 8080,
    *,
    gallery: str | os.PathLike[str] | None = None,
    calibration: str | os.PathLike[str] | None = None,
    hub: AnyHub = None,
    trust: bool = False,
) -> None:
    """Serve a network on this machine until Ctrl-C, as `mshub serve` does.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        port: Port at 127.0.0.1.
        gallery: Features of this network that are searched: an npz file or a LanceDB folder.
        calibration: A file of `mshub calibrate`.
        hub: Hub root whose card the name means, as in `load`.
        trust: Run the networks of a hub that is not this package's own, as in `load`.

    Raises:
        SettingsError: The port cannot be listened to.
        MissingDependencyError: The extra `serve` is not installed.
        HubError: As in `load` and `embed`.
    """
    from mindspore_hub.serving.start import open_service, require_server

    require_server()
    from mindspore_hub.serving.server import listen, read_token, run

    with listen("127.0.0.1", port) as listener:
        service = open_service(name, gallery=gallery, calibration=calibration, hub=hub, trust=trust)
        run(service, listener, token=read_token(None))


def run_benchmark(
    name: str, remote_addr: str | None = None, script: str | None = None
) -> dict[str, Any]:
    """Measure how fast a network loads and computes here, as `mshub bench` does.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        remote_addr: Refused: nothing is sent to another machine.
        script: Refused: no code but this package's is run.

    Returns:
        What `mshub bench NAME --format json` prints.

    Raises:
        RequestError: A remote address or a script was given.
        HubError: The benchmark failed; what it said is in the message.
    """
    for argument, value in (("remote_addr", remote_addr), ("script", script)):
        if value is not None:
            msg = (
                f"run_benchmark measures on this machine and runs no code of others, but {argument} is "
                f"{value!r}; leave it out, and run `mshub bench {name}` where you want to measure."
            )
            raise RequestError(msg)
    command = [sys.executable, "-m", "mindspore_hub", "bench", name, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the command is ours
    if done.returncode:
        msg = f"`mshub bench {name}` failed: {done.stderr.strip().removeprefix('mshub: error: ')}"
        raise HubError(msg)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
