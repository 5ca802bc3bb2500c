"""The device flow over the wire: codes, waiting, a person's decision, and the token."""

import pytest

OURS = {"sec-fetch-site": "same-origin"}
CLIENT = {"client_id": "cronicorn-mcp"}
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def asked(anyone) -> dict:
    """Ask as a program does that nobody has let in."""
    answer = anyone.post("/auth/device/code", json={**CLIENT, "scope": "read write"})
    assert answer.headers["cache-control"] == "no-store"
    codes: dict = answer.raise_for_status().json()
    return codes


def poll(anyone, asked: dict, **more):
    """Ask whether it was let in."""
    given = {"grant_type": GRANT, "device_code": asked["device_code"], **CLIENT, **more}
    return anyone.post("/auth/device/token", json=given)


def test_a_program_is_let_in(service, anyone, asked, somebody) -> None:
    """From the first question to the first answer, each member as the standard names it."""
    origin = service.url.removesuffix("/api")
    page = f"{origin}/device/approve"
    assert asked == {
        "device_code": asked["device_code"],
        "user_code": asked["user_code"],
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={asked['user_code']}",
        "expires_in": 1800,
        "interval": 5,
    }
    waiting = poll(anyone, asked)
    assert (waiting.status_code, waiting.json()["error"]) == (400, "authorization_pending")
    assert waiting.json()["error_description"]
    assert poll(anyone, asked).json()["error"] == "slow_down"

    somebody.sign_in()
    code = {"user_code": asked["user_code"]}
    shown = somebody.browser.get("/auth/device", params=code)
    assert shown.json() == {**code, "status": "pending"}
    given = {"userCode": asked["user_code"]}
    approved = somebody.browser.post("/auth/device/approve", json=given, headers=OURS)
    assert approved.json() == {"success": True}
    assert somebody.browser.get("/auth/device", params=code).json()["status"] == "approved"

    token = poll(anyone, asked)
    assert (token.status_code, token.headers["cache-control"]) == (200, "no-store")
    body = token.json()
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in": 2_592_000,
        "scope": "read write",
    }
    headers = {"authorization": f"Bearer {body['access_token']}"}
    assert anyone.post("/jobs", json={"name": "shop"}, headers=headers).status_code == 201
    assert anyone.get("/auth/get-session", headers=headers).json()["user"]["id"] == somebody.id
    devices = somebody.browser.get("/devices").json()["devices"]
    assert [(each["kind"], each["userAgent"]) for each in devices][1] == ("device", "cronicorn-mcp")
    assert poll(anyone, asked).json()["error"] == "invalid_grant"


def test_programs_may_send_forms(anyone, somebody) -> None:
    """As RFC 8628 has it: by any client for it that there is, and not only by those of ours."""
    somebody.sign_in()
    kind = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    asking = "client_id=tv&scope=read+write&audience=&audience=x"
    asked = anyone.post("/auth/device/code", content=asking, headers=kind)
    assert asked.status_code == 200, asked.text
    polling = {"grant_type": GRANT, "device_code": asked.json()["device_code"], "client_id": "tv"}
    waiting = anyone.post("/auth/device/token", data=polling)
    assert (waiting.status_code, waiting.json()["error"]) == (400, "authorization_pending")
    given = {"userCode": asked.json()["user_code"]}
    somebody.browser.post("/auth/device/approve", json=given, headers=OURS).raise_for_status()

    token = anyone.post("/auth/device/token", data=polling)

    assert token.json()["scope"] == "read write"
    headers = {"authorization": f"Bearer {token.json()['access_token']}"}
    assert anyone.get("/jobs", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "path", "found"),
    [
        ("client_id=a&client_id=b", "client_id", "found a list"),
        ("client_id=", "client_id", "Field required"),
        ("", "client_id", "Field required"),
        ("&".join(f"a{n}=1" for n in range(101)), "", "found null"),
        ("{not json", "", "JSON"),
    ],
    ids=["twice", "empty", "nothing", "many", "json"],
)
def test_a_form_that_says_too_little_is_refused(anyone, body, path, found) -> None:
    """As RFC 6749 has it, and with the field, what was found, and what is allowed."""
    kind = {"content-type": "application/x-www-form-urlencoded"}

    answer = anyone.post("/auth/device/code", content=body, headers=kind)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), answer.text
    (issue,) = answer.json()["issues"]
    assert issue["path"] == path
    assert found in issue["message"]


def test_json_that_is_called_a_form_is_json(anyone) -> None:
    """So `curl --data` sends it."""
    kind = {"content-type": "application/x-www-form-urlencoded"}

    answer = anyone.post("/auth/device/code", content='{"client_id": "a"}', headers=kind)

    assert answer.status_code == 200


def test_a_program_is_sent_away(anyone, asked, somebody) -> None:
    """It is told so, and a second decision is a conflict."""
    somebody.sign_in()
    given = {"userCode": asked["user_code"].lower()}

    denied = somebody.browser.post("/auth/device/deny", json=given, headers=OURS)
    again = somebody.browser.post("/auth/device/approve", json=given, headers=OURS)

    assert (denied.status_code, again.status_code) == (200, 409)
    shown = somebody.browser.get("/auth/device", params={"user_code": asked["user_code"]})
    assert shown.json()["status"] == "denied"
    assert poll(anyone, asked).json()["error"] == "access_denied"


def test_a_program_that_was_let_in_may_no_more_than_it_asked(anyone, somebody) -> None:
    """Neither issue keys nor let in others."""
    somebody.sign_in()
    asked = anyone.post("/auth/device/code", json={**CLIENT, "scope": "read"}).json()
    given = {"userCode": asked["user_code"]}
    somebody.browser.post("/auth/device/approve", json=given, headers=OURS).raise_for_status()
    headers = {"authorization": f"Bearer {poll(anyone, asked).json()['access_token']}"}

    assert anyone.get("/jobs", headers=headers).status_code == 200
    assert anyone.post("/jobs", json={"name": "shop"}, headers=headers).status_code == 403
    assert anyone.get("/auth/api-key/list", headers=headers).status_code == 403
    assert anyone.post("/auth/device/approve", json=given, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"device_code": "dc_guessed"}, 400, "invalid_grant"),
        ({"client_id": "another"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"device_code": None}, 400, "invalid_request"),
    ],
    ids=str,
)
def test_another_ones_code_is_none(anyone, asked, changed, status, error) -> None:
    """It is told alike, whether there is such a code or not."""
    answer = poll(anyone, asked, **changed)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_a_page_of_another_site_lets_nothing_in(asked, somebody) -> None:
    """Although the browser sends the person's cookie with it."""
    somebody.sign_in()
    given = {"userCode": asked["user_code"]}
    foreign = {"origin": "http://evil.example"}

    answer = somebody.browser.post("/auth/device/approve", json=given, headers=foreign)

    assert answer.status_code == 403


def test_a_code_that_nobody_was_told_is_not_there(somebody, client) -> None:
    """For a person; a key does not even learn that."""
    somebody.sign_in()
    code = {"user_code": "BBBB-BBBB"}

    assert somebody.browser.get("/auth/device", params=code).status_code == 404
    assert client.get("/auth/device", params=code).status_code == 403
