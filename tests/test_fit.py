"""Which network of the hub a file fits, told by names and shapes."""

import math
from pathlib import Path

import checkpoints
import manifests
import pytest
import sample

from mindspore_hub.errors import AmbiguousNameError, CheckpointError, UnknownNameError
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.examine import Examination, describe
from mindspore_hub.networks.fit import cards_named, fit, fits, names_for
from mindspore_hub.tensors import Entry, TensorFile
from mindspore_hub.tensors.entry import itemsize

pytestmark = pytest.mark.slow

NAMES = sorted(set(checkpoints.MANIFESTS.values()))
if not sample.ALL:
    NAMES = [*{manifests.source(name).network: name for name in NAMES}.values()]


def file_of(tensors: list[manifests.Tensor]) -> Examination:
    """A file whose tensors all share the same zeros."""
    sizes = [math.prod(item.shape) * itemsize(item.dtype) for item in tensors]
    entries = {
        item.name: Entry(item.name, item.dtype, item.shape, ((0, size),))
        for item, size in zip(tensors, sizes, strict=True)
    }
    return describe(Path("file.ckpt"), TensorFile("ckpt", entries, bytearray(max(sizes))))


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """A hub of the first five models: to build all of a hub takes seconds."""
    return Hub.of(checkpoints.copy_hub(tmp_path_factory.mktemp("five") / "hub"), trust=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_published_file_fits_the_network_that_wrote_it_and_no_other(name: str, five: Hub) -> None:
    (found,) = fits(file_of(manifests.read(name)), Hub.of() if sample.ALL else five)
    source = manifests.source(name)
    assert found.model == source.network
    built = {**found.derived, **found.stated}
    told = {key: value for key, value in source.arguments.items() if key in built}
    assert told == {key: built[key] for key in told}
    assert "num_class" in told or "class_num" in told or "num_vids" in told
    canonical = {item.canonical: item.name for item in manifests.read(name) if item.canonical}
    assert found.names == {name: canonical[name] for name in found.names}


def test_an_argument_that_no_shape_tells_comes_from_the_cards_that_agree() -> None:
    facts = file_of(manifests.read("ddag_sysu"))
    found = fit(facts, cards_named("ddag", Hub.of()), Hub.of())
    assert (found.derived, found.stated) == ({"class_num": 395}, {"part": 3})
    assert found.call == "DDAG(class_num=395, part=3)"


def test_a_file_that_agrees_with_no_card_wants_a_card_named() -> None:
    tensors = [
        item._replace(shape=tuple(77 if size == 395 else 154 if size == 790 else size
                                  for size in item.shape))
        for item in manifests.read("ddag_sysu")
    ]  # fmt: skip
    facts = file_of(tensors)
    with pytest.raises(AmbiguousNameError, match=r"\{'part': .*name a card that does: .*/ddag_"):
        fit(facts, cards_named("DDAG", Hub.of()), Hub.of())
    found = fit(facts, cards_named("DDAG@sysumm01-all", Hub.of()), Hub.of())
    assert (found.derived, found.stated) == ({"class_num": 77}, {"part": 3})


def test_a_file_of_another_model_is_refused_with_every_difference() -> None:
    with pytest.raises(CheckpointError, match=r"^file.ckpt does not fit MVD: (.|\n)*missing"):
        fit(file_of(manifests.read("ddag_sysu")), cards_named("MVD", Hub.of()), Hub.of())


def test_texts_are_no_obstacle() -> None:
    index = file_of(manifests.read("vehiclenet_stage2_veri575")).index
    index.entries["note"] = Entry("note", "str", (), ((0, 4),))
    found = fit(describe(Path("file.ckpt"), index), cards_named("VehicleNet", Hub.of()), Hub.of())
    assert "note" not in found.names.values()


def test_what_fits_nothing_fits_nothing(five: Hub) -> None:
    assert fits(file_of([manifests.Tensor("a", None, "extra", "float32", (2,))]), five) == []


def test_names_are_those_of_the_network_and_optimizer_state_has_none() -> None:
    facts = file_of(manifests.read("metric_learn_triplet"))
    names = names_for(facts, cards_named("metric_learn", Hub.of()), Hub.of())
    assert names["head.weight"] == "weight"
    assert not any(name.startswith("moments") for name in names.values())


def test_a_model_has_all_of_its_cards_and_any_other_name_one() -> None:
    assert {card.model_name for card in cards_named("mvd", Hub.of())} == {"MVD"}
    assert {card.path for card in cards_named("mvd", Hub.of())} == set(
        checkpoints.ROOT.glob("assets/*/*/mvd_*.md")
    )
    assert [card.name for card in cards_named("MVD@sysumm01-all", Hub.of())] == [
        "mvd_allresearch_sysumm01"
    ]
    with pytest.raises(UnknownNameError):
        cards_named("MVDX", Hub.of())
