import ast
import sys
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.py")), ids=lambda path: path.name)
def test_imports_work_wherever_the_folder_is_copied(path):
    # What entry points share asks for our package, but only where weights are wanted.
    ours = {"mindspore_hub"} if path.name == "_entry.py" else set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1
            assert (MODELS / f"{node.module}.py").is_file()
        elif isinstance(node, ast.ImportFrom):
            _require_available(node.module, ours)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                _require_available(alias.name, ours)


def test_no_construct_of_a_base_calls_super():
    # In GRAPH mode, that would be the class itself for a network of a class below it.
    classes = [
        node
        for path in MODELS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    bases = {ast.unparse(base) for node in classes for base in node.bases}
    calling = {node.name for node in classes if "super().construct(" in ast.unparse(node)}
    assert calling & bases == set()


def test_class_has_the_name_of_its_module(network_module, network_class):
    assert network_class(network_module).__name__.lower() == network_module


def _require_available(module, ours):
    available = {"mindspore", "numpy", *sys.stdlib_module_names, *ours}
    assert module.partition(".")[0] in available
