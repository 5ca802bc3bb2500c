"""Settings as browsers ask for them: buttons do their deeds, and nobody sees another's."""

import html
import re

import httpx
import pytest
from cronicorn_domain.identity import new_uuid
from cronicorn_domain.model.api_key import Scope

OURS = {"sec-fetch-site": "same-origin"}
PASSWORD = "correct horse battery staple"
SECTIONS = ["profile", "keys", "devices", "signing", "usage", "alerts", "audit", "system"]


def at(browser, method: str, path: str, **more) -> httpx.Response:
    """Ask for a page; pages lie beside the API."""
    url = f"{str(browser.base_url).removesuffix('/api/')}{path}"
    answer: httpx.Response = browser.request(method, url, **more)
    return answer


def sent(browser, path: str, **fields) -> httpx.Response:
    """Send a form, as a page does."""
    return at(browser, "POST", path, data=fields, headers=OURS)


def shown(answer: httpx.Response) -> str:
    """Give what a page says, without its tags."""
    assert answer.status_code == 200, answer.status_code
    return html.unescape(re.sub(r"<[^>]+>", "", answer.text))


@pytest.fixture
def ada(somebody):
    """Give somebody's browser, signed in."""
    somebody.sign_in()
    return somebody.browser


@pytest.fixture
def guest(service, tenant, browser):
    """Give the browser of somebody who may only read."""
    email = f"{new_uuid()}@example.org"
    service.person(tenant, email, password=PASSWORD, scopes=frozenset({Scope.READ}))
    given = {"email": email, "password": PASSWORD}
    assert browser.post("/auth/sign-in/email", json=given, headers=OURS).is_success
    return browser


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_for_who_is_signed_in(ada, anyone, section) -> None:
    """Whoever is not signs in first, and comes back to it; a script of ours is told so."""
    path = f"/settings/{section}"
    away = at(anyone, "GET", path)
    fetched = at(anyone, "GET", path, headers={"HX-Request": "true"})

    assert at(ada, "GET", path).status_code == 200
    assert away.headers["location"] == f"/sign-in?next=%2Fsettings%2F{section}"
    assert fetched.status_code == 401


@pytest.mark.parametrize("section", SECTIONS)
def test_who_may_only_read_sees_what_that_is(guest, section) -> None:
    """Where something is an administrator's, the page says so, and is there."""
    assert at(guest, "GET", f"/settings/{section}").status_code == 200


def test_a_password_is_changed(somebody, ada) -> None:
    """With the one so far, the new one twice; what is not right is told at its field."""
    new = "another long enough password"
    wrong = sent(ada, "/settings/profile/password", current="guessed", new=new, again=new)
    differs = sent(ada, "/settings/profile/password", current=PASSWORD, new=new, again="x")
    short = sent(ada, "/settings/profile/password", current=PASSWORD, new="x", again="x")
    done = sent(ada, "/settings/profile/password", current=PASSWORD, new=new, again=new)

    assert [each.status_code for each in (wrong, differs, short, done)] == [422, 422, 422, 303]
    assert 'id="e-current"' in wrong.text
    assert 'id="e-again"' in differs.text
    assert 'id="e-new"' in short.text
    assert new not in wrong.text + differs.text
    assert "Your password is changed" in at(ada, "GET", "/settings/profile").text
    assert somebody.sign_in(new).is_success


def test_what_was_done_is_said_once(ada) -> None:
    """On the page that one is led to, and not on the next."""
    sent(ada, "/settings/signing")
    sent(ada, "/settings/alerts/new", name="Once", way="email", email="a@example.org",
         occasions="failing", threshold="3", job="")  # fmt: skip

    assert "Once tells what happens" in at(ada, "GET", "/settings/alerts").text
    assert "Once tells what happens" not in at(ada, "GET", "/settings/alerts").text


def test_a_key_is_issued_renamed_and_revoked(ada, service) -> None:
    """It is shown once, proves what it was issued for, and nothing afterwards."""
    issued = at(
        ada,
        "POST",
        "/settings/keys",
        content="name=deploy&scopes=read&lasts=7",
        headers={**OURS, "content-type": "application/x-www-form-urlencoded"},
    )
    secret = re.search(r"cc_[\w-]{20,}", issued.text)
    assert secret is not None
    with service.client(secret[0]) as program:
        assert program.get("/jobs").status_code == 200
        assert program.post("/jobs", json={"name": "x"}).status_code == 403
        page = at(ada, "GET", "/settings/keys").text
        assert secret[0] not in page
        key = re.search(r'id="key-([0-9a-f-]+)"', page)
        assert key is not None

        assert sent(ada, f"/settings/keys/{key[1]}/rename", name="").status_code == 422
        assert sent(ada, f"/settings/keys/{key[1]}/rename", name="release").status_code == 303
        assert "release" in shown(at(ada, "GET", "/settings/keys"))
        assert sent(ada, f"/settings/keys/{key[1]}/revoke", name="release").status_code == 303
        assert program.get("/jobs").status_code == 401
        assert sent(ada, f"/settings/keys/{key[1]}/revoke").status_code == 404


