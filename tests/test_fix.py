"""`mshub card check --fix` and `--diff`: only the span of a fix changes, and nothing gets worse."""

import json
import random
import re
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import rule_cases
import sample
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from properties import cases

from mindspore_hub.checking import fix
from mindspore_hub.checking.check import check_document
from mindspore_hub.checking.rules import Group, HubCards, Rule, all_rules, select
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import StoreError
from mindspore_hub.hub.document import Document, decode_document
from mindspore_hub.hub.findings import Edit, Finding, Place, Problem, Rewrite, Severity
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.paths import find_cards

pytestmark = pytest.mark.usefixtures("folder")

CARDS = [card.path.read_bytes() for card in sample.cards()]
GOOD = Hub.of().resolve("mvd_visibletoinfrared_regdb").path.read_bytes()
RULES = all_rules()
RELEASE = b"model-version: 1.9"


def check(*arguments: str) -> Result:
    """Run `mshub card check` in this process."""
    return CliRunner().invoke(mshub, ["card", "check", *arguments])


def write(data: bytes, name: str = "card.md") -> Path:
    path = Path(name)
    path.write_bytes(data)
    return path


def bad(data: bytes = GOOD) -> bytes:
    """A card with a version that loses a digit and a dash for a value."""
    return data.replace(RELEASE, b"model-version: 1.90", 1).replace(
        b"author: ", b"accuracy: -\n\nauthor: ", 1
    )


def mended(data: bytes = GOOD) -> bytes:
    return data.replace(RELEASE, b'model-version: "1.90"', 1)


def fixed(data: bytes, rules: list[Rule]) -> tuple[bytes, fix.Outcome]:
    """What fixing makes of a card."""
    path = write(data)
    outcome = fix.fix_cards(find_cards(path), rules, lambda found: found)
    return (as_bytes(outcome.changed[0][1]) if outcome.changed else data), outcome


def as_bytes(document: Document) -> bytes:
    return (b"\xef\xbb\xbf" if document.byte_order_mark else b"") + document.text.encode()


def test_fix_mends_and_says_what_is_left() -> None:
    path = write(bad().replace(b"# MVD", b"# The MVD", 1))
    done = check("card.md", "--fix", "--select", "V201,F015,C501")
    assert done.exit_code == 0
    assert path.read_bytes() == mended().replace(b"# MVD", b"# The MVD", 1)
    assert done.stdout.startswith("card.md:1:1: C501 ")
    assert done.stderr == "Fixed 2 findings in 1 card.\n1 card checked, 1 finding\n"
    again = check("card.md", "--fix", "--select", "V201,F015,C501")
    assert again.stderr == "Fixed 0 findings in 0 cards.\n1 card checked, 1 finding\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
@pytest.mark.parametrize("last", [True, False], ids=["newline", "none"])
def test_all_bytes_survive_but_those_of_the_fix(end: bytes, mark: bytes, last: bool) -> None:
    def dressed(data: bytes) -> bytes:
        data = data.replace(b"author: ", b"# a comment  \n\nauthor:   ", 1)
        return mark + (data if last else data.rstrip(b"\n")).replace(b"\n", end)

    path = write(dressed(bad()))
    assert check("card.md", "--fix", "--select", "V201,F015").exit_code == 0
    # The comment stands between the removed line and the empty one after it.
    expected = dressed(mended())
    assert path.read_bytes() == expected


def test_diff_prints_writes_nothing_and_exits_with_1() -> None:
    path = write(bad())
    done = check("card.md", "--diff", "--select", "V201")
    assert done.exit_code == 1
    line = GOOD[: GOOD.index(RELEASE)].count(b"\n") + 1
    assert done.stdout.startswith(f"--- card.md\n+++ card.md\n@@ -{line - 3},7 +{line - 3},7 @@\n")
    changed = [line for line in done.stdout.splitlines()[2:] if line[0] in "-+"]
    assert changed == ["-model-version: 1.90", '+model-version: "1.90"']
    assert done.stderr == "Would fix 1 finding in 1 card.\n"
    assert path.read_bytes() == bad()
    assert check("card.md", "--diff", "--select", "F015").exit_code == 1
    assert check("card.md", "--diff", "--select", "F001").exit_code == 0


