"""Networks of the cards with drawn weights, exported for any number of samples, in both runtimes.

By default one small network; with MSHUB_TEST_ALL=1 all of them.
"""

from pathlib import Path

import mindspore
import numpy as np
import pytest
import sample

from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import golden
from mindspore_hub.networks.build import create
from mindspore_hub.runtimes.export import export_any
from mindspore_hub.runtimes.mindspore import wanted_outputs
from mindspore_hub.tasks.needs import needed_by

pytestmark = pytest.mark.slow

CARDS = {card.network: card for card in Hub.of().cards}


@pytest.mark.parametrize(
    "card",
    [card for key, card in CARDS.items() if sample.ALL or key == ("lenet", "lenet5")],
    ids=lambda card: ".".join(card.network),
)
def test_a_network_computes_the_same_in_every_runtime(card: Card, folder: Path) -> None:
    import onnxruntime
    import openvino

    mindspore.set_seed(0)
    network = create(card, Hub.of())
    network.set_train(False)
    places = needed_by(card, Hub.of()).places
    inputs = golden.inputs_of(network, card.inputs)
    path = folder / "network.onnx"
    assert export_any(network, path, inputs=inputs, places=places) <= golden.TOLERANCE
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    f32 = {"INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(path), "CPU", f32)
    for size in (1, 4):
        drawn = golden.draw(inputs, batch_size=size, seed=size)
        expected = list(wanted_outputs(network, places, compiled=False)(*drawn))
        names = [item.name for item in session.get_inputs()]
        found = session.run(None, dict(zip(names, drawn, strict=True)))
        for outputs in (found, [np.array(each) for each in model(drawn).to_tuple()]):
            assert golden.deviation(outputs, expected) <= golden.TOLERANCE
