"""Where a publication goes: in place, to a patch, to a branch, or nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from mindspore_hub._files import replace
from mindspore_hub.authoring.publishing import git
from mindspore_hub.errors import SettingsError
from mindspore_hub.hub.paths import refuse_links

Contents = Mapping[str, bytes]
"""New bytes of files, by their paths below the hub root."""

_HUB = ("assets", "models", "mindspore_hub_conf", "README.md")


@dataclass(frozen=True)
class Target:
    """Where changes go: in place, unless one of these says otherwise."""

    dry_run: bool = False
    patch: Path | None = None
    branch: str | None = None


def choose_target(*, dry_run: bool, patch: Path | None, branch: str | None) -> Target:
    """The one target that was asked for.

    Raises:
        SettingsError: Several were.
    """
    if dry_run + (patch is not None) + (branch is not None) > 1:
        msg = "Give only one of --dry-run, --patch and --branch."
        raise SettingsError(msg)
    return Target(dry_run, patch, branch)


def check_target(
    target: Target, root: Path, names: Iterable[str], *, new: str | None = None
) -> None:
    """Refuse to change files that have changes of somebody's own.

    Args:
        target: Where the changes go.
        root: The hub root.
        names: Files that will change.
        new: One of them that is published as it is.

    Raises:
        SettingsError: Some have changes that are not committed, or the branch cannot be made.
    """
    if target.branch is not None:
        git.check_new_branch(root, target.branch)
    elif not git.is_work_tree(root):
        return
    looked_at = [name for name in _HUB if (root / name).exists()] if target.branch else names
    dirty = [name for name in git.uncommitted(root, looked_at) if name != new]
    if dirty:
        listed = "\n".join(f"  {name}" for name in dirty)
        msg = (
            f"These files of {root.absolute()} have changes that are not committed:\n{listed}\n"
            "Commit or stash them first, so that what is published can be told from them."
        )
        raise SettingsError(msg)


def changed(root: Path, contents: Contents) -> list[str]:
    """Files that are not like this already, in order."""
    return [name for name, new in sorted(contents.items()) if _bytes(root / name) != new]


def diff(root: Path, contents: Contents) -> str:
    """Changes as `git apply` takes them."""
    return "".join(_diff(root / name, name, contents[name]) for name in changed(root, contents))


def hand_over(target: Target, root: Path, contents: Contents, *, message: str) -> None:
    """Let the changes take place where they shall.

    Raises:
        SettingsError: git refuses.
        CardError: A link leads out of the hub root.
        StoreError: A file cannot be written; all others are as they were.
    """
    if target.dry_run:
        return
    if target.patch is not None:
        replace(target.patch, diff(root, contents))
    elif target.branch is not None:
        git.commit(root, target.branch, contents, message=message)
    else:
        _place(root, contents)


def _place(root: Path, contents: Contents) -> None:
    """Write all files, or none."""
    before = {name: _bytes(root / name) for name in changed(root, contents)}
    folders = [folder for name in before for folder in _new_folders(root / name)]
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


def _new_folders(path: Path) -> list[Path]:
    return [folder for folder in path.parents if not folder.exists()]


def _diff(path: Path, name: str, new: bytes) -> str:
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
