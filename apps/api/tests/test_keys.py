"""API keys over the wire: issued and shown once, listed without themselves, revoked for good."""


def test_a_key_is_shown_once(client) -> None:
    """Whoever has it is known by it; the list tells how it begins, and no more."""
    issued = client.post("/auth/api-key/create", json={"name": "deploy", "expiresIn": 60}).json()
    listed = client.get("/auth/api-key/list")

    shown = {name: value for name, value in issued.items() if name not in {"key", "lastUsedAt"}}
    assert [each for each in listed.json() if each["name"] == "deploy"] == [shown]
    assert (issued["scopes"], issued["start"]) == (["read", "write"], issued["key"][:8])
    assert issued["key"] not in listed.text
    headers = {"x-api-key": issued["key"]}
    assert client.get("/jobs", headers=headers).status_code == 200
    assert client.get("/auth/api-key/list", headers=headers).status_code == 403


def test_a_revoked_key_proves_nothing(client) -> None:
    """From then on it is 401, and a second time there is no such key."""
    issued = client.post("/auth/api-key/create").json()
    meant = {"keyId": issued["id"]}

    assert client.post("/auth/api-key/delete", json=meant).json() == {"success": True}

    assert client.get("/jobs", headers={"x-api-key": issued["key"]}).status_code == 401
    assert client.post("/auth/api-key/delete", json=meant).status_code == 404


def test_a_key_is_renamed(client) -> None:
    """The list and the audit call it by its new name; it opens what it opened."""
    issued = client.post("/auth/api-key/create", json={"name": "deploy"}).json()

    answer = client.post(
        "/auth/api-key/update", json={"keyId": issued["id"], "name": "nightly", "enabled": True}
    )

    assert answer.json() == {"success": True}
    listed = {each["id"]: each["name"] for each in client.get("/auth/api-key/list").json()}
    assert listed[issued["id"]] == "nightly"
    assert client.get("/jobs", headers={"x-api-key": issued["key"]}).status_code == 200
    refused = client.post("/auth/api-key/update", json={"keyId": issued["id"], "name": " "})
    assert (refused.status_code, refused.json()["issues"][0]["path"]) == (422, "name")


def test_another_tenants_key_does_not_exist(client, stranger) -> None:
    """It is not listed, cannot be revoked, and goes on proving."""
    issued = client.post("/auth/api-key/create", json={"name": "theirs"}).json()

    answer = stranger.post("/auth/api-key/delete", json={"keyId": issued["id"]})

    renamed = stranger.post("/auth/api-key/update", json={"keyId": issued["id"], "name": "mine"})

    assert (answer.status_code, renamed.status_code) == (404, 404)
    assert "theirs" in client.get("/auth/api-key/list").text
    assert "theirs" not in stranger.get("/auth/api-key/list").text
    assert client.get("/jobs", headers={"x-api-key": issued["key"]}).status_code == 200
