"""What a card says: under upstream's module and class names, and as JSON."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Asset, Card
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.hub.search import PublishedFile
    from mindspore_hub.hub.values import YamlNode


class CellInfo:
    """What a card says of its network.

    Attributes are upstream's: `name` (model name), `backbone_name`, `type`, `fine_tunable`,
    `input_shape`, `author`, `update_time`, `repo_link`, `user_id`, `used_for`, `backend`,
    `dataset`, `license`, `accuracy`, `model_version`, `mindspore_version`, `asset` (a list of dicts
    with the keys `file-format`, `asset-link` and `asset-sha256`) and `asset_id`. Ours beside them:
    `uid`, `card` (name of the card), `title`, `summary`, `evaluation`, `network_args`,
    `output_shape`, `size`, `default`, `preprocessing`, `task` (dicts as in the card), `path`, and
    `published`: the file with all its releases, where only the index knows the card. What the card
    does not say is None.

    `input_shape` is a list of numbers, `c, h, w = info.input_shape`; of a network that takes several
    inputs, a list of such lists, as `output_shape` always is. `update_time` is a `datetime.date`; a text
    that is not a date stays one. Versions are texts, since 1.10 is another version than 1.1. Upstream's
    `allow_cache_ckpt` is left out: checkpoints are always kept in the store.
    """

    def __init__(self, md_path: str | os.PathLike[str]) -> None:
        """Read the card at `md_path`.

        Raises:
            TypeError: `md_path` is not a path.
            CardError: The file is not a readable card.
        """
        from mindspore_hub.hub.card import read_card
        from mindspore_hub.hub.paths import uid_of

        if not isinstance(md_path, str | os.PathLike):
            msg = f"md_path must be the path of a card, but is {md_path!r}."
            raise TypeError(msg)
        self._fill(read_card(Path(md_path), uid_of(Path(md_path))))

    @classmethod
    def of(cls, card: Card) -> CellInfo:
        """The same of a card that has been read."""
        self = cls.__new__(cls)
        self._fill(card)
        return self

    def __repr__(self) -> str:
        names = ("uid", "name", "dataset", "evaluation", "size")
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"CellInfo({shown})"

    def to_dict(self) -> dict[str, Any]:
        """All that the card says, ready for JSON, under the names of its keys; see `to_json`.

        A card that only the index knows has besides `use`, `command` and `releases`.
        """
        said = to_json(self._card)
        if self.published:
            further = self.published.to_dict()
            said.update({key: further[key] for key in ("use", "command", "releases")})
        return said

    def _fill(self, card: Card) -> None:
        from mindspore_hub.hub.values import iso_date

        asset = card.asset
        file = {"asset-link": asset.link, "asset-sha256": asset.sha256} if asset else {}
        self._card = card
        self.published: PublishedFile | None = None
        self.uid = card.uid
        self.card = card.name
        self.title = card.title
        self.path = None if card.is_indexed else card.path
        self.name = card.model_name
        self.backbone_name = card.text("backbone-name") or None
        self.type = card.text("module-type") or None
        fine_tunable = card.text("fine-tunable").lower() == "true"
        self.fine_tunable = None if card.is_indexed else fine_tunable
        shapes: list[Any] = [list(shape) for shape in card.input_shapes]
        self.input_shape = shapes[0] if len(shapes) == 1 else shapes
        self.output_shape = [list(shape) for shape in card.output_shapes]
        self.author = card.text("author") or None
        day = iso_date(card.text("update-time"))
        self.update_time = date.fromisoformat(day) if day else card.text("update-time") or None
        self.repo_link = card.text("repo-link") or None
        self.user_id = card.text("user-id") or None
        self.used_for = card.text("used-for") or None
        self.backend = card.text("infer-backend") or None
        self.dataset = card.text("train-dataset") or None
        self.evaluation = card.text("evaluation") or None
        self.accuracy = card.text("accuracy") or None
        self.license = card.text("license") or None
        self.summary = card.text("summary") or None
        self.model_version = card.text("model-version") or None
        self.mindspore_version = card.version or None
        self.default = card.is_default
        self.asset_id = 0
        self.asset = [{"file-format": asset.format, **file}] if asset else []
        self.network_args = dict(asset.network_args) if asset else {}
        self.size = asset.size if asset else None
        self.preprocessing = asset.mapping("preprocessing") if asset else None
        self.task = asset.mapping("task") if asset else None


def info(name: str, *, hub: str | os.PathLike[str] | Hub | None = None) -> CellInfo:
    """What the card says that a name means.

    Args:
        name: Any name that `mindspore_hub.load` takes.
        hub: As of `mindspore_hub.load`.

    Raises:
        TypeError: `name` is not a str.
        UnknownNameError: No card has that name.
        AmbiguousNameError: Several cards have that name.
        CardError: The hub has no cards.
    """
    from mindspore_hub.hub.hub import Hub

    if not isinstance(name, str):
        msg = f"name must be a str, but is {name!r}."
        raise TypeError(msg)
    hub = Hub.of(hub)
    card = hub.resolve(name)
    found = CellInfo.of(card)
    if card.is_indexed:
        from mindspore_hub.hub.search import published

        found.published = published(card, hub)
    return found


def to_json(card: Card) -> dict[str, Any]:
    """All that a card says, as `mshub info`, `mshub list` and `mshub card show` print it.

    Every key of cards is there, `_` for `-`, so that `jq` takes it without quotes; its value is None
    where the card does not state it. Text is as written, so that the version 1.10 stays one. Beside
    the keys stand `uid`, `card` (its name), `path` and `title`, what a text means (`domain`, `task`,
    `metrics`, `repository`, and `file` of an asset) and `asset_id`, the index of the asset that is
    loaded.
    """
    from mindspore_hub.hub import keys
    from mindspore_hub.hub.values import iso_date, split_items

    said = {
        _json_name(key): _value(key, card.values.get(key))
        for key in (*keys.REQUIRED, *keys.OPTIONAL)
    }
    loadable = (number for number, asset in enumerate(card.assets) if asset.is_loadable)
    repository = card.repo_link._asdict() if card.repo_link else {}
    repository.pop("url", None)
    return {
        "uid": card.uid,
        "card": card.name,
        "path": None if card.is_indexed else str(card.path),
        "title": card.title or None,
        **said,
        "domain": card.domain or None,
        "task": card.text("module-type").partition("-")[2].strip() or None,
        "used_for": split_items(card.text("used-for")),
        "update_time": iso_date(card.text("update-time")) or said["update_time"],
        "metrics": [{"name": it.name, "value": it.value, "unit": it.unit} for it in card.metrics],
        "repository": repository or None,
        "default": card.is_default,
        "asset": [_asset(asset) for asset in card.assets],
        "asset_id": next(loadable, None),
    }


def _asset(asset: Asset) -> dict[str, Any]:
    from mindspore_hub.hub import keys

    said = {_json_name(key): _value(key, asset.node.get(key)) for key in sorted(keys.ASSET)}
    return {**said, "file": asset.name._asdict() if asset.name else None}


def _value(key: str, node: YamlNode | None) -> Any:
    """A value as JSON has it: text as written, but for booleans, lists and mappings."""
    from mindspore_hub.hub.keys import Form, key_of
    from mindspore_hub.hub.values import YamlText, as_plain, as_shapes, link_text

    if key in {"input-shape", "output-shape"}:
        return [list(shape) for shape in as_shapes(node)]
    if not isinstance(node, YamlText):
        return None if key_of(key).form is Form.VALUE else _named(as_plain(node))
    text = link_text(node.text)
    is_boolean = key_of(key).form is Form.BOOLEAN and text.lower() in {"true", "false"}
    return text.lower() == "true" if is_boolean else text or None


def _named(value: Any) -> Any:
    """A value with `_` for `-` in the names of all fields."""
    if isinstance(value, dict):
        return {_json_name(key): _named(item) for key, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, list) else value


def _json_name(key: str) -> str:
    return key.replace("-", "_")
