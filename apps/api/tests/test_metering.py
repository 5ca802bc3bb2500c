"""Metrics: what was asked and how it was answered, by routes and never by what they name."""

import re
from pathlib import Path

import pytest
from cronicorn_api.metering.instruments import Instruments
from cronicorn_api.metering.sessions import CountedSessions
from cronicorn_api.metering.work import CountedWork
from cronicorn_domain.identity import EndpointId, new_uuid
from cronicorn_planner.sessions.observing import UNHEARD
from cronicorn_scheduler.observing import (
    EndpointQuarantined,
    HistoryPruned,
    PartFailed,
    SilentObserver,
    SlotsPassed,
)
from prometheus_client import CollectorRegistry

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


def test_a_worker_beside_the_api_counts_under_the_names_of_workers() -> None:
    """Each is told in the API's page, and means what the workers' page says of it."""
    registry = CollectorRegistry()
    CountedWork(SilentObserver(), registry)
    CountedSessions(UNHEARD, registry)
    counted = {each.name for each in registry.collect()}

    told, of_workers = (
        {name.removesuffix("_total") for name in re.findall(r"`(cronicorn_\w+)`", page.read_text())}
        for page in (DOCUMENTED, OF_WORKERS)
    )

    assert {each for each in told if not each.startswith("cronicorn_api_")} == counted
    assert counted <= of_workers


def test_what_an_alarm_waits_for_is_counted_beside_the_api() -> None:
    """A fault of ours, an endpoint that is set aside, and what was passed over or deleted."""
    registry = CollectorRegistry()
    work = CountedWork(SilentObserver(), registry)

    work.record(PartFailed(part="claiming", error=ValueError(), in_a_row=1))
    work.record(EndpointQuarantined(endpoint_id=EndpointId(new_uuid()), reason="no cron"))
    work.record(SlotsPassed(count=3))
    work.record(HistoryPruned(runs=5, slot_records=2))

    assert registry.get_sample_value("cronicorn_parts_failed_total", {"part": "claiming"}) == 1
    assert registry.get_sample_value("cronicorn_quarantined_total") == 1
    assert registry.get_sample_value("cronicorn_slots_passed_total") == 3
    assert registry.get_sample_value("cronicorn_pruned_total", {"kind": "runs"}) == 5
    assert registry.get_sample_value("cronicorn_runs_in_hand") == 0
