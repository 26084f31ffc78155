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
from mindspore_hub.networks.examine import Total

logger = logging.getLogger(__name__)

_RULES = ("DEFAULT", "EXTENDED")


def run(request: Request, *, dry_run: bool) -> Publication:
    """Publish; see `mindspore_hub.publish`."""
    plan = make_plan(request)
    recorded = golden.read_record(request.golden)
    for fact, value in plan.file.rows():
        logger.info("%s: %s", fact, value)
    logger.info("parameters: %s", Total.of(plan.file.of_role("parameter")))
    with tempfile.TemporaryDirectory(prefix="mshub-publish-") as name:
        hub = _copy_hub(plan, Path(name, "hub"))
        has_cards = any((hub / "assets").rglob("*.md"))
        before = check_paths([hub], selected=_RULES)[0] if has_cards else []
        check_facts(plan, hub, _RULES)
        trial = try_out(plan, hub)
        remarks = _check(plan, hub, before)
        contents = _contents(plan, hub)
        load_name = Hub.of(hub).complete().resolve(plan.uid).short_name
    elsewhere = None
    if request.golden and not recorded:
        golden_file = request.golden.resolve()
        if golden_file.is_relative_to(request.root.resolve()):
            name = golden_file.relative_to(request.root.resolve()).as_posix()
            contents[name] = trial.record.encode()
        else:
            elsewhere = request.golden
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
        load=shlex.join(_load(load_name, Hub(request.root))),
    )


def _load(name: str, hub: Hub) -> list[str]:
    """The command that loads a card of a hub from anywhere."""
    if hub.is_own:
        return ["mshub", "load", name]
    return ["mshub", "--hub", str(hub.root.resolve()), "load", name, "--trust"]


def _copy_hub(plan: Plan, hub: Path) -> Path:
    """Copy what a publication reads and changes; refuse a hub that is not up to date."""
    root = plan.request.root
    for name in ("assets", "models", "mindspore_hub_conf"):
        if (root / name).is_dir():
            shutil.copytree(root / name, hub / name, ignore=shutil.ignore_patterns("__pycache__"))
    for page in generate.PAGES:
        if (root / page).is_file():
            (hub / page).parent.mkdir(exist_ok=True)
            shutil.copyfile(root / page, hub / page)
    if "".join(generate.differences(hub)):
        msg = (
            f"Generated files of {root.absolute()} are not what its cards say; run `mshub generate` "
            "and commit them first."
        )
        raise CardError(msg)
    if plan.request.network:
        shutil.copyfile(plan.request.network, hub / plan.network)
    return hub


def _check(plan: Plan, hub: Path, before: list[Finding]) -> tuple[str, ...]:
    """Refuse a card that brings errors or warnings to its hub; what else is found."""
    known = {(item.path, item.code, item.message) for item in before}
    found = [
        item._replace(path=item.path.relative_to(hub))
        for item in check_paths([hub], selected=_RULES)[0]
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
    # A new file of a network is named in the bodies of others that their family wrote.
    bodies = [card.path.relative_to(hub) for card in Hub(hub).cards if card.text("family")]
    paths = [plan.card, entry_point, plan.network, shared, *map(Path, generate.PAGES), *bodies]
    return {path.as_posix(): (hub / path).read_bytes() for path in paths if (hub / path).is_file()}


def changed(root: Path, contents: Mapping[str, bytes]) -> list[str]:
    """Files that are not like this already, in order; contents are by paths below the root."""
    return [name for name, new in sorted(contents.items()) if _bytes(root / name) != new]


def place(root: Path, contents: Mapping[str, bytes]) -> None:
    """Write all files, or none.

    Raises:
        CardError: A link leads out of the hub root.
        StoreError: A file cannot be written; all others are as they were.
    """
    before = {root / name: _bytes(root / name) for name in changed(root, contents)}
    folders = {folder for path in before for folder in path.parents if not folder.exists()}
    try:
        refuse_links(before, root)
        for path in before:
            replace(path, contents[path.relative_to(root).as_posix()])
    except BaseException:
        for path, old in before.items():
            with suppress(OSError):  # one file that cannot be written must not keep others
                if old is None:
                    path.unlink()
                elif _bytes(path) != old:
                    replace(path, old)
        for folder in sorted(folders, reverse=True):
            with suppress(OSError):  # it was never made
                folder.rmdir()
        raise


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
