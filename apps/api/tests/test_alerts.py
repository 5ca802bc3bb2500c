"""Alerts over the wire."""

from uuid import uuid4

URL = "http://93.184.216.34/hook"


def test_an_alert_goes_through_its_life(client) -> None:
    """Created, read, listed, changed, tried, deleted."""
    made = client.post("/alerts", json={"name": "pager", "url": URL, "threshold": 2})
    assert made.status_code == 201
    alert = made.json()
    path = f"/alerts/{alert['id']}"
    assert alert == {
        "id": alert["id"],
        "name": "pager",
        "url": URL,
        "occasions": ["budget", "deferred", "failing", "quarantined", "recovered", "rule"],
        "threshold": 2,
        "enabled": True,
        "createdAt": alert["createdAt"],
        "updatedAt": alert["createdAt"],
    }
    assert client.get(path).json() == alert
    assert client.get("/alerts").json() == {"alerts": [alert]}

    changed = client.patch(path, json={"email": "ada@example.org", "threshold": None}).json()
    assert (changed["email"], changed["threshold"], "url" in changed) == (
        "ada@example.org",
        3,
        False,
    )
    assert client.post(f"{path}/test").status_code == 202
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get("/alerts").json() == {"alerts": []}


def test_lists_go_on(client) -> None:
    """At the cursor that they answer."""
    for number in range(3):
        client.post("/alerts", json={"name": f"alert {number}", "url": URL})

    first = client.get("/alerts?limit=2").json()
    rest = client.get("/alerts", params={"cursor": first["nextCursor"]}).json()

    names = [each["name"] for page in (first, rest) for each in page["alerts"]]
    assert names == ["alert 0", "alert 1", "alert 2"]
    assert "nextCursor" not in rest


def test_what_cannot_be_meant_is_told_by_its_member(client) -> None:
    """Each with the name that it has on the wire."""
    for given, member in (
        ({"url": URL, "email": "ada@example.org"}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"email": "nobody"}, "email"),
        ({"url": URL, "threshold": 0}, "threshold"),
        ({"url": URL, "occasions": []}, "occasions"),
    ):
        answer = client.post("/alerts", json={"name": "pager", **given})
        assert answer.status_code == 422, given
        assert answer.json()["issues"][0]["path"] == member


def test_an_alert_may_be_about_one_job(client, stranger) -> None:
    """One that the tenant has."""
    job, theirs = client.a_job(), stranger.a_job("theirs")

    made = client.post("/alerts", json={"name": "shop", "url": URL, "jobId": job["id"]})

    assert made.json()["jobId"] == job["id"]
    for job_id in (theirs["id"], str(uuid4()), "none"):
        refused = client.post("/alerts", json={"name": "no", "url": URL, "jobId": job_id})
        assert refused.status_code == 404


def test_what_an_alert_has_told_is_listed(client, stranger) -> None:
    """The newest first, page by page; of what waits it is said when it is tried."""
    alert = client.post("/alerts", json={"name": "pager", "url": URL}).json()
    path = f"/alerts/{alert['id']}"
    for _ in range(2):
        assert client.post(f"{path}/test").status_code == 202

    first = client.get(f"{path}/notices", params={"limit": 1}).json()
    rest = client.get(f"{path}/notices", params={"cursor": first["nextCursor"]}).json()

    (notice,) = first["notices"]
    assert {**notice, "id": "", "at": "", "message": ""} == {
        "id": "",
        "occasion": "test",
        "at": "",
        "status": "waiting",
        "tries": 0,
        "message": "",
        "nextTryAt": notice["at"],
    }
    assert [each["id"] for each in rest["notices"]] != [notice["id"]]
    assert len(rest["notices"]) == 1
    assert "nextCursor" not in rest
    assert stranger.get(f"{path}/notices").status_code == 404
