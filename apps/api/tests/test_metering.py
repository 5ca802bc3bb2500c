"""Metrics: what was asked and how it was answered, by routes and never by what they name."""

import re
from pathlib import Path

import pytest
from cronicorn_adapter_memory.dispatcher import RecordingDispatcher
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_api.metering.instruments import Instruments
from cronicorn_domain.identity import new_uuid
from cronicorn_domain.instants import NO_TIME
from cronicorn_metering.parts import Parts
from cronicorn_metering.readings import Readings
from cronicorn_scheduler.observing import PartFailed, SilentObserver

DOCUMENTED = Path(__file__).parents[3] / "docs/api.md"
OF_WORKERS = Path(__file__).parents[3] / "docs/metrics.md"


def sample(text: str, name: str, **labels: str) -> float:
    """Read one sample; 0 when there is none."""
    told = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    found = re.search(rf"^{re.escape(f'{name}{{{told}}}')} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_requests_are_counted_by_their_route(client) -> None:
    """Under its pattern; no id, and nothing that was asked for, becomes a label."""
    before = client.get("/metrics").text
    unknown = str(new_uuid())
    client.get(f"/jobs/{unknown}")
    client.get(f"/nowhere/{unknown}")

    text = client.get("/metrics").text

    for route in ("/jobs/{jobId}", "other"):
        labels = {"method": "GET", "route": route, "status": "404"}
        name = "cronicorn_api_requests_total"
        assert sample(text, name, **labels) - sample(before, name, **labels) == 1
    assert unknown not in text
    assert sample(text, "cronicorn_api_request_seconds_count", route="other") >= 1


@pytest.mark.parametrize(("path", "status"), [("/metrics", 403), ("/../metrics", 403)])
def test_metrics_are_for_administrators(reader, path, status) -> None:
    """At either address; whoever may only read learns nothing of the process."""
    answer = reader.get(path)

    assert (answer.status_code, answer.json()["code"]) == (status, "not_allowed")


def test_prometheus_reads_it(client) -> None:
    """By its own kind of text."""
    answer = client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE cronicorn_api_requests_under_way gauge" in answer.text


def test_every_name_is_documented() -> None:
    """A name that somebody's alert depends on is told, and one that is told is there."""
    families = Instruments().registry.collect()
    served = {each.name for each in families if each.name.startswith("cronicorn_")}

    told = set(re.findall(r"`(cronicorn_api_\w+)`", DOCUMENTED.read_text("utf-8")))
    assert {name.removesuffix("_total") for name in told} == served


def test_a_worker_beside_the_api_counts_all_that_workers_count() -> None:
    """Under the same names, which the workers' page promises; without one none of them is there."""
    instruments = Instruments()
    alone = names_in(instruments)
    beside(instruments)

    of_workers = set(
        re.findall(r"^\| `(cronicorn_\w+)`", OF_WORKERS.read_text("utf-8"), re.MULTILINE)
    )

    assert names_in(instruments) - alone == {name.removesuffix("_total") for name in of_workers}


def names_in(instruments: Instruments) -> set[str]:
    """Name our families as a scrape has them, but for the ends of counters."""
    families = instruments.registry.collect()
    return {each.name for each in families if each.name.startswith("cronicorn_")}


def beside(instruments: Instruments) -> Parts:
    """Put what counts a worker around parts of one."""
    parts = Parts(
        queue=MemoryEndpointQueue(MemoryStore()),
        dispatcher=RecordingDispatcher(),
        observer=SilentObserver(),
    )
    readings = Readings(
        concurrency=7,
        connections_most=1,
        connections_in_use=lambda: 0,
        slots_recorded={},
        clock_skew=lambda: NO_TIME,
        open_breakers=three_open,
    )
    return instruments.with_a_worker(7).around(parts, readings)


async def three_open() -> int:
    """Count open breakers."""
    return 3


async def test_what_a_worker_beside_the_api_does_is_counted() -> None:
    """What it tells, what its store is asked, and what only that knows, when somebody looks."""
    instruments = Instruments()
    await instruments.look()
    parts = beside(instruments)

    parts.observer.record(PartFailed(part="claiming", error=ValueError(), in_a_row=1))
    await parts.queue.next_due()
    await instruments.look()

    value = instruments.registry.get_sample_value
    assert value("cronicorn_parts_failed_total", {"part": "claiming"}) == 1
    assert value("cronicorn_store_seconds_count", {"call": "look"}) == 1
    assert value("cronicorn_breakers_open") == 3
    assert value("cronicorn_concurrency") == 7
    assert value("cronicorn_ready") == 1
