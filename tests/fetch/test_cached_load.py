"""A cached checkpoint is loaded without the network; one that is missing is asked for in words."""

import re
import shlex
import sys
from pathlib import Path

import checkpoints
import manifests
import pytest
from commands import run, start
from downloads import fetch

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


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file."""
    folder = tmp_path_factory.mktemp("brought")
    checkpoints.write(folder / "metric_learn.ckpt", manifests.read("metric_learn_triplet"))
    return folder


@pytest.fixture
def card(tmp_path: Path, brought: Path) -> Path:
    """A card whose file can be downloaded from nowhere."""
    published = Hub.of().resolve("metric_learn").path
    copy = tmp_path / published.name
    copy.write_bytes(published.read_bytes())
    return checkpoints.publish(copy, LINK, checkpoints.digest(brought / "metric_learn.ckpt"))


def test_cached_network_is_loaded_without_a_socket(
    card: Path, brought: Path, tmp_path: Path
) -> None:
    asset = Hub.of().resolve(str(card)).asset
    assert asset
    settings = Settings(home=tmp_path / "store", mirrors=(str(brought),), offline=True)
    fetch(LINK, asset.sha256, settings=settings)
    done = start(sys.executable, "-c", LOAD, card)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_missing_network_is_an_error_with_the_command_that_brings_it(
    card: Path, brought: Path
) -> None:
    done = run("load", card, MSHUB_OFFLINE="1")
    assert done.returncode == 6
    (command,) = re.findall("`(.*)`", done.stderr)
    assert shlex.split(command)[-1] == LINK
    assert "name that folder in MSHUB_MIRRORS" in done.stderr
    done = run("load", card, MSHUB_OFFLINE="1", MSHUB_MIRRORS=str(brought))
    assert done.returncode == 0, done.stderr
