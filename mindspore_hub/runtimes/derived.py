"""Derived files: networks that runtimes other than MindSpore read, made once of a verified checkpoint.

A derived file lies in the folder `derived` of a store, under the key of all that decides what it computes.
It is sealed (`sealed`), and verified before it is used. It is looked for in the extra caches, the store and
the mirrors, and else made by `export`. It is never a published file: nothing but its maker vouches for it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mindspore_hub.errors
from mindspore_hub._files import open_regular
from mindspore_hub._foreign import read_object
from mindspore_hub.errors import (
    ExportError,
    IntegrityError,
    MissingDependencyError,
    NetworkError,
    StoreError,
    TrustError,
)
from mindspore_hub.files.checkpoint import checkpoint, loadable_asset
from mindspore_hub.files.records import stat_of
from mindspore_hub.files.sealed import read_seal, verify_seal
from mindspore_hub.files.sources import in_mirrors, shown
from mindspore_hub.files.store import Store, stores_of
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.trust import check_trusted, digest_of
from mindspore_hub.runtimes import Wanted
from mindspore_hub.settings import Settings

logger = logging.getLogger(__name__)

EXPORT = 1
"""Version of the way in which derived files are made; another one makes them anew."""

_IMPORTS = re.compile(rb"^\s*from \.(\w*) import \(?([\w,\s]*)", re.MULTILINE)


@dataclass(frozen=True)
class Derived:
    """A derived file that was verified.

    Attributes:
        path: Where it lies.
        sha256: Digest of the model in it.
        store: Where what is made of it may be kept.
        uid: Of which card it is.
        input_shapes: Shape of each input for one sample, as networks say it.
    """

    path: Path
    sha256: str
    store: Store
    uid: str
    input_shapes: tuple[tuple[int, ...], ...]


def identity(wanted: Wanted) -> dict[str, Any]:
    """All that decides what a derived file computes, as plain JSON."""
    card = wanted.card
    asset = loadable_asset(card)
    return {
        "export": EXPORT,
        "checkpoint": asset.sha256,
        "network": ".".join(card.network),
        "code": _code(wanted.hub, card.network[0], card.uid),
        "arguments": {**asset.network_args, **wanted.arguments},
        "places": list(wanted.places),
    }


def key_of(facts: dict[str, Any]) -> str:
    """The name of a derived file: the sha256 of what decides what it computes."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _code(hub: Hub, module: str, uid: str) -> str:
    """Digest of the code of a network; of another hub, which has to be trusted, of all that may run."""
    if not hub.is_own:
        return check_trusted(hub, uid)
    models, code, left = hub.root / "models", {}, [module]
    while left:
        name = left.pop()
        path = models / f"{name}.py"
        if name in code or not path.is_file():
            continue
        code[name] = path.read_bytes()
        for sibling, names in _IMPORTS.findall(code[name]):
            words = [sibling] if sibling else names.replace(b",", b" ").split()
            left += [word.decode() for word in words]
    return digest_of(dict(sorted(code.items())))


def find(wanted: Wanted, settings: Settings | None = None) -> Derived | None:
    """The derived file of a network if it is here or in a mirror; None if it is to be made.

    What is damaged is passed over with a warning, and moved to `corrupt/` in a store of one's own.

    Raises:
        CardError: The card has no checkpoint that could be verified.
        TrustError: The code of another hub is not trusted.
    """
    settings = settings or Settings.from_environment()
    key = key_of(identity(wanted))
    for store in stores_of(settings):
        path = store.derived(key)
        try:
            if found := _verified(path, key, store):
                return found
        except IntegrityError as error:
            logger.warning("%s%s", error, _moved(store, path, key))
        except OSError as error:
            logger.warning("%s is passed over: %s", path, error)
    for location in in_mirrors((f"derived/{key}.onnx", f"{key}.onnx"), settings):
        try:
            if found := _brought(location, key, settings):
                return found
        except (IntegrityError, NetworkError, TrustError) as error:
            level = logging.WARNING if isinstance(error, IntegrityError) else logging.DEBUG
            logger.log(level, "%s: %s", shown(location), error)
    return None


def derive(wanted: Wanted, settings: Settings | None = None) -> Derived:
    """The derived file of a network; it is made if it is nowhere.

    Raises:
        ExportError: MindSpore cannot export the network, or what it wrote computes something else.
        MissingDependencyError: It would have to be made, and MindSpore is not installed.
        StoreError: The store cannot be written.
        HubError: As in `find` and `networks.build.build`.
    """
    settings = settings or Settings.from_environment()
    if found := find(wanted, settings):
        return found
    key = key_of(identity(wanted))
    if find_spec("mindspore") is None:
        raise MissingDependencyError(_without_mindspore(wanted, key))
    # In the store already, so that no other process has to show what comes.
    checkpoint(wanted.card, wanted.hub, settings=settings).file.close()
    store = Store(settings.home)
    store.prepare()
    with store.lock(key, name=f"the derived file of {wanted.card.uid}"):
        if found := find(wanted, settings):  # whoever held the lock before has made it
            return found
        return _made(wanted, key, store)


