"""Pausing the garbage collector."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from mindspore_hub.networks.collector import collector_paused


class Ring:
    """An object that only the collector can free."""

    def __init__(self) -> None:
        self.ring = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Begin with nothing frozen, which the tests do to their modules; leave the collector as it was."""
    enabled = gc.isenabled()
    gc.unfreeze()
    yield
    (gc.enable if enabled else gc.disable)()


def test_nothing_is_collected_meanwhile_and_everything_afterwards() -> None:
    gc.enable()
    with collector_paused():
        rings = [weakref.ref(Ring()) for _ in range(10_000)]
        assert not gc.isenabled()
    assert gc.isenabled()
    assert all(ring() for ring in rings), "leaving is not a reason to look through everything"
    gc.collect()
    assert not any(ring() for ring in rings)


def test_the_collector_is_back_after_an_error() -> None:
    gc.enable()
    with pytest.raises(KeyError), collector_paused():
        raise KeyError
    assert gc.isenabled()


def test_a_collector_that_somebody_switched_off_stays_off() -> None:
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()


def test_what_somebody_froze_stays_frozen() -> None:
    gc.enable()
    gc.freeze()
    frozen = gc.get_freeze_count()
    assert frozen > 4000
    try:
        with collector_paused():
            pass
        assert gc.get_freeze_count() > frozen * 0.9
    finally:
        gc.unfreeze()


def test_pauses_lie_within_each_other() -> None:
    gc.enable()
    with collector_paused():
        with collector_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
