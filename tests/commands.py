"""The command as users start it, in processes of its own."""

import functools
import json
import logging
import os
import pty
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from signal import SIGTERM

import pytest

from mindspore_hub.commands import main

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
    """Run `mshub` of this checkout, in a process that has imported it where that changes nothing.

    For commands that compute this is that of the tests: another one would import MindSpore anew.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    if (cwd / "mindspore_hub").exists() and cwd != ROOT:  # `python -m` prefers this package
        return start(*MSHUB, *arguments, cwd=cwd, **env)
    words = [*map(str, arguments)]
    connection, started = _server()
    if _read_at_start(environment) != started:
        return start(*MSHUB, *arguments, cwd=cwd, **env)
    if "--network" in words or _COMPUTING.intersection(words[:3]):
        return _here(words, cwd, environment)
    command = {"arguments": words, "folder": str(cwd.absolute()), "environment": environment}
    (output, stdout), (errors, stderr) = os.pipe(), os.pipe()
    with ThreadPoolExecutor(2) as threads:
        texts = [threads.submit(_read, stream) for stream in (output, errors)]
        socket.send_fds(connection, [json.dumps(command).encode()], [stdout, stderr])
        os.close(stdout)
        os.close(stderr)
        code = int(connection.recv(16))
    return subprocess.CompletedProcess([*MSHUB, *words], code, *(text.result() for text in texts))


_COMPUTING = {"bench", "bundle", "classify", "convert", "demo", "embed", "eval", "load", "match"}
"""Commands that need MindSpore or NumPy, whose import takes longer than all they do here."""


def _here(
    words: list[str], cwd: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `mshub` in this process, which afterwards is as it was before."""
    import mindspore

    mode, folder, handler = mindspore.get_context("mode"), Path.cwd(), signal.getsignal(SIGTERM)
    loggers = [logging.getLogger(), logging.getLogger("mindspore_hub")]
    log = [(logger, logger.level, [*logger.handlers]) for logger in loggers]
    streams = {number: os.dup(number) for number in (1, 2)}
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        files = {number: stack.enter_context(tempfile.TemporaryFile()) for number in streams}
        for name in os.environ.keys() - environment.keys():
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", [MSHUB[-1], *words])
        patch.setattr(tempfile, "tempdir", None)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(files[number].fileno(), number)
            stream = os.fdopen(number, "w", 1, encoding="utf-8", closefd=False)
            patch.setattr(sys, name, stack.enter_context(stream))
        loggers[0].handlers = []
        os.chdir(cwd)
        try:
            main.run(main.mshub, "mshub")
            code = 0
        except SystemExit as end:
            code = end.code or 0
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            for number, copy in streams.items():
                os.dup2(copy, number)
                os.close(copy)
            os.chdir(folder)
            for logger, level, handlers in log:
                logger.setLevel(level)
                logger.handlers = handlers
            signal.signal(SIGTERM, handler)
            mindspore.set_context(mode=mode)
        for file in files.values():
            file.seek(0)
        texts = [file.read().decode() for file in files.values()]
    return subprocess.CompletedProcess([*MSHUB, *words], code, *texts)


@functools.cache
def _server() -> tuple[socket.socket, dict[str, str]]:
    """A process that forks for each command, and what it read of the environment as it began."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    program = Path(__file__).with_name("command_server.py")
    with theirs:
        subprocess.Popen([sys.executable, program], cwd=ROOT, env=environment, stdin=theirs)
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
