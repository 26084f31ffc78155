"""A cached checkpoint is loaded without the network; one that is missing is asked for in words."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import checkpoints
import manifests
import pytest

from mindspore_hub.files.fetch import fetch
from mindspore_hub.hub.hub import Hub
from mindspore_hub.settings import Settings

pytestmark = pytest.mark.slow

LINK = "https://download.mindspore.cn/tested/metric_learn.ckpt"

LOAD = """
import sys
import mindspore
import mindspore_hub

def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(refuse)
network = mindspore_hub.load(sys.argv[1])
print(len(list(network.get_parameters())))
"""


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card whose file can be downloaded from nowhere, and which is left in a folder."""
    (tmp_path / "brought").mkdir()
    tensors = manifests.read("metric_learn_triplet")
    sha256 = checkpoints.write(tmp_path / "brought" / "metric_learn.ckpt", tensors)
    published = Hub.of().resolve("metric_learn").path
    copy = tmp_path / published.name
    copy.write_bytes(published.read_bytes())
    return checkpoints.publish(copy, LINK, sha256)


def run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | settings
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_cached_network_is_loaded_without_a_socket(card: Path, tmp_path: Path) -> None:
    asset = Hub.of().resolve(str(card)).asset
    assert asset
    brought = Settings(home=tmp_path / "store", mirrors=(str(tmp_path / "brought"),), offline=True)
    fetch(LINK, asset.sha256, settings=brought)
    done = run(sys.executable, "-c", LOAD, str(card))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_missing_network_is_an_error_with_the_command_that_brings_it(
    card: Path, tmp_path: Path
) -> None:
    mshub = (sys.executable, "-m", "mindspore_hub")
    done = run(*mshub, "load", str(card), MSHUB_OFFLINE="1")
    assert done.returncode == 6
    (command,) = re.findall("`(.*)`", done.stderr)
    assert shlex.split(command)[-1] == LINK
    assert "name that folder in MSHUB_MIRRORS" in done.stderr
    mirror = str(tmp_path / "brought")
    assert run(*mshub, "load", str(card), MSHUB_OFFLINE="1", MSHUB_MIRRORS=mirror).returncode == 0
