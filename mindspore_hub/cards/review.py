"""`mshub card check`: read, check, mend if asked, leave out what is not wanted, and report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from mindspore_hub._output import count
from mindspore_hub.cards import report, suppress
from mindspore_hub.cards.built_in import DEAD_LINK, UNREADABLE
from mindspore_hub.cards.check import Tree, check_tree, in_order, read_tree
from mindspore_hub.cards.config import Config, Selection, choose, codes_of, read_config
from mindspore_hub.cards.findings import Finding, Severity
from mindspore_hub.cards.report import Checked
from mindspore_hub.cards.rules import Rule, all_rules
from mindspore_hub.errors import HubError, InternalError

_EDITING = frozenset({"Edit", "Rewrite", "edit", "edit_value"})
"""What a rule that mends uses."""


@dataclass(frozen=True)
class Request:
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


@dataclass(frozen=True)
class Filter:
    """Which findings are wanted.

    Attributes:
        rules: Codes of the rules that were chosen.
        severity: The lowest that is wanted.
        config: For what it ignores in single cards.
        changed: Files whose findings are wanted; None for all.
        baseline: Fingerprints of findings that are known.
        base: Folder that these are relative to.
    """

    rules: frozenset[str]
    severity: Severity
    config: Config
    changed: frozenset[Path] | None = None
    baseline: frozenset[str] = frozenset()
    base: Path = field(default_factory=Path)

    def __call__(self, tree: Tree, findings: Iterable[Finding]) -> list[Finding]:
        """Wanted findings of a tree that are not known, in order."""
        wanted = self.wanted(tree, findings)
        if not self.baseline:
            return wanted
        documents = {document.path: document for document in tree.documents}
        prints = suppress.fingerprints(wanted, documents, self.base)
        pairs = zip(wanted, prints, strict=True)
        return [finding for finding, fingerprint in pairs if fingerprint not in self.baseline]

    def wanted(self, tree: Tree, findings: Iterable[Finding]) -> list[Finding]:
        """Wanted findings of a tree, known or not, in order."""
        documents = {document.path: document for document in tree.documents}
        chosen = (item for item in findings if item.code in self.rules)
        kept = suppress.unsuppressed(suppress.shown(chosen, self.severity), documents)
        return in_order(
            finding
            for finding in kept
            if not finding.code.startswith(self.config.ignored_in(finding.path) or ("-",))
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


def known_rules() -> list[Rule]:
    """Every rule, and what the checker reports by itself, by code."""
    return sorted([*all_rules(), UNREADABLE, DEAD_LINK], key=lambda rule: rule.code)


def is_fixable(rule: Rule) -> bool:
    """Whether `--fix` can mend what a rule reports: it says FIXABLE, or makes edits."""
    check = rule.check_card or rule.check_hub
    names = check.__globals__ if check else {}
    if "FIXABLE" in names:
        return bool(names["FIXABLE"])
    functions = (value for value in names.values() if hasattr(value, "__code__"))
    used = {
        name
        for function in functions
        if function.__module__ == names["__name__"]
        for name in function.__code__.co_names
    }
    return bool(_EDITING & (used | set(names)))


def _run(request: Request) -> int:
    _refuse_nonsense(request)
    paths, base = _paths(request)
    config = read_config(_folder(request.paths[0]) if request.paths else Path())
    rules = _rules(request, config)
    trees = [read_tree(path) for path in paths]
    wanted = _filter(request, config, rules, paths, base)
    if request.fix or request.diff:
        from mindspore_hub.cards import mend

        trees, would_change = mend.mend(trees, rules, wanted, dry=request.diff)
        if request.diff:
            return int(would_change)
    checked = _check(trees, rules, wanted, online=request.online)
    if request.write_baseline:
        suppress.write_baseline(request.write_baseline, checked.findings, checked.documents)
        number = count(len(checked.findings), "finding")
        click.echo(f"{request.write_baseline}: {number} from now on known", err=True)
        return 0
    click.echo(_text(checked, request), nl=False)
    click.echo(_summary(checked, wanted), err=True)
    return int(checked.failed)


def _refuse_nonsense(request: Request) -> None:
    if request.statistics and request.style not in {"text", "json"}:
        msg = f"--statistics are printed as text or json, not as {request.style}."
        raise click.UsageError(msg)
    if request.diff and (request.fix or request.statistics or request.style != "text"):
        msg = "--diff prints a diff; leave the other outputs and --fix out."
        raise click.UsageError(msg)


def _paths(request: Request) -> tuple[list[Path], str]:
    """What to check, without what another path includes, and the base of `--changed`."""
    paths, base = list(request.paths), request.changed or ""
    if base and Path(base).exists():
        from mindspore_hub.cards.changed import is_commit

        if not is_commit(_folder(Path(base)), base):  # `--changed assets` means a path
            paths, base = [*paths, Path(base)], ""
    if not paths:
        from mindspore_hub.catalog import hub_root

        return [hub_root()], base
    whole = {path: path.resolve() for path in dict.fromkeys(paths)}
    return [
        path
        for path, real in whole.items()
        if not any(real != other and real.is_relative_to(other) for other in whole.values())
    ], base


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _rules(request: Request, config: Config) -> list[Rule]:
    known = known_rules()
    command = Selection(
        codes_of(request.select), codes_of(request.extend_select), codes_of(request.ignore)
    )
    command.check(known, "--select, --extend-select, --ignore")
    config.selection.check(known, "[tool.mshub]")
    chosen = choose(known, config.selection, command)
    ignored = (*command.ignore, *(() if command.select else config.selection.ignore))
    if request.online and not DEAD_LINK.code.startswith(ignored or ("-",)):
        chosen.append(DEAD_LINK)
    if UNREADABLE not in chosen:
        chosen.append(UNREADABLE)
    return sorted(set(chosen), key=lambda rule: rule.code)


def _filter(
    request: Request, config: Config, rules: list[Rule], paths: list[Path], base: str
) -> Filter:
    changed = None
    if request.changed is not None:
        from mindspore_hub.cards.changed import changed_files

        folders = {_folder(path).resolve() for path in paths}
        changed = frozenset().union(*(changed_files(folder, base) for folder in folders))
    file = None if request.write_baseline else request.baseline or config.baseline
    return Filter(
        frozenset(rule.code for rule in rules),
        Severity(request.severity) if request.severity else config.severity or Severity.INFO,
        config,
        changed,
        suppress.read_baseline(file) if file else frozenset(),
        file.absolute().parent if file else Path(),
    )


def _check(trees: list[Tree], rules: list[Rule], wanted: Filter, *, online: bool) -> Checked:
    findings: list[Finding] = []
    known = 0
    for tree in trees:
        found = [*check_tree(tree, rules), *(_dead_links(tree, wanted) if online else ())]
        reported = wanted(tree, found)
        known += len(wanted.wanted(tree, found)) - len(reported) if wanted.baseline else 0
        findings += reported
    return Checked(trees, rules, in_order(findings), known)


def _dead_links(tree: Tree, wanted: Filter) -> Iterable[Finding]:
    from mindspore_hub.cards.online import dead_links
    from mindspore_hub.settings import Settings

    changed = wanted.changed
    documents = [doc for doc in tree.documents if changed is None or doc.path.resolve() in changed]
    return dead_links(documents, Settings.from_environment())


def _text(checked: Checked, request: Request) -> str:
    if request.statistics:
        of_style = {"text": report.statistics_as_text, "json": report.statistics_as_json}
        return of_style[request.style](checked)
    if request.style == "sarif":
        from mindspore_hub.cards.sarif import as_sarif

        return as_sarif(checked, Path.cwd())
    writers = {
        "text": report.as_text,
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
