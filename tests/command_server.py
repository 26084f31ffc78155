"""Run `mshub` again and again, each time in a process of its own that need not import it anew.

A program that `commands.run` starts once, and once more with modules to import before the others. Each message on its stdin, a socket, is a command as JSON,
with the descriptors of its stdout and stderr; the answer is its exit code.
"""

import importlib
import json
import os
import pkgutil
import socket
import sys
import tempfile
from pathlib import Path

import rich.table  # noqa: F401 - for most commands

import mindspore_hub.checking.review
import mindspore_hub.commands
from mindspore_hub.commands.main import main

if __name__ == "__main__":
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for module in pkgutil.iter_modules(mindspore_hub.commands.__path__):
        importlib.import_module(f"mindspore_hub.commands.{module.name}")
    connection = socket.socket(fileno=os.dup(0))
    while True:
        message, streams, *_ = socket.recv_fds(connection, 1 << 20, 2)
        if not message:
            sys.exit()
        child = os.fork()
        if not child:
            break
        for stream in streams:
            os.close(stream)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        connection.send(str(code).encode())
    command = json.loads(message)
    connection.close()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, stream in enumerate((nothing, *streams)):
        os.dup2(stream, target)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding=sys.stdin.encoding)
    sys.stdout = os.fdopen(1, "w", encoding=sys.stdout.encoding)
    sys.stderr = os.fdopen(2, "w", 1, encoding=sys.stderr.encoding)
    os.environ.clear()
    os.environ.update(command["environment"])
    tempfile.tempdir = None  # which is looked for again, as TMPDIR may differ
    os.chdir(command["folder"])
    sys.path[0] = command["folder"]
    sys.argv = [str(Path(mindspore_hub.__file__).with_name("__main__.py")), *command["arguments"]]
    main()
