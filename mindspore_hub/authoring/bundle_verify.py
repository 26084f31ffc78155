"""Prove on the receiving side that a bundle is whole and computes what it did where it was made."""

from __future__ import annotations

import hashlib
import os
import runpy
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub._files import read_regular
from mindspore_hub._text import and_more
from mindspore_hub.authoring.bundle import (
    GOLDEN,
    Manifest,
    code_files,
    digests,
    own_weights,
    read_manifest,
    sample,
)
from mindspore_hub.errors import CardError, CheckpointError, IntegrityError, TrustError
from mindspore_hub.hub.card import Card, read_card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import assign as checkpoint
from mindspore_hub.networks import golden
from mindspore_hub.networks.framework import require_mindspore
from mindspore_hub.networks.trust import explained, private_copy, trusted_copy
from mindspore_hub.networks.weights import facts_of

if TYPE_CHECKING:
    from mindspore import nn


@dataclass(frozen=True)
class Proof:
    """What was proven of a bundle.

    `files` match their sha256, and its checkpoint set all `parameters`, 0 without one. `deviations` are the
    largest differences from the golden outputs in each mode, relative to the largest value.
    """

    uid: str
    network: str
    files: int
    parameters: int = 0
    deviations: dict[str, float] = field(default_factory=dict)


def verify(folder: str | os.PathLike[str], *, trust: bool = False) -> Proof:
    """Verify a bundle: digests, then strict load, then golden outputs; opens no connection.

    With `trust`, its code runs even if it is not what this package would write. Raises IntegrityError if a
    file is missing, left over or changed, TrustError for code of others, CardError for a card that cannot
    be read, and CheckpointError if its checkpoint does not fit its network or outputs differ.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    _check_files(folder, manifest)
    card = read_card(folder / manifest.card, manifest.uid)
    code = _read_code(folder, manifest)
    if not trust:
        _check_code(folder, manifest, card, code)
    require_mindspore()
    copy = private_copy(code)
    with explained(folder, copy):
        entry_point = runpy.run_path(str(copy / manifest.entry_point))
        network = entry_point["create_network"](card.model_name.lower())
    proof = Proof(manifest.uid, type(network).__name__, len(manifest.files))
    if not manifest.checkpoint:
        return proof
    return replace(
        proof,
        parameters=_load(network, folder / manifest.checkpoint),
        deviations=_compare(network, card, folder / GOLDEN),
    )


def _check_files(folder: Path, manifest: Manifest) -> None:
    found, expected = digests(folder), manifest.files
    both = found.keys() & expected.keys()
    differences = {
        "missing": expected.keys() - found.keys(),
        "left over": found.keys() - expected.keys(),
        "changed": {name for name in both if not found[name] or found[name] != expected[name]},
    }
    lines = [f"  {what}: {_named(names)}" for what, names in differences.items() if names]
    if lines:
        remedy = "Copy it again, whole and alone."
        if any("__pycache__" in Path(name).parts for name in differences["left over"]):
            remedy = "Remove `__pycache__`, where Python put compiled modules, or copy it again."
        raise IntegrityError("\n".join([f"{folder} is not as it was made:", *lines, remedy]))


def _read_code(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """What lies beside the entry point and below, as it was when its digest was compared."""
    runs = Path(manifest.entry_point).parent
    names = [name for name in manifest.files if Path(name).is_relative_to(runs)]
    code = {name: read_regular(folder / name) for name in names}
    for name, content in code.items():
        if hashlib.sha256(content).hexdigest() != manifest.files[name]:
            msg = f"{folder / name} has changed meanwhile; copy the bundle again."
            raise IntegrityError(msg)
    return code


def _check_code(folder: Path, manifest: Manifest, card: Card, theirs: Mapping[str, bytes]) -> None:
    """Refuse code that is not, byte for byte, what a trusted hub would write for the card."""
    ours: dict[str, bytes] = {}
    with suppress(CardError, TrustError):  # a network that the hub does not have
        hub = Hub.of()
        ours = code_files(card.with_asset(manifest.published), hub)
        if not hub.is_own:
            trusted_copy(hub, manifest.uid)
    if not ours or ours != theirs or manifest.entry_point not in ours:
        msg = (
            f"The code in {(folder / manifest.entry_point).parent} is not that of this package (mindspore-hub "
            f"{manifest.made_with.get('mindspore-hub', 'of unknown version')} made it), and "
            "verifying runs it. Read it; then give --trust."
        )
        raise TrustError(msg)


def _load(network: nn.Cell, file: Path) -> int:
    try:
        weights = own_weights(file)
        checkpoint.assign(network, weights, facts_of(None))
    except CheckpointError as error:
        msg = f"{file}: {error}"
        raise CheckpointError(msg) from error
    return len(weights)


def _compare(network: Any, card: Card, file: Path) -> dict[str, float]:
    """How far outputs are from those recorded, in both modes of MindSpore."""
    import mindspore

    inputs, expected = sample(network, card), golden.read(file)
    deviations = {}
    before = mindspore.get_context("mode")
    try:
        for name, mode in (("pynative", mindspore.PYNATIVE_MODE), ("graph", mindspore.GRAPH_MODE)):
            mindspore.set_context(mode=mode)
            deviations[name] = golden.deviation(golden.compute(network, inputs), expected)
    finally:
        mindspore.set_context(mode=before)
    bad = {mode: found for mode, found in deviations.items() if not found <= golden.TOLERANCE}
    if bad:
        lines = ", ".join(f"{found:.1e} in {mode} mode" for mode, found in bad.items())
        msg = (
            f"{file.parent}: outputs differ from those recorded when it was made by {lines} of the "
            f"largest value; at most {golden.TOLERANCE:.0e} is expected. Compare `mshub env` of both "
            "machines."
        )
        raise CheckpointError(msg)
    return deviations


def _named(names: Iterable[str]) -> str:
    return and_more(sorted(names))
