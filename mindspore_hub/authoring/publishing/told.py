"""What a checkpoint tells before a network is built."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mindspore_hub.authoring.publishing.plan import Plan
from mindspore_hub.authoring.publishing.process import ask
from mindspore_hub.networks.examine import Examination, Total, shape_text
from mindspore_hub.networks.weights import Derived


@dataclass(frozen=True)
class Told:
    """What a checkpoint tells.

    Attributes:
        facts: What its index tells.
        class_argument: Constructor argument that counts the classes, or an empty string.
        derived: Constructor arguments that shapes tell, by what the network says of its files.
        embedding_size: Length of the features that classes are told from, if shapes tell it.
    """

    facts: Examination
    class_argument: str
    derived: Mapping[str, Derived]
    embedding_size: Derived | None

    def summary(self) -> dict[str, Any]:
        """All of it for JSON: what `mshub inspect` says, and what shapes tell."""
        return {
            **self.facts.summary(),
            "class_argument": self.class_argument,
            "derived": {name: asdict(found) for name, found in self.derived.items()},
            "embedding_size": self.embedding_size and asdict(self.embedding_size),
        }

    def rows(self) -> Iterator[tuple[str, str]]:
        """What shapes tell, for people: facts, each with its value."""
        for name, found in self.derived.items():
            classes = " classes" if name == self.class_argument else ""
            yield name, f"{found.value}{classes}, {_by(found)}"
        if self.embedding_size:
            yield "embedding size", f"{self.embedding_size.value}, {_by(self.embedding_size)}"


def rows(facts: Examination) -> Iterator[tuple[str, str]]:
    """What the index tells, for people: facts, each with its value."""
    yield from facts.rows()
    yield "parameters", str(Total.of(facts.of_role("parameter")))


def tell(plan: Plan, hub: Path) -> Told:
    """Read what the file of a plan tells; the class of the network is imported and not built.

    Args:
        plan: What is to be published.
        hub: Hub root with the network.

    Raises:
        HubError: The class cannot be imported, or shapes in the file contradict it.
    """
    with tempfile.TemporaryDirectory(prefix="mshub-told-") as name:
        answer = ask(plan, hub, Path(name), task="tell")
    size = answer["embedding_size"]
    return Told(
        facts=plan.stored.facts,
        class_argument=answer["class_argument"],
        derived={name: _derived(found) for name, found in answer["derived"].items()},
        embedding_size=size and _derived(size),
    )


def _derived(facts: Mapping[str, Any]) -> Derived:
    return Derived(facts["value"], facts["tensor"], tuple(facts["shape"]))


def _by(found: Derived) -> str:
    return f"by {found.tensor} ({shape_text(found.shape)})"