def test_a_diff_can_be_applied_where_a_file_has_no_final_newline() -> None:
    write(GOOD.rstrip(b"\n"))
    done = check("card.md", "--diff", "--select", "F005")
    assert done.exit_code == 1
    last = GOOD.decode().splitlines()[-1]
    assert done.stdout.endswith(f"-{last}\n\\ No newline at end of file\n+{last}\n")


def test_only_what_is_reported_is_mended() -> None:
    path = write(bad())
    assert check("card.md", "--fix", "--select", "V201").exit_code == 0
    assert b"accuracy: -" in path.read_bytes()
    write(bad().replace(b"1.90", b"1.90 # <!-- mshub: ignore V201 -->", 1))
    check("card.md", "--fix", "--select", "V201,F015")
    assert b"1.90 # <!-- mshub: ignore V201 -->" in path.read_bytes()
    assert b"accuracy: -" not in path.read_bytes()
    write(bad())
    check("card.md", "--select", "V201", "--write-baseline", "known.json")
    check("card.md", "--fix", "--select", "V201,F015", "--baseline", "known.json")
    assert path.read_bytes() == mended().replace(b'"1.90"', b"1.90")


@pytest.mark.parametrize(
    ("key", "value", "other"),
    [
        ("evaluation", "no", "rank1acc71"),
        ("evaluation", "-", "rank1acc71"),
        ("fine-tunable", '"True"', "False"),
        ("model-version", "1.90", '"1.9"'),
        ("update-time", "2022-1-1", "2022-01-01"),
        ("train-dataset", "Reg_DB", "regdb"),
        ("module-type", "cv--classification", "cv"),
        ("repo-link", "https://gitee.com/mindspore/models", "<https://gitee.com/mindspore/models>"),
        ("license", "Apache 2", "Apache2.0  "),
        ("licence", "Apache2.0", "Apache2.0"),
    ],
)
@pytest.mark.parametrize("is_last", [True, False])
def test_a_key_that_stands_twice_is_left_as_it_is(
    key: str, value: str, other: str, *, is_last: bool
) -> None:
    keys = re.sub(rf"(?m)^{key}: .*\n", "", GOOD.decode())
    pair = [f"{key}: {value}\n", f"{key}: {other}\n"]
    both = "".join(pair[:: -1 if is_last else 1])
    path = write(keys.replace("author: ", f"{both}author: ", 1).encode())
    check("card.md", "--fix", "--select", "ALL")
    assert both in path.read_text(encoding="utf-8")


def test_what_an_asset_says_twice_is_left_as_it_is() -> None:
    both = b"    task: {name: Retrieval}\n    task: {outputs: [1]}\n"
    path = write(GOOD.replace(b"    task: ", both + b"    task: ", 1))
    check("card.md", "--fix", "--select", "ALL")
    assert both in path.read_bytes()


def test_a_finding_stands_at_the_line_of_the_value_that_counts() -> None:
    write(GOOD.replace(b"author: ", b"evaluation: no\nauthor: ", 1))
    done = check("card.md", "--select", "E310")
    line = GOOD[: GOOD.index(b"author: ")].count(b"\n") + 1
    assert done.stdout.startswith(f"card.md:{line}:1: E310 ")


def test_a_fixed_file_keeps_its_mode_and_a_link_stays_a_link() -> None:
    target = write(bad(), "target.md")
    target.chmod(0o640)
    Path("card.md").symlink_to("target.md")
    assert check("card.md", "--fix", "--select", "V201,F015").exit_code == 0
    assert Path("card.md").is_symlink()
    assert target.read_bytes() == mended()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in Path().iterdir()) == ["card.md", "target.md"]


