"""Use an installed wheel: what it put where, what it imports, and every card's network."""

import sys
from importlib.metadata import files, version

installed = {path.parts[0] for path in files("mindspore-hub") if path.parts[0] != ".."}
expected = {"mindspore_hub", f"mindspore_hub-{version('mindspore-hub')}.dist-info"}
unexpected = installed - expected
if unexpected:
    sys.exit(f"the wheel installs more than its package: {sorted(unexpected)}")


def refuse_sockets(event, _arguments):
    """Make the import fail if it opens a connection."""
    if event.startswith("socket."):
        sys.exit(f"import mindspore_hub: {event}")


sys.addaudithook(refuse_sockets)

import mindspore_hub  # noqa: E402 - watched by the hook above

if "mindspore" in sys.modules:
    sys.exit("import mindspore_hub imports mindspore")
names = mindspore_hub.hub_list()
print(names)
if not names:
    sys.exit("the wheel holds no cards")

import mindspore  # noqa: E402 - only after the package was seen not to import it

for name in names:
    network = mindspore_hub.load(name, pretrained=False)
    print(name, type(network).__name__)
    if not isinstance(network, mindspore.nn.Cell):
        sys.exit(f"{name} is no nn.Cell")
