"""What is imported when: light calls stay light, and what is not installed is named."""

import sys

import pytest
from commands import start

LIGHT = {
    "the package": ("mindspore_hub.transforms", "numpy PIL cv2 mindspore"),
    "preparing pictures": ("mindspore_hub.transforms('MVD')", "cv2 mindspore"),
    "the exact search": ("mindspore_hub.match([[1.0]], [[1.0]])", "faiss mindspore PIL"),
    "protocols and data sets": (
        """from mindspore_hub.tasks.retrieval import datasets
for name in datasets.names(): datasets.protocol(name), datasets.dataset(name, None)""",
        "mindspore scipy",
    ),
    "types of results": (
        """for name in "Features", "Matches", "Report", "Transform":
    assert getattr(mindspore_hub, name).__name__ == name
assert not hasattr(mindspore_hub, "features")""",
        "mindspore",
    ),
    "a command that was not run": (
        "from mindspore_hub.commands.main import mshub; mshub.get_command(None, 'embed')",
        "mindspore numpy PIL",
    ),
}


@pytest.mark.parametrize(("program", "heavy"), LIGHT.values(), ids=LIGHT)
def test_what_is_not_needed_is_not_imported(program: str, heavy: str) -> None:
    found = f"print(set({heavy.split()}) & set(sys.modules))"
    done = start(sys.executable, "-c", f"import sys, mindspore_hub\n{program}\n{found}")
    assert (done.stdout, done.stderr) == ("set()\n", "")


@pytest.mark.parametrize(
    ("lacking", "program", "remedy"),
    [
        ("PIL", "mindspore_hub.transforms('MVD')", "`pip install numpy pillow`"),
        ("faiss", "mindspore_hub.match([[1.0]], [[1.0]], index='Flat')", "`pip install faiss-cpu`"),
        ("numpy", "import mindspore_hub.gallery.features", "pip install numpy pillow"),
        ("numpy", "mindspore_hub.Features", "pip install numpy pillow"),
        ("numpy", "mindspore_hub.Transform", "pip install numpy pillow"),
    ],
)
def test_what_is_not_installed_is_named(lacking: str, program: str, remedy: str) -> None:
    code = (
        f"import sys, mindspore_hub; sys.modules[{lacking!r}] = None\n"
        f"try: {program}\n"
        "except mindspore_hub.MissingDependencyError as error: print(error)"
    )
    assert remedy in start(sys.executable, "-c", code).stdout
