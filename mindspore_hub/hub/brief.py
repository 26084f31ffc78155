"""Cards of the usual form, of which little is read until more is asked for.

A hub has hundreds of cards, and a command needs the names of all and the facts of one. Where every line
of the front matter is one that `front_matter` would surely take as it stands, and nothing would be wrong
with it, its single values are taken by a look at each line. The whole is read when more is needed, and
at once where any line is another.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path

from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import LOADABLE_FORMATS, MODEL_NAME, NETWORK, Card, read_whole
from mindspore_hub.hub.front_matter import is_flow
from mindspore_hub.hub.paths import read_bytes
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import NOTHING, YamlMapping

_LINE = pattern(
    r"(?P<indent>(?:    )?)(?P<key>[a-z][a-z0-9-]*): "
    r"(?:(?P<text>[A-Za-z0-9][\w ./|%+@(),-]*(?<! )|<https?://[\w./%+@~-]+>)"
    r"|\"(?P<quoted>[\w.]+)\"|(?P<flow>[\[{].*))",
)

_ARGUMENTS = pattern(r"\{[^\[{]*")
"""What stands behind `network-args` where each has a single value."""

Texts = dict[str, str | None]
"""Values by key; None for one that is not a single one, or in quotes."""


class BriefCard(Card):
    """A card whose front matter is read when it is asked for, but for single values."""

    texts: Texts
    asset_texts: Texts

    def __init__(self, path: Path, uid: str, title: str, texts: Texts, asset_texts: Texts) -> None:
        super().__init__(path, uid, title, NOTHING)
        del vars(self)["front_matter"]
        vars(self).update(texts=texts, asset_texts=asset_texts)

    @cached_property
    def front_matter(self) -> YamlMapping:
        """Keys and values."""
        return read_whole(self.path, self.uid).front_matter

    def text(self, key: str) -> str:
        """As of any card."""
        found = self.texts.get(key, "")
        return super().text(key) if found is None else found

    def asset_text(self, key: str) -> str:
        """As of any card."""
        found = self.asset_texts.get(key, "")
        return super().asset_text(key) if found is None else found

    @property
    def is_default(self) -> bool:
        """As of any card."""
        found = self.texts.get("default", "")
        return super().is_default if found is None else found.lower() == "true"


def brief_card(path: Path, uid: str) -> BriefCard | None:
    """The card at `path`, if it is of the usual form and nothing would be wrong with it."""
    try:
        text = read_bytes(path).decode("latin-1")  # which takes any byte
    except CardError:
        return None
    above, _, below = text.partition("\n---\n")
    front, end, _ = below.partition("\n---\n")
    title = above.strip("\n")
    if not end or "---" in above or "\n---" in front or not title.startswith("# ") or "\n" in title:
        return None
    read = _read(front) if front.isascii() and title.isascii() else None
    if read is None:
        return None
    texts, asset_texts = read
    return BriefCard(path, uid, title[2:].strip(), texts, asset_texts)


def _read(front: str) -> tuple[Texts, Texts] | None:
    """Single values of a front matter of the usual form, those of its asset apart."""
    top: Texts = {}
    asset: Texts = {}
    where = top
    for line in front.split("\n"):
        if not line:
            continue
        if line == "asset:" and "asset" not in top:
            top["asset"] = None
        elif line == "-" and [*top][-1:] == ["asset"] and not asset:
            where = asset
        elif not _take(line, top, where):
            return None
        elif where is asset and line[0] != " ":
            where = top
    return (top, asset) if _is_usual(top, asset) else None


def _take(line: str, top: Texts, where: Texts) -> bool:
    """Take the value of a line; whether it is a usual one."""
    is_indented, key, text = _usual(line)
    texts = where if is_indented else top
    if not key or key in texts or (is_indented and where is top):
        return False
    texts[key] = text
    return True


@lru_cache(maxsize=4096)
def _usual(line: str) -> tuple[bool, str, str | None]:
    """Whether a line is indented, its key and its value; no key if it is another line.

    Most lines stand in many cards.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        return False, "", None
    indent, key, text, _, flow = match.groups()
    if flow is not None and not is_flow(flow):
        return False, "", None
    if key == "network-args" and not (flow and _ARGUMENTS.fullmatch(flow)):
        return False, "", None
    return bool(indent), key, text[1:-1] if text is not None and text[0] == "<" else text


def _is_usual(top: Texts, asset: Texts) -> bool:
    """Whether the card names a model and a network that can be, and has one checkpoint."""
    network = top.get("network", "")
    return (
        MODEL_NAME.fullmatch(top.get("model-name") or "") is not None
        and (network == "" or NETWORK.fullmatch(network or "") is not None)
        and asset.get("file-format") in LOADABLE_FORMATS
    )
