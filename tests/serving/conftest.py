"""One server for all tests."""

from collections.abc import Iterator

import pytest
import served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[served.Running]:
    folder = tmp_path_factory.mktemp("server")
    with served.running(served.make_service(folder), folder) as found:
        yield found
