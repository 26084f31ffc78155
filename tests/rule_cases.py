"""Cases of rules: `tests/rules/<CODE>.yaml` says what each changes in the hub `tests/rules/_base`.

The name of a case says the behaviour. What it changes, all optional:

- `card`: the whole text of the card.
- `set`: keys, and what is written behind their colons; a key that the card lacks stands before its
  licence.
- `remove`: keys that the card is to lack.
- `edit`: texts of the card, each of which stands there once, and what comes in their place.
- `code`: what its block of Python holds instead.
- `asset`: a second asset, with the digest of the first: its format and its link.
- `append`: what comes after the card.
- `line-end`: what ends the lines of the card, where that is not a line feed.
- `path`: where the card lies, instead of where the base card does.
- `files`: other files; either their text, none for a file that is not to be there, or what is
  changed, as above, in the file of that name or, where there is none, in a copy of the card.

What `base` of the file says is changed in all of its cases, before they change more. A case of
`wrong` has `found`, the whole findings without the code, and `fixed`, the lines that `--fix` takes
away and puts in, if it changes any. `help` of the file is that of every finding without a line of
its own for it. A case of `right` is one in which nothing is found.

`python tests/rule_cases.py CODE...`, or `all`, writes `found` and `fixed` as they are now.
"""

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import pytest
import yaml

from mindspore_hub.checking import fix, rules
from mindspore_hub.checking.check import check_cards
from mindspore_hub.checking.rules import Group, HubCards, select
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Finding, Problem, Severity, in_order
from mindspore_hub.hub.paths import find_cards

FOLDER = Path(__file__).with_name("rules")
BASE = FOLDER / "_base"
CARD = "assets/botany/2.1/leafnet_herbarium.md"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

_BLOCK = re.compile(r"(?ms)^```python\n.*?^```\n")
_ASSET = "-\n    file-format: {}\n    asset-link: <{}>\n    asset-sha256: {}\n"
_KEYS = frozenset(
    {"path", "files", "found", "fixed"}
    | {"card", "set", "remove", "edit", "code", "asset", "append", "line-end"}
)


class Case(NamedTuple):
    """A named case of a rule, and the file that it stands in."""

    code: str
    name: str
    given: dict[str, Any]
    file: dict[str, Any]

    @property
    def base(self) -> dict[str, Any]:
        """What all cases of the file change."""
        return self.file.get("base", {})

    @property
    def id(self) -> str:
        """Code and name."""
        return f"{self.code} {self.name}"

    @property
    def path(self) -> str:
        """Path of the card that the case is about."""
        return self.given.get("path", self.base.get("path", CARD))

    def write(self, root: Path) -> Path:
        """Write the hub of the case to a folder, where that of another may lie; return that."""
        written = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        wanted = {root / name: text for name, text in self.texts.items()}
        for path in written.keys() - wanted.keys():
            path.unlink()
        for path, text in wanted.items():
            content = text.encode("utf-8", "surrogateescape")
            if written.get(path) != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return root

    @property
    def texts(self) -> dict[str, str]:
        """Text of every file of the hub, by its path."""
        texts = {**base_texts()}
        base = texts.pop(CARD)
        for changes in (self.base, self.given):
            for name, change in changes.get("files", {}).items():
                whole = change if isinstance(change, str) else None
                copied = texts.get(name) or changed(base, self.base)
                texts[name] = changed(copied, change) if whole is None else whole
        card = changed(base, self.base, self.given)
        texts[self.path] = card.replace("\n", self.given.get("line-end", "\n"))
        return {name: text for name, text in texts.items() if text}


