"""Where the metrics of a process are, whoever counts."""

from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

_NO_INSTANTS: Final[Callable[[], None]] = disable_created_metrics  # it has no types itself


def new_registry() -> CollectorRegistry:
    """Give one that tells of the process itself: processor, memory, open files."""
    # The instant at which each series was made is of no use here, and doubles their number.
    _NO_INSTANTS()
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry
