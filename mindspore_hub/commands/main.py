"""The `mshub` command. Results go to stdout, messages and progress to stderr."""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from mindspore_hub._text import one_line, printable, size
from mindspore_hub.commands._output import (
    Group,
    echo,
    explain_name,
    format_option,
    is_quiet,
    print_json,
    print_table,
    quiet_option,
    settings_of_command,
)
from mindspore_hub.commands.card import card
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


_MODULES = {
    "bench": "bench",
    "bundle": "bundle",
    "cache": "cache",
    "convert": "convert",
    "diff": "inspect",
    "embed": "embed",
    "eval": "eval:eval_",
    "inspect": "inspect",
    "match": "match",
    "publish": "publish",
    "verify": "cache",
}
"""Commands that are imported when they are wanted: module, and function if its name differs."""


class _Commands(Group):
    """The commands of this module and those of `_MODULES`."""

    def find_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _MODULES:
            return super().find_command(ctx, name)
        place, _, function = _MODULES[name].partition(":")
        module = importlib.import_module(f"mindspore_hub.commands.{place}")
        command: click.Command = getattr(module, function or name)
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_MODULES])


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
@quiet_option
@click.pass_context
def mshub(context: click.Context) -> None:
    """Published MindSpore networks by name."""
    if context.invoked_subcommand != card.name:  # nothing about cards is logged for users
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


@mshub.command("list")
@click.argument("version", required=False)
@format_option
def list_(version: str | None, style: str) -> None:
    """List the cards of the hub, of one VERSION (1.9) or of all."""
    from mindspore_hub.info import CellInfo
    from mindspore_hub.list import cards_of

    cards = cards_of(version)
    if style == "json":
        print_json([CellInfo.of(card).to_dict() for card in cards])
        return
    rows = [
        (
            card.short_name,
            card.facts.get("evaluation", ""),
            card.asset.size if card.asset else "",
            card.uid,
        )
        for card in cards
    ]
    print_table(("Name", "Published metric", "Download", "Uid"), rows, optional=1)


@mshub.command()
@click.argument("name")
@explain_name
@format_option
def info(name: str, style: str) -> None:
    """Show the facts of the card that NAME means."""
    from mindspore_hub.info import info as card_info

    facts = card_info(name).to_dict()
    if style == "json":
        print_json(facts)
        return
    known = {key: value for key, value in facts.items() if value not in (None, "", [], {})}
    print_table(("Fact", "Value"), [(key, _text(value)) for key, value in known.items()])


@mshub.command()
@click.argument("name")
@explain_name
@click.option("--no-pretrained", is_flag=True, help="Build only; load no checkpoint.")
@click.option("--force-reload", is_flag=True, help="Download again even if it is in the store.")
@click.option("--trust", is_flag=True, help="Run the code of the hub at the path NAME.")
@format_option
def load(name: str, no_pretrained: bool, force_reload: bool, trust: bool, style: str) -> None:
    """Build the network NAME, load its checkpoint, and run it on one random sample.

    With --trust, NAME is the path of a card or of a hub root, and the network is that of this hub,
    whose code runs.
    """
    from mindspore_hub.load import load as load_network
    from mindspore_hub.networks.sample_run import describe

    if trust and Path(name).expanduser().is_dir():
        from mindspore_hub.networks.trust import find_hub

        name = str(find_hub(Path(name).expanduser())[1].path)
    network = load_network(
        name,
        source="local" if trust else "gitee",
        pretrained=not no_pretrained,
        force_reload=force_reload,
        trust=trust,
    )
    facts = describe(network, name)
    if style == "json":
        print_json(facts)
        return
    facts.update(parameters=f"{facts['parameters']:,}", size=size(facts["size"]))
    for key in ("inputs", "outputs"):
        facts[key] = [f"{tuple(item['shape'])} {item['dtype']}" for item in facts[key]]
    print_table(("Fact", "Value"), [(key, _text(value)) for key, value in facts.items()])


@mshub.command()
@click.argument("name")
@explain_name
@click.option("--force-reload", is_flag=True, help="Download again even if it is in the store.")
@format_option
def download(name: str, force_reload: bool, style: str) -> None:
    """Download the checkpoint of NAME into the store, verify it, and print its path."""
    from mindspore_hub._progress import lines
    from mindspore_hub.files.download import fetch
    from mindspore_hub.files.records import note_use
    from mindspore_hub.files.store import Store
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.networks.pretrained import loadable_asset

    card = Hub.of().resolve(name)
    asset = loadable_asset(card)
    settings = settings_of_command()
    with lines(asset.file_name, shown=settings.progress) as report:
        path = fetch(
            asset.link,
            asset.sha256,
            alternatives=Hub.of().links(asset.sha256),
            settings=settings,
            progress=report if style == "json" else None,
            force=force_reload,
        )
    note_use(Store(settings.home).refs, card.uid, asset.sha256, asset.link)
    if style == "json":
        print_json({"uid": card.uid, "path": str(path), "sha256": asset.sha256})
    else:
        echo(str(path))


@mshub.command()
@click.option("--check", is_flag=True, help="Write nothing; print the diff and exit with 1.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Hub root; the current folder by default.",
)
def generate(check: bool, root: Path) -> None:
    """Write the entry points and the README's table of models from the cards."""
    from mindspore_hub.authoring import generate as generator

    if not (root / "assets").is_dir():
        msg = f"{root.absolute()} has no folder of cards, assets; give the hub root with --root."
        raise click.UsageError(msg)
    if check:
        diff = "".join(generator.differences(root))
        echo(diff, nl=False)
        if diff:
            echo("Generated files are stale; run `mshub generate`.", err=True)
            sys.exit(1)
        return
    for path in generator.write(root):
        echo(str(path))


@mshub.command()
@format_option
def env(style: str) -> None:
    """Show versions, folders and settings, for a bug report."""
    from mindspore_hub.commands.environment import describe_environment

    facts = describe_environment()
    if style == "json":
        print_json(facts)
        return
    print_table(("Fact", "Value"), [(key, _text(value)) for key, value in facts.items()])


@mshub.command()
def demo() -> None:
    """Check cards and entry points, load MVD, and match bundled sample images with it."""
    from mindspore_hub.commands import demo as demonstration

    sys.exit(demonstration.run(echo))


mshub.add_command(card)


def _text(value: Any) -> str:
    if isinstance(value, list) and not all(isinstance(item, int) for item in value):
        return "\n".join(map(_text, value))
    if isinstance(value, dict):
        return "\n".join(one_line(f"{key}: {item}") for key, item in value.items())
    return one_line(value)
