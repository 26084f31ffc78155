"""The way of a publication: plan, trial and card in a copy of the hub, check, and only then the hub."""

from __future__ import annotations

import logging
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path

from mindspore_hub._files import replace
from mindspore_hub.authoring import generate
from mindspore_hub.authoring.card_text import check_facts
from mindspore_hub.authoring.plan import Plan, Request, make_plan
from mindspore_hub.authoring.publish import Publication
from mindspore_hub.authoring.trial import try_out
from mindspore_hub.checking.check import check_paths
from mindspore_hub.errors import CardError
from mindspore_hub.hub.findings import Finding, Severity
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.paths import entry_point_path, refuse_links
from mindspore_hub.networks import golden
from mindspore_hub.networks.entry_point import SHARED
from mindspore_hub.networks.examine import Examination, Total

logger = logging.getLogger(__name__)

_RULES = ("DEFAULT", "EXTENDED")


def run(request: Request, *, dry_run: bool) -> Publication:
    """Publish; see `mindspore_hub.publish`."""
    plan = make_plan(request)
    recorded = golden.read_record(request.golden)
    _say(plan.file)
    with tempfile.TemporaryDirectory(prefix="mshub-publish-") as name:
        hub = _copy_hub(plan, Path(name, "hub"))
        before = _findings(hub)
        check_facts(plan, hub, _RULES)
        trial = try_out(plan, hub)
        remarks = _check(plan, hub, before)
        contents = _contents(plan, hub)
        load_name = Hub.of(hub).complete().resolve(plan.uid).short_name
    elsewhere = None
    if request.golden and not recorded:
        elsewhere = _add_golden(request.golden, request.root, trial.record, contents)
    files = changed(request.root, contents)
    changes = "".join(_diff(request.root / name, name, contents[name]) for name in files)
    if not dry_run:
        place(request.root, contents)
        if elsewhere:
            replace(elsewhere, trial.record)
    return Publication(
        uid=plan.uid,
        name=load_name,
        link=plan.link,
        sha256=plan.sha256,
        size=plan.size,
        network_args=trial.network_args,
        input_shapes=trial.inputs,
        output_shapes=trial.outputs,
        deviation=trial.deviation,
        checkpoint={**plan.file.summary(), **trial.from_shapes},
        golden="" if request.golden is None else "compared" if recorded else "recorded",
        files=tuple(files),
        diff=changes,
        remarks=remarks,
        load=shlex.join(["mshub", "load", str(request.root.resolve() / plan.card), "--trust"]),
    )


def _say(file: Examination) -> None:
    """Log what the index of the file tells."""
    for fact, value in file.rows():
        logger.info("%s: %s", fact, value)
    logger.info("parameters: %s", Total.of(file.of_role("parameter")))


def _copy_hub(plan: Plan, hub: Path) -> Path:
    """Copy what a publication reads and changes; refuse a hub that is not up to date."""
    root = plan.request.root
    for name in ("assets", "models", "mindspore_hub_conf"):
        if (root / name).is_dir():
            shutil.copytree(root / name, hub / name, ignore=shutil.ignore_patterns("__pycache__"))
    if (root / "README.md").is_file():
        shutil.copyfile(root / "README.md", hub / "README.md")
    if "".join(generate.differences(hub)):
        msg = (
            f"Generated files of {root.absolute()} are not what its cards say; run `mshub generate` "
            "and commit them first."
        )
        raise CardError(msg)
    if plan.request.network:
        shutil.copyfile(plan.request.network, hub / plan.network)
    return hub


def _findings(hub: Path) -> list[Finding]:
    if not any((hub / "assets").rglob("*.md")):
        return []
    return check_paths([hub], selected=_RULES)[0]


def _check(plan: Plan, hub: Path, before: list[Finding]) -> tuple[str, ...]:
    """Refuse a card that brings errors or warnings to its hub; what else is found."""
    known = {(item.path, item.code, item.message) for item in before}
    found = [
        item._replace(path=item.path.relative_to(hub))
        for item in _findings(hub)
        if (item.path, item.code, item.message) not in known
    ]
    bad = [str(item) for item in found if item.severity is not Severity.INFO]
    if bad:
        listed = "\n".join(bad)
        msg = f"{plan.card} would not pass the check, and nothing was written:\n{listed}"
        raise CardError(msg)
    return tuple(map(str, found))


def _contents(plan: Plan, hub: Path) -> dict[str, bytes]:
    """What the copy of the hub has of all files that a publication may write."""
    entry_point = entry_point_path(hub, plan.model).relative_to(hub)
    shared = Path("models", f"{SHARED}.py")
    paths = [plan.card, entry_point, plan.network, shared, Path("README.md")]
    return {path.as_posix(): (hub / path).read_bytes() for path in paths if (hub / path).is_file()}


def _add_golden(path: Path, root: Path, text: str, contents: dict[str, bytes]) -> Path | None:
    """Outputs to record inside the hub are one change more; a file elsewhere is returned."""
    try:
        name = path.resolve().relative_to(root.resolve())
    except ValueError:
        return path
    contents[name.as_posix()] = text.encode()
    return None


def changed(root: Path, contents: Mapping[str, bytes]) -> list[str]:
    """Files that are not like this already, in order; contents are by paths below the root."""
    return [name for name, new in sorted(contents.items()) if _bytes(root / name) != new]


def place(root: Path, contents: Mapping[str, bytes]) -> None:
    """Write all files, or none.

    Raises:
        CardError: A link leads out of the hub root.
        StoreError: A file cannot be written; all others are as they were.
    """
    before = {name: _bytes(root / name) for name in changed(root, contents)}
    folders = [folder for name in before for folder in (root / name).parents if not folder.exists()]
    try:
        refuse_links((root / name for name in before), root)
        for name in before:
            replace(root / name, contents[name])
    except BaseException:
        _restore(root, before)
        for folder in sorted(set(folders), reverse=True):
            with suppress(OSError):  # it was never made
                folder.rmdir()
        raise


def _restore(root: Path, before: Mapping[str, bytes | None]) -> None:
    """Write what was there, as far as possible: one file that cannot be must not keep others."""
    for name, old in before.items():
        with suppress(OSError):
            if old is None:
                (root / name).unlink()
            elif _bytes(root / name) != old:
                replace(root / name, old)


def _diff(path: Path, name: str, new: bytes) -> str:
    """One change as `git apply` takes it."""
    old = _bytes(path)
    header = f"diff --git a/{name} b/{name}\n" + ("new file mode 100644\n" if old is None else "")
    lines = unified_diff(
        (old or b"").decode("utf-8").splitlines(keepends=True),
        new.decode("utf-8").splitlines(keepends=True),
        "/dev/null" if old is None else f"a/{name}",
        f"b/{name}",
    )
    return header + "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