def test_a_read_only_file_is_an_error_and_nothing_is_written() -> None:
    for name in ("a.md", "b.md"):
        write(bad(), name)
    Path("b.md").chmod(0o444)
    error = check("a.md", "b.md", "--fix", "--select", "V201").exception
    assert str(error) == (
        "b.md is read-only; nothing was written. Make it writable: `chmod u+w b.md`."
    )
    assert Path("a.md").read_bytes() == bad()


def test_a_file_that_changed_meanwhile_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(bad())
    inner = fix.fix_cards

    def slow(*arguments: object) -> fix.Outcome:
        outcome = inner(*arguments)
        path.write_bytes(b"edited")
        return outcome

    monkeypatch.setattr(fix, "fix_cards", slow)
    error = check("card.md", "--fix", "--select", "V201").exception
    assert "card.md has changed since it was checked; nothing was written." in str(error)
    assert path.read_bytes() == b"edited"


def test_a_failed_write_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(bad())

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    error = check("card.md", "--fix", "--select", "V201").exception
    assert isinstance(error, StoreError)
    assert f"{path.resolve()} cannot be written: No space left on device." in str(error)
    assert path.read_bytes() == bad()
    assert [item.name for item in Path().iterdir()] == ["card.md"]


def test_cards_in_several_folders_are_mended_at_once() -> None:
    for name in ("one", "two"):
        Path(name).mkdir()
        write(bad(), f"{name}/card.md")
    done = check("one", "two", "two/card.md", "--fix", "--select", "V201")
    assert done.stderr == "Fixed 2 findings in 2 cards.\n2 cards checked, 0 findings\n"


def rule(code: str, *edits: tuple[bytes, bytes | None], group: Group = Group.EXTENDED) -> Rule:
    """A rule that wants these words of a card to be others."""

    def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
        for number, line in enumerate(document.lines, 1):
            for old, new in edits:
                column = line.find(old.decode()) + 1
                if column:
                    text = None if new is None else new.decode()
                    edit = Edit(Place(number, column), old.decode(), text)
                    yield Problem(Place(number, column), f"{old!r}", "change it", (edit,))

    return Rule(code, code.lower(), Severity.WARNING, group, code, check_card)


CARD = b"# a\n\n---\n\nb: c d\n\n---\n\ne f\n"


def test_edits_that_overlap_are_applied_one_after_the_other() -> None:
    rules = [rule("Z1", (b"c d", b"d c")), rule("Z2", (b"b: c", b"b:  c"))]
    data, outcome = fixed(CARD, rules)
    assert data == CARD.replace(b"b: c d", b"b:  d c")
    assert outcome.fixed == 2


def test_edits_of_one_line_are_applied_together() -> None:
    data, outcome = fixed(CARD, [rule("Z1", (b"b:", b"h:")), rule("Z2", (b" c", b"   g"))])
    assert data == CARD.replace(b"b: c", b"h:   g")
    assert outcome.fixed == 2


def test_fixes_that_undo_each_other_leave_the_card_as_it_was() -> None:
    rules = [rule("Z1", (b"b: c", b"b: x")), rule("Z2", (b"b: x", b"b: c"))]
    data, outcome = fixed(CARD, rules)
    assert data == CARD
    ((path, reason),) = outcome.left
    assert (path, reason) == (
        Path("card.md"),
        f"its fixes do not come to an end within {fix.MAX_ROUNDS} rounds",
    )


def test_a_fix_that_leads_to_another_finding_is_taken_back() -> None:
    rules = [rule("Z1", (b"b: c", b"b: x")), rule("Z2", (b"b: x", b"b: x"))]
    data, outcome = fixed(CARD, rules)
    assert data == CARD
    assert outcome.changed == []
    assert outcome.left == [(Path("card.md"), "its fixes would lead to Z2")]


