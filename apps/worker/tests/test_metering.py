"""What is counted, how a worker stands, and that the documented names are those that are there."""

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cronicorn_adapter_memory.dispatcher import RecordingDispatcher
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import Failed, FailureKind
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.endpoint_queue import ClaimBatch
from cronicorn_domain.testing.builders import EPOCH, HOUR, SECOND
from cronicorn_metering.health import LATELY, STUCK, Health
from cronicorn_metering.instruments import Instruments
from cronicorn_metering.meters import Meters
from cronicorn_metering.parts import Parts
from cronicorn_metering.readings import Readings
from cronicorn_scheduler.observing import (
    Event,
    LeaseWasLost,
    ReleaseReason,
    RunBroken,
    RunClaimed,
    RunReleased,
    SchedulerDraining,
)
from cronicorn_worker.faults import WorkerFault
from cronicorn_worker.metering.serving import open_exporter
from prometheus_client import generate_latest

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
DASHBOARD: Any = json.loads(DOCUMENT.with_name("grafana-dashboard.json").read_text())
NAMES = re.compile(r"^\| `(cronicorn_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)


class AbsentQueue(MemoryEndpointQueue):
    """A queue whose store may be away."""

    away = False
    brings = ClaimBatch()

    async def claim(self, **asked: Any) -> ClaimBatch:
        """Bring what the test wants."""
        return self.brings

    async def reap(self, *, limit: int, now: Any) -> Any:
        """Reap, if the store is there."""
        if self.away:
            raise StoreUnavailable("no answer")
        return await super().reap(limit=limit, now=now)


@dataclass
class Heard:
    """An observer that keeps what it hears."""

    events: list[Event] = field(default_factory=list)

    def record(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)


class Worker:
    """A scheduler's parts with metrics around them, and a clock moved by hand."""

    def __init__(self, concurrency: int = 2) -> None:
        self.time = 0.0
        self.recorded = Counter({Fate.SKIPPED: 3})
        self.heard = Heard()
        self.store = AbsentQueue(MemoryStore())
        parts = Parts(queue=self.store, dispatcher=RecordingDispatcher(), observer=self.heard)
        readings = Readings(
            concurrency=concurrency,
            replacements=3,
            connections_most=6,
            connections_in_use=lambda: 2,
            slots_recorded=self.recorded,
            clock_skew=lambda: timedelta(seconds=-1.5),
            open_breakers=self.open_breakers,
        )
        self.meters = Meters(concurrency, monotonic=lambda: self.time)
        self.parts = self.meters.around(parts, readings)
        self.instruments, self.health = self.meters.instruments, self.meters.health

    async def open_breakers(self) -> int:
        """Count breakers that are open, if the store is there."""
        if self.store.away:
            raise StoreUnavailable("no answer")
        return 4

    def tell(self, *events: Event) -> None:
        """Record events."""
        for event in events:
            self.parts.observer.record(event)

    def value(self, name: str, **labels: str) -> float | None:
        """Return what a scrape would show."""
        return self.instruments.registry.get_sample_value(f"cronicorn_{name}", labels)

    async def look(self) -> None:
        """Look for what is due, as the claiming loop does."""
        await self.parts.queue.next_due()

    async def reap(self) -> None:
        """Ask something else of the store."""
        await self.parts.queue.reap(limit=1, now=EPOCH)


def test_a_settled_run_is_counted_by_outcome_and_source(runs: Any) -> None:
    """How it ended, which rule had planned it, how long its request took: on record once each."""
    worker = Worker()
    planned, retried = runs.claimed(), runs.claimed(source=Source.RETRY)

    worker.tell(runs.settled(planned), runs.settled(planned))
    worker.tell(runs.settled(retried, Failed(kind=FailureKind.TIMEOUT, message="late")))

    assert worker.value("runs_total", outcome="success", source="baseline-interval") == 2
    assert worker.value("runs_total", outcome="timeout", source="retry") == 1
    assert worker.value("request_seconds_count") == 3
    assert worker.value("request_seconds_sum") == 6


def test_lateness_is_that_of_slots_in_time(runs: Any) -> None:
    """An outage's length says nothing about the worker's own haste: missed slots count apart."""
    worker = Worker()
    run = runs.claimed()

    worker.tell(runs.started(run, SECOND), runs.started(run, -SECOND), runs.started(run, HOUR))

    assert worker.value("lateness_seconds_count") == 2
    assert worker.value("lateness_seconds_sum") == 1
    assert worker.value("runs_made_up_for_total") == 1


def test_a_run_is_in_hand_until_its_end_whichever(runs: Any) -> None:
    """Settled, given back, lost or broken: what has ended is in nobody's hand, and counts once."""
    worker = Worker()
    four = [runs.claimed() for _ in range(4)]
    worker.tell(*(RunClaimed(run=run) for run in four))
    held = worker.value("runs_in_hand")

    worker.tell(RunBroken(run=four[0], error=RuntimeError()), runs.settled(four[0]))
    worker.tell(LeaseWasLost(run=four[1]))
    worker.tell(RunReleased(run=four[2], reason=ReleaseReason.STOPPING))

    assert (held, worker.value("runs_in_hand")) == (4, 1)
    assert worker.value("runs_lost_total", reason="lease_lost") == 1
    assert worker.value("runs_released_total", reason="stopping") == 1
    assert worker.value("runs_broken_total") == 1


async def test_calls_of_the_store_are_measured(runs: Any) -> None:
    """Each call has its length, and a claim what it brought; one without an answer is counted."""
    worker = Worker()
    await worker.parts.queue.claim(worker=WorkerId("w"), limit=5, lease_for=SECOND, now=EPOCH)
    worker.store.away = True
    with pytest.raises(StoreUnavailable):
        await worker.reap()

    assert worker.value("store_seconds_count", call="claim") == 1
    assert worker.value("claimed_runs_bucket", le="0.0") == 1
    assert worker.value("store_failures_total", call="reap") == 1
    assert worker.value("store_seconds_count", call="reap") is None


def test_what_nobody_counts_is_read() -> None:
    """Connections, the clock and the store's own counts are as they are at the scrape."""
    worker = Worker()
    worker.recorded[Fate.SKIPPED] += 1

    assert worker.value("slots_recorded_total", fate="skipped") == 4
    assert worker.value("slots_recorded_total", fate="coalesced") == 0
    assert worker.value("store_connections_in_use") == 2
    assert worker.value("clock_skew_seconds") == -1.5
    assert worker.value("ready") == 0


async def test_what_a_breaker_holds_back_is_counted() -> None:
    """Whoever watches sees that a host is left alone, and how much is not sent to it."""
    worker = Worker()
    worker.store.brings = ClaimBatch(passed=5, blocked=4)

    await worker.parts.queue.claim(worker=WorkerId("w"), limit=5, lease_for=SECOND, now=EPOCH)

    assert worker.value("blocked_total") == 4


def test_a_process_tells_how_often_it_was_replaced() -> None:
    """A process that keeps dying has counted nothing itself: its keeper has."""
    assert Worker().value("process_replacements_total") == 3


def test_every_event_is_passed_on_and_none_is_in_the_way(every_event: list[Event]) -> None:
    """Whatever is told reaches the log; what is not counted is no error."""
    worker = Worker()

    worker.tell(*every_event)

    assert worker.heard.events == every_event


def test_no_metric_holds_what_was_sent_or_whose_it_is(every_event: list[Event]) -> None:
    """Trap T43: no secret, no name and no id gets into a scrape, of any event there is."""
    worker = Worker()

    worker.tell(*every_event)
    text = generate_latest(worker.instruments.registry).decode()

    assert "cronicorn_runs_total{" in text
    assert not re.search(r"hunter2|health|shop|[0-9a-f]{8}-[0-9a-f]{4}", text)


def test_the_document_names_what_is_there_and_nothing_else() -> None:
    """Names, types and labels last, so the list that promises them is the list that is."""
    worker = Worker()
    documented = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in NAMES.findall(DOCUMENT.read_text())
    }

    assert documented == registered(worker.instruments)


