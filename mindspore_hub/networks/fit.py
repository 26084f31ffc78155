"""Which network of the hub a file fits, with all of its tensors, and how its names are meant there.

MindSpore is imported by what is here, since networks are written in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import AmbiguousNameError, CheckpointError
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.values import Input
from mindspore_hub.networks.build import assemble
from mindspore_hub.networks.classes import Network, network_class, network_hub
from mindspore_hub.networks.golden import inputs_of
from mindspore_hub.networks.weights import Weights, derive_arguments, facts_of, weights_of
from mindspore_hub.tensors import STRING, naming

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.networks.examine import Examination


@dataclass(frozen=True)
class Fit:
    """A network, in inference mode and with the values of the file, that the file fits.

    Its arguments are `derived` from shapes in the file or `stated` by cards only. `names` has the name in
    the file of each parameter, in the order of the network.
    """

    model: str
    derived: dict[str, Any]
    stated: dict[str, Any]
    network: nn.Cell
    names: dict[str, str]
    inputs: tuple[Input, ...]

    @property
    def call(self) -> str:
        """How the network is built, such as `MVD(num_class=206, z_dim=512)`."""
        arguments = {**self.derived, **self.stated}
        listed = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        return f"{self.model}({listed})"


def cards_named(name: str, hub: Hub) -> list[Card]:
    """Every card of a model, or the card of any other name that `Hub.resolve` takes."""
    named = (cards for model, cards in hub.models.items() if model.lower() == name.lower())
    return next(named, None) or [hub.resolve(name)]


def fit(facts: Examination, cards: Sequence[Card], hub: Hub) -> Fit:
    """Fit the network of a model's cards to a file, strictly.

    The cards tell those arguments that no shape in the file tells; if they differ, it is an
    AmbiguousNameError. A CheckpointError lists every difference of a file that does not fit.
    """
    model = cards[0].model_name
    cell = network_class(cards[0], network_hub(cards[0], hub))
    with naming(f"{facts.path} does not fit {model}"):
        return _fit(facts, cards, cell)


def fits(facts: Examination, hub: Hub) -> list[Fit]:
    """Every network of a hub that fits a file; MindSpore must be installed."""
    found = []
    for cards in hub.models.values():
        cell = network_class(cards[0], network_hub(cards[0], hub))
        try:
            if _may_fit(facts, cell):
                found.append(_fit(facts, cards, cell))
        except (CheckpointError, AmbiguousNameError):
            continue
    return found


def names_for(facts: Examination, cards: Sequence[Card], hub: Hub) -> dict[str, str]:
    """Names in the file of its tensors, by those that the network of some cards gives them.

    Nothing is compared with the network; optimizer state is left out. A CheckpointError says that two
    tensors have one name there.
    """
    cell = network_class(cards[0], network_hub(cards[0], hub))
    weights = weights_of(facts.index, facts_of(cell))
    return {name: weight.file_name for name, weight in weights.items()}


def _fit(facts: Examination, cards: Sequence[Card], cell: Network) -> Fit:
    weights = _parameters(facts, cell)
    derived = {
        name: found.value for name, found in derive_arguments(weights, facts_of(cell)).items()
    }
    told = {argument.name for argument in facts_of(cell).arguments}
    stated = _stated(cards, derived, told)
    network = assemble(cell, weights, stated)
    names = [name for name, _ in network.parameters_and_names()]
    inputs = inputs_of(network, cards[0].inputs)
    in_file = {name: weights[name].file_name for name in names}
    return Fit(cards[0].model_name, derived, stated, network, in_file, inputs)


def _may_fit(facts: Examination, cell: Network) -> bool:
    """Whether a tensor that tells the class count is there; building every network takes seconds."""
    known = facts_of(cell)
    telling = [item.tensor for item in known.arguments if item.name == known.class_argument]
    weights = _parameters(facts, cell) if telling else {}
    return not telling or any(tensor in weights for tensor in telling)


def _parameters(facts: Examination, cell: Network) -> Weights:
    weights = weights_of(facts.index, facts_of(cell))
    for name in [name for name, weight in weights.items() if weight.signature.dtype == STRING]:
        del weights[name]
    return weights


def _stated(
    cards: Sequence[Card], derived: Mapping[str, Any], told: Collection[str]
) -> dict[str, Any]:
    """Arguments that are not told by shapes, by those cards that do not contradict these."""
    declared = [card.asset.network_args for card in cards if card.asset]
    agreeing = [
        arguments
        for arguments in declared
        if all(derived.get(name, value) == value for name, value in arguments.items())
    ]
    choices: list[dict[str, Any]] = []
    for arguments in agreeing or declared:
        stated = {name: value for name, value in arguments.items() if name not in told}
        if stated not in choices:
            choices.append(stated)
    if len(choices) > 1:
        names = ", ".join(card.short_name for card in cards)
        shown = " or ".join(map(str, choices))
        msg = (
            f"the file fits {cards[0].model_name} with {shown}, which no shape tells; name a card "
            f"that does: {names}."
        )
        raise AmbiguousNameError(msg)
    return choices[0] if choices else {}
