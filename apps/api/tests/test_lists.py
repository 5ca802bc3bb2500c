"""Lists go on: each at a cursor that the one before it answered."""

import pytest
from cronicorn_api.application import application

DOCUMENT = application(desk=None).openapi()  # type: ignore[arg-type]
LISTS = {
    operation["operationId"]: operation
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
    if operation["operationId"].startswith("list")
}


def walked(client, path: str, read, limit: int) -> list[str]:
    """Read a list from its beginning to its end, and give the ids in the order they came."""
    found: list[str] = []
    cursor = ""
    for _ in range(10):
        answer = client.get(path, params={"limit": limit} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        ids, cursor = read(answer)
        assert len(ids) <= limit
        found += ids
        if not cursor:
            return found
    pytest.fail("it has no end")


@pytest.mark.parametrize("name", LISTS)
def test_every_list_goes_on(name) -> None:
    """It takes a cursor, and answers the next one: as a member, or beside a bare list."""
    taken = {each["name"] for each in LISTS[name]["parameters"]}
    answer = LISTS[name]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    shape = DOCUMENT["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})

    assert {"limit", "cursor"} <= taken
    assert "nextCursor" in shape.get("properties", ()) or "X-Next-Cursor" in answer["headers"]


def test_keys_are_walked(client) -> None:
    """Each is told once, the oldest first; a header tells where the list goes on."""
    made = [client.post("/auth/api-key/create", json={"name": f"{n}"}).json() for n in range(4)]

    def read(answer):
        return [each["id"] for each in answer.json()], answer.headers.get("x-next-cursor")

    assert walked(client, "/auth/api-key/list", read, 2)[1:] == [each["id"] for each in made]


def test_devices_are_walked(client, somebody) -> None:
    """Each is told once, the oldest first."""
    for _ in range(3):
        assert somebody.sign_in().status_code == 200

    def read(answer):
        told = answer.json()
        return [each["id"] for each in told["devices"]], told.get("nextCursor")

    whole, _ = read(client.get("/devices"))
    assert len(whole) == 3
    assert walked(client, "/devices", read, 2) == whole
