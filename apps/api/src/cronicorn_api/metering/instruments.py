"""
The API's metrics, under names that last; those of a worker beside it are there under theirs.

Labels are words from closed lists: a route is told by its pattern, and what no route took is one
word. ``docs/api.md`` explains every name.
"""

from typing import Final

from cronicorn_metering.meters import Meters
from cronicorn_metering.registries import new_registry
from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Instruments:
    """Every instrument, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = new_registry()
        self._meters: Meters | None = None
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

    def with_a_worker(self, concurrency: int) -> Meters:
        """Count a worker and a planner beside the API, too, and return what is put around them."""
        self._meters = Meters(concurrency, registry=self.registry)
        return self._meters

    async def look(self) -> None:
        """See to what is only known when somebody asks."""
        if self._meters is not None:
            await self._meters.look()
