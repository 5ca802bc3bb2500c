"""Pages for people, asked as browsers ask: signing in, letting a device in, setting up."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cronicorn_adapter_sql.testing.databases import sqlite_url
from cronicorn_management.people.setting_up import print_setup_token

OURS = {"sec-fetch-site": "same-origin"}
PASSWORD = "correct horse battery staple"


def at_root(browser, method: str, path: str, **more):
    """Ask for a page; pages lie beside the API."""
    url = f"{str(browser.base_url).removesuffix('/api/')}{path}"
    return browser.request(method, url, **more)


def sent(browser, path: str, **fields):
    """Send a form, as a page does."""
    return at_root(browser, "POST", path, data=fields, headers=OURS)


def asked(anyone, client: str = "cronicorn-mcp") -> dict:
    """Ask as a program does that nobody has let in."""
    codes: dict = anyone.post("/auth/device/code", json={"client_id": client}).json()
    return codes


def polled(anyone, codes: dict, client: str = "cronicorn-mcp"):
    """Ask whether it was let in."""
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    given = {"grant_type": grant, "device_code": codes["device_code"], "client_id": client}
    return anyone.post("/auth/device/token", json=given)


def test_a_person_lets_a_device_in(somebody, anyone) -> None:
    """The address that the program shows leads over signing in to the question and the answer."""
    browser, codes = somebody.browser, asked(anyone)
    path = codes["verification_uri_complete"].removeprefix(codes["verification_uri"][:-15])

    away = at_root(browser, "GET", path)
    assert away.status_code == 303
    further = parse_qs(urlsplit(away.headers["location"]).query)["next"][0]
    form = at_root(browser, "GET", away.headers["location"])
    assert f'value="{further}"' in form.text.replace("&amp;", "&")
    back = sent(browser, "/sign-in", email=somebody.email, password=PASSWORD, next=further)
    assert (back.status_code, back.headers["location"]) == (303, further)

    question = at_root(browser, "GET", further)
    assert question.status_code == 200
    for told in ("cronicorn-mcp", somebody.email, codes["user_code"], "change everything"):
        assert told in question.text
    done = sent(browser, "/device/approve", user_code=codes["user_code"], decision="approve")

    assert "let in" in done.text
    assert polled(anyone, codes).status_code == 200


def test_a_person_refuses(somebody, anyone) -> None:
    """Whatever is not the word for letting in is a refusal; a second decision is told as such."""
    codes = asked(anyone)
    somebody.sign_in()

    for decision, status in (("", 200), ("approve", 409)):
        answer = sent(
            somebody.browser, "/device/approve", user_code=codes["user_code"], decision=decision
        )
        assert answer.status_code == status

    assert polled(anyone, codes).json()["error"] == "access_denied"


def test_nothing_is_decided_by_looking(somebody, anyone) -> None:
    """Nor by another site's form, nor by somebody who is not signed in."""
    codes = asked(anyone)
    fields = {"user_code": codes["user_code"], "decision": "approve"}
    nobody = at_root(anyone, "POST", "/device/approve", data=fields, headers=OURS)
    somebody.sign_in()

    at_root(somebody.browser, "GET", "/device/approve", params=fields)
    foreign = at_root(
        somebody.browser,
        "POST",
        "/device/approve",
        data=fields,
        headers={"origin": "http://evil.example"},
    )

    assert (nobody.status_code, foreign.status_code) == (303, 403)
    assert polled(anyone, codes).json()["error"] == "authorization_pending"


