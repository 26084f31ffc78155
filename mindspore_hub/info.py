"""Facts of a card, under upstream's module and class names."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Card


class CellInfo:
    """What a card says of its network.

    Attributes are upstream's: `name` (model name), `backbone_name`, `type`, `fine_tunable`,
    `input_shape`, `author`, `update_time`, `repo_link`, `user_id`, `used_for`, `backend`,
    `dataset`, `license`, `accuracy`, `model_version`, `mindspore_version`, `asset` (a list of dicts
    with the keys `file-format`, `asset-link` and `asset-sha256`) and `asset_id`. Ours beside them:
    `uid`, `card` (name of the card), `title`, `summary`, `evaluation`, `network_args`,
    `output_shape`, `size`, `default`, `preprocessing`, `retrieval`, `protocol` (dicts as in the card)
    and `path`. What the card does not say is None.

    `input_shape` is a list of numbers, `c, h, w = info.input_shape`; of a network that takes several
    inputs, a list of such lists, as `output_shape` always is. `update_time` is a `datetime.date`; a text
    that is no date stays one. Versions are texts, since 1.10 is another version than 1.1. Upstream's
    `allow_cache_ckpt` is left out: checkpoints are always kept in the store.
    """

    def __init__(self, md_path: str) -> None:
        """Read the card at `md_path`.

        Raises:
            TypeError: `md_path` is no path.
            CardError: The file is no readable card.
        """
        from mindspore_hub.hub.card import read_card
        from mindspore_hub.hub.paths import uid_of

        if not isinstance(md_path, str | os.PathLike):
            msg = f"md_path must be the path of a card, but is {md_path!r}."
            raise TypeError(msg)
        self._fill(read_card(Path(md_path), uid_of(Path(md_path))))

    @classmethod
    def of(cls, card: Card) -> CellInfo:
        """Facts of a card that has been read."""
        self = cls.__new__(cls)
        self._fill(card)
        return self

    def __repr__(self) -> str:
        facts = ("uid", "name", "dataset", "evaluation", "size")
        shown = ", ".join(f"{fact}={getattr(self, fact)!r}" for fact in facts)
        return f"CellInfo({shown})"

    def to_dict(self) -> dict[str, Any]:
        """All attributes, ready for JSON: dates are texts, and `input_shape` is one list per input."""
        facts = {
            name: str(value) if isinstance(value, Path | date) else value
            for name, value in vars(self).items()
        }
        return {**facts, "input_shape": [list(shape) for shape in self._input_shapes()]}

    def _input_shapes(self) -> list[list[int]]:
        shape = self.input_shape
        return [shape] if shape and not isinstance(shape[0], list) else shape

    def _fill(self, card: Card) -> None:
        facts = card.facts
        self.uid = card.uid
        self.card = card.name
        self.title = card.title
        self.path = card.path
        self.name = card.model_name
        self.backbone_name = facts.get("backbone-name")
        self.type = facts.get("module-type")
        self.fine_tunable = facts.get("fine-tunable", "").lower() == "true"
        shapes: list[Any] = [list(shape) for shape in card.input_shapes]
        self.input_shape = shapes[0] if len(shapes) == 1 else shapes
        self.output_shape = [list(shape) for shape in card.output_shapes]
        self.author = facts.get("author")
        self.update_time = _as_date(facts.get("update-time"))
        self.repo_link = facts.get("repo-link")
        self.user_id = facts.get("user-id")
        self.used_for = facts.get("used-for")
        self.backend = facts.get("infer-backend")
        self.dataset = facts.get("train-dataset")
        self.evaluation = facts.get("evaluation")
        self.accuracy = facts.get("accuracy")
        self.license = facts.get("license")
        self.summary = facts.get("summary")
        self.model_version = facts.get("model-version")
        self.mindspore_version = facts.get("mindspore-version")
        self.default = card.is_default
        self.asset_id = 0
        self.asset = _assets(card)
        self.network_args = dict(card.asset.network_args) if card.asset else {}
        self.size = card.asset.size if card.asset else None
        self.preprocessing, self.retrieval, self.protocol = _mappings(card)


def _mappings(card: Card) -> tuple[dict[str, Any] | None, ...]:
    """`preprocessing`, `retrieval` and `protocol`, each None where the card does not say it."""
    asset = card.asset
    return (
        asset.preprocessing.as_json() if asset and asset.preprocessing else None,
        asset.retrieval.as_json() if asset and asset.retrieval else None,
        asset.protocol.as_json() if asset and asset.protocol else None,
    )


def info(name: str) -> CellInfo:
    """Facts of the card that a name means.

    Args:
        name: Any name that `mindspore_hub.load` takes.

    Raises:
        TypeError: `name` is no str.
        UnknownNameError: No card has that name.
        AmbiguousNameError: Several cards have that name.
    """
    from mindspore_hub.hub.hub import Hub

    if not isinstance(name, str):
        msg = f"name must be a str, but is {name!r}."
        raise TypeError(msg)
    return CellInfo.of(Hub.of().resolve(name))


def _as_date(text: str | None) -> date | str | None:
    from mindspore_hub.hub.vocabulary.dates import any_date

    day = text and any_date(text)
    return date.fromisoformat(day) if day else text


def _assets(card: Card) -> list[dict[str, str]]:
    if not card.asset:
        return []
    return [
        {
            "file-format": card.asset.format,
            "asset-link": card.asset.link,
            "asset-sha256": card.asset.sha256,
        }
    ]
