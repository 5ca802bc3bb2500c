"""What every test of every member shares: one event loop kind, readable failures, no stopwatch."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

# The suites' asserts show their values only if rewritten, and rewriting has to be asked for
# before the first import.
pytest.register_assert_rewrite("cronicorn_domain.testing")

# A busy machine is not a fault of the code: no example fails for having been slow.
settings.register_profile(
    "cronicorn",
    parent=settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# For who only asks whether something fails, and needs no smallest example.
settings.register_profile(
    "hasty",
    parent=settings.get_profile("cronicorn"),
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("cronicorn")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run every asynchronous test and fixture on asyncio, as the applications do."""
    return "asyncio"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """
    Stay in one process where files are named: starting others takes longer than it saves.

    Else there is one more than processors, since some tests wait for processes that they started.
    """
    files = [argument.partition("::")[0].endswith(".py") for argument in config.args]
    return 0 if all(files) else (os.cpu_count() or 1) + 1
