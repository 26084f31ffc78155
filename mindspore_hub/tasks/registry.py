"""Tasks: what networks are for. A folder here that has a `task.py` is one, and needs no entry in a list.

`task.py` holds a subclass of `Task` and names it in `TASK`. Its docstring explains the fields of the
card; `mshub card rule H910` prints it. It imports neither NumPy nor click, since every check reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from mindspore_hub.errors import UnknownNameError
from mindspore_hub.hub.card import Card, stated
from mindspore_hub.hub.fields import Field, field_problems, read_fields, stated_fields, unchecked
from mindspore_hub.hub.findings import Edit, Problem
from mindspore_hub.hub.values import YamlMapping, YamlNode, YamlText
from mindspore_hub.hub.vocabulary import proposal

_Stated = TypeVar("_Stated", bound="Task")


@dataclass(frozen=True)
class Task:
    """What an asset says under `task`. A subclass is a frozen dataclass with an attribute per field.

    Attributes:
        NAME: Name of the task, which is that of its folder.
        FIELDS: Fields in the card, beside `name`; the attribute has `_` for `-`.
        EXAMPLE: The usual text in a card, which `mshub card new --task NAME` writes.
        HAS_HEAD: Whether its networks end in a head, without which (`num_classes=0`) they give
            features.
        PUBLIC: Functions and types that `mindspore_hub` offers, with the module of the folder that
            has each; empty for the folder itself.
    """

    NAME: ClassVar[str]
    FIELDS: ClassVar[Mapping[str, Field]]
    EXAMPLE: ClassVar[str]
    PUBLIC: ClassVar[Mapping[str, str]] = {}
    HAS_HEAD: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        cls.NAME = cls.__module__.rsplit(".", 2)[-2]

    @property
    def places(self) -> tuple[int, ...]:
        """Places, from 0, of the outputs that it needs."""
        return ()

    @classmethod
    def fields(cls) -> dict[str, Field]:
        """Every field of its mapping; the name is looked at before it is chosen."""
        return {"name": unchecked(const=cls.NAME), **cls.FIELDS}

    def contradictions(self, card: Card) -> Iterator[tuple[str, str]]:
        """What other keys of the card contradict: messages, each with what to do."""
        last, count = max(self.places, default=-1), len(card.output_shapes)
        if count and last >= count:
            message = f"{self.NAME} names output {last}, but output-shape has {count}"
            yield message, "count outputs from 0"

    def shared(self: _Stated, others: Sequence[Task | None]) -> _Stated:
        """What of it is true of another file of the network, too.

        Args:
            others: What the cards of the model with the same data set say.
        """
        return self

    def as_json(self) -> dict[str, Any]:
        """The fields under the names they have in a card, without those that say nothing."""
        return {"name": self.NAME, **stated_fields(self)}

    @classmethod
    def read(cls: type[_Stated], node: YamlNode | None) -> _Stated | None:
        """What a `task` mapping says; None if it says nothing, something wrong, or another task."""
        values = read_fields(cls.NAME, node, cls.fields())
        return cls(**values) if values and values.pop("name") == cls.NAME else None

    @classmethod
    def of(cls: type[_Stated], card: Card) -> _Stated:
        """What the checkpoint of a card is for.

        Raises:
            CardError: The card does not say that it is for this task, or not in a readable way.
        """
        return stated(card, "task", cls.read, f"task: {{name: {cls.NAME}, ...}}")


@cache
def tasks() -> dict[str, type[Task]]:
    """Every task by name."""
    names = sorted(path.parent.name for path in Path(__file__).parent.glob("*/task.py"))
    package = __name__.rpartition(".")[0]
    return {name: import_module(f"{package}.{name}.task").TASK for name in names}


def task_named(name: str) -> type[Task]:
    """The task of that name.

    Raises:
        UnknownNameError: There is none; near names are in the message.
    """
    if name not in tasks():
        msg = f"There is no task {name!r} ({_meant(name)})."
        raise UnknownNameError(msg)
    return tasks()[name]


def read_task(node: YamlNode | None) -> Task | None:
    """What the value of `task` says; None if it says nothing that can be followed."""
    name = node.text("name") if isinstance(node, YamlMapping) else ""
    return tasks()[name].read(node) if name in tasks() else None


def task_problems(node: YamlNode) -> Iterator[Problem]:
    """What is wrong with the value of `task`: not a mapping, an unknown name, or a wrong field."""
    name = node.get("name") if isinstance(node, YamlMapping) else None
    if not isinstance(node, YamlMapping):
        examples = " or ".join(f"`{task.EXAMPLE}`" for task in tasks().values())
        help_ = f"write {examples}; `mshub card rule H910` shows all fields"
        yield Problem(node.place, "task is not a mapping", help_)
    elif not isinstance(name, YamlText):
        yield Problem(node.place, "task has no name", f"write `name: {' or '.join(tasks())}`")
    else:
        task = tasks().get(name.text.lower())
        if name.text not in tasks():
            edits = (Edit(name.place, name.text, task.NAME),) if task and name.plain else ()
            yield Problem(name.place, f"there is no task {name.text}", _meant(name.text), edits)
        if task:
            yield from field_problems(task.NAME, node, task.fields())


def hint(key: str) -> str:
    """Where a key belongs that is the name of a task or one of its fields; empty for another."""
    for name, task in tasks().items():
        if key == name:
            return f"write `task: {{name: {name}, ...}}`"
        if key in task.FIELDS:
            return f"write it in `task: {{name: {name}, {key}: ...}}`"
    return ""


def explanations() -> str:
    """How a card states each task."""
    docs = [import_module(task.__module__).__doc__ or "" for task in tasks().values()]
    return "\n\n".join(text.strip() for text in docs)


def public_names() -> dict[str, str]:
    """Module of each function and type that tasks add to `mindspore_hub`."""
    return {
        name: f"{task.__module__.rpartition('.')[0]}.{module}".rstrip(".")
        for task in tasks().values()
        for name, module in task.PUBLIC.items()
    }


def _meant(name: str) -> str:
    near = proposal(name, list(tasks()))
    return f"did you mean {near}?" if near else f"write {' or '.join(tasks())}"