def registered(instruments: Instruments) -> dict[str, tuple[str, set[str]]]:
    """Return our metrics as a scrape names them: type and labels."""
    found: dict[str, tuple[str, set[str]]] = {}
    for collector in {*instruments.registry._collector_to_names}:
        for family in collector.collect():
            if not family.name.startswith("cronicorn_"):
                continue
            total = "_total" if family.type == "counter" else ""
            labels = getattr(collector, "_labelnames", None)
            if labels is None:
                labels = [label for sample in family.samples for label in sample.labels]
            found[f"{family.name}{total}"] = family.type, set(labels)
    return found


def test_the_dashboard_asks_for_what_is_there() -> None:
    """Each query names series that a worker has, and groups them by labels that they have."""
    known: dict[str, set[str]] = {}
    for name, (kind, labels) in registered(Worker().instruments).items():
        ends = ["_bucket", "_sum", "_count"] if kind == "histogram" else [""]
        known |= {f"{name}{end}": labels | {"le", "job", "instance"} for end in ends}
    queries = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]] + [
        each["query"]["query"] for each in DASHBOARD["templating"]["list"] if "allValue" in each
    ]

    asked = {series for query in queries for series in re.findall(r"cronicorn_\w+", query)}
    named = {re.sub(r"_(bucket|sum|count)$", "", series) for series in asked}

    assert {name for name, _, _ in NAMES.findall(DOCUMENT.read_text())} <= named
    for query in queries:
        series = re.findall(r"cronicorn_\w+", query)
        grouped = re.findall(r"\w+", "".join(re.findall(r"by \(([^)]*)\)", query)))
        assert series, query
        assert all(set(grouped) <= known[each] for each in series), query