@pytest.mark.parametrize("fields", [{"name": "x"}, {"name": "", "scopes": "read"}])
def test_a_key_that_cannot_be_is_told_at_its_field(ada, fields) -> None:
    """One that may do nothing, and one without a name."""
    answer = sent(ada, "/settings/keys", **fields)

    assert answer.status_code == 422
    assert 'class="fault"' in answer.text


def test_another_device_is_signed_out(somebody, ada, service) -> None:
    """The one that looks is named, and signs out by its own button."""
    with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as other:
        given = {"email": somebody.email, "password": PASSWORD}
        assert other.post("/auth/sign-in/email", json=given, headers=OURS).is_success
        page = at(ada, "GET", "/settings/devices").text
        assert page.count("this one") == 1
        (device,) = re.findall(r"/settings/devices/([0-9a-f-]+)/end", page)

        assert sent(ada, f"/settings/devices/{device}/end").status_code == 303
        assert other.get("/auth/get-session").json() is None
    assert at(ada, "GET", "/settings/devices").status_code == 200


def test_requests_are_signed_from_a_key_on(ada) -> None:
    """It is made once, rotated, and each is shown this once."""
    assert "not signed" in shown(at(ada, "GET", "/settings/signing"))
    made = re.search(r"whsec_[\w+/=]{20,}", sent(ada, "/settings/signing").text)
    assert made is not None
    assert sent(ada, "/settings/signing").status_code == 409
    rotated = re.search(
        r"whsec_[\w+/=]{20,}", sent(ada, "/settings/signing/rotate", overlap="168").text
    )
    assert rotated is not None

    page = at(ada, "GET", "/settings/signing").text
    assert made[0] != rotated[0]
    assert made[0] not in page
    assert rotated[0] not in page
    assert "signs until" in page


def test_usage_is_told_against_the_plan(ada) -> None:
    """With what it is of."""
    text = shown(at(ada, "GET", "/settings/usage"))

    for told in ("Endpoints", "Runs", "Model tokens", "Shortest interval"):
        assert told in text


def test_an_alert_is_made_changed_tried_switched_and_removed(ada) -> None:
    """Each is answered by the list, which says so."""
    fields = {"name": "On call", "way": "url", "url": "http://93.184.216.34/x", "email": "",
              "occasions": "failing", "threshold": "5", "job": ""}  # fmt: skip
    assert sent(ada, "/settings/alerts/new", **fields).status_code == 303
    page = at(ada, "GET", "/settings/alerts").text
    alert = re.search(r'id="alert-([0-9a-f-]+)"', page)
    assert alert is not None
    assert "has failed 5 times in a row" in page
    path = f"/settings/alerts/{alert[1]}"
    assert 'value="On call"' in at(ada, "GET", path).text

    by_letter = {**fields, "way": "email", "email": "ops@example.org"}
    assert sent(ada, path, **by_letter).status_code == 303
    assert "ops@example.org" in at(ada, "GET", "/settings/alerts").text
    assert sent(ada, f"{path}/test").status_code == 303
    assert sent(ada, f"{path}/switch", on="no").status_code == 303
    page = at(ada, "GET", "/settings/alerts").text
    assert "is off." in page
    assert '<input type="hidden" name="on" value="yes">' in page
    assert sent(ada, f"{path}/remove", name="On call").status_code == 303
    assert at(ada, "GET", path).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("url", "ftp://x"), ("threshold", "many"), ("threshold", "0"), ("job", "x")],
)
def test_an_alert_that_cannot_be_loses_nothing_that_was_typed(ada, field, value) -> None:
    """What is wrong stands at its field, and everything else as it was typed."""
    fields = {"name": "Kept", "way": "url", "url": "http://93.184.216.34/kept", "email": "",
              "occasions": "failing", "threshold": "7", "job": "", field: value}  # fmt: skip
    answer = sent(ada, "/settings/alerts/new", **fields)

    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    for name in {"name", "url", "threshold"} - {field}:
        assert f'value="{fields[name]}"' in answer.text


