"""Signing in: sessions by cookie or token, whom they prove, and who may write with a cookie."""

import pytest
from cronicorn_domain.identity import new_uuid

PASSWORD = "correct horse battery staple"
OURS = {"sec-fetch-site": "same-origin"}


def test_whoever_signs_in_is_known_by_the_cookie(somebody, client) -> None:
    """The answer names them and shows the token this once; scripts cannot read the cookie."""
    answer = somebody.sign_in()

    body, cookie = answer.json(), answer.headers["set-cookie"]
    assert (answer.status_code, body["redirect"], body["url"]) == (200, False, "/")
    assert body["user"] == {
        "id": somebody.id,
        "email": somebody.email,
        "name": somebody.email,
        "emailVerified": True,
        "createdAt": body["user"]["createdAt"],
    }
    assert cookie.startswith(f"cronicorn_session={body['token']}; ")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=2592000"} <= set(cookie.split("; "))
    job = client.a_job()
    assert [each["id"] for each in somebody.browser.get("/jobs").json()["jobs"]] == [job["id"]]


def test_the_session_is_told_without_its_token(somebody) -> None:
    """Whoever is signed in sees who, since when and until when; trap T40."""
    assert somebody.browser.get("/auth/get-session").json() is None
    signed_in = somebody.sign_in().json()

    answer = somebody.browser.get("/auth/get-session")

    assert answer.json()["user"] == signed_in["user"]
    assert answer.json()["session"]["userId"] == somebody.id
    assert signed_in["token"] not in answer.text


def test_a_token_is_a_bearer_token_too(somebody, anyone) -> None:
    """Programs that cannot keep cookies give it in a header."""
    headers = {"authorization": f"Bearer {somebody.sign_in().json()['token']}"}

    assert anyone.post("/jobs", json={"name": "shop"}, headers=headers).status_code == 201
    assert anyone.get("/auth/get-session", headers=headers).json()["user"]["id"] == somebody.id


def test_it_is_not_told_what_was_wrong(somebody) -> None:
    """Neither by the words nor by the status: no such account, or another password."""
    wrong = somebody.sign_in("not the password at all")
    given = {"email": f"{new_uuid()}@example.org", "password": PASSWORD}
    nobody = somebody.browser.post("/auth/sign-in/email", json=given)

    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()
    assert wrong.json()["code"] == "invalid_email_or_password"
    assert "set-cookie" not in wrong.headers


def test_a_session_ends_with_signing_out(somebody) -> None:
    """The token proves nothing any more; signing out once more is no fault."""
    token = somebody.sign_in().json()["token"]
    browser = somebody.browser

    for _ in range(2):
        assert browser.post("/auth/sign-out", headers=OURS).json() == {"success": True}

    assert "cronicorn_session" not in browser.cookies
    assert browser.get("/jobs").status_code == 401
    assert browser.get("/jobs", headers={"cookie": f"cronicorn_session={token}"}).status_code == 401


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": "http://evil.example"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://127.0.0.1"},
    ],
    ids=str,
)
def test_another_sites_page_changes_nothing_with_a_cookie(somebody, told) -> None:
    """Browsers say where a write comes from; one that does not come from here is refused."""
    somebody.sign_in()
    browser = somebody.browser

    answer = browser.post("/jobs", json={"name": "theirs"}, headers=told)

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert browser.post("/auth/sign-out", headers=told).status_code == 403
    assert browser.get("/jobs", headers=told).json() == {"jobs": []}


def test_ones_own_page_writes_with_a_cookie(service, somebody) -> None:
    """It says so itself, or by its origin."""
    somebody.sign_in()
    origin = service.url.removesuffix("/api")

    for number, told in enumerate((OURS, {"origin": origin})):
        answer = somebody.browser.post("/jobs", json={"name": f"{number}"}, headers=told)
        assert answer.status_code == 201


def test_another_sites_page_signs_nobody_in(somebody) -> None:
    """It would sign a person in as somebody else; programs, which say nothing, may."""
    given = {"email": somebody.email, "password": PASSWORD}
    sign_in = somebody.browser.post

    foreign = sign_in("/auth/sign-in/email", json=given, headers={"origin": "http://evil.example"})

    assert foreign.status_code == 403
    assert sign_in("/auth/sign-in/email", json=given).status_code == 200


def test_a_key_needs_no_origin(client) -> None:
    """No browser sends it by itself."""
    told = {"origin": "http://evil.example"}

    assert client.post("/jobs", json={"name": "mine"}, headers=told).status_code == 201


def test_a_worthless_cookie_does_not_hide_a_key(client) -> None:
    """What comes after it is tried, so that an old cookie keeps nobody out."""
    headers = {"cookie": "cronicorn_session=cs_gone"}

    assert client.post("/jobs", json={"name": "mine"}, headers=headers).status_code == 201


def test_a_disabled_person_is_out_at_once(service, tenant, somebody) -> None:
    """Their session, the keys that they issued, and their password prove nothing any more."""
    somebody.sign_in()
    browser = somebody.browser
    key = browser.post("/auth/api-key/create", json={"name": "theirs"}, headers=OURS).json()["key"]
    assert browser.get("/jobs", headers={"x-api-key": key}).status_code == 200

    service.disable(tenant, somebody.id)

    assert browser.get("/jobs").status_code == 401
    browser.cookies.clear()
    assert browser.get("/jobs", headers={"x-api-key": key}).status_code == 401
    assert somebody.sign_in().status_code == 401


