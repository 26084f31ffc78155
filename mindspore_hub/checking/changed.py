"""Which files differ from a commit, by git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from mindspore_hub.errors import SettingsError

OF_HOOKS = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_IMPLICIT_WORK_TREE"),
        *(
            "GIT_GRAFT_FILE",
            "GIT_SHALLOW_FILE",
            "GIT_REPLACE_REF_BASE",
            "GIT_INTERNAL_SUPER_PREFIX",
        ),
    }
)
"""What git tells its hooks, and would take for the repository of any folder that it is asked in."""


def changed_files(folder: Path, base: str) -> frozenset[Path]:
    """Files of the repository around a folder that are new or other than in a commit.

    Args:
        folder: A folder inside the repository.
        base: A commit; what changed on its side since it parted from HEAD does not count. Empty
            for the upstream branch, or HEAD where there is none.

    Raises:
        SettingsError: There is no git, no repository, or no such commit.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    commit = _base(top, base)
    names = [
        *_git(top, "diff", "--name-only", "-z", "--no-renames", commit, "--").split("\0"),
        *_git(top, "ls-files", "--others", "--exclude-standard", "-z").split("\0"),
    ]
    return frozenset((top / name).resolve() for name in names if name)


def is_commit(folder: Path, name: str) -> bool:
    """Whether git knows a commit by that name."""
    return _try(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") is not None


def _base(top: Path, base: str) -> str:
    if base and (base.startswith("-") or not is_commit(top, base)):
        msg = f"--changed: {base!r} is not a commit of the repository {top}."
        raise SettingsError(msg)
    other = base or "@{upstream}"
    merge_base = _try(top, "merge-base", other, "HEAD")
    if merge_base:
        return merge_base.strip()
    if base:
        return base
    if is_commit(top, "HEAD"):
        return "HEAD"
    return _git(top, "hash-object", "-t", "tree", "/dev/null").strip()


def _git(folder: Path, *arguments: str) -> str:
    done = _run(folder, arguments)
    if done.returncode:
        reason = (
            done.stderr.decode("utf-8", "replace").strip() or f"git ended with {done.returncode}"
        )
        msg = f"--changed needs a git repository around {folder}: {reason}"
        raise SettingsError(msg)
    return os.fsdecode(done.stdout)


def _try(folder: Path, *arguments: str) -> str | None:
    done = _run(folder, arguments)
    return None if done.returncode else os.fsdecode(done.stdout)


def _run(folder: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("git")
    if program is None:
        msg = "--changed needs git, which is not installed."
        raise SettingsError(msg)
    environment = {key: value for key, value in os.environ.items() if key not in OF_HOOKS}
    return subprocess.run(  # noqa: S603 - a fixed program; no argument can be an option
        [program, *arguments], cwd=folder, env=environment, capture_output=True, check=False
    )