def install(temporary: Path, key: str, store: Store) -> Derived:
    """Rename a sealed file into its place, if it is whole."""
    with temporary.open("rb") as file:
        facts = verify_seal(file, temporary)
    goal = store.derived(key)
    made = _derived(facts, key, goal, store)
    store.install(temporary, goal)
    return made


def _made(wanted: Wanted, key: str, store: Store) -> Derived:
    """Let a process of its own export the network."""
    logger.info("Making the derived file of %s, once; it takes some 20 seconds", wanted.card.uid)
    # MindSpore writes only names with this ending.
    temporary = store.partial / f"{key}.{os.urandom(8).hex()}.onnx"
    try:
        _run({"wanted": as_json(wanted), "key": key, "path": str(temporary)})
        with store.explained("write", temporary):
            return install(temporary, key, store)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def as_json(wanted: Wanted) -> dict[str, Any]:
    """What another process needs to want the same; `export` reads it."""
    card = wanted.card
    return {
        "name": str(card.path.absolute()) if card.path.is_file() else card.uid,
        "hub": str(wanted.hub.root.absolute()),
        "trust": wanted.hub.trust and not wanted.hub.is_own,
        "arguments": dict(wanted.arguments),
        "places": list(wanted.places),
    }


def _run(request: dict[str, Any]) -> None:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "mindspore_hub.runtimes.export"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answer = read_object(done.stdout.rpartition("\n")[2] or done.stdout.strip())
    except ValueError:
        said = done.stderr.strip()[-2000:]
        msg = f"The process that exports the network ended with {done.returncode}: {said}"
        raise ExportError(msg) from None
    if "error" in answer:
        kind = getattr(mindspore_hub.errors, str(answer["error"]), ExportError)
        raise kind(str(answer["message"]))


def _verified(path: Path, key: str, store: Store) -> Derived | None:
    """A derived file if it is there; as the memo tells, or else hashed."""
    try:
        file = open_regular(path)
    except FileNotFoundError:
        return None
    with file:
        stat = stat_of(file.fileno())
        if not store.hash_always and store.memo.knows(key, stat):
            return _derived(read_seal(file, path), key, path, store)
        found = _derived(verify_seal(file, path), key, path, store)
        if stat == stat_of(file.fileno()):
            store.memo.note(key, stat)
        return found


def _derived(facts: dict[str, Any], key: str, path: Path, store: Store) -> Derived:
    """What a sealed file is; an IntegrityError if it is another one than it is called."""
    try:
        shapes = tuple(tuple(map(int, shape)) for shape in facts["inputs"])
        if facts["key"] == key:
            return Derived(path, facts["sha256"], store, str(facts["card"]), shapes)
        why = "it is of another network, or of another version of it"
    except (KeyError, TypeError, ValueError) as error:
        why = f"its facts are not those of one ({error})"
    msg = f"{path} is not the derived file that is looked for: {why}."
    raise IntegrityError(msg)


def _moved(store: Store, path: Path, key: str) -> str:
    """Move a damaged file of a store of one's own away, and say so."""
    if store.read_only:
        return " It was left as it is, because this store is only read."
    store.memo.forget(key)
    with suppress(OSError):
        return f" It was moved to {store.set_aside(path, key)}."
    return " It cannot be moved away; remove it."


def _brought(location: Path | str, key: str, settings: Settings) -> Derived | None:
    """Copy a derived file from a mirror into the store."""
    if isinstance(location, Path) and not location.is_file():
        return None
    from mindspore_hub._progress import bar
    from mindspore_hub.files.partial import Version
    from mindspore_hub.files.transfer import deliver, receive

    store = Store(settings.home)
    try:
        store.prepare()
    except StoreError:
        # Nothing can be kept, but what lies in a folder can be used from there.
        return _verified(location, key, store) if isinstance(location, Path) else None
    temporary = store.partial / f"{key}.{os.urandom(8).hex()}.tmp"
    try:
        with ExitStack() as stack, store.explained("write", temporary):
            delivery = deliver(stack, location, have=0, version=Version(), settings=settings)
            store.require_space(delivery.version.total or 0)
            report = stack.enter_context(bar(f"{key[:12]}.onnx", shown=settings.progress))
            with temporary.open("xb") as file:
                receive(delivery, file, report, settings=settings)
            logger.info("Took the derived file %s… from %s", key[:12], shown(location))
            return install(temporary, key, store)
    finally:
        temporary.unlink(missing_ok=True)


def _without_mindspore(wanted: Wanted, key: str) -> str:
    options = " --headless" if wanted.arguments.get("num_classes") == 0 else ""
    return (
        f"There is no derived file of {wanted.card.uid}, and MindSpore, which makes it, is not "
        "installed. Where it is, run\n"
        f"  mshub convert {wanted.card.uid} --to onnx --batch-size any{options} -o {key}.onnx\n"
        "with the same version of this package, bring the file into a folder here, and name that folder "
        "in MSHUB_MIRRORS."
    )
