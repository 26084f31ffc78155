"""What README and docs say: links that lead somewhere, commands and settings that exist."""

import re
from pathlib import Path

import click
import pytest
from commands import ROOT

import mindspore_hub
from mindspore_hub import errors, settings
from mindspore_hub.commands.main import mshub

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)")
QUOTED = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
CONSOLE = re.compile(r"```(?:console|sh)\n(.*?)```", re.DOTALL)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(QUOTED.sub("", page.read_text(encoding="utf-8")))
    inside = [link for link in links if ":" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists(page: Path) -> None:
    blocks = "\n".join(CONSOLE.findall(page.read_text(encoding="utf-8")))
    named = set(re.findall(r"^(?:\w*\$ )?mshub ([a-z]+)", blocks, re.MULTILINE))
    assert named - set(mshub.list_commands(None)) == set()  # type: ignore[arg-type]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^(?:\w*\$ )?mshub (.+)", "\n".join(CONSOLE.findall(text)), re.MULTILINE)
    lines += re.findall(r"`mshub ([^`\n]+)`", text)
    for line in lines:
        words = line.split(" #")[0].split()
        named = {
            word.split("=")[0].strip("[]") for word in words if re.match(r"\[?-{1,2}[a-z]", word)
        }
        assert named - options_of(words) == set(), line


def options_of(words: list[str]) -> set[str]:
    """Options of the command that these words begin with, and of the groups that it is in."""
    command: click.Command = mshub
    found = {"--help"}
    for word in [*words, ""]:
        found |= {option for parameter in command.params for option in parameter.opts}
        found |= {option for parameter in command.params for option in parameter.secondary_opts}
        if isinstance(command, click.Group):
            # Of `mshub bundle MVD`, the command that is meant is not named.
            command = command.get_command(click.Context(command), word) or command.commands.get(
                "create", command
            )
    return found


def test_the_page_of_commands_has_all_of_them() -> None:
    named = set(re.findall(r"^\| `mshub ([a-z]+)", text_of("docs/commands.md"), re.MULTILINE))
    assert named == set(mshub.list_commands(None))  # type: ignore[arg-type]


def test_the_page_of_commands_has_every_exit_code() -> None:
    known = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    named = set(map(int, re.findall(r"^\| (\d+) \|", text_of("docs/commands.md"), re.MULTILINE)))
    assert named == known | {0, 130, 141}


def test_the_page_of_the_store_has_every_setting() -> None:
    source = Path(settings.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(MSHUB_\w+)", text_of("docs/store.md"), re.MULTILINE))
    assert named == set(re.findall(r"MSHUB_\w+[A-Z]", source))


def test_the_page_of_python_has_every_function_and_error() -> None:
    words = set(re.findall(r"`(?:mindspore_hub\.)?(\w+)", text_of("docs/python.md")))
    assert set(mindspore_hub.__all__) - words == {"__version__"}
