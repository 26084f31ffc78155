"""A check as somebody asked for it: which cards, by which rules, and which findings are reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mindspore_hub.checking import suppress
from mindspore_hub.checking.check import check_cards, read_cards
from mindspore_hub.checking.config import Config, Selection, choose, codes_of, read_config
from mindspore_hub.checking.report import Checked
from mindspore_hub.checking.rules import (
    DEAD_LINK,
    UNREADABLE,
    Rule,
    is_among,
    read_rules,
    select,
)
from mindspore_hub.hub.findings import Finding, Severity, in_order
from mindspore_hub.hub.paths import Cards, find_cards, in_hubs, is_card_name, searched

if TYPE_CHECKING:
    from mindspore_hub.checking.fix import Outcome


class Review(NamedTuple):
    """A check that is ready to run.

    Attributes:
        cards: What is checked.
        rules: The rules by code.
        severity: The lowest that is reported.
        config: For what it ignores in single cards.
        changed: Files whose findings are reported; None for all.
        baseline: Fingerprints of findings that are known.
        base: Folder that these are relative to.
    """

    cards: list[Cards]
    rules: list[Rule]
    severity: Severity
    config: Config
    changed: frozenset[Path] | None
    baseline: frozenset[str]
    base: Path

    def check(self) -> Checked:
        """Check the cards.

        Raises:
            CardError: A card changed meanwhile.
            InternalError: A rule crashed.
        """
        findings: list[Finding] = []
        known = 0
        for cards in self.cards:
            wanted = self._wanted([*check_cards(cards, self.rules), *self._dead_links(cards)])
            reported = self._unknown(wanted)
            known += len(wanted) - len(reported)
            findings += reported
        return Checked(self.cards, self.rules, in_order(findings), known)

    def fixes(self) -> list[Outcome]:
        """What fixing the reported findings makes of the cards, which the default rules judge, too.

        Raises:
            InternalError: A rule crashed.
        """
        from mindspore_hub.checking import fix

        codes = {rule.code for rule in self.rules}
        judges = [*self.rules, *(rule for rule in select(["DEFAULT"]) if rule.code not in codes)]

        def chosen(findings: Iterable[Finding]) -> list[Finding]:
            return self._unknown(self._wanted(item for item in findings if item.code in codes))

        return [fix.fix_cards(cards, judges, chosen) for cards in self.cards]

    def is_changed(self, path: Path) -> bool:
        """Whether findings of a card are reported."""
        return self.changed is None or path.resolve() in self.changed

    def _wanted(self, findings: Iterable[Finding]) -> list[Finding]:
        """What is reported, known or not, in order."""
        return in_order(
            finding
            for finding in suppress.shown(findings, self.severity)
            if not is_among(finding.code, self.config.ignored_in(finding.path))
            and self.is_changed(finding.path)
        )

    def _unknown(self, wanted: list[Finding]) -> list[Finding]:
        """Those that the baseline does not have."""
        if not self.baseline:
            return wanted
        pairs = zip(wanted, suppress.fingerprints(wanted, self.base), strict=True)
        return [finding for finding, fingerprint in pairs if fingerprint not in self.baseline]

    def _dead_links(self, cards: Cards) -> Iterator[Finding]:
        if DEAD_LINK not in self.rules:
            return iter(())
        from mindspore_hub.checking.online import dead_links
        from mindspore_hub.settings import Settings

        asked = [(uid, path) for uid, path in cards.named if self.is_changed(path)]
        documents = read_cards(cards._replace(named=asked, others=()))
        found = dead_links(documents.values(), Settings.from_environment())
        return suppress.unsuppressed(found, documents)


def prepare(
    paths: Sequence[Path] = (),
    *,
    select: Sequence[str] = (),
    extend_select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    severity: str | None = None,
    changed: str | None = None,
    baseline: Path | None = None,
    with_known: bool = False,
    online: bool = False,
) -> Review:
    """Find the cards, and read what decides besides them.

    Args:
        paths: Hub roots, folders of cards, single cards; the usual hub if there are none.
        select: Lists of codes, prefixes and groups that replace the default rules.
        extend_select: Those of further rules.
        ignore: Those of rules to leave out.
        severity: The lowest that is reported; None for what the project says.
        changed: The commit from which cards have to differ; empty for the upstream branch, None for
            cards that do not have to.
        baseline: File of findings that are known; None for what the project says.
        with_known: Report what a baseline knows as well.
        online: Ask the network whether links lead anywhere.

    Raises:
        CardError: A folder holds no cards.
        SettingsError: The table of the project or a baseline cannot be read, or something is asked
            for that is not there.
    """
    config = read_config(_project(paths))
    searched_paths, base = _paths(paths, changed or "")
    cards = in_hubs([find_cards(path) for path in searched_paths])
    command = Selection(codes_of(select), codes_of(extend_select), codes_of(ignore))
    rules = _rules(command, config, online=online)
    files = None
    if changed is not None:
        from mindspore_hub.checking.changed import changed_files

        folders = {_folder(path).resolve() for path in searched_paths}
        files = frozenset().union(*(changed_files(folder, base) for folder in folders))
    file = None if with_known else baseline or config.baseline
    return Review(
        cards,
        rules,
        Severity(severity) if severity else config.severity or Severity.INFO,
        config,
        files,
        suppress.read_baseline(file) if file else frozenset(),
        file.absolute().parent if file else Path(),
    )


def _project(paths: Sequence[Path]) -> Path:
    """Where the project is looked for that says what is checked."""
    if paths:
        return _folder(paths[0])
    from mindspore_hub.settings import hub_setting

    return hub_setting() or Path()


def _paths(asked: Sequence[Path], base: str) -> tuple[list[Path], str]:
    """What to check, without what another path includes, and the base of `--changed`."""
    paths = list(asked)
    if base and Path(base).exists():
        from mindspore_hub.checking.changed import is_commit

        if not is_commit(_folder(Path(base)), base):  # `--changed assets` means a path
            paths, base = [*paths, Path(base)], ""
    if not paths:
        from mindspore_hub.hub.hub import Hub

        return [Hub.of().root], base
    looked = {path: searched(path).resolve() for path in paths}
    distinct: dict[Path, Path] = {}
    for path, real in looked.items():
        is_inside = any(real != other and real.is_relative_to(other) for other in looked.values())
        is_card = path.is_dir() or is_card_name(path.name)
        if not (is_inside and is_card):
            distinct.setdefault(real, path)
    return [*distinct.values()], base


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _rules(command: Selection, config: Config, *, online: bool) -> list[Rule]:
    command.check("--select, --extend-select, --ignore")
    config.check()
    rules = [*read_rules(choose(config.selection, command)), UNREADABLE]
    ignored = (*command.ignore, *(() if command.select else config.selection.ignore))
    if online and not is_among(DEAD_LINK.code, ignored):
        rules.append(DEAD_LINK)
    return sorted(rules, key=lambda rule: rule.code)
