"""What networks are for: a folder for each task, and `pictures`, which they share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mindspore_hub.errors import MissingDependencyError


@contextmanager
def required_by(task: str) -> Iterator[None]:
    """Turn the absence of NumPy or Pillow into an error that says what to install.

    Args:
        task: What needs them, for the message.

    Raises:
        MissingDependencyError: An import in the block fails.
    """
    try:
        yield
    except MissingDependencyError:
        raise
    except ImportError as error:
        msg = f"{task} needs NumPy and Pillow ({error}); `pip install numpy pillow`."
        raise MissingDependencyError(msg) from error
