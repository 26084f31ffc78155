"""The code of a card loads other cards, and not this one.

What: `mindspore_hub.load("<uid>")` in a card's code names this card. What the imports of a code
block say of other packages does not count. A card that loads itself may load others as well, to
compare them; rule H912 knows whether these are there.

Why: Readers copy that line; with a foreign uid they get another network, or none.

Example: `mindspore_hub.load("mindspore/1.8/mvd_infraredtovisible_regdb")` in the card of 1.9.

Instead: the uid of this card, its path under `assets/` without `.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules._hub_calls import LANGUAGES, Call, hub_calls
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Edit, Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.ERROR
FIXABLE = True

_UID = pattern(r"[\w.+-]+(?:/[\w.+-]+)+")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each load of another uid; a card outside `assets/` has none."""
    text = document.body.text
    if "mindspore_hub" not in text or "load" not in text or _is_usual(text, document.uid):
        return
    uid = document.published_uid
    loaded = [] if not uid else [*_loaded(document)]
    if not any(_is_same(call.name, uid) for call in loaded):
        for call in loaded:
            yield _problem(call.place, call.name, uid)


def _is_usual(text: str, uid: str) -> bool:
    """Whether the only load is of this uid, assigned on the line before: what most cards have."""
    _, found, rest = text.partition(f' = "{uid}"\n')
    return bool(found) and text.count("load(") == 1 and "load(" in rest.partition("\n")[0]


def _loaded(document: Document) -> Iterator[Call]:
    """Every load of a card by its uid."""
    for block in document.body.code_blocks(*LANGUAGES):
        for call in hub_calls(block):
            if call.function == "load" and _UID.fullmatch(call.name):
                yield call


def _is_same(loaded: str, uid: str) -> bool:
    """A part of the assets has the ends of uids; a translation loads the card it translates."""
    return f"/{loaded}".endswith((f"/{uid}", f"/{uid.removesuffix('_cn')}"))


def _problem(place: Place, loaded: str, uid: str) -> Problem:
    whole = uid.removesuffix("_cn")
    # Another name may be that of another card; the same one elsewhere is this card misnamed.
    is_this = loaded.rpartition("/")[2].removesuffix(".md") == whole.rpartition("/")[2]
    edits = (Edit(place, loaded, whole),) if is_this and uid.count("/") > 1 else ()
    message = f"the code loads {loaded}, this card is {uid}"
    return Problem(place, message, f'write `load("{whole}")`', edits)
