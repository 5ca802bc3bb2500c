"""A server for the tests that inflict faults."""

from collections.abc import Iterator

import pytest

from tools.soak.server import Server, server


@pytest.fixture(scope="session")
def faulty_server() -> Iterator[Server]:
    """Give a server that is nobody else's: it will be killed."""
    with server() as running:
        yield running
