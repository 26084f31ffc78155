"""What the commands over files of tensors share: how they read what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mindspore_hub.commands._output import settings_of_command

if TYPE_CHECKING:
    from mindspore_hub.networks.source import Source


def read(name: str) -> Source:
    """Read a FILE or NAME; a path that leads to no file is a usage error, as ever in click."""
    from mindspore_hub.errors import HubError
    from mindspore_hub.networks.source import read_source

    try:
        return read_source(name, settings_of_command())
    except HubError:
        raise
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no such user
        raise click.BadParameter(str(error)) from error