def test_a_fix_that_makes_another_card_worse_is_taken_back() -> None:
    def check_hub(hub: object) -> Iterator[tuple[Document, Problem]]:
        documents = {document.path.name: document for document in hub.documents.values()}
        if "b: x" in documents["a.md"].text:
            yield documents["b.md"], Problem(Place(), "a says x", "nothing", whole=True)

    hub = Rule("Z2", "z2", Severity.ERROR, Group.DEFAULT, "Z2", None, check_hub)
    for name in ("a.md", "b.md"):
        write(CARD, name)

    def first(findings: Iterator[Finding]) -> Iterator[Finding]:
        return (finding for finding in findings if finding.path.name == "a.md")

    rules = [rule("Z1", (b"b: c", b"b: x")), hub]
    outcome = fix.fix_cards(find_cards(Path()), rules, first)
    assert outcome.changed == []
    assert outcome.left == [(Path("a.md"), "its fixes would lead to Z2 in another card")]


def test_default_rules_judge_fixes_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    breaking = rule("Z100", (b"license: Apache2.0", None))
    rule_cases.add_rule(monkeypatch, "z100_breaking", Severity.WARNING, breaking.check_card)
    path = write(GOOD)
    done = check("card.md", "--fix", "--select", "Z100")
    assert path.read_bytes() == GOOD
    assert done.exit_code == 1
    assert "card.md: left as it was: its fixes would lead to K101\n" in done.stderr


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit(Place(2, 1), "two", "2"), "one\r\n2\n\nfour"),
        (Edit(Place(2, 2), "wo", ""), "one\r\nt\n\nfour"),
        (Edit(Place(2, 4), "", "!"), "one\r\ntwo!\n\nfour"),
        (Edit(Place(1, 1), "one", None), "two\n\nfour"),
        (Edit(Place(2, 2), "w", None), "one\r\nfour"),
        (Edit(Place(4, 1), "four", None), "one\r\ntwo\n\n"),
        (Edit(Place(2, 1), "too", "2"), None),
        (Edit(Place(1, 4), "\r", ""), None),
        (Edit(Place(2, 5), "", "!"), None),
        (Edit(Place(9, 1), "", "!"), None),
        (Edit(Place(0, 0), "", "!"), None),
    ],
)
def test_an_edit_applies_where_its_old_text_stands(edit: Edit, expected: str | None) -> None:
    text = "one\r\ntwo\n\nfour"
    result = fix.apply_edits(text, [[edit]])
    assert result == ((text, 0) if expected is None else (expected, 1))


def test_a_group_of_edits_is_applied_as_a_whole_or_not_at_all() -> None:
    first, second = Edit(Place(1, 1), "one", "1"), Edit(Place(2, 1), "too", "2")
    assert fix.apply_edits("one\ntwo\n", [[first, second]]) == ("one\ntwo\n", 0)
    assert fix.apply_edits("one\ntwo\n", [[first], [first]]) == ("1\ntwo\n", 2)
    twice = [[Edit(Place(1, 1), "one", "1")], [Edit(Place(1, 2), "ne", "")]]
    assert fix.apply_edits("one\n", twice) == ("1\n", 1)


def test_edits_of_the_whole_file_come_after_those_of_lines() -> None:
    edit = Edit(Place(1, 1), "one", "1")
    groups = [[rewrite] for rewrite in Rewrite] + [[edit]]
    assert fix.apply_edits("one\r\ntwo", groups, byte_order_mark=True) == ("1\ntwo\n", 4)
    assert fix.apply_edits("one", [[edit]], byte_order_mark=True) == ("\ufeff1", 1)


def test_a_file_that_is_not_utf_8_is_never_written() -> None:
    data = bad() + b"\xff\n"
    path = write(data)
    done = check("card.md", "--fix", "--select", "V201,F001")
    assert done.exit_code == 1
    assert path.read_bytes() == data


