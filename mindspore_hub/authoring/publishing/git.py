"""What git knows of a hub root, and a commit that touches neither its files nor its index."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mindspore_hub.checking.changed import OF_HOOKS
from mindspore_hub.errors import SettingsError


def is_work_tree(folder: Path) -> bool:
    """Whether a folder lies in a work tree of git.

    Raises:
        SettingsError: There is a repository that git refuses to read.
    """
    if shutil.which("git") is None:
        return False
    question = ["rev-parse", "--is-inside-work-tree"]
    done = _run(folder, question)
    if done.returncode and b"not a git repository" in done.stderr:
        return False
    return _output(folder, question, done).strip() == "true"


def uncommitted(folder: Path, names: Iterable[str]) -> list[str]:
    """Which of these files or folders, named from the folder, differ from the last commit."""
    entries = _git(folder, "status", "--porcelain", "-z", "--untracked-files=all", "--", *names)
    prefix = _prefix(folder)
    found, moved = [], False
    for entry in entries.split("\0"):
        if moved or not entry:  # the old name of a file that was moved
            moved = False
            continue
        moved = entry[0] in "RC"
        found.append(entry[3:].removeprefix(prefix))
    return found


def check_new_branch(folder: Path, branch: str) -> None:
    """Refuse a branch that cannot be made.

    Raises:
        SettingsError: There is no repository or no commit, or the name is taken or is none.
    """
    if not is_work_tree(folder):
        msg = f"--branch needs git and a repository around {folder.absolute()}."
        raise SettingsError(msg)
    if branch.startswith("-") or _run(folder, ["check-ref-format", "--branch", branch]).returncode:
        msg = f"--branch: {branch!r} is no name of a branch."
        raise SettingsError(msg)
    if _run(folder, ["rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"]).returncode == 0:
        msg = f"--branch: there is a branch {branch} already; choose another name."
        raise SettingsError(msg)
    _git(folder, "rev-parse", "--verify", "HEAD^{commit}")


def commit(folder: Path, branch: str, contents: Mapping[str, bytes], *, message: str) -> str:
    """Make a branch of one commit on top of HEAD, with these files; return its digest.

    Args:
        folder: A folder in a work tree, from which the files are named.
        branch: Name of the new branch.
        contents: Bytes of each file.
        message: Message of the commit.

    Raises:
        SettingsError: git refuses.
    """
    prefix = _prefix(folder)
    with tempfile.TemporaryDirectory(prefix="mshub-index-") as name:
        index = {"GIT_INDEX_FILE": str(Path(name, "index"))}
        head = _git(folder, "rev-parse", "HEAD").strip()
        _git(folder, "read-tree", head, env=index)
        for path, content in contents.items():
            whole = f"{prefix}{path}"
            blob = _git(folder, "hash-object", "-w", "--stdin", "--path", whole, data=content)
            entry = f"100644,{blob.strip()},{whole}"
            _git(folder, "update-index", "--add", "--cacheinfo", entry, env=index)
        tree = _git(folder, "write-tree", env=index).strip()
    made = _git(folder, "commit-tree", tree, "-p", head, data=message.encode()).strip()
    _git(folder, "update-ref", f"refs/heads/{branch}", made, "0" * len(made))
    return made


def _prefix(folder: Path) -> str:
    return _git(folder, "rev-parse", "--show-prefix").rstrip("\n")


def _git(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None, data: bytes = b""
) -> str:
    return _output(folder, arguments, _run(folder, arguments, env=env, data=data))


def _output(
    folder: Path, arguments: Sequence[str], done: subprocess.CompletedProcess[bytes]
) -> str:
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip()
        msg = f"git {arguments[0]} failed in {folder.absolute()}: {reason}"
        raise SettingsError(msg)
    return os.fsdecode(done.stdout)


def _run(
    folder: Path,
    arguments: Iterable[str],
    *,
    env: Mapping[str, str] | None = None,
    data: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("git")
    if program is None:
        msg = "This needs git, which is not installed."
        raise SettingsError(msg)
    own = {key: value for key, value in os.environ.items() if key not in OF_HOOKS}
    return subprocess.run(  # noqa: S603 - a fixed program; what is given is checked before
        [program, *arguments],
        cwd=folder,
        env={**own, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **(env or {})},
        input=data,
        capture_output=True,
        check=False,
    )
