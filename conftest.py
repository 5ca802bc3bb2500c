"""What every test of every member shares: one event loop kind, readable failures, no stopwatch."""

import faulthandler
import os
from collections.abc import Iterator

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a member be tried alone without running again what has been run."""
    parser.addoption(
        "--first-of-each-file",
        action="store_true",
        help="import every test, and run the first of each file",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the first test of each file, where that is asked for."""
    if not config.getoption("--first-of-each-file"):
        return
    firsts = {item.path: item for item in reversed(items)}
    config.hook.pytest_deselected(items=[each for each in items if each not in firsts.values()])
    items[:] = [each for each in items if firsts[each.path] is each]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """
    Stay in one process where files are named: starting others takes longer than it saves.

    Else there is one more than processors, since some tests wait for processes that they started.
    """
    files = [argument.partition("::")[0].endswith(".py") for argument in config.args]
    return 0 if all(files) else (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """
    End the process, with the stacks of its threads, where what a test leaves behind never ends.

    pytest-timeout stops counting when a test fails, as it does when its own time is up; so what
    hangs in a test and then again in the test's fixtures would hang for ever.
    """
    # Standard error itself is captured; this is what it was before.
    stderr = item.config.stash[fault_handler_stderr_fd_key]
    longest = float(item.config.getini("timeout"))
    faulthandler.dump_traceback_later(longest, file=stderr, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
