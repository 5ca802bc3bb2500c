"""What browsers are told: headers, cookies behind TLS, and pages of other origins."""

from collections.abc import Iterator

import pytest
from cronicorn_domain.identity import TenantId, new_uuid

PASSWORD = "correct horse battery staple"
HOME = {"origin": "https://cronicorn.example"}
FRIEND = {"origin": "https://ops.example"}


@pytest.fixture(scope="module")
def browser(behind_tls, stranger) -> Iterator[object]:
    """Give a browser in front of the API behind TLS, signed in; it sends cookies by hand."""
    email = f"{new_uuid()}@example.org"
    behind_tls.person(TenantId(new_uuid()), email, password=PASSWORD)
    with type(stranger)(behind_tls, None) as browser:
        given = {"email": email, "password": PASSWORD}
        answer = browser.post("/auth/sign-in/email", json=given, headers=HOME).raise_for_status()
        browser.cookies.clear()  # it would not send one that is for TLS over this line
        browser.set_cookie = answer.headers["set-cookie"]
        browser.headers["cookie"] = browser.set_cookie.partition(";")[0]
        yield browser


def test_a_cookie_behind_tls_travels_only_there(browser) -> None:
    """No other host of the domain can plant one of its name."""
    assert browser.set_cookie.startswith("__Host-cronicorn_session=cs_")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(browser.set_cookie.split("; "))
    assert "domain" not in browser.set_cookie.lower()


def test_the_origin_is_the_one_outside(behind_tls, browser) -> None:
    """What the name behind TLS says is another site's."""
    inside = {"origin": behind_tls.url.removesuffix("/api")}

    assert browser.post("/jobs", json={"name": "a"}, headers=HOME).status_code == 201
    assert browser.post("/jobs", json={"name": "b"}, headers=inside).status_code == 403


def test_browsers_are_told_to_come_over_tls(browser, anyone) -> None:
    """Where it is spoken, and only there; refusals say it, too."""
    strict = "strict-transport-security"

    assert browser.get("/nowhere").headers[strict] == "max-age=31536000"
    assert strict not in anyone.get("/health/live").headers


def test_no_other_origin_is_let_in(anyone) -> None:
    """Unless it is said: an answer tells browsers nothing of it."""
    asked = {**FRIEND, "access-control-request-method": "GET"}

    preflight = anyone.options("/jobs", headers=asked)

    assert preflight.status_code == 405
    for answer in (preflight, anyone.get("/health/live", headers=FRIEND)):
        assert not [each for each in answer.headers if each.startswith("access-control")]


def test_a_friendly_origin_is_let_in(browser) -> None:
    """It may ask and write with the person's cookie; every other may not."""
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}

    preflight = browser.options("/jobs", headers={**FRIEND, **asked})
    written = browser.post("/jobs", json={"name": "theirs"}, headers=FRIEND)
    foreign = browser.options("/jobs", headers={"origin": "https://evil.example", **asked})

    assert preflight.status_code == 200
    assert written.status_code == 201
    for answer in (preflight, written):
        assert answer.headers["access-control-allow-origin"] == FRIEND["origin"]
        assert answer.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in foreign.headers


def test_answers_are_not_for_pages(anyone) -> None:
    """None is framed, guessed at, or kept; trap T43."""
    headers = anyone.get("/jobs").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"
