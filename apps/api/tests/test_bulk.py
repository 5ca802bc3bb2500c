"""One thing done to many endpoints over the wire."""

import pytest
from cronicorn_domain.identity import new_uuid


def test_what_would_be_done_is_told_and_not_done(client) -> None:
    """The same is then done, and told in the same words."""
    job = client.a_job()
    ids = [client.an_endpoint(job, name=f"e{n}")["id"] for n in range(2)]
    other = client.an_endpoint(client.a_job("other"))
    wanted = {"action": "pause", "filter": {"jobId": job["id"], "states": ["active"]}}

    tried = client.post("/endpoints/bulk", json={**wanted, "dryRun": True}).json()
    states = [client.get(f"/jobs/_/endpoints/{each}").json()["state"] for each in ids]
    done = client.post("/endpoints/bulk", json=wanted).json()

    assert tried == {"dryRun": True, "changed": ids, "unchanged": [], "refused": []}
    assert states == ["active", "active"]
    assert done == {**tried, "dryRun": False}
    assert client.get(f"/jobs/_/endpoints/{other['id']}").json()["state"] == "active"


def test_who_is_refused_keeps_no_other(client) -> None:
    """A paused endpoint cannot run; the answer says why, as it would say alone."""
    job = client.a_job()
    paused, active = (client.an_endpoint(job, name=name)["id"] for name in ("p", "a"))
    client.post(f"/endpoints/{paused}/pause")

    done = client.post("/endpoints/bulk", json={"action": "run", "filter": {"all": True}}).json()

    assert done["changed"] == [active]
    assert [(each["id"], each["code"]) for each in done["refused"]] == [
        (paused, "forbidden_transition")
    ]


def test_what_is_anothers_is_not_meant(client, stranger) -> None:
    """Its job is 404 as one that nobody has, and its endpoints are as none."""
    made = client.an_endpoint()
    answers = []
    for job_id in (made["jobId"], str(new_uuid())):
        given = {"action": "archive", "filter": {"jobId": job_id}}
        answer = stranger.post("/endpoints/bulk", json=given)
        answers.append((answer.status_code, answer.text.replace(job_id, "it")))
    given = {"action": "archive", "filter": {"ids": [made["id"]]}}

    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert stranger.post("/endpoints/bulk", json=given).json()["changed"] == []
    assert client.get(f"/jobs/_/endpoints/{made['id']}").json()["state"] == "active"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"jobID": "x"},
        {"all": False},
        {"all": True, "failing": True},
        {"text": "a\u0000"},
        {"jobId": None},
        {"text": ""},
    ],
    ids=str,
)
def test_a_filter_says_what_it_means(client, given) -> None:
    """One that says nothing, or only what it does not know, would mean everything."""
    client.an_endpoint()

    answer = client.post("/endpoints/bulk", json={"action": "archive", "filter": given})

    assert answer.status_code == 422, answer.text
    assert "filter" in answer.json()["message"] or "text" in answer.json()["message"]
