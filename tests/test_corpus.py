"""The checker against published cards, where their corpus lies beside the checkout.

The corpus is data of others and not part of this project. Without it these tests are skipped; every
rule has cases of its own in `rules/`.
"""

import json
import lzma
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mindspore_hub.authoring.index import build
from mindspore_hub.checking.check import check_paths
from mindspore_hub.checking.rules import all_rules
from mindspore_hub.hub.document import Document, read_document
from mindspore_hub.hub.findings import Finding, Severity
from mindspore_hub.hub.hub import Hub, own_root
from mindspore_hub.hub.index import parse
from mindspore_hub.hub.values import iso_date
from mindspore_hub.hub.vocabulary import words
from mindspore_hub.info import to_json

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"the corpus of published cards is not at {CORPUS}"
)

ERRORS = {rule.code for rule in all_rules() if rule.severity is Severity.ERROR}

AS_WRITTEN = (
    *("model-name", "backbone-name", "author", "user-id", "license", "summary", "model-version"),
    *("mindspore-version", "fine-tunable", "used-for", "train-dataset", "accuracy"),
)

Key = tuple[str, str, int | None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, unpacked."""
    folder = tmp_path_factory.mktemp("corpus")
    for name in ("cards-open.tar.xz", "mutants-dev.tar.xz"):
        with tarfile.open(CORPUS / name) as archive:
            # Python before 3.11.4 has no filters, and takes no argument for one.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder)  # noqa: S202 - our own archive
    return folder


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    """What an independent reader found in each card."""
    with lzma.open(CORPUS / "expect-open.jsonl.xz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_every_card_is_read_as_the_independent_reader_did(
    folder: Path, expected: list[dict[str, Any]]
) -> None:
    for card in expected:
        document = read_document(folder / card["path"])
        parse = card["parse"]
        assert list(document.rules) == parse["rules"], card["path"]
        assert document.front_matter.names == parse["keys"], card["path"]
        recovered = any(code in {"F014", "F015"} for code, _ in document.problems)
        assert ("recovered" if recovered else "ok") == parse["outcome"], card["path"]
        assert facts_of(document) == card["front_matter"], card["path"]


def facts_of(document: Document) -> dict[str, Any]:
    """What a card says, as the independent reader writes it."""
    said, link = to_json(document.card), document.card.repo_link
    metrics = [{k: v for k, v in item.items() if v or k != "unit"} for item in said["metrics"]]
    return {
        "title": said["title"],
        **{key: said[key.replace("-", "_")] for key in AS_WRITTEN},
        "module-type": {"domain": said["domain"], "task": said["task"]},
        "update-time": iso_date(document.card.text("update-time")) or None,
        "evaluation": metrics or None,
        "repo-link": link._asdict() if link else None,
        "asset": [asset_of(item) for item in said["asset"]],
    }


def asset_of(said: dict[str, Any]) -> dict[str, Any]:
    names = {"version": "ver", "extension": "ext"}
    file = said["file"] and {names.get(k, k): v for k, v in said["file"].items() if v}
    keys = ("file_format", "asset_link", "asset_sha256")
    return {**{key.rpartition("_")[2]: said[key] for key in keys}, "name": file}


def test_findings_equal_those_of_the_independent_reader(
    folder: Path, expected: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {
        (card["path"], defect["code"], defect["line"])
        for card in expected
        for defect in card["defects"]
        if not is_meant_otherwise(card, defect["code"])
    }
    findings, cards = check_paths([folder / "mindspore"], selected=["ALL"])
    found = {key(finding, folder) for finding in findings}
    assert cards == len(expected)
    wrong = Counter(code for _, code, _ in found - wanted)
    lost = Counter(code for _, code, _ in wanted - found)
    exact = len(found & wanted)
    with capsys.disabled():
        print(
            f"\ncorpus: {exact} findings agree, {wrong.total()} are ours alone {dict(wrong)}, "
            f"{lost.total()} are missing {dict(lost)}"
        )
    assert not ERRORS & (wrong.keys() | lost.keys())
    others = [item for item in wanted if item[1] not in ERRORS]
    assert wrong.total() <= 0.01 * len(others)
    assert lost.total() <= 0.01 * len(others)


def test_every_injected_defect_is_found_and_sound_cards_are_clean(folder: Path) -> None:
    for line in (folder / "mutants.jsonl").read_text(encoding="utf-8").splitlines():
        mutant = json.loads(line)
        findings, _ = check_paths([folder / "mutants" / mutant["id"]], selected=["ALL"])
        found = {finding.code for finding in findings}
        assert set(mutant["expect"]) <= found, mutant["id"]
        if mutant["id"].startswith("OK-"):
            assert not [item for item in findings if item.severity is not Severity.INFO]


def test_an_index_of_the_cards_has_the_lines_of_the_shipped_one(folder: Path) -> None:
    shipped = {entry.uid: entry.line for entry in Hub(own_root()).index.entries}
    entries = parse(build(folder / "mindspore"))
    assert len(entries) > 1800
    for entry in entries:
        uid = f"mindspore/{entry.uid}"
        assert entry._replace(uid=uid).line == shipped[uid]


def is_meant_otherwise(card: dict[str, Any], code: str) -> bool:
    """Whether we do not report on purpose what the independent reader does.

    E305 asks nobody to give up capitals, as of mIoU; V213 knows the data sets that upstream's own
    cards name.
    """
    facts = card["front_matter"]
    if code == "E305":
        names = {metric["name"] or "" for metric in facts["evaluation"] or []} - words("metrics")
        return all(name.lower() in words("metrics") for name in names)
    return code == "V213" and facts["train-dataset"] in words("datasets-published")


def key(finding: Finding, folder: Path) -> Key:
    """What is compared: path, code, and line unless the finding is of the whole card."""
    path = finding.path.relative_to(folder).as_posix()
    return path, finding.code, None if finding.whole else finding.line
