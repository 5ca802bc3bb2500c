"""The history as clients know it: what ran, and what came of it, to the letter."""

import re

import pytest
from cronicorn_domain.testing.builders import failed, succeeded

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def ran(client):
    """An endpoint that succeeded, failed, and is running."""
    endpoint = client.an_endpoint()
    client.run_now(endpoint, succeeded("fine"))
    client.run_now(endpoint, failed())
    client.run_now(endpoint, None)
    return endpoint


def test_runs_are_listed_to_the_letter(client, ran) -> None:
    """The newest first, with what is known of each, and the absent absent."""
    answer = client.get(f"/endpoints/{ran['id']}/runs").json()

    running, broken, well = answer["runs"]
    assert answer.keys() == {"runs", "total"}
    assert answer["total"] == 3
    assert well == {
        "runId": well["runId"],
        "endpointId": ran["id"],
        "startedAt": well["startedAt"],
        "status": "success",
        "durationMs": 1000,
        "source": "manual",
        "scheduledFor": well["scheduledFor"],
        "attempt": 1,
        "statusCode": 200,
    }
    assert (broken["status"], broken["failureKind"], broken["statusCode"]) == (
        "failed",
        "http_status",
        500,
    )
    assert (running["status"], "durationMs" in running) == ("running", False)
    assert all(INSTANT.fullmatch(well[name]) for name in ("startedAt", "scheduledFor"))


def test_runs_are_paged_either_way(client, ran) -> None:
    """By offset and by cursor; the total is that of all pages, whatever the page; trap T41."""
    path = f"/endpoints/{ran['id']}/runs"
    whole = client.get(path).json()["runs"]

    first = client.get(path, params={"limit": 2}).json()
    second = client.get(path, params={"limit": 2, "cursor": first["nextCursor"]}).json()
    by_offset = client.get(path, params={"limit": 2, "offset": 2}).json()
    behind = client.get(path, params={"offset": 99}).json()

    assert first["runs"] + second["runs"] == whole
    assert by_offset["runs"] == second["runs"] == whole[2:]
    assert behind["runs"] == []
    assert {each["total"] for each in (first, second, by_offset, behind)} == {3}
    assert "nextCursor" not in second


@pytest.mark.parametrize(
    ("status", "count"), [("success", 1), ("failed", 1), ("running", 1), ("canceled", 0)]
)
def test_runs_of_one_status_are_counted_as_they_are_listed(client, ran, status, count) -> None:
    """The total is of those that match."""
    found = client.get(f"/endpoints/{ran['id']}/runs", params={"status": status}).json()

    assert ([each["status"] for each in found["runs"]], found["total"]) == ([status] * count, count)


def test_runs_of_a_window_have_both_its_ends(client, ran) -> None:
    """Their slots lie from the one instant to the other."""
    path = f"/endpoints/{ran['id']}/runs"
    slots = [each["scheduledFor"] for each in client.get(path).json()["runs"]]

    middle = client.get(path, params={"since": slots[1], "until": slots[1]}).json()

    assert ([each["scheduledFor"] for each in middle["runs"]], middle["total"]) == ([slots[1]], 1)


def test_health_tells_how_long_runs_take(client, ran) -> None:
    """By windows; percentiles are a tenth more or less, and what runs is counted nowhere."""
    health = client.get(f"/endpoints/{ran['id']}/health").json()

    hour = health["windows"]["1h"]
    assert (hour["successCount"], hour["failureCount"], hour["avgDurationMs"]) == (1, 1, 1000)
    assert hour["p50Ms"] == pytest.approx(1000, rel=0.1)
    assert {name: health[name] for name in hour} == hour
    assert health["windows"]["24h"] == hour


def test_slots_and_hints_are_paged(client, ran) -> None:
    """Like every list, they go on at the cursor that they answer."""
    path = f"/endpoints/{ran['id']}"
    for _ in range(3):
        client.post(f"{path}/hints/interval", json={"intervalMs": 60_000}).raise_for_status()

    for kind in ("slots", "hints"):
        whole = client.get(f"{path}/{kind}").json()
        first = client.get(f"{path}/{kind}", params={"limit": 2}).json()
        rest = client.get(f"{path}/{kind}", params={"cursor": first["nextCursor"]}).json()

        assert len(whole[kind]) == 3
        assert first[kind] + rest[kind] == whole[kind]
        assert "nextCursor" not in rest


def test_a_run_is_read_by_the_id_of_its_summary(client, ran) -> None:
    """With its body, which lists leave out."""
    *_, well = client.get(f"/endpoints/{ran['id']}/runs").json()["runs"]

    run = client.get(f"/runs/{well['runId']}").json()

    assert (run["id"], run["responseBody"], run["durationMs"]) == (well["runId"], "fine", 1000)
