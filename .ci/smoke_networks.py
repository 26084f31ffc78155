"""Build the network of every model from an installed wheel."""

import sys
from pathlib import Path

import mindspore_hub

if not Path(mindspore_hub.__file__).is_relative_to(sys.prefix):
    sys.exit(f"this is another package than that of the wheel: {mindspore_hub.__file__}")
if "mindspore" in sys.modules:
    sys.exit("import mindspore_hub imports mindspore")

import mindspore
from mindspore.nn.utils import no_init_parameters

cards = {mindspore_hub.info(name).name: name for name in mindspore_hub.hub_list()}
for model, name in cards.items():
    with no_init_parameters():  # drawing the values of all takes minutes
        network = mindspore_hub.load(name, pretrained=False)
    print(model, name, type(network).__name__)
    if not isinstance(network, mindspore.nn.Cell):
        sys.exit(f"{name} is not an nn.Cell")
