"""Signing keys over the wire: shown once, rotated, and told by their beginning."""

import re

KEY = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


def test_who_has_no_key_is_told_so(client) -> None:
    """With every member there, as clients expect it; and there is nothing to rotate."""
    assert client.get("/signing-keys").json() == {
        "hasKey": False,
        "keyPrefix": None,
        "createdAt": None,
        "rotatedAt": None,
    }
    assert client.post("/signing-keys/rotate").status_code == 404


def test_a_key_is_shown_once(client) -> None:
    """A second is refused, and the first is told by its beginning."""
    made = client.post("/signing-keys")

    assert made.status_code == 201
    assert KEY.fullmatch(made.json()["rawKey"])
    assert made.json()["rawKey"].startswith(made.json()["keyPrefix"])
    again = client.post("/signing-keys")
    assert (again.status_code, again.json()["code"]) == (409, "signing_key_present")
    told = client.get("/signing-keys")
    assert (told.json()["hasKey"], told.json()["keyPrefix"]) == (True, made.json()["keyPrefix"])
    assert told.json()["createdAt"].endswith("Z")
    assert made.json()["rawKey"] not in told.text + client.get("/audit").text


def test_a_rotation_tells_how_long_the_old_key_signs(client) -> None:
    """An overlap of none ends it at once, and one too long is refused by its name."""
    client.post("/signing-keys")

    rotated = client.post("/signing-keys/rotate")
    told = client.get("/signing-keys").json()
    at_once = client.post("/signing-keys/rotate", json={"overlapMs": 0})
    refused = client.post("/signing-keys/rotate", json={"overlapMs": 10_000_000_000})

    assert (rotated.status_code, at_once.status_code) == (200, 200)
    assert KEY.fullmatch(rotated.json()["rawKey"])
    assert told["keyPrefix"] == rotated.json()["keyPrefix"]
    assert told["rotatedAt"] < told["previousValidUntil"]
    assert "previousValidUntil" not in client.get("/signing-keys").json()
    assert (refused.status_code, refused.json()["issues"][0]["path"]) == (422, "overlapMs")


def test_keys_are_for_administrators(service, tenant, client) -> None:
    """Who may write otherwise is refused; another tenant has keys of its own."""
    client.post("/signing-keys")
    writer = {"x-api-key": service.key(tenant, frozenset({"read", "write"}))}

    assert client.post("/signing-keys/rotate", headers=writer).status_code == 403
    assert client.get("/signing-keys", headers=writer).json()["hasKey"]


def test_an_endpoint_says_how_it_is_signed(client) -> None:
    """By a member that is always there, and that null sets back."""
    endpoint = client.an_endpoint(signing="both")
    path = f"/jobs/{endpoint['jobId']}/endpoints/{endpoint['id']}"

    cleared = client.patch(path, json={"signing": None}).json()
    refused = client.patch(path, json={"signing": "sometimes"})

    assert (endpoint["signing"], cleared["signing"]) == ("both", "when_keyed")
    assert (refused.status_code, refused.json()["issues"][0]["path"]) == (422, "signing")
