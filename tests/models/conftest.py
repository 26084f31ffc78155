import os

# MindSpore 2.10 runs convolutions in reference code on processors with AVX-512 unless oneDNN is
# held to AVX2 before its first operator: a test here would take minutes.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mindspore
import pytest
from mindspore import nn

MODELS = Path(__file__).parents[2] / "models"
FAMILIES = Path(__file__).parents[1] / "data" / "families"
PACKAGE = "_networks_under_test"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with the argument `network_module` once for each module of one network, or as it says."""
    named = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "network_module" in metafunc.fixturenames and "network_module" not in named:
        modules = {path.stem for path in MODELS.glob("[!_]*.py")} - _modules_of_families()
        metafunc.parametrize("network_module", sorted(modules))


def _modules_of_families() -> set[str]:
    """Modules of several networks each, which test_families.py looks at."""
    indices = [json.loads(path.read_text()) for path in FAMILIES.glob("*/networks.json")]
    return {form["network"].split(".")[0] for index in indices for form in index.values()}


@pytest.fixture(scope="session")
def network_class() -> Callable[[str], type[nn.Cell]]:
    """Give the network of a name in any case, from `models` under a private package name.

    The name is that of a module of one network, or `module.network`.
    """
    location = MODELS / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        PACKAGE, location, submodule_search_locations=[str(MODELS)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    return _find_class


def _find_class(name: str) -> type[nn.Cell]:
    module, _, network = name.lower().partition(".")
    found = vars(importlib.import_module(f"{PACKAGE}.{module}"))
    return next(value for key, value in found.items() if key.lower() == (network or module))


@pytest.fixture
def mode(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Run a test in the execution mode that is its parameter."""
    monkeypatch.chdir(tmp_path)  # a graph that does not compile leaves files there
    before = mindspore.get_context("mode")
    modes = {"pynative": mindspore.PYNATIVE_MODE, "graph": mindspore.GRAPH_MODE}
    mindspore.set_context(mode=modes[request.param])
    yield request.param
    mindspore.set_context(mode=before)
