"""Which outputs of a network the task of its card needs."""

from __future__ import annotations

from mindspore_hub.hub.card import Card, stated
from mindspore_hub.hub.hub import Hub
from mindspore_hub.runtimes import Wanted
from mindspore_hub.tasks.registry import read_task


def needed_by(card: Card, hub: Hub, *, headless: bool = False) -> Wanted:
    """What the task of a card needs of its network.

    `headless` is for features of a network that tells classes, which is built without what does so; other
    networks have nothing to be left out.

    Raises:
        CardError: The card does not say its task.
    """
    task = stated(card, "task", read_task, "task: {name: ...}")
    if headless and task.HAS_HEAD:
        return Wanted(card, hub, {"num_classes": 0}, (0,))
    return Wanted(card, hub, places=task.places)
