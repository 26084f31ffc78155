"""A card that describes another file than the published one."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from mindspore_hub.hub.card import Asset, asset_items
from mindspore_hub.hub.document import Document, read_document
from mindspore_hub.hub.values import as_yaml, quoted

_KEPT = frozenset({"preprocessing", "retrieval", "protocol"})


def restated(path: Path, asset: Asset | None) -> str:
    """Text of a card with a single asset, or with none.

    Args:
        path: The card, which is left as it is.
        asset: What stands instead of all its assets.

    Raises:
        CardError: The card cannot be read.
    """
    document = read_document(path)
    keys = [(name.text, name.place.line - 1) for name, _ in document.front_matter.entries]
    begins = [line for _, line in keys]
    end = document.rules[1] - 1
    lines = list(document.lines[: begins[0]])
    block = [*_block(asset), *_kept(document), ""] if asset else []
    for (key, begin), following in zip(keys, [*begins[1:], end], strict=True):
        if key == "asset":
            lines += block
            block = []
        else:
            lines += document.lines[begin:following]
    return "\n".join([*lines, *document.lines[end:], ""])


def _block(asset: Asset) -> list[str]:
    arguments = (f"{quoted(name)}: {as_yaml(v)}" for name, v in asset.network_args.items())
    return [
        "asset:",
        "",
        "-",
        "    file-format: ckpt",
        f"    asset-link: <{asset.link}>",
        f"    asset-sha256: {asset.sha256}",
        f"    asset-size: {asset.size}",
        f"    network-args: {{{', '.join(arguments)}}}",
    ]


def _kept(document: Document) -> list[str]:
    """The lines by which the card says what is true of any file of its network."""
    begins = [
        name.place.line - 1
        for item in asset_items(document.front_matter)[:1]
        for name, _ in item.entries
        if name.text in _KEPT
    ]
    return [
        line
        for begin in begins
        for line in (document.lines[begin], *takewhile(_goes_on, document.lines[begin + 1 :]))
    ]


def _goes_on(line: str) -> bool:
    """Whether a line belongs to the key above it, which stands four blanks in."""
    return line.startswith("     ")