async def test_open_breakers_are_asked_for_when_somebody_looks() -> None:
    """They are the store's to know; while it is away there is no number, and not an old one."""
    worker = Worker()
    await worker.meters.look()
    there = worker.value("breakers_open")
    worker.store.away = True

    await worker.meters.look()

    gone = worker.value("breakers_open")
    assert there == 4
    assert gone is not None
    assert math.isnan(gone)


async def test_a_worker_is_ready_once_the_store_has_answered() -> None:
    """Before its first answer it is not, though it lives."""
    worker = Worker()
    before = worker.health.standing()

    await worker.look()

    assert (before.live, before.ready) == (True, False)
    assert before.because == ("the store has not answered yet",)
    assert worker.health.standing().ready


async def test_a_silent_store_makes_it_unready_and_leaves_it_alive() -> None:
    """Trap T31: a restart helps against no outage, however long: it lives as long as it looks."""
    worker = Worker()
    await worker.look()
    worker.time += LATELY + 1
    worker.health.looked()

    silent = worker.health.standing()

    assert (silent.live, silent.ready) == (True, False)
    assert silent.because == ("the store has not answered for 16 s",)


async def test_a_loop_that_looks_no_more_is_stuck() -> None:
    """The store answers others, yet nothing is claimed: unready soon, dead after two minutes."""
    worker = Worker()
    await worker.look()
    worker.time += LATELY + 1
    await worker.reap()
    soon = worker.health.standing()
    worker.time += STUCK
    await worker.reap()

    assert (soon.live, soon.because) == (True, ("it has not looked for what is due for 16 s",))
    assert not worker.health.standing().live


async def test_a_full_worker_need_not_look(runs: Any) -> None:
    """Without room nothing is claimed, for as long as requests take."""
    worker = Worker(concurrency=1)
    await worker.look()
    worker.tell(RunClaimed(run=runs.claimed()))
    worker.time += 2 * STUCK
    await worker.reap()

    assert worker.health.standing().ready


async def test_a_draining_worker_is_alive_and_not_ready() -> None:
    """It claims no more: nobody may count on it, nor kill what it still runs."""
    worker = Worker()
    await worker.look()
    worker.tell(SchedulerDraining(held=0))
    worker.time += 2 * STUCK
    await worker.reap()

    standing = worker.health.standing()

    assert (standing.live, standing.because) == (True, ("it is stopping",))


async def test_health_is_told_over_http() -> None:
    """200 or 503, and why; a scrape shows the same."""
    worker = Worker()
    async with (
        open_exporter(
            worker.instruments.registry, worker.health, host="127.0.0.1", port=0
        ) as address,
        aiohttp.ClientSession(address) as client,
    ):
        before = await asked(client, "/readyz")
        await worker.look()
        after = await asked(client, "/readyz")
        lives = await asked(client, "/healthz")
        async with client.get("/metrics") as answer:
            text = await answer.text()

    assert before == (503, {"ready": False, "because": ["the store has not answered yet"]})
    assert after == (200, {"ready": True, "because": []})
    assert lives == (200, {"live": True})
    assert "\ncronicorn_ready 1.0\n" in text
    assert answer.content_type == "text/plain"


async def asked(client: aiohttp.ClientSession, route: str) -> tuple[int, Any]:
    """Return status and body of a route."""
    async with client.get(route) as answer:
        return answer.status, await answer.json()


async def test_a_port_that_somebody_has_is_a_fault_with_a_remedy() -> None:
    """It is told, and names the option to change."""
    worker = Worker()
    registry = worker.instruments.registry
    health: Health = worker.health
    async with open_exporter(registry, health, host="127.0.0.1", port=0) as address:
        port = int(address.rpartition(":")[2])
        with pytest.raises(WorkerFault, match=f"127.0.0.1:{port}.* Give another --metrics-port"):
            async with open_exporter(registry, health, host="127.0.0.1", port=port):
                pass


def test_a_worker_that_waits_for_its_store_lives() -> None:
    """However long the wait, or a migration, is: a restart would not help, and it is not ready."""
    time = 0.0
    meters = Meters(2, monotonic=lambda: time)

    time = STUCK * 100

    standing = meters.health.standing()
    assert (standing.live, standing.ready) == (True, False)
    assert standing.because == ("the store has not answered yet",)
    meters.health.begins()
    time += STUCK + 1
    assert not meters.health.standing().live