def test_a_program_proves_itself_beside_a_cookie(service, tenant, somebody) -> None:
    """A key is no cookie: no page of another site can send it."""
    somebody.sign_in()
    headers = {"x-api-key": service.key(tenant), "origin": "http://evil.example"}

    made = somebody.browser.post("/jobs", json={"name": "by a program"}, headers=headers)
    guessed = somebody.browser.post(
        "/jobs", json={"name": "by a page"}, headers={**headers, "x-api-key": "guessed"}
    )

    assert (made.status_code, guessed.status_code) == (201, 403)


def test_a_changed_password_ends_other_sessions(somebody, anyone) -> None:
    """The one that changed it goes on; the old password is none any more."""
    elsewhere = {"authorization": f"Bearer {somebody.sign_in().json()['token']}"}
    somebody.sign_in()
    new = "another horse, another staple"
    change = {"currentPassword": PASSWORD, "newPassword": new}

    wrong = somebody.browser.post(
        "/auth/change-password", json={**change, "currentPassword": "guessed"}, headers=OURS
    )
    short = somebody.browser.post(
        "/auth/change-password", json={**change, "newPassword": "short"}, headers=OURS
    )
    done = somebody.browser.post("/auth/change-password", json=change, headers=OURS)

    assert (wrong.status_code, short.status_code, done.status_code) == (422, 422, 200)
    assert somebody.browser.get("/jobs").status_code == 200
    assert anyone.get("/jobs", headers=elsewhere).status_code == 401
    assert somebody.sign_in().status_code == 401
    assert somebody.sign_in(new).status_code == 200


def test_a_key_changes_no_password(client) -> None:
    """It is nobody's."""
    given = {"currentPassword": PASSWORD, "newPassword": PASSWORD}

    assert client.post("/auth/change-password", json=given).status_code == 403


def test_devices_are_where_one_is_signed_in(somebody, client) -> None:
    """They are listed without tokens and ended one by one; an administrator's key sees all."""
    first = somebody.sign_in().json()["token"]
    somebody.sign_in()

    listed = somebody.browser.get("/devices")
    devices = listed.json()["devices"]

    assert len(devices) == 2
    assert first not in listed.text
    assert {each["userAgent"] for each in devices} == {somebody.browser.headers["user-agent"]}
    assert client.get("/devices").json()["devices"] == devices
    path = f"/devices/{devices[0]['id']}"
    assert somebody.browser.delete(path, headers=OURS).json() == {"success": True}
    assert client.delete(path).status_code == 404
    assert len(client.get("/devices").json()["devices"]) == 1


def test_another_tenants_session_does_not_exist(somebody, stranger) -> None:
    """It is not listed, cannot be ended, and goes on."""
    somebody.sign_in()
    device = somebody.browser.get("/devices").json()["devices"][0]["id"]

    assert device not in stranger.get("/devices").text
    assert stranger.delete(f"/devices/{device}").status_code == 404
    assert somebody.browser.get("/jobs").status_code == 200


def test_a_person_ends_only_their_own(service, tenant, somebody, browser, client) -> None:
    """A colleague's session is one that does not exist."""
    somebody.sign_in()
    device = somebody.browser.get("/devices").json()["devices"][0]["id"]
    email = f"{new_uuid()}@example.org"
    service.person(tenant, email, password=PASSWORD)

    with type(client)(service, None) as other:
        given = {"email": email, "password": PASSWORD}
        other.post("/auth/sign-in/email", json=given, headers=OURS)

        assert len(other.get("/devices").json()["devices"]) == 1
        assert other.delete(f"/devices/{device}", headers=OURS).status_code == 404


def test_an_address_is_read_kindly(somebody) -> None:
    """Blanks around it and capitals make it no other; what is none is told, and by which member."""
    sign_in, given = somebody.browser.post, {"password": PASSWORD}

    kind = sign_in("/auth/sign-in/email", json={**given, "email": f" {somebody.email.upper()} "})
    wrong = sign_in("/auth/sign-in/email", json={**given, "email": "ada"})

    assert kind.status_code == 200
    assert (wrong.status_code, wrong.json()["issues"][0]["path"]) == (422, "email")


def test_one_goes_on_where_one_wanted_to(somebody) -> None:
    """At a path here; a URL that leads elsewhere is not followed, however it is written."""
    assert somebody.sign_in(callbackURL="/device?user_code=A").json()["redirect"] is True
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "/a\nb", ""):
        answer = somebody.sign_in(callbackURL=elsewhere).json()
        assert (answer["redirect"], answer["url"]) == (False, "/")


def test_a_browser_may_forget(somebody) -> None:
    """Who does not want to be remembered leaves nothing behind when the browser is closed."""
    (cookie,) = somebody.sign_in(rememberMe=False).headers.get_list("set-cookie")

    assert "Max-Age" not in cookie


def test_ways_to_sign_in_are_told(anyone) -> None:
    """A page asks before it draws a form."""
    assert anyone.get("/auth/config").json() == {"hasEmailPassword": True, "hasGitHubOAuth": False}


def test_nobody_registers(anyone) -> None:
    """There is no such route; trap T40."""
    given = {"email": "eve@example.org", "password": PASSWORD, "name": "Eve"}

    assert anyone.post("/auth/sign-up/email", json=given).status_code == 404
