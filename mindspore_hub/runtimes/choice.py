"""Which runtime computes, with which precision, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec

from mindspore_hub.errors import MissingDependencyError, SettingsError
from mindspore_hub.runtimes import PRECISIONS, RUNTIMES
from mindspore_hub.runtimes.processor import computes_bf16

WORTH = 1000
"""Pictures from which making a derived file, about 20 seconds, takes less time than it saves."""

_EXTRAS = {"mindspore": "mindspore", "onnxruntime": "onnx", "openvino": "openvino"}


@dataclass(frozen=True)
class Choice:
    """A runtime, a precision, and the reason, as a sentence can end with it."""

    runtime: str
    precision: str
    reason: str


@dataclass(frozen=True)
class Situation:
    """What a choice depends on.

    Attributes:
        installed: Runtimes that can be imported.
        features: What the processor can do, in the words of Linux.
        derived: Whether a derived file is in a store or a mirror.
        given: Whether the network is an object of the caller's, of which there is no file.
        pictures: How many are to be computed; None if that is not known.
    """

    installed: Collection[str]
    features: Collection[str] = ()
    derived: bool = False
    given: bool = False
    pictures: int | None = None


def installed() -> frozenset[str]:
    """Runtimes that are installed; none is imported."""
    return frozenset(name for name in RUNTIMES if find_spec(name) is not None)


def check_asked(runtime: str, precision: str) -> None:
    """Raise a SettingsError for words that name no runtime or no precision."""
    for what, word, known in (("runtime", runtime, RUNTIMES), ("precision", precision, PRECISIONS)):
        if word not in ("auto", *known):
            msg = f"{what} must be one of auto, {', '.join(known)}, but is {word!r}."
            raise SettingsError(msg)


def choose(runtime: str, precision: str, situation: Situation) -> Choice:
    """Decide what computes.

    A runtime that is asked for is taken, or the call fails. `auto` takes a runtime that is faster than
    MindSpore if there is a derived file for it, or so much to compute that it is worth making one.
    bfloat16 is OpenVINO's alone, and is computed where the processor has it: asked for elsewhere, it is
    refused; `auto` takes float32 there.

    Raises:
        SettingsError: What is asked for contradicts itself, or what the processor can do.
        MissingDependencyError: No runtime that could compute is installed.
    """
    check_asked(runtime, precision)
    can = computes_bf16(situation.features)
    if precision == "bf16" and not can:
        msg = (
            "precision bf16 needs a processor that computes with bfloat16 (AVX512_BF16, AMX, or Arm "
            "with BF16), which this one does not; leave it out, or give auto."
        )
        raise SettingsError(msg)
    if precision == "bf16" and runtime not in ("auto", "openvino"):
        msg = f"precision bf16 is computed by openvino only, but runtime is {runtime}."
        raise SettingsError(msg)
    wide = "bf16" if precision == "bf16" or (precision == "auto" and can) else "f32"
    if situation.given and (runtime not in ("auto", "mindspore") or precision == "bf16"):
        msg = (
            "a network that is given as an object is computed by mindspore in f32; leave out runtime "
            "and precision, or leave out the network."
        )
        raise SettingsError(msg)
    name, reason = _runtime(runtime, situation, precision)
    return Choice(name, wide if name == "openvino" else "f32", reason)


def _runtime(asked: str, situation: Situation, precision: str) -> tuple[str, str]:
    """A runtime, and why."""
    there = situation.installed
    fast = next((name for name in ("openvino", "onnxruntime") if name in there), "")
    pictures = situation.pictures or 0
    # The first one that is true decides.
    rules = (
        (asked != "auto", asked, "it was asked for"),
        (situation.given, "mindspore", "the network was given as an object"),
        (precision == "bf16", "openvino", "bf16 was asked for"),
        (fast and situation.derived, fast, "it is the fastest that is installed, and has its file"),
        (fast and "mindspore" not in there, fast, "MindSpore is not installed"),
        (fast and pictures >= WORTH, fast, f"{pictures} pictures are worth making its file"),
        (fast, "mindspore", f"{fast} has no file, and there are too few pictures to make one for"),
        (True, "mindspore", "no other runtime is installed"),
    )
    name, reason = next((name, reason) for holds, name, reason in rules if holds)
    _require(name, there)
    return name, reason


def _require(name: str, installed: Collection[str]) -> None:
    if name in installed:
        return
    msg = f"The runtime {name} is not installed; `pip install 'mindspore-hub[{_EXTRAS[name]}]'` brings it."
    raise MissingDependencyError(msg)
