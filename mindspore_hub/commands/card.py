"""The commands `mshub card ...`. Nothing that one of them does not need is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mindspore_hub._text import count
from mindspore_hub.commands._options import (
    FILE,
    Group,
    format_option_of,
    hub_option,
    hub_root_option,
)
from mindspore_hub.commands._output import echo, echo_as_it_is, print_json, print_table
from mindspore_hub.errors import HubError, InternalError
from mindspore_hub.hub.keys import KEYS, Key, Need

if TYPE_CHECKING:
    from mindspore_hub.checking.report import Checked
    from mindspore_hub.checking.review import Review
    from mindspore_hub.checking.rules import Rule
    from mindspore_hub.hub.hub import Hub

_Command = TypeVar("_Command", bound=Callable[..., Any])

_EXISTING = click.Path(exists=True, path_type=Path)


def _is_option(key: Key) -> bool:
    """Whether a key is an option of `new`: the model-name is, as `--model`, and the first card is the default."""
    return key.need is not Need.LEGACY and key.name not in {"model-name", "asset", "default"}


def _options(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_check_options = _options(
    format_option_of("human", "concise", "json", "sarif", "github", "junit"),
    click.option("--select", multiple=True, metavar="CODES", help="Rules in place of the default."),
    click.option("--extend-select", multiple=True, metavar="CODES", help="Further rules."),
    click.option("--ignore", multiple=True, metavar="CODES", help="Rules to leave out."),
    click.option(
        "--severity",
        type=click.Choice(["error", "warning", "info"]),
        help="The lowest that is shown; info by default. Infos never fail.",
    ),
    click.option("--statistics", is_flag=True, help="Print counts per rule only."),
    click.option(
        "--changed",
        is_flag=False,
        flag_value="",
        metavar="[BASE]",
        help="Report cards only that differ from a commit; the upstream branch by default.",
    ),
    click.option("--baseline", type=FILE, help="File of known findings, which do not count."),
    click.option("--write-baseline", type=FILE, help="Write what is found to such a file."),
    click.option("--fix", is_flag=True, help="Fix what can be fixed."),
    click.option("--diff", is_flag=True, help="Print what --fix would change; write nothing."),
    click.option("--online", is_flag=True, help="Ask the network whether links lead anywhere."),
    hub_root_option("of this package"),
)


@click.group(cls=Group)
def card() -> None:
    """Work with model cards."""


@card.command()
@click.argument("paths", nargs=-1, type=_EXISTING)
@_check_options
def check(paths: tuple[Path, ...], **options: Any) -> None:
    """Check cards: hub roots, folders of cards, single cards; in a hub, with the others of it.

    CODES are codes of rules, prefixes of codes, or ALL, DEFAULT, EXTENDED, between commas. Without
    a PATH, the cards of --hub are checked. Exits with 1 if there are errors or warnings.
    """
    _refuse_nonsense(**options)
    try:
        sys.exit(_check(paths, **options))
    except (HubError, OSError):
        raise
    except Exception as error:
        import logging

        logging.getLogger(__name__).debug("the check crashed", exc_info=True)
        msg = (
            f"the check crashed ({type(error).__name__}: {error}). This is a defect of this "
            "program: please report it with the cards and the output of `mshub env`."
        )
        raise InternalError(msg) from error


def _refuse_nonsense(
    *,
    style: str,
    statistics: bool,
    write_baseline: Path | None,
    fix: bool,
    diff: bool,
    **asked: Any,
) -> None:
    """Refuse options that ask for two outputs at once."""
    others = statistics or style != "human"
    if statistics and style not in {"human", "json"}:
        msg = f"--statistics are printed as human or json, not as {style}."
        raise click.UsageError(msg)
    if diff and (fix or write_baseline or asked["online"] or others):
        msg = "--diff prints a diff; leave the other outputs, --fix and --online out."
        raise click.UsageError(msg)
    if write_baseline and (asked["baseline"] or others):
        msg = "--write-baseline writes every finding; leave --baseline and the other outputs out."
        raise click.UsageError(msg)


def _check(
    paths: tuple[Path, ...],
    *,
    style: str,
    statistics: bool,
    write_baseline: Path | None,
    fix: bool,
    diff: bool,
    **asked: Any,
) -> int:
    """Check, fix if asked, and print; the exit code."""
    from mindspore_hub.checking import report, review, suppress

    planned = review.prepare(paths, with_known=bool(write_baseline), **asked)
    for path, reason in (item for cards in planned.cards for item in cards.left_out):
        echo(f"left out: {path}: {reason}", err=True)
    if fix or diff:
        would_change = _fix(planned, dry=diff)
        if diff:
            return int(would_change)
    checked = planned.check()
    if write_baseline:
        suppress.write_baseline(write_baseline, checked.findings)
        number = count(len(checked.findings), "finding")
        echo(f"{write_baseline}: {number} from now on known", err=True)
        return 0
    coloured = bool(sys.stdout and sys.stdout.isatty()) and not os.environ.get("NO_COLOR")
    # Colours and annotations are meant to be obeyed; what is foreign in them is printable already.
    show = echo_as_it_is if style in {"human", "github"} else echo
    text = (
        report.statistics(checked, style)
        if statistics
        else report.render(checked, style, coloured=coloured)
    )
    show(text, nl=False)
    echo(_summary(checked, planned), err=True)
    return int(checked.failed)


def _fix(planned: Review, *, dry: bool) -> bool:
    """Fix what is found, or print how; whether any card changes."""
    from mindspore_hub.checking import fix

    outcomes = planned.fixes()
    if dry:
        for outcome in outcomes:
            echo(fix.diff(outcome), nl=False)
    else:
        fix.write(outcomes)
    number = sum(outcome.fixed for outcome in outcomes)
    cards = count(sum(len(outcome.changed) for outcome in outcomes), "card")
    would = "Would fix" if dry else "Fixed"
    for path, reason in (item for outcome in outcomes for item in outcome.left):
        echo(f"{path}: left as it was: {reason}", err=True)
    echo(f"{would} {count(number, 'finding')} in {cards}.", err=True)
    return any(outcome.changed for outcome in outcomes)


def _summary(checked: Checked, planned: Review) -> str:
    parts = [f"{count(len(checked.paths), 'card')} checked"]
    if planned.changed is not None:
        parts.append(f"{sum(map(planned.is_changed, checked.paths))} of them changed")
    parts.append(count(len(checked.findings), "finding"))
    fixable = sum(finding.fixable for finding in checked.findings)
    if fixable:
        parts.append(f"{fixable} fixable with --fix")
    if checked.known:
        parts.append(f"{checked.known} more in the baseline")
    return ", ".join(parts)


@card.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--model", required=True, help="Name of the network, which `load` takes.")
@_options(*(click.option(f"--{key.name}", help=key.help) for key in KEYS if _is_option(key)))
@click.option("--citation", help="The paper behind the network.")
def new(path: Path, model: str, citation: str | None, **facts: str | None) -> None:
    """Write a fresh card to PATH, `assets/<publisher>/<version>/<card>.md`.

    It passes the check by itself, and says TODO where something is left to say; in a hub,
    `mshub card check` finds these places.
    """
    from mindspore_hub.authoring.new import write_card

    named = {name.replace("_", "-"): value for name, value in facts.items() if value}
    write_card(path, {"model-name": model, **named}, citation=citation or "")
    echo(str(path))


@card.command()
@click.argument("name")
@hub_option()
def show(name: str, hub: Hub) -> None:
    """Print what a card says, a NAME or the PATH of a file, as JSON, as `mshub info` does."""
    from mindspore_hub.hub.document import read_document
    from mindspore_hub.info import to_json

    path = Path(name)
    is_file = name.endswith(".md") and path.is_file()  # which need not be a card that loads
    print_json(to_json(read_document(path).card if is_file else hub.resolve(name)))


@card.command()
def schema() -> None:
    """Print a JSON Schema of the front matter, as a YAML reader has it."""
    from mindspore_hub.checking.json_schema import json_schema

    print_json(json_schema())


@card.command()
@click.argument("code", required=False)
def rule(code: str | None) -> None:
    """Explain the rule CODE, or list all rules."""
    from mindspore_hub.checking.rules import known_rules
    from mindspore_hub.errors import UnknownNameError

    rules = {rule.code: rule for rule in known_rules()}
    if code is None:
        header = ("Code", "Name", "Severity", "Group", "Fixable")
        print_table(header, [_row(rule) for rule in rules.values()])
        return
    if code.upper() not in rules:
        msg = f"There is no rule {code}; `mshub card rule` lists all rules."
        raise UnknownNameError(msg)
    found = rules[code.upper()]
    explanation = f"{found.explanation.strip()}\n\n{found.details()}".rstrip()
    echo(f"{found.code} {found.name} ({found.severity.value})\n\n{explanation}")


def _row(rule: Rule) -> tuple[str, ...]:
    fixable = "yes" if rule.fixable else "no"
    return rule.code, rule.name, rule.severity.value, rule.group.value, fixable
