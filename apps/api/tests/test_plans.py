"""A tenant has what its plan allows, whichever process it asks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cronicorn_api.settings import UsageFault, read_settings
from cronicorn_management.allowance import SELF_HOSTED, Allowance

URL = "http://93.184.216.34/health"
THREE = Allowance(endpoints=3, floor=timedelta(minutes=1))


def new(name: str, **members) -> dict:
    """Return an endpoint that runs every hour unless it is said."""
    members.setdefault("baselineIntervalMs", 3_600_000)
    return {"name": name, "url": URL, **members}


def test_no_more_endpoints_than_the_plan_has(serve) -> None:
    """Of many at once through two processes as many are kept as there is room for; trap T18."""
    first, second = (serve(allowance=THREE) for _ in range(2))
    key = first.key(first.a_tenant())
    with first.client(key) as here, second.client(key) as there, ThreadPoolExecutor(8) as pool:
        path = f"/jobs/{here.a_job()['id']}/endpoints"

        answers = list(
            pool.map(
                lambda each: each[1].post(path, json=new(f"e{each[0]}")),
                enumerate([here, there] * 4),
            )
        )

        refused = [each.json() for each in answers if each.status_code != 201]
        assert len(here.get(path).json()["endpoints"]) == 3
        assert {(each["status"], each["code"]) for each in refused} == {(400, "limit_reached")}
        assert refused[0]["message"] == "no more than 3 endpoints are allowed"
        assert len(refused) == 5


def test_an_archived_endpoint_leaves_room(serve) -> None:
    """And comes back only where there is some."""
    service = serve(allowance=THREE)
    with service.client() as client:
        job = client.a_job()
        path = f"/jobs/{job['id']}/endpoints"
        ids = [client.post(path, json=new(name)).json()["id"] for name in "abc"]

        client.post(f"{path}/{ids[0]}/archive")
        assert client.post(path, json=new("d")).status_code == 201
        refused = client.post(f"{path}/{ids[0]}/restore")
        assert (refused.status_code, refused.json()["code"]) == (400, "limit_reached")


@pytest.mark.parametrize(
    ("member", "length"), [("baselineIntervalMs", 59_999), ("minIntervalMs", 1_000)]
)
def test_the_plans_floor_holds(serve, member: str, length: int) -> None:
    """Nothing is created below it, nor changed to that; the field is named. Trap T17."""
    service = serve(allowance=THREE)
    with service.client() as client:
        path = f"/jobs/{client.a_job()['id']}/endpoints"
        created = client.post(path, json=new("a", **{member: length}))
        stands = client.post(path, json=new("b", baselineIntervalMs=60_000))
        changed = client.patch(f"{path}/{stands.json()['id']}", json={member: length})

        assert stands.status_code == 201
        for each in (created, changed):
            assert each.status_code == 422
            assert each.json()["issues"][0]["path"] == member


def test_a_plan_comes_from_the_environment(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing set is generous; what is no number is said."""
    assert read_settings({}).allowance == SELF_HOSTED

    for name, value in {
        "NAME": "small",
        "ENDPOINTS": "10",
        "FLOOR_SECONDS": "60",
        "REQUESTS_A_MINUTE": "60",
    }.items():
        monkeypatch.setenv(f"CRONICORN_PLAN_{name}", value)
    assert read_settings({}).allowance == Allowance(
        name="small",
        endpoints=10,
        floor=timedelta(minutes=1),
        requests_a_minute=60,
    )

    monkeypatch.setenv("CRONICORN_PLAN_ENDPOINTS", "0")
    with pytest.raises(UsageFault, match="CRONICORN_PLAN_ENDPOINTS"):
        read_settings({})
