"""The `mshub` command. Results go to stdout, messages and progress to stderr."""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import io
import os
import pkgutil
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click

from mindspore_hub._text import one_line, printable
from mindspore_hub.commands._options import Group, hub_root_option, is_quiet, quiet_option
from mindspore_hub.commands._output import echo
from mindspore_hub.errors import HubError, StoreError
from mindspore_hub.version import __version__


def main() -> None:
    """Entry point of the `mshub` script."""
    # Looking for cycles among all that is imported takes a sixth of a short command's time.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    run(mshub, "mshub")


def run(command: click.Command, name: str | None = None) -> None:
    """Run a command; an error of the user's ends it with a message and its exit code."""
    _prepare_streams()
    # From its first operator on, MindSpore answers Ctrl-C by sending SIGTERM to its own process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stdout = sys.stdout
    try:
        command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        _show(error)
        sys.exit(error.exit_code)
    except HubError as error:
        echo(f"mshub: error: {error}", err=True)
        _discard_output()
        sys.exit(error.exit_code)
    except SystemExit as end:
        # Click wraps a stdout that nobody reads any more, and exits with 1, which stands for findings
        # here. git and others end as if by SIGPIPE, so that no check seems to have passed either.
        sys.exit(end.code if sys.stdout is stdout else 141)
    except OSError as error:  # a full disk, or a folder that may not be written
        echo(f"mshub: error: {error}", err=True)
        _discard_output()
        sys.exit(StoreError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        echo("mshub: interrupted", err=True)
        _end_interrupted()


def _prepare_streams() -> None:
    """Have streams that take every text, in whatever encoding, and where a shell closed one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # `>&-`; the next file that is opened would be taken for it
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show(error: click.ClickException) -> None:
    """Print an error of click, which holds what the user typed."""
    from mindspore_hub.settings import shown_address

    text = io.StringIO()
    error.show(text)
    shown = re.sub(r"[\w+.-]+://\S+", lambda match: shown_address(match[0]), text.getvalue())
    echo(shown, err=True, nl=False)


def _end_interrupted() -> NoReturn:
    """Exit as shells expect after Ctrl-C; all blocks have been left, so temporary files are gone."""
    if "mindspore" in sys.modules:
        from mindspore_hub.networks.trust import remove_copies

        remove_copies()
        # Its threads go on while the interpreter ends, which may end in a fatal error.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(130)
    sys.exit(130)


def _discard_output() -> None:
    """What stdout could not take would fail again when the interpreter ends."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Commands(Group):
    """The commands in the modules of this folder, each imported when it is asked for.

    A module is called as its command, or as its commands with `_` between them.
    """

    def find_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self._modules:
            return None
        module = importlib.import_module(f"mindspore_hub.commands.{self._modules[name]}")
        commands = (item for item in vars(module).values() if isinstance(item, click.Command))
        return next(command for command in commands if command.name == name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._modules)

    @functools.cached_property
    def _modules(self) -> dict[str, str]:
        names = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
        modules = [name for name in names if name != "main" and not name.startswith("_")]
        return {command: name for name in modules for command in name.split("_")}


_EPILOG = """\
Exit codes: 0 ok, 1 findings or a difference, 2 usage or a setting, 3 unknown name, 4 integrity,
5 network, 6 not in the store, 7 refused by policy, 8 MindSpore missing, 9 store or disk, 70 a
defect of this package, 130 interrupted, 141 nobody reads the output.

Variables MSHUB_*, such as MSHUB_HOME, are settings. docs/store.md lists them, and `mshub env` shows
which are set.
"""


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG
)
@click.version_option(__version__, prog_name="mshub")
@hub_root_option("of this package")
@quiet_option
@click.pass_context
def mshub(context: click.Context) -> None:
    """Published MindSpore networks by name."""
    if context.invoked_subcommand != "card":  # nothing about cards is logged for users
        _log_to_stderr()


def _log_to_stderr() -> None:
    import logging

    class Printable(logging.Formatter):
        """Records on one line each; what is foreign in them cannot begin another."""

        def formatMessage(self, record: logging.LogRecord) -> str:
            return one_line(super().formatMessage(record))

        def format(self, record: logging.LogRecord) -> str:
            return printable(super().format(record))

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Printable())
    logging.basicConfig(handlers=[handler])
    if not is_quiet():
        logging.getLogger("mindspore_hub").setLevel(logging.INFO)