@cache
def base_texts() -> dict[str, str]:
    """Text of every file of the base hub."""
    paths = [path for path in BASE.rglob("*") if path.suffix in {".md", ".py"}]
    return {path.relative_to(BASE).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def changed(text: str, *changes: dict[str, Any]) -> str:
    """A card with other values and other texts, and what is appended behind it."""
    for change in changes:
        assert _KEYS.issuperset(change), f"no keys of a case: {change.keys() - _KEYS}"
        text = change.get("card", text)
        for key, value in change.get("set", {}).items():
            text = _with_value(text, key, value)
        for key in change.get("remove", ()):
            place = _place(text, key)
            assert place, f"there is no key {key} to remove"
            text = text[: place[0]] + text[place[2] :].lstrip("\n")
        for old, new in change.get("edit", {}).items():
            assert text.count(old) == 1, f"{text.count(old)} times in the text: {old!r}"
            text = text.replace(old, new)
        if "code" in change:
            before, after = _BLOCK.split(text)
            text = f"{before}```python\n{change['code']}\n```\n{after}"
        if "asset" in change:
            asset = _ASSET.format(*change["asset"], re.findall("asset-sha256: (.*)", text)[0])
            text = text.replace("license:", f"{asset}license:")
        text += f"\n{change['append']}" if "append" in change else ""
    return text


def _with_value(text: str, key: str, value: str) -> str:
    if place := _place(text, key):
        return f"{text[: place[1]]} {value}".rstrip(" ") + text[place[2] :]
    before, license_, after = text.partition("license:")
    return f"{before}{key}: {value}".rstrip(" ") + f"\n\n{license_}{after}"


def _place(text: str, key: str) -> tuple[int, int, int] | None:
    """Where a key begins, its value, and where that ends: that of an asset on its line."""
    nested = re.search(rf"(?m)^ +{re.escape(key)}:(.*\n?)", text)
    found = nested or re.search(rf"(?m)^{re.escape(key)}:(.*\n(?:(?: .*|-(?!--).*)?\n)*)", text)
    if not found:
        return None
    return found.start(), found.start(1), found.start(1) + len(found[1].rstrip())


def read(code: str) -> dict[str, Any]:
    """What the file of a rule says; every value is a text."""
    text = (FOLDER / f"{code}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, _Loader if "\\uDC" in text else _Fast)  # noqa: S506 - only texts


def cases_of(code: str, kind: str) -> list[Case]:
    """Cases of a rule that are `wrong`, or `right`."""
    file = read(code)
    return [Case(code, name, given, file) for name, given in file[kind].items()]


def cases(kind: str) -> list[Case]:
    """Those of all rules."""
    return [case for path in sorted(FOLDER.glob("*.yaml")) for case in cases_of(path.stem, kind)]


def first(code: str, kind: str = "wrong") -> Case:
    """First wrong or right case of a rule."""
    return cases_of(code, kind)[0]


def findings(case: Case, root: Path) -> list[Finding]:
    """What the rule of a case says about its hub."""
    return in_order(check_cards(find_cards(root), select([case.code])))


def found(case: Case, root: Path) -> str:
    """What is to stand in the case as `found`."""
    text = "\n".join(_lines_of(finding, case) for finding in findings(case, root))
    return text.replace(f"{root.as_posix()}/", "").replace(f"{case.path}:", "")


def fixed(case: Case, root: Path) -> str:
    """What is to stand in the case as `fixed`."""
    outcome = fix.fix_cards(find_cards(root), select([case.code]), lambda found: found)
    return "\n".join(_changed_lines(fix.diff(outcome), root / case.path, root))


def add_rule(
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    severity: Severity,
    check_card: Callable[[Document, HubCards], Iterator[Problem]],
) -> None:
    """Let there be a module of a further rule, `<code>_<name>`, that runs by default."""
    content = SimpleNamespace(__doc__=f"{module}.", SEVERITY=severity, check_card=check_card)
    code = module.partition("_")[0].upper()
    monkeypatch.setitem(sys.modules, f"{rules.__name__}.{module}", content)
    monkeypatch.setitem(rules._modules(), code, (module, Group.DEFAULT))


def _lines_of(finding: Finding, case: Case) -> str:
    place = str(finding).splitlines()[0].replace(f": {finding.code} ", " ", 1)
    return place + (f"\n  help: {finding.help}" if finding.help != case.file.get("help") else "")


def _changed_lines(diff: str, card: Path, root: Path) -> Iterator[str]:
    for line in diff.split("\n"):
        if line.startswith("--- ") and line[4:] != str(card):
            yield Path(line[4:]).relative_to(root).as_posix()
        elif line[:1] in {"-", "+", "\\"} and not line.startswith(("--- ", "+++ ")):
            yield "".join(map(_visible, line))


def _visible(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


class _Unique:
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        keys = [key.value for key, _ in node.value]
        assert len({*keys}) == len(keys), f"a key stands twice among {keys}"
        return super().construct_mapping(node, deep)  # type: ignore[misc] - of a loader


class _Loader(_Unique, yaml.BaseLoader):
    pass


class _Fast(_Unique, getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
    """The same in C, which refuses the halves of characters that stand for bytes."""


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


class _Cases(dict[str, Any]):
    """Cases by their names, each on lines of its own."""


def _mapping(dumper: yaml.SafeDumper, mapping: dict[str, Any]) -> yaml.Node:
    node = dumper.represent_mapping("tag:yaml.org,2002:map", mapping.items(), flow_style=False)
    text = repr(mapping)
    of_cases = isinstance(mapping, _Cases) or not {"found", "wrong"}.isdisjoint(mapping)
    node.flow_style = len(text) < 105 and "\\n" not in text and not of_cases
    return node


def _sequence(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    flow = all(isinstance(item, str) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(_Cases, _mapping)
_Dumper.add_representer(list, _sequence)


def update(code: str) -> None:
    """Write into the file of a rule what its cases find and what becomes of them."""
    cases = cases_of(code, "wrong")
    remedies: Counter[str] = Counter()
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            remedies.update(item.help for item in findings(case, case.write(Path(folder))))
    file = cases[0].file
    file.pop("help", None)
    if remedies.total() > len(remedies):
        file["help"] = remedies.most_common(1)[0][0]
    for case in cases:
        for key, write in (("found", found), ("fixed", fixed)):
            with tempfile.TemporaryDirectory() as folder:
                text = write(case, case.write(Path(folder)))
            case.given.pop(key, None)
            if text:
                case.given[key] = text.replace(f"Python {PYTHON}", "Python {python}")
    file |= {kind: _Cases(file.pop(kind)) for kind in ("wrong", "right")}
    file = {"help": file.pop("help"), **file} if "help" in file else file
    text = yaml.dump(file, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=sys.maxsize)
    (FOLDER / f"{code}.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    codes = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    for code in codes if sys.argv[1:] == ["all"] else sys.argv[1:]:
        update(code)
