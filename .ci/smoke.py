"""Look at an installed wheel without MindSpore: what it put where, and what its import does."""

import importlib.util
import sys
from importlib.metadata import files, version

installed = {path.parts[0] for path in files("mindspore-hub") if path.parts[0] != ".."}
expected = {"mindspore_hub", f"mindspore_hub-{version('mindspore-hub')}.dist-info"}
unexpected = installed - expected
if unexpected:
    sys.exit(f"the wheel installs more than its package: {sorted(unexpected)}")
for name in ("mindspore", "numpy"):
    if importlib.util.find_spec(name):
        sys.exit(f"the core is not alone here: {name} can be imported")


def refuse_sockets(event, _arguments):
    """Make the import fail if it opens a connection."""
    if event.startswith("socket."):
        sys.exit(f"import mindspore_hub: {event}")


sys.addaudithook(refuse_sockets)

import mindspore_hub  # noqa: E402 - watched by the hook above

names = mindspore_hub.hub_list()
print(names)
if not names:
    sys.exit("the wheel holds no cards")
