"""From a card to its network, by way of the model's entry point, which follows from the cards."""

from __future__ import annotations

import importlib.util
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mindspore_hub._collector import collector_paused
from mindspore_hub.errors import CardError, MissingDependencyError
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.keys import is_class_name
from mindspore_hub.hub.values import Argument, quoted
from mindspore_hub.networks.cpu import tune_cpu

ENTRY_POINT = "mindspore_hub_conf"
"""Name of the folder of all entry points, and of the module of each."""


def entry_point_path(root: Path, model_name: str) -> Path:
    """Where the entry point of a model lies under a hub root."""
    return root / ENTRY_POINT / model_name / f"{ENTRY_POINT}.py"


def has_entry_point(root: Path, model_name: str) -> bool:
    """Whether a hub root has an entry point of a model."""
    return entry_point_path(root, model_name).is_file()


def load_entry_point(root: Path, model_name: str, *, copy: Path | None = None) -> Any:
    """Import the entry point of a model.

    Args:
        root: Hub root.
        model_name: Name of the model as its card writes it.
        copy: Copy of the hub root whose files are imported, by default the hub root itself.

    Returns:
        Module with `network_class()` and `constructor_arguments(network, args, kwargs)`.

    Raises:
        CardError: The hub root has no entry point for the model.
        MissingDependencyError: MindSpore is not installed.
    """
    if not has_entry_point(copy or root, model_name):
        msg = (
            f"{root} has no entry point of {model_name}. A card is built with the networks of this "
            "package; in a checkout of it, `mshub generate` writes the entry points."
        )
        raise CardError(msg)
    require_mindspore()
    return import_file(entry_point_path(copy or root, model_name))


@collector_paused()
def require_mindspore() -> None:
    """Import MindSpore, and prepare its work on this processor.

    Raises:
        MissingDependencyError: It cannot be imported.
    """
    try:
        with _interrupt_deferred():
            import mindspore
    except ImportError as error:
        msg = (
            f"MindSpore cannot be imported ({error}). On a CPU machine "
            "with Python 3.10 to 3.12 run `pip install 'mindspore>=2.7' 'numpy<2'`; for Ascend follow "
            "https://www.mindspore.cn/install."
        )
        raise MissingDependencyError(msg) from error
    tune_cpu(mindspore.__version__)


@contextmanager
def _interrupt_deferred() -> Iterator[None]:
    """Let a first Ctrl-C take effect at the end of the block, and a second one at once.

    Raised while MindSpore's extension is initialised, KeyboardInterrupt aborts the process, or comes out
    as the ImportError of a package that is half imported.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = False

    def note(_number: int, _frame: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def import_file(path: Path) -> Any:
    """Run a file as the module of an entry point, which is not kept among the imported modules."""
    spec = importlib.util.spec_from_file_location(ENTRY_POINT, path)
    if spec is None or spec.loader is None:
        msg = f"{path} is no Python module."
        raise CardError(msg)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entry_point_texts(hub: Hub) -> dict[Path, str]:
    """Every entry point of a hub and the text it should have.

    Raises:
        CardError: A card cannot be read, a model has no single default card, or something has a
            name that no file or class can have.
    """
    _require_utf8(hub.complete())
    return {
        entry_point_path(hub.root, model): entry_point_text(cards, default_card(model, cards))
        for model, cards in hub.models.items()
    }


def default_card(model: str, cards: list[Card]) -> Card:
    """The card that the bare name of a model means.

    Raises:
        CardError: No card of the model is the default one, or several are.
    """
    defaults = [card for card in cards if card.is_default]
    if len(defaults) != 1:
        uids = ", ".join(card.uid for card in defaults) or "none"
        msg = f"{model} needs exactly one card with `default: True`, but has: {uids}."
        raise CardError(msg)
    return defaults[0]


def entry_point_text(cards: list[Card], default: Card) -> str:
    """Text of an entry point.

    Args:
        cards: Cards of one model that it builds the networks of.
        default: The one of them that the bare name of the model means.

    Raises:
        CardError: No class can have the name of the model.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    model = default.model_name
    if not is_class_name(model):
        msg = f"{cards[0].path}: no class can have the model-name {model!r}; rename the model."
        raise CardError(msg)
    environment = Environment(
        loader=PackageLoader("mindspore_hub.networks"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is Python, not HTML
    )
    environment.filters.update(text=quoted, literal=_literal)
    template = environment.get_template(f"{ENTRY_POINT}.py.jinja")
    return template.render(model=model, default=default, cards=cards, keys=_keys(cards))


def _require_utf8(hub: Hub) -> None:
    for card in hub.cards:
        if any("\ud800" <= character <= "\udfff" for character in card.uid):
            msg = (
                f"{card.path}: its name is no UTF-8, so nothing can be generated; rename the file."
            )
            raise CardError(msg)


def _keys(cards: list[Card]) -> dict[str, str]:
    """What an entry point calls the card of each uid: its name, or the uid where that repeats."""
    counts = Counter(card.name.lower() for card in cards)
    return {card.uid: card.name if counts[card.name.lower()] == 1 else card.uid for card in cards}


def _literal(arguments: Mapping[str, Argument]) -> str:
    """A dict as the formatter writes it."""
    items = [f"{quoted(name)}: {_value(value)}" for name, value in arguments.items()]
    return "{" + ", ".join(items) + "}"


def _value(value: Argument) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)
