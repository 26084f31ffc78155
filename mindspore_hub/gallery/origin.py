"""What made features, and whether others were made alike; and what tells one picture from another."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Features, Integers
from mindspore_hub.hub.values import as_builtin

COMPARED = ("sha256", "preprocessing", "retrieval", "precision")
"""Facts that change distances: the weights, how pictures are prepared, what becomes of the outputs."""

KEPT = ("card", "network", "runtime", *COMPARED, "root")
"""Facts that a gallery keeps of the features that are added to it."""

_DIGITS = 32
"""Hexadecimal digits of a digest."""

_DIGEST = re.compile(f"[0-9a-f]{{{_DIGITS}}}")

_ID_DIGITS = 13
"""Those that make an id."""

ID_BITS = 4 * _ID_DIGITS
"""Bits of an id: 52, so that every reader of JSON takes it as it is."""

_BLOCK = 1 << 20


def made_by(about: Mapping[str, Any]) -> dict[str, Any]:
    """What a gallery keeps of the facts of features, as plain JSON."""
    found: dict[str, Any] = json.loads(json.dumps(as_builtin(dict(about))))
    return {name: found[name] for name in KEPT if found.get(name) is not None}


def require_alike(
    first: Mapping[str, Any], second: Mapping[str, Any], *, names: tuple[str, str], strict: bool
) -> None:
    """Refuse features that were made otherwise than others; their distances would mean nothing.

    Args:
        first: What made some features.
        second: What made others.
        names: What both are called in the message.
        strict: What only one of them says is a difference, too.

    Raises:
        FeaturesError: They were not made alike; the message says what differs.
    """
    for key in COMPARED:
        usual = "f32" if key == "precision" else None
        both = [made_by(about).get(key, usual) for about in (first, second)]
        if both[0] == both[1] or (None in both and not strict):
            continue
        ours, theirs = (_shown(one) for one in both)
        cards = [about.get("card", "unknown") for about in (first, second)]
        msg = (
            f"{names[0]} and {names[1]} were not made alike: {key} is {ours} of {names[0]}, whose card is "
            f"{cards[0]}, but {theirs} of {names[1]}, whose card is {cards[1]}. Features of one network "
            "are expected; make both anew with the same one, such as `mshub embed NAME DIR -o FILE`."
        )
        raise FeaturesError(msg)


def _shown(value: Any) -> str:
    return "unknown" if value is None else value if isinstance(value, str) else json.dumps(value)


def digest_of_file(path: Path) -> str:
    """What tells the content of a picture's file from that of any other: 32 hexadecimal digits."""
    found = hashlib.blake2b(digest_size=_DIGITS // 2)
    with _files.open_regular(path) as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def digests_of(features: Features) -> npt.NDArray[np.str_]:
    """Digests of features; where nobody knows those of the pictures, of what is known of each row.

    Equal rows are told apart by their turn, so that the same features have the same digests again.
    """
    if features.digests is not None:
        return features.digests
    seen: Counter[bytes] = Counter()
    found = []
    for number, vector in enumerate(features.vectors):
        facts = [
            "" if values is None else str(values[number])
            for values in (features.labels, features.cameras, features.paths)
        ]
        row = hashlib.blake2b(np.asarray(vector, np.float32).tobytes(), digest_size=_DIGITS // 2)
        row.update("\n".join(facts).encode("utf-8", "surrogateescape"))
        key = row.digest()
        if seen[key]:
            row.update(str(seen[key]).encode())
        seen[key] += 1
        found.append(row.hexdigest())
    return np.array(found)


def column(features: Features, name: str) -> npt.NDArray[Any]:
    """What a filter calls so, of each row `(N,)`; an unknown label or camera is -1, an unknown path empty."""
    if name == "id":
        return ids_of(digests_of(features))
    found: npt.NDArray[Any] | None = getattr(features, f"{name}s")
    if found is None:
        return np.full(len(features), "" if name == "path" else -1)
    return found


def ids_of(digests: npt.NDArray[np.str_]) -> Integers:
    """The id of each digest, `(N,)`, from 0 on and below 2**52.

    Raises:
        FeaturesError: A digest is not 32 hexadecimal digits.
    """
    found = np.empty(len(digests), np.int64)
    for number, digest in enumerate(digests.tolist()):
        if not _DIGEST.fullmatch(digest):
            msg = (
                f"The digest {digest!r} at index {number} is not {_DIGITS} hexadecimal digits; leave "
                "digests out, and the gallery makes them."
            )
            raise FeaturesError(msg)
        found[number] = int(digest[:_ID_DIGITS], 16)
    return found
