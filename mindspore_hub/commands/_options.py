"""What commands share: their groups, their options, and what these mean."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mindspore_hub.errors import HubError

if TYPE_CHECKING:
    from mindspore_hub._progress import Progress
    from mindspore_hub.hub.card import Card
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.networks.examine import Examination
    from mindspore_hub.settings import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])

FILE = click.Path(dir_okay=False, path_type=Path)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

_NAMES = (
    "NAME is a model (MVD), a model and its variant (MVD@sysumm01-all), the name, uid or address of a "
    "card, or the path of a card's file; `mshub list` has all."
)

_QUIET = f"{__name__}.quiet"


def _be_quiet(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        import logging

        context.meta[_QUIET] = True
        logging.getLogger("mindspore_hub").setLevel(logging.WARNING)


quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    expose_value=False,
    callback=_be_quiet,
    help="Print results, warnings and errors only.",
)


def is_quiet() -> bool:
    """Whether `-q` was given, to a group or to its command."""
    return bool(click.get_current_context().meta.get(_QUIET))


class Group(click.Group):
    """A group that gives its commands `-q`, explains NAME, and lists them with whole sentences."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command."""
        command = self.find_command(ctx, cmd_name)
        if command and not isinstance(command, click.Group):
            if all(parameter.name != "quiet" for parameter in command.params):
                quiet_option(command)
            if any(parameter.name in {"name", "names"} for parameter in command.params):
                command.epilog = _NAMES
        return command

    def find_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find a command as it was written."""
        return super().get_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; click's own cuts sentences where a line ends."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, item.get_short_help_str(1000)) for name, item in commands.items() if item]
            )


def _use_hub(context: click.Context, _: click.Parameter, root: str | None) -> None:
    """Let a hub be the usual one of this process and of those that it starts."""
    if root is None:
        return
    before = os.environ.get("MSHUB_HUB")
    os.environ["MSHUB_HUB"] = os.path.abspath(root)  # noqa: PTH100 - a path may not be text

    def restore() -> None:
        del os.environ["MSHUB_HUB"]
        if before is not None:
            os.environ["MSHUB_HUB"] = before

    context.call_on_close(restore)


def hub_root_option(default: str) -> Callable[[_Command], _Command]:
    """`--hub`, which goes before MSHUB_HUB; the help says what is meant without both."""
    return click.option(
        "--hub",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False),
        expose_value=False,
        callback=_use_hub,
        help=f"Hub root to work on, in place of that of MSHUB_HUB or else {default}.",
    )


def hub_option(*, trust: bool = False, here: bool = False) -> Callable[[_Command], _Command]:
    """Give a command the option `--hub`, and as its argument `hub` the hub that it is to work on.

    Args:
        trust: The command runs networks, which `--trust` allows to those of another hub.
        here: The command writes to the hub, which by default is the current folder.
    """

    def decorate(command: _Command) -> _Command:
        @functools.wraps(command)
        def with_hub(*, trusted: bool = False, **values: Any) -> Any:
            hub = _hub_to_write() if here else _hub(trust=trusted)
            return command(hub=hub, **values)

        if trust:
            click.option(
                "--trust",
                "trusted",
                is_flag=True,
                help="Let networks of another hub run, that of --hub or of the path NAME. It is "
                "remembered until their code changes.",
            )(with_hub)
        hub_root_option("the current folder" if here else "of this package")(with_hub)
        return with_hub  # type: ignore[return-value]

    return decorate


def _hub(*, trust: bool) -> Hub:
    """The hub that is meant; there has to be one to be trusted, or the path of a card in one."""
    from mindspore_hub.hub.hub import Hub

    hub = Hub.of(trust=trust)
    if not (trust and hub.is_own):
        return hub
    context = click.get_current_context()
    words = ("name", "source", "left", "right")
    names = [name for word in words if (name := context.params.get(word))]
    if any(name.endswith(".md") or Path(name).is_dir() for name in names):
        return hub
    msg = (
        "--trust is for networks of another hub: add --hub DIR, set MSHUB_HUB, or give the path of a "
        f"card there instead of {' and '.join(names) or 'no NAME'}."
    )
    raise click.UsageError(msg)


def _hub_to_write() -> Hub:
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.settings import hub_setting

    root = hub_setting() or Path()
    if not (root / "assets").is_dir():
        msg = f"{root.absolute()} has no folder of cards, assets; give the hub root with --hub."
        raise click.UsageError(msg)
    return Hub(root)


force_option = click.option("--force", is_flag=True, help="Replace what is there.")
force_reload_option = click.option(
    "--force-reload", is_flag=True, help="Download again even if it is in the store."
)
no_pretrained_option = click.option(
    "--no-pretrained", is_flag=True, help="Build only; load no checkpoint."
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Change nothing; print what would change."
)
skip_bad_option = click.option(
    "--skip-bad", is_flag=True, help="Leave out pictures that cannot be read."
)


def format_option(command: _Command) -> _Command:
    """Give a command the option `--format`."""
    return format_option_of("human", "json")(command)


def format_option_of(*styles: str) -> Callable[[_Command], _Command]:
    """`--format` with further choices; the first one is the default."""
    return click.option(
        "--format",
        "style",
        type=click.Choice(styles),
        default=styles[0],
        show_default=True,
        help="How results are printed.",
    )


def output_option(help: str) -> Callable[[_Command], _Command]:
    """`-o`, the file that a command is there to write."""
    return click.option("-o", "--output", type=FILE, required=True, help=help)


def batch_size_option(default: int) -> Callable[[_Command], _Command]:
    """`--batch-size`."""
    return click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        help="Samples that the network takes at once.",
    )


checkpoint_option = click.option(
    "--checkpoint",
    type=EXISTING_FILE,
    help="A file of yours to load in place of the published one, such as what finetune wrote.",
)


where_option = click.option(
    "--where",
    metavar="FILTER",
    help='Only rows of the gallery that fit, such as "camera != 2 and label in (7, 8)"; columns are label, '
    "camera, path and id.",
)

calibration_option = click.option(
    "--calibration",
    type=EXISTING_FILE,
    help="From which distance on nobody is found; `mshub calibrate` writes it.",
)

modality_option = click.option(
    "--modality", metavar="KIND", help="visible, infrared or thermal; noted and checked."
)

threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Threads of the runtime, but of MindSpore; by default all that may be used.",
)


def false_matches_option(*, required: bool) -> Callable[[_Command], _Command]:
    """`--false-matches`."""
    return click.option(
        "--false-matches",
        metavar="RATE",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        required=required,
        help="The wanted share of pairs of two identities that match, such as 0.01.",
    )


def pattern_option(*, required: bool = False) -> Callable[[_Command], _Command]:
    """`--pattern`."""
    return click.option(
        "--pattern",
        metavar="REGEX",
        required=required,
        help=r"Searched in the path of each picture, such as '(?P<label>-?\d+)_c(?P<camera>\d+)': the "
        "group label, and camera if there is one, are whole numbers.",
    )


def extras_options(command: _Command) -> _Command:
    """Give a command what some networks take beside pictures."""
    for option in (
        click.option(
            "--keypoints",
            type=EXISTING_FILE,
            help="CSV file: the name of a picture and 108 numbers in each line.",
        ),
        click.option("--segments", type=EXISTING_FOLDER, help="As --heatmaps, for segments."),
        click.option(
            "--heatmaps",
            type=EXISTING_FOLDER,
            help="Holds a folder STEM/ of maps for each picture.",
        ),
    ):
        command = option(command)
    return command


def runtime_options(command: _Command) -> _Command:
    """Give a command `--runtime`, `--precision` and `--threads`, as `Runner` takes them."""
    for option in (
        threads_option,
        click.option(
            "--precision",
            type=click.Choice(["f32", "bf16", "auto"]),
            default="f32",
            show_default=True,
            help="What is computed with; bf16 by OpenVINO, where the processor has it.",
        ),
        click.option(
            "--runtime",
            type=click.Choice(["auto", "mindspore", "onnxruntime", "openvino"]),
            help="What computes; by default what MSHUB_RUNTIME says, else auto.",
        ),
    ):
        command = option(command)
    return command


def network_option(help: str, metavar: str = "MODEL") -> Callable[[_Command], _Command]:
    """`--network`, which names the network that the tensors of a file belong to."""
    return click.option("--network", metavar=metavar, help=help)


def refuse_existing(*outputs: Path | None, force: bool) -> None:
    """Refuse to replace files before anything is computed for them, unless the user said so."""
    from mindspore_hub._files import is_replaceable

    for output in outputs:
        if output and not force and is_replaceable(output):
            msg = f"{output} exists; --force replaces it."
            raise click.UsageError(msg)


def settings_of_command() -> Settings:
    """What the environment asks for; under `-q`, no progress is shown either."""
    from dataclasses import replace

    from mindspore_hub.settings import Settings

    settings = Settings.from_environment()
    return replace(settings, progress=settings.progress and not is_quiet())


def progress_of_command() -> bool:
    """Whether progress is shown; if not, a download that the command needs is silent, too."""
    shown = settings_of_command().progress
    if not shown:
        os.environ["MSHUB_NO_PROGRESS"] = "1"
    return shown


def progress_of_work(title: str, style: str) -> AbstractContextManager[Progress | None]:
    """Lines of JSON beside JSON, else what the work shows by itself; nothing under `-q`."""
    from mindspore_hub._progress import lines

    shown = progress_of_command()
    return lines(title, shown=shown) if style == "json" else nullcontext()


@contextmanager
def interruptible(*, resumable: bool) -> Iterator[None]:
    """Let Ctrl-C end the block in order.

    Args:
        resumable: Whether the same command goes on from what was computed, which is said then.
    """
    try:
        yield
    except KeyboardInterrupt:
        if resumable:
            from mindspore_hub.commands._output import echo

            echo("What was computed is kept; the same command goes on from there.", err=True)
        raise click.Abort from None


def read_file_or_name(name: str, hub: Hub) -> tuple[Examination, Card | None]:
    """Examine a FILE or NAME; a path that leads to no file is a usage error, as ever in click."""
    from mindspore_hub.networks.examine import examine_named

    try:
        return examine_named(name, settings_of_command(), hub)
    except HubError:
        raise
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no such user
        raise click.BadParameter(str(error)) from error
