"""The loop that a worker runs on."""

import sys
from collections.abc import Iterator

import pytest
from cronicorn_worker.loops import complete


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the interpreter as it was."""
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_a_busy_loop_lets_another_thread_in_soon() -> None:
    """SQLite's thread needs the interpreter many times for each batch: 5 ms each are too long."""
    seen: list[float] = []

    async def work() -> None:
        seen.append(sys.getswitchinterval())

    complete(work())

    assert 0 < seen[0] <= 0.001
