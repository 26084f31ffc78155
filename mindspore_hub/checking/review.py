"""`mshub card check`: read, check, mend if asked, leave out what is not wanted, and report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from mindspore_hub._text import count
from mindspore_hub.checking import report, suppress
from mindspore_hub.checking.config import Config, Selection, choose, codes_of, read_config
from mindspore_hub.checking.report import Checked
from mindspore_hub.commands._output import echo, echo_as_it_is
from mindspore_hub.errors import HubError, InternalError
from mindspore_hub.hub.findings import Finding, Severity, in_order
from mindspore_hub.hub.paths import Cards, find_cards, in_hubs, is_card_name, searched

if TYPE_CHECKING:
    from mindspore_hub.checking.check import Tree
    from mindspore_hub.checking.rules import Rule


class Request(NamedTuple):
    """The options of the command."""

    paths: tuple[Path, ...]
    style: str = "text"
    select: Sequence[str] = ()
    extend_select: Sequence[str] = ()
    ignore: Sequence[str] = ()
    severity: str | None = None
    statistics: bool = False
    changed: str | None = None
    baseline: Path | None = None
    write_baseline: Path | None = None
    fix: bool = False
    diff: bool = False
    online: bool = False
    no_cache: bool = False


class Choice:
    """Which rules are chosen; they are not imported before somebody wants to know.

    Args:
        config: What the table of the project asks for.
        command: What the command line asks for.
        online: Whether it asks for links, too.
    """

    def __init__(self, config: Config, command: Selection, *, online: bool = False) -> None:
        self.config = config
        self.command = command
        self.online = online

    @property
    def name(self) -> str:
        """A name that only the same choice has."""
        config = (self.config.selection, sorted(self.config.per_card_ignores.items()))
        return repr((*config, self.command))

    @cached_property
    def rules(self) -> list[Rule]:
        """The rules by code.

        Raises:
            SettingsError: The choice names what is no rule.
        """
        from mindspore_hub.checking.built_in import DEAD_LINK, UNREADABLE
        from mindspore_hub.checking.rules import is_among

        known = known_rules()
        self.command.check(known, "--select, --extend-select, --ignore")
        self.config.check(known)
        selection = self.config.selection
        chosen = {*choose(known, selection, self.command), UNREADABLE}
        ignored = (*self.command.ignore, *(() if self.command.select else selection.ignore))
        if self.online and not is_among(DEAD_LINK.code, ignored):
            chosen.add(DEAD_LINK)
        return sorted(chosen, key=lambda rule: rule.code)


class Filter(NamedTuple):
    """Which findings are wanted.

    Attributes:
        severity: The lowest that is wanted.
        config: For what it ignores in single cards.
        changed: Files whose findings are wanted; None for all.
        baseline: Fingerprints of findings that are known.
        base: Folder that these are relative to.
    """

    severity: Severity
    config: Config
    changed: frozenset[Path] | None = None
    baseline: frozenset[str] = frozenset()
    base: Path = Path()

    def unknown(self, findings: Iterable[Finding]) -> list[Finding]:
        """Wanted findings of a tree that the baseline does not have, in order."""
        wanted = self.wanted(findings)
        if not self.baseline:
            return wanted
        pairs = zip(wanted, suppress.fingerprints(wanted, self.base), strict=True)
        return [finding for finding, fingerprint in pairs if fingerprint not in self.baseline]

    def wanted(self, findings: Iterable[Finding]) -> list[Finding]:
        """Wanted findings of a tree, known or not, in order."""
        return in_order(
            finding
            for finding in suppress.shown(findings, self.severity)
            if not _is_among(finding.code, self.config.ignored_in(finding.path))
            and (self.changed is None or finding.path.resolve() in self.changed)
        )


def run(request: Request) -> int:
    """Do what the command was asked for, and return its exit code.

    Raises:
        InternalError: A rule or the check itself crashed.
        HubError: The request cannot be fulfilled.
    """
    try:
        return _run(request)
    except (HubError, OSError, click.ClickException):
        raise
    except Exception as error:
        import logging

        logging.getLogger(__name__).debug("the check crashed", exc_info=True)
        msg = (
            f"the check crashed ({type(error).__name__}: {error}). This is a defect of this "
            "program: please report it with the cards and the output of `mshub env`."
        )
        raise InternalError(msg) from error


def _is_among(code: str, items: tuple[str, ...]) -> bool:
    if not items:
        return False
    from mindspore_hub.checking.rules import is_among

    return is_among(code, items)


def known_rules() -> list[Rule]:
    """Every rule, and what the checker reports by itself, by code."""
    from mindspore_hub.checking import rules
    from mindspore_hub.checking.built_in import DEAD_LINK, UNREADABLE

    return sorted([*rules.all_rules(), UNREADABLE, DEAD_LINK], key=lambda rule: rule.code)


def _run(request: Request) -> int:
    _refuse_nonsense(request)
    paths, base = _paths(request)
    cards = in_hubs([find_cards(path) for path in paths])
    for path, reason in (item for each in cards for item in each.left_out):
        echo(f"left out: {path}: {reason}", err=True)
    config = read_config(_folder(request.paths[0]) if request.paths else Path())
    choice = _choice(request, config)
    wanted = _filter(request, config, paths, base)
    if request.fix or request.diff:
        would_change = _mend(cards, choice, wanted, dry=request.diff)
        if request.diff:
            return int(would_change)
    checked = _check(cards, choice, wanted, afresh=request.no_cache)
    if request.write_baseline:
        suppress.write_baseline(request.write_baseline, checked.findings)
        number = count(len(checked.findings), "finding")
        echo(f"{request.write_baseline}: {number} from now on known", err=True)
        return 0
    # Colours and annotations are meant to be obeyed; what is foreign in them is printable already.
    show = echo_as_it_is if request.style in {"text", "github"} else echo
    show(_text(checked, request), nl=False)
    echo(_summary(checked, wanted), err=True)
    return int(checked.failed)


def _refuse_nonsense(request: Request) -> None:
    if request.statistics and request.style not in {"text", "json"}:
        msg = f"--statistics are printed as text or json, not as {request.style}."
        raise click.UsageError(msg)
    other = request.statistics or request.style != "text"
    if request.diff and (request.fix or request.write_baseline or request.online or other):
        msg = "--diff prints a diff; leave the other outputs, --fix and --online out."
        raise click.UsageError(msg)
    if request.write_baseline and (request.baseline or other):
        msg = "--write-baseline writes every finding; leave --baseline and the other outputs out."
        raise click.UsageError(msg)


def _paths(request: Request) -> tuple[list[Path], str]:
    """What to check, without what another path includes, and the base of `--changed`."""
    paths, base = list(request.paths), request.changed or ""
    if base and Path(base).exists():
        from mindspore_hub.checking.changed import is_commit

        if not is_commit(_folder(Path(base)), base):  # `--changed assets` means a path
            paths, base = [*paths, Path(base)], ""
    if not paths:
        from mindspore_hub.hub.hub import Hub

        return [Hub.of().root], base
    return _once(paths), base


def _once(paths: Sequence[Path]) -> list[Path]:
    """Paths without those that are checked with another one, or are another one."""
    looked = {path: searched(path).resolve() for path in paths}
    kept: list[Path] = []
    for path, real in looked.items():
        around = [looked[other] for other in looked if looked[other] != real]
        is_inside = any(real.is_relative_to(other) for other in around)
        is_card = path.is_dir() or is_card_name(path.name)
        if not (is_inside and is_card) and all(looked[other] != real for other in kept):
            kept.append(path)
    return kept


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _choice(request: Request, config: Config) -> Choice:
    command = Selection(
        codes_of(request.select), codes_of(request.extend_select), codes_of(request.ignore)
    )
    return Choice(config, command, online=request.online)


def _filter(request: Request, config: Config, paths: list[Path], base: str) -> Filter:
    changed = None
    if request.changed is not None:
        from mindspore_hub.checking.changed import changed_files

        folders = {_folder(path).resolve() for path in paths}
        changed = frozenset().union(*(changed_files(folder, base) for folder in folders))
    file = None if request.write_baseline else request.baseline or config.baseline
    return Filter(
        Severity(request.severity) if request.severity else config.severity or Severity.INFO,
        config,
        changed,
        suppress.read_baseline(file) if file else frozenset(),
        file.absolute().parent if file else Path(),
    )


def _mend(cards: list[Cards], choice: Choice, wanted: Filter, *, dry: bool) -> bool:
    from mindspore_hub.checking import mend
    from mindspore_hub.checking.check import read_cards

    codes = {rule.code for rule in choice.rules}

    def chosen(tree: Tree, findings: Iterable[Finding]) -> list[Finding]:
        of_rules = (finding for finding in findings if finding.code in codes)
        return wanted.unknown(suppress.unsuppressed(of_rules, tree.by_path))

    return mend.mend([read_cards(item) for item in cards], choice.rules, chosen, dry=dry)


def _check(cards: list[Cards], choice: Choice, wanted: Filter, *, afresh: bool) -> Checked:
    findings: list[Finding] = []
    known = 0
    for item in cards:
        found = _findings(item, choice, wanted, afresh=afresh)
        reported = wanted.unknown(found)
        known += len(wanted.wanted(found)) - len(reported) if wanted.baseline else 0
        findings += reported
    return Checked(cards, lambda: choice.rules, in_order(findings), known)


def _findings(cards: Cards, choice: Choice, wanted: Filter, *, afresh: bool) -> list[Finding]:
    if afresh or cards.folder is None:
        from mindspore_hub.checking.check import check_cards

        found = check_cards(cards, choice.rules)
    else:
        from mindspore_hub.checking import results

        found = results.check_again(cards, lambda: choice.rules, choice.name)
    return [*found, *(_dead_links(cards, choice, wanted.changed) if choice.online else ())]


def _dead_links(cards: Cards, choice: Choice, changed: frozenset[Path] | None) -> Iterator[Finding]:
    from mindspore_hub.checking.built_in import DEAD_LINK
    from mindspore_hub.checking.check import read_cards
    from mindspore_hub.checking.online import dead_links
    from mindspore_hub.settings import Settings

    if DEAD_LINK not in choice.rules:
        return iter(())
    asked = cards._replace(
        named=[item for item in cards.named if changed is None or item[1].resolve() in changed],
        others=(),
    )
    documents = read_cards(asked).documents
    found = dead_links(documents, Settings.from_environment())
    return suppress.unsuppressed(found, {document.path: document for document in documents})


def _text(checked: Checked, request: Request) -> str:
    if request.statistics:
        of_style = {"text": report.statistics_as_text, "json": report.statistics_as_json}
        return of_style[request.style](checked)
    if request.style == "sarif":
        from mindspore_hub.checking.sarif import as_sarif

        return as_sarif(checked)
    writers = {
        "text": report.as_text,
        "concise": report.as_concise,
        "json": report.as_json,
        "github": report.as_github,
        "junit": report.as_junit,
    }
    return writers[request.style](checked)


def _summary(checked: Checked, wanted: Filter) -> str:
    parts = [f"{count(len(checked.paths), 'card')} checked"]
    if wanted.changed is not None:
        changed = sum(path.resolve() in wanted.changed for path in checked.paths)
        parts.append(f"{changed} of them changed")
    parts.append(count(len(checked.findings), "finding"))
    fixable = sum(finding.fixable for finding in checked.findings)
    if fixable:
        parts.append(f"{fixable} fixable with --fix")
    if checked.known:
        parts.append(f"{checked.known} more in the baseline")
    return ", ".join(parts)
