"""Sessions of the AI planner over the wire: there are none yet, and that is no error."""

from cronicorn_domain.identity import new_uuid


def test_an_endpoint_has_no_sessions(client) -> None:
    """The list is there and empty, for clients that show it beside the runs."""
    endpoint = client.an_endpoint()

    answer = client.get(f"/endpoints/{endpoint['id']}/sessions?limit=100&offset=5")

    assert (answer.status_code, answer.json()) == (200, {"sessions": [], "total": 0})
    for wrong in ("limit=0", "limit=101", "offset=-1"):
        assert client.get(f"/endpoints/{endpoint['id']}/sessions?{wrong}").status_code == 422


def test_there_is_no_session(client) -> None:
    """Whatever it is called."""
    for name in (new_uuid(), "x"):
        answer = client.get(f"/sessions/{name}")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