INJECTIONS = [
    (b"author: ", b"evaluation: -\n\nauthor: "),
    (RELEASE[:-4], b"model-version: 2.10 #"),
    (b"mindspore-version: ", b"mindspore-version: 3.00 # "),
    (b"fine-tunable: True", b"fine-tunable: yes"),
    (b"asset-sha256", b"asset_sha256"),
    (b"license:", b"License :"),
    (b"update-time: 20", b"update-time: 2022-2-3 # 20"),
    (b"## Usage", b"## Usage:"),
    (b"## Inputs", b"---\n\n## Inputs"),
    (b"(https://", b"((https://"),
    (b"https://", b"hhttps://"),
    (b"load(", b'load("mindspore/1.3/other_x") or load('),
    (b"evaluation: ", b"evaluation: none #"),
    (b"evaluation: rank1acc", b"evaluation: rank1acc: "),
    (b": ", b":\t"),
    (b"\n\n", b"\n \n"),
    (b" ", "\u00a0".encode()),
    (b"\n", b"\r\n"),
    (b"\n", b"\r"),
    (b"# ", b"\xef\xbb\xbf# "),
    (b"-", b"---\n"),
    (b"\n", b"\n    "),
    (b"```", b"````"),
    (b": ", b": \xff"),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A card of the hub, with slips and with random edits in it."""
    data = draw(st.sampled_from(CARDS))
    for old, new in draw(st.lists(st.sampled_from(INJECTIONS), min_size=1, max_size=6)):
        which = draw(st.sampled_from([1, -1, 3]))
        data = replaced(data, old, new, which)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 20)))
        data = data[:start] + draw(st.binary(max_size=4)) + data[end:]
    if draw(st.booleans()):
        data = data.rstrip(b"\n")
    return data


def replaced(data: bytes, old: bytes, new: bytes, which: int) -> bytes:
    """Replace one or all (-1) of the places where something stands."""
    parts = data.split(old)
    if which == -1 or len(parts) <= which:
        return data.replace(old, new)
    return old.join(parts[:which]) + new + old.join(parts[which:])


PROPERTY = settings(
    max_examples=cases(150),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@PROPERTY
@given(mutated(), st.sampled_from(["DEFAULT", "EXTENDED", "ALL"]))
@example(bad(), "DEFAULT")
def test_fixing_ends_makes_nothing_worse_and_is_done_once(data: bytes, group: str) -> None:
    rules = select([group])
    once, outcome = fixed(data, rules)
    after = counts_of(once, rules)
    assert after <= counts_of(data, rules)
    assert (once != data) == bool(outcome.fixed)
    if not outcome.left:
        assert fixed(once, rules)[0] == once


def counts_of(data: bytes, rules: list[Rule]) -> Counter[str]:
    document = decode_document(data, Path("card.md"))
    return Counter(finding.code for finding in check_document(document, rules))


@PROPERTY
@given(mutated(), st.randoms(use_true_random=False))
def test_only_lines_with_edits_change(data: bytes, chance: random.Random) -> None:
    document = decode_document(data, Path("card.md"))
    groups = [
        [edit for edit in finding.edits if isinstance(edit, Edit)]
        for finding in check_document(document, RULES)
    ]
    groups = [group for group in groups if group and chance.random() < 0.7]
    text, applied = fix.apply_edits(document.text, groups)
    assert bool(applied) == bool(groups)
    edited = {edit.place.line for group in groups for edit in group}
    # The empty line after a removed one goes too.
    edited |= {
        edit.place.line + 1
        for group in groups
        for edit in group
        if edit.new is None and not "".join(document.lines[edit.place.line :][:1]).strip()
    }
    untouched = [
        line for number, line in enumerate(lines(document.text), 1) if number not in edited
    ]
    left = iter(lines(text))
    assert all(line in left for line in untouched)


def lines(text: str) -> list[str]:
    """Lines without their ends: where a line between CR and LF is emptied, the two become one."""
    return re.split(r"\r\n|\r|\n", text)


@PROPERTY
@given(mutated())
def test_every_edit_of_a_rule_stands_where_it_says(data: bytes) -> None:
    document = decode_document(data, Path("card.md"))
    for finding in check_document(document, RULES):
        assert fix.changes(document.text, finding.edits) is not None, finding


def test_json_after_fixing_has_what_is_left() -> None:
    write(bad().replace(b"# MVD", b"# The MVD", 1))
    done = check("card.md", "--fix", "--select", "V201,C501", "--format", "json")
    assert [item["code"] for item in json.loads(done.stdout)] == ["C501"]