def test_what_a_program_says_of_itself_stays_text(somebody, anyone) -> None:
    """It runs nothing and looks like nothing else on the page."""
    codes = asked(anyone, "<script>alert(1)</script>\"'")
    somebody.sign_in()

    text = at_root(
        somebody.browser, "GET", "/device/approve", params={"user_code": codes["user_code"]}
    ).text

    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_wrong_password_is_told_on_the_page(somebody) -> None:
    """With the address still there, and without the password; nobody is signed in."""
    answer = sent(somebody.browser, "/sign-in", email=somebody.email, password="guessed", next="/x")

    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert somebody.email in answer.text
    assert "guessed" not in answer.text
    assert not somebody.browser.cookies


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:a()"]
)
def test_signing_in_leads_nowhere_else(somebody, elsewhere) -> None:
    """A link to our page does not bring anybody to somebody else's."""
    form = at_root(somebody.browser, "GET", "/sign-in", params={"next": elsewhere})
    answer = sent(
        somebody.browser, "/sign-in", email=somebody.email, password=PASSWORD, next=elsewhere
    )

    assert "evil" not in form.text
    assert "javascript" not in form.text
    assert answer.headers["location"] == "/"


def test_a_form_of_another_site_signs_nobody_in(somebody) -> None:
    """It would sign a person in as somebody else."""
    fields = {"email": somebody.email, "password": PASSWORD}
    for headers in ({}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = at_root(somebody.browser, "POST", "/sign-in", data=fields, headers=headers)
        assert answer.status_code == 403


def test_one_signs_out(somebody) -> None:
    """The profile names who one is, until then."""
    browser = somebody.browser
    somebody.sign_in()
    assert somebody.email in at_root(browser, "GET", "/settings/profile").text

    assert sent(browser, "/sign-out").status_code == 303

    away = at_root(browser, "GET", "/settings/profile").headers["location"]
    assert away == "/sign-in?next=%2Fsettings%2Fprofile"


@pytest.mark.parametrize("path", ["/sign-in", "/settings/profile", "/device/approve", "/setup"])
def test_pages_run_nothing_and_bring_nothing(somebody, path) -> None:
    """Nothing inline, nothing from elsewhere, and nobody frames them; all they bring is ours."""
    somebody.sign_in()
    answer = at_root(somebody.browser, "GET", path)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " form-action 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?! src=)|\son\w+=|\sstyle=|https?://|<style", answer.text)
    brought = re.findall(r'<(?:link|script|img)[^>]*? (?:href|src)="([^"]+)"', answer.text)
    assert all(re.fullmatch(r"/assets/[\w-]+\.[0-9a-f]{12}\.\w+", each) for each in brought)
    for each in brought:
        asset = at_root(somebody.browser, "GET", each)
        assert asset.status_code == 200
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/sign-in", "/device/approve"])
def test_pages_can_be_read_out(somebody, path) -> None:
    """They have a language, a title, one heading, and a label for every field."""
    somebody.sign_in()
    text = at_root(somebody.browser, "GET", path).text

    assert '<html lang="en"' in text
    assert len(re.findall("<h1>", text)) == 1
    assert re.search("<title>.+ · Cronicorn</title>", text)
    fields = set(re.findall(r'<input id="([\w-]+)"', text))
    assert fields == set(re.findall(r'<label for="([\w-]+)"', text)) != set()


def test_an_installation_is_set_up_by_its_link(tmp_path, service) -> None:
    """Whoever has it becomes the owner and is signed in; then it is over."""
    fresh = type(service)(sqlite_url(tmp_path))
    try:
        printing = print_setup_token(fresh._desk)
        token = asyncio.run_coroutine_threadsafe(printing, fresh._loop).result(60)
        root = fresh.url.removesuffix("/api")
        with httpx.Client(base_url=root, timeout=60, headers=OURS, trust_env=False) as browser:
            assert browser.get("/setup", params={"token": "su_guessed"}).status_code == 404
            form = browser.get("/setup", params={"token": token})
            assert (form.status_code, f'value="{token}"' in form.text) == (200, True)
            fields = {"token": token, "email": "ada@example.org", "password": "short"}
            short = browser.post("/setup", data=fields)
            assert (short.status_code, "12 to 256" in short.text) == (422, True)

            done = browser.post("/setup", data={**fields, "password": PASSWORD})

            assert (done.status_code, done.headers["location"]) == (303, "/")
            assert browser.get("/api/jobs").json() == {"jobs": []}
            assert browser.post("/setup", data={**fields, "password": PASSWORD}).status_code == 404
            assert browser.get("/setup", params={"token": token}).status_code == 404
    finally:
        fresh.stop()
