"""Publish a checkpoint: from a file and facts about it to a card that loads it, or to nothing.

`facts` gathers what the card says, and `plan` refuses what cannot become a publication. `trial` tries
the network and writes the card (`card_text`) in a copy of the hub and a process of its own;
`publication` checks the copy, and puts in place what has passed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.hub.values import Argument, Shape


@dataclass(frozen=True)
class Publication:
    """What was published.

    Attributes:
        uid: Uid of the card.
        name: Shortest name that `load` takes for it.
        link: Where the file is to be put, under its published name.
        sha256: Digest of the file.
        size: Its size as the card gives it.
        network_args: Constructor arguments that the card states.
        input_shapes: Shape of each input for one sample.
        output_shapes: Shape of each output for one sample.
        deviation: Largest difference between the outputs of the two modes, relative to the largest
            value.
        checkpoint: What the file tells without a network, as in `mshub inspect --format json`, and
            what its shapes tell: `derived` arguments, `class_argument`, `embedding_size`.
        golden: `compared`, `recorded`, or an empty string.
        files: Files that are new or changed, below the hub root.
        diff: The changes, as `git apply` takes them.
        remarks: Findings that do not stop a publication.
        load: Command that loads the card with the network of its hub, once the changes are there.
    """

    uid: str
    name: str
    link: str
    sha256: str
    size: str
    network_args: Mapping[str, Argument]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    deviation: float
    checkpoint: Mapping[str, Any]
    golden: str
    files: tuple[str, ...]
    diff: str
    remarks: tuple[str, ...]
    load: str


def publish(
    checkpoint: str | os.PathLike[str],
    model: str,
    *,
    facts: Mapping[str, str] | None = None,
    network_args: Mapping[str, bool | int | float | str] | None = None,
    hub: str | os.PathLike[str] | Hub | None = None,
    network_file: str | os.PathLike[str] | None = None,
    golden: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
) -> Publication:
    """Publish a checkpoint in a hub: try it, and write its card and its entry point.

    The checkpoint is loaded strictly and computes in PyNative and in GRAPH mode, in a process of its
    own, which runs the code of the network. Nothing is written before everything has passed.

    Args:
        checkpoint: File in `ckpt` or `safetensors` format.
        model: Name of the model; `models/<model in lower case>.py` defines a class of that name.
        facts: What the card says, by the keys of a card and the further ones of
            `docs/publishing.md`; the name of the file and the cards of the model say the rest.
        network_args: Constructor arguments of the network that the shapes in the file do not tell.
        hub: The hub root to publish in; by default the one of `MSHUB_HUB`, or the current folder.
        network_file: The file of the network, for a model that the hub does not have yet.
        golden: Outputs for a drawn input, to compare with; recorded there if there is no such file.
        dry_run: Try and check everything, and write nothing.

    Returns:
        What was published, with all changes as a diff.

    Raises:
        MissingFactsError: Facts are missing; the message lists all of them (a ValueError).
        CardError: Facts contradict each other, or the card would not pass the check, or there is
            one (a ValueError).
        CheckpointError: The file is damaged, does not fit the network, or computes differently in
            the two modes or than recorded (a ValueError).
        UnknownNameError: The hub has no such model (a ValueError).
        SettingsError: There is no such hub (a ValueError).
        MissingDependencyError: MindSpore is not installed (an ImportError).
        OSError: A file cannot be read or written.
    """
    from mindspore_hub.authoring.plan import Request
    from mindspore_hub.authoring.publication import run
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.hub.values import as_builtin
    from mindspore_hub.settings import hub_setting

    root = hub.root if isinstance(hub, Hub) else hub or hub_setting() or Path()
    request = Request(
        checkpoint=Path(checkpoint),
        model=model,
        root=Path(root),
        facts=dict(facts or {}),
        network_args=as_builtin(dict(network_args or {})),
        network=Path(network_file) if network_file is not None else None,
        golden=Path(golden) if golden is not None else None,
    )
    return run(request, dry_run=dry_run)
