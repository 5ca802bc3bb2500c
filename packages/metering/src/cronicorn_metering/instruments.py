"""
The metrics of work: what is counted of it, under names that last.

Labels are words from closed lists. Nothing is counted by endpoint or host: there is no end to
them, and each would be a series of its own for ever. Of tenants those are told apart whose quota is
given by name, which somebody had to write down; of quotas the default one is told, too.
``docs/metrics.md`` explains every name.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from cronicorn_domain.model.slot_record import Fate
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from cronicorn_metering.readings import Readings
from cronicorn_metering.registries import new_registry

_MILLISECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
_CALL: Final = (*_MILLISECONDS, 1, 2.5, 5, 10, 30)
_LATENESS: Final = (*_MILLISECONDS, 1, 2.5, 5, 10, 30, 60)
_REQUEST: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_OF_QUOTAS: Final = ("meter", "tenant")
_BATCH: Final = (0, 1, 2, 5, 10, 20, 50, 100, 200)


class Made:
    """Makes instruments, all under one prefix and in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        """Make what only grows."""
        return Counter(f"cronicorn_{name}", meaning, labels, registry=self._registry)

    def gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        """Make what goes up and down."""
        return Gauge(f"cronicorn_{name}", meaning, labels, registry=self._registry)

    def histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        """Make what counts values by their size."""
        return Histogram(
            f"cronicorn_{name}", meaning, labels, buckets=buckets, registry=self._registry
        )


class OfRuns:
    """What becomes of single runs."""

    def __init__(self, make: Made) -> None:
        self.ended = make.counter("runs", "Settled runs.", "outcome", "source")
        self.request_seconds = make.histogram(
            "request_seconds", "How long requests took, of settled runs.", _REQUEST
        )
        self.lateness_seconds = make.histogram(
            "lateness_seconds", "Starts against their due instants, if in time.", _LATENESS
        )
        self.made_up_for = make.counter(
            "runs_made_up_for", "Starts of slots that had been missed by more than their grace."
        )
        self.released = make.counter(
            "runs_released", "Claims that were given back; nothing was sent.", "reason"
        )
        self.lost = make.counter(
            "runs_lost", "Runs whose lease was lost, or left to the reaper.", "reason"
        )
        self.broken = make.counter("runs_broken", "Faults of ours in one run.")
        self.requests_running = make.gauge("requests_running", "Requests that are under way.")


class OfQueue:
    """What claims, settles and the loops beside them find and do."""

    def __init__(self, make: Made) -> None:
        self.leases_reaped = make.counter(
            "leases_reaped", "Leases of lost workers that this one took away.", "started"
        )
        self.claimed_runs = make.histogram("claimed_runs", "Runs that one claim brought.", _BATCH)
        self.settled_runs = make.histogram("settled_runs", "Runs settled in one call.", _BATCH)
        self.held_back = make.counter(
            "held_back", "Due endpoints that claims found no room for under the caps."
        )
        self.blocked = make.counter(
            "blocked", "Due endpoints that claims kept from a host whose breaker was open."
        )
        self.breakers_open = make.gauge(
            "breakers_open", "Hosts that calls of a tenant are held back from, in the store."
        )
        self.slots_passed = make.counter(
            "slots_passed", "Due endpoints that claims replanned, skipped or set aside."
        )
        self.quarantined = make.counter("quarantined", "Endpoints that were set aside.")
        self.healed = make.counter("healed", "Endpoints that came out of quarantine.")
        self.pruned = make.counter("pruned", "Rows of history that were deleted.", "kind")


class OfStore:
    """How the store answers."""

    def __init__(self, make: Made) -> None:
        self.seconds = make.histogram(
            "store_seconds", "How long calls of the store took.", _CALL, "call"
        )
        self.failures = make.counter(
            "store_failures", "Calls that the store did not answer, or refused.", "call"
        )
        self.outages = make.counter("store_outages", "Outages of the store that were met.")


class OfQuotas:
    """Where tenants stand who have a quota."""

    def __init__(self, make: Made) -> None:
        self.used = make.gauge(
            "quota_used", "What was used in this month, as it was seen last.", *_OF_QUOTAS
        )
        self.limit = make.gauge("quota_limit", "What a month may have.", *_OF_QUOTAS)
        self.overrun = make.gauge(
            "quota_overrun", "By how much the month's limit is exceeded.", *_OF_QUOTAS
        )
        self.denials = make.counter(
            "quota_denials", "Asks that the month's limit left no room for.", *_OF_QUOTAS
        )
        self.bursts = make.counter("quota_bursts", "Asks that came too fast.", *_OF_QUOTAS)


class OfSessions:
    """What the AI planner does."""

    def __init__(self, make: Made) -> None:
        self.ended = make.counter(
            "ai_sessions", "Sessions of the AI planner, by how they ended.", "ending"
        )
        self.lost = make.counter(
            "ai_sessions_lost", "Sessions whose end could not be kept; nothing took effect."
        )
        self.seconds = make.histogram("ai_session_seconds", "How long sessions took.", _REQUEST)
        self.tokens = make.counter(
            "ai_tokens", "Tokens that models read and wrote in sessions.", "direction"
        )
        self.cost = make.counter("ai_cost", "What sessions cost, in the currency of the prices.")
        self.proposals = make.counter(
            "ai_proposals", "What sessions proposed, and what came of it.", "fate"
        )
        self.models_rested = make.counter(
            "ai_models_rested", "Models that were left alone for a while, as they failed."
        )


class Instruments:
    """Every instrument, in a registry that may have others, too."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = new_registry() if registry is None else registry
        self._make = Made(self.registry)
        self.runs = OfRuns(self._make)
        self.queue = OfQueue(self._make)
        self.store = OfStore(self._make)
        self.quotas = OfQuotas(self._make)
        self.sessions = OfSessions(self._make)
        self.parts_failed = self._make.counter(
            "parts_failed", "Faults of ours in one loop.", "part"
        )

    def show(
        self, readings: Readings, *, in_hand: Callable[[], int], ready: Callable[[], bool]
    ) -> None:
        """Register what is read when somebody asks."""
        make = self._make
        make.gauge("ready", "Whether the worker is ready: 1 or 0.").set_function(ready)
        make.gauge("runs_in_hand", "Runs from claim to settled result.").set_function(in_hand)
        make.gauge("concurrency", "Runs in hand at most.").set(readings.concurrency)
        make.counter(
            "process_replacements", "How often this process of several has been replaced."
        ).inc(readings.replacements)
        make.gauge("store_connections_most", "Connections to the store at most.").set(
            readings.connections_most
        )
        make.gauge("store_connections_in_use", "Connections to the store in use.").set_function(
            readings.connections_in_use
        )
        make.gauge(
            "clock_skew_seconds", "How far the machine's clock is ahead of the database's."
        ).set_function(lambda: readings.clock_skew().total_seconds())
        self.registry.register(_SlotsRecorded(readings.slots_recorded))


class _SlotsRecorded(Collector):
    """The counts that the store keeps; every fate is there from the beginning."""

    def __init__(self, counts: Mapping[Fate, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "cronicorn_slots_recorded", "Slots that were recorded instead of run.", labels=["fate"]
        )
        for fate in Fate:
            family.add_metric([fate.value], self._counts.get(fate, 0))
        yield family
