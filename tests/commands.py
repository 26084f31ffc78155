"""The command as users start it, in processes of its own."""

import functools
import json
import os
import pty
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
MSHUB = (sys.executable, "-m", "mindspore_hub")

CARD = """\
# metric_learn

---

model-name: metric_learn

asset:

-
    file-format: ckpt
    asset-link: <{link}>
    asset-sha256: {sha256}

---
"""
"""A card outside of the hub, for a file of any bytes."""


def run(*arguments: object, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `mshub` of this checkout, in a process that has imported it where that changes nothing."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    if (cwd / "mindspore_hub").exists() and cwd != ROOT:  # `python -m` prefers this package
        return start(*MSHUB, *arguments, cwd=cwd, **env)
    words = [*map(str, arguments)]
    connection, started = _server("--network" in words or bool(_COMPUTING.intersection(words[:2])))
    if _read_at_start(environment) != started:
        return start(*MSHUB, *arguments, cwd=cwd, **env)
    command = {"arguments": words, "folder": str(cwd.absolute()), "environment": environment}
    (output, stdout), (errors, stderr) = os.pipe(), os.pipe()
    with ThreadPoolExecutor(2) as threads:
        texts = [threads.submit(_read, stream) for stream in (output, errors)]
        socket.send_fds(connection, [json.dumps(command).encode()], [stdout, stderr])
        os.close(stdout)
        os.close(stderr)
        code = int(connection.recv(16))
    return subprocess.CompletedProcess([*MSHUB, *words], code, *(text.result() for text in texts))


_COMPUTING = {"bench", "bundle", "classify", "convert", "demo", "embed", "load"}
"""Commands that need MindSpore, whose import takes longer than all they do with a small network."""


@functools.cache
def _server(computing: bool) -> tuple[socket.socket, dict[str, str]]:
    """A process that forks for each command, and what it read of the environment as it began."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    program = Path(__file__).with_name("command_server.py")
    with theirs:
        command = [sys.executable, program, *["mindspore"] * computing]
        subprocess.Popen(command, cwd=ROOT, env=environment, stdin=theirs)
    return ours, _read_at_start(environment)


def _read_at_start(environment: dict[str, str]) -> dict[str, str]:
    """What an interpreter reads of an environment once, when it starts."""
    names = ("PYTHON", "LANG", "LC_", "LD_")
    return {name: value for name, value in environment.items() if name.startswith(names)}


def _read(stream: int) -> str:
    with os.fdopen(stream, encoding="utf-8") as file:
        return file.read()


def start(*command: object, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program, which finds this package wherever it runs; nobody answers its questions."""
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def on_terminal(
    *arguments: object,
    streams: tuple[str, ...] = ("stdout", "stderr"),
    cwd: Path = ROOT,
    **env: str,
) -> subprocess.CompletedProcess[str]:
    """Run `mshub` with these streams on a terminal of 80 columns, and the other nowhere."""
    controller, terminal = pty.openpty()
    places = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
    places |= dict.fromkeys(streams, terminal)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "80"}
    command = [*MSHUB, *map(str, arguments)]
    output = b""
    with subprocess.Popen(command, cwd=cwd, env={**environment, **env}, **places) as process:
        os.close(terminal)
        with suppress(OSError):  # how Linux says that the other end is closed
            while data := os.read(controller, 65536):
                output += data
    os.close(controller)
    return subprocess.CompletedProcess(command, process.returncode, output.decode())