def test_the_audit_tells_what_was_done_and_is_narrowed(ada, somebody) -> None:
    """By who did it and to what; what makes no sense is told."""
    sent(ada, "/settings/alerts/new", name="Audited", way="email", email="a@example.org",
         occasions="failing", threshold="3", job="")  # fmt: skip

    assert "Audited" in shown(at(ada, "GET", "/settings/audit"))
    actor = f"person:{somebody.email}"
    assert "Audited" in shown(at(ada, "GET", "/settings/audit", params={"actor": actor}))
    nobody = at(ada, "GET", "/settings/audit", params={"actor": "person:nobody"})
    assert "Nothing of that kind was done" in shown(nobody)
    assert at(ada, "GET", "/settings/audit", params={"subject": "x"}).status_code == 422


def test_nobody_sees_what_is_another_tenants(ada, owner) -> None:
    """Neither in a list nor by its address."""
    given = {"name": "secret of others", "email": "x@example.org"}
    other = owner.post("/alerts", json=given).raise_for_status().json()

    assert "secret of others" not in at(ada, "GET", "/settings/alerts").text
    assert "secret of others" not in at(ada, "GET", "/settings/audit").text
    assert at(ada, "GET", f"/settings/alerts/{other['id']}").status_code == 404
    assert sent(ada, f"/settings/alerts/{other['id']}/remove").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/settings/keys", "/settings/signing", "/settings/profile/password", "/look", "/sign-out"],
)
def test_another_sites_page_changes_nothing(ada, path) -> None:
    """Nor one that does not say where it comes from; the page says why."""
    for headers in ({}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = at(ada, "POST", path, data={"name": "x"}, headers=headers)

        assert answer.status_code == 403
        assert "did not come from here" in answer.text


def test_a_look_is_chosen_without_being_signed_in(anyone) -> None:
    """And leads back to where it was chosen, nowhere else."""
    chosen = at(anyone, "POST", "/look", data={"theme": "dark", "next": "/sign-in"}, headers=OURS)
    away = at(
        anyone, "POST", "/look", data={"times": "mars", "next": "//evil.example"}, headers=OURS
    )

    assert chosen.headers["location"] == "/sign-in"
    assert chosen.headers["set-cookie"].startswith("cronicorn_theme=dark; HttpOnly")
    assert away.headers["location"] == "/"
    assert "set-cookie" not in away.headers


def test_the_stream_beats_and_tells_what_has_changed(ada) -> None:
    """Only the topics that were asked for; whoever comes again is told to look at everything."""
    url = f"{str(ada.base_url).removesuffix('/api/')}/_/stream?topics=plan"
    with ada.stream("GET", url, headers={"last-event-id": "3"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        first = [next(lines) for _ in range(5)]
        assert first[0] == "retry: 1000"
        assert re.fullmatch(r"data: \d\d:\d\d:\d\d \*", first[4])


def test_a_fifth_stream_is_not_held_open(ada) -> None:
    """A browser's seventh connection would wait for ever: that tab asks by itself."""
    url = f"{str(ada.base_url).removesuffix('/api/')}/_/stream"
    opened = [ada.send(ada.build_request("GET", url), stream=True) for _ in range(4)]
    try:
        assert [each.status_code for each in opened] == [200] * 4
        assert ada.get(url).status_code == 204
    finally:
        for each in opened:
            each.close()


def test_people_are_told_in_a_page_that_there_is_none(anyone) -> None:
    """Programs are told in JSON, wherever they ask."""
    read = {"accept": "text/html,*/*"}
    page = at(anyone, "GET", "/nowhere", headers=read)

    assert page.status_code == 404
    assert "There is no such page" in page.text
    for answer in (at(anyone, "GET", "/nowhere"), at(anyone, "GET", "/api/nowhere", headers=read)):
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"


def test_the_second_of_two_who_change_an_alert_is_told(ada) -> None:
    """What it is by now, beside what was typed; switching it keeps nobody from saving."""
    fields = {
        "name": "Two",
        "way": "email",
        "email": "a@example.org",
        "occasions": "failing",
        "threshold": "3",
    }
    assert sent(ada, "/settings/alerts/new", **fields).status_code == 303
    page = at(ada, "GET", "/settings/alerts").text
    [path] = set(re.findall(r'"(/settings/alerts/[0-9a-f-]{36})"', page))
    [seen] = re.findall(r'name="seen" value="(\w+)"', at(ada, "GET", path).text)

    sent(ada, f"{path}/switch", on="no")
    first = sent(ada, path, **{**fields, "email": "b@example.org"}, seen=seen)
    second = sent(ada, path, **{**fields, "name": "Mine"}, seen=seen)

    assert first.status_code == 303
    assert second.status_code == 409
    assert "b@example.org" in second.text
    assert 'value="Mine"' in second.text
    [newer] = re.findall(r'name="seen" value="(\w+)"', second.text)
    assert sent(ada, path, **{**fields, "name": "Mine"}, seen=newer).status_code == 303
