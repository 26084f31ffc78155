"""Publish a checkpoint: from a file and facts about it to a card that loads it, or to nothing.

`facts` gathers what the card says, `plan` refuses what cannot become a publication, `told` says what
the file tells before `trial` builds the network, loads the file strictly and computes, all in
processes of their own; `card` writes the card into a copy of the hub, where it is checked; `target`
takes over what has passed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mindspore_hub.authoring.publishing.publication import Publication

__all__ = ["publish"]


def publish(
    checkpoint: str | os.PathLike[str],
    model: str,
    *,
    facts: Mapping[str, str] | None = None,
    network_args: Mapping[str, bool | int | float | str] | None = None,
    root: str | os.PathLike[str] = ".",
    network: str | os.PathLike[str] | None = None,
    golden: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    patch: str | os.PathLike[str] | None = None,
    branch: str | None = None,
) -> Publication:
    """Publish a checkpoint in a hub: try it, and write its card and its entry point.

    The checkpoint is loaded strictly and computes in PyNative and in GRAPH mode, each in a process
    of its own, which runs the code of the network. Nothing is written before everything has passed.

    Args:
        checkpoint: File in `ckpt` or `safetensors` format.
        model: Name of the model; `models/<model in lower case>.py` defines a class of that name.
        facts: What the card says, by the keys of a card and the further ones of
            `docs/publishing.md`; the name of the file and the cards of the model say the rest.
        network_args: Constructor arguments of the network that the shapes in the file do not tell.
        root: The hub root to publish in.
        network: The file of the network, for a model that the hub does not have yet.
        golden: Outputs for a drawn input, to compare with; recorded there if there is no such file.
        dry_run: Write nothing.
        patch: Write what would change to this file, and nothing else.
        branch: Commit what would change to this new branch of git, and touch nothing else.

    Returns:
        What was published, with all changes as a diff.

    Raises:
        MissingFactsError: Facts are missing; the message lists all of them (a ValueError).
        CardError: Facts contradict each other, or the card would not pass the check, or there is
            one (a ValueError).
        CheckpointError: The file is damaged, does not fit the network, or computes differently in
            the two modes or than recorded (a ValueError).
        UnknownNameError: The hub has no such model (a ValueError).
        SettingsError: There is no such hub, the branch is there already, or files that would be
            changed have changes that are not committed (a ValueError).
        MissingDependencyError: MindSpore is not installed (an ImportError).
        OSError: A file cannot be read or written.
    """
    from mindspore_hub.authoring.publishing.plan import Request
    from mindspore_hub.authoring.publishing.publication import run
    from mindspore_hub.authoring.publishing.target import choose_target
    from mindspore_hub.hub.values import as_builtin

    request = Request(
        checkpoint=Path(checkpoint),
        model=model,
        root=Path(root),
        facts=dict(facts or {}),
        network_args=as_builtin(dict(network_args or {})),
        network=Path(network) if network is not None else None,
        golden=Path(golden) if golden is not None else None,
    )
    target = choose_target(
        dry_run=dry_run, patch=Path(patch) if patch is not None else None, branch=branch
    )
    return run(request, target)
