"""
The API's metrics, under names that last; the worker's are beside them under theirs.

Labels are words from closed lists: a route is told by its pattern, and what no route took is one
word. ``docs/api.md`` explains every name.
"""

from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

_NO_INSTANTS: Final[Callable[[], None]] = disable_created_metrics  # it has no types itself
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Instruments:
    """Every instrument, in a registry of its own."""

    def __init__(self) -> None:
        # The instant at which each series was made is of no use here, and doubles their number.
        _NO_INSTANTS()
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.requests = Counter(
            "cronicorn_api_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "cronicorn_api_request_seconds",
            "How long requests took to be answered.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.under_way = Gauge(
            "cronicorn_api_requests_under_way",
            "Requests that are being answered.",
            registry=self.registry,
        )
