from pathlib import Path

import pytest
import tiny


@pytest.fixture
def card(tmp_path: Path) -> str:
    """A card of the network `tiny.Tiny`."""
    return tiny.card(tmp_path)
