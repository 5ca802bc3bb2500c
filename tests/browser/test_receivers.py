"""The example for receivers in JavaScript, run as the docs show it against what is sent."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cronicorn_adapter_http.signing import signature_headers
from cronicorn_domain.model.signing import Scheme, Signatory, SigningKey
from cronicorn_domain.testing.builders import a_signing_key
from playwright.sync_api import Browser, Page

DOCUMENT = Path(__file__).parents[2] / "docs" / "signing.md"
BODY = '{"name": "Grüße", "emoji": "🕐"}'.encode()
UNMOVED = timedelta()
NEW, OLD, OTHER = (a_signing_key(number) for number in (2, 1, 3))


@pytest.fixture(scope="module")
def receiver(chromium: Browser) -> Iterator[Page]:
    """Give a page of nobody's, where the browser has its cryptography as receivers have it."""
    page = chromium.new_page()
    page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto("https://receiver.example/")
    yield page
    page.close()


def is_ours(receiver: Page, key: SigningKey, headers: Mapping[str, str], body: bytes) -> bool:
    """Ask the code of the docs."""
    (code,) = re.findall(r"```js\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    asking = f"""([key, headers, body]) => {{
        {code.replace("export ", "")}
        return isOurs(key, headers, Uint8Array.from(body));
    }}"""
    small = {name.lower(): value for name, value in headers.items()}
    answer = receiver.evaluate(asking, [key.text, small, [*body]])
    assert isinstance(answer, bool)
    return answer


def sent(*keys: SigningKey, body: bytes = BODY, ago: timedelta = UNMOVED) -> dict[str, str]:
    """Sign as a worker does."""
    who = Signatory(
        schemes=frozenset({Scheme.STANDARD}),
        keys=keys,
        message_id="0190d1c2-7f4e-7a8b-9c3d-5e6f70819203:1735732800250",
        at=datetime.now(UTC) - ago,  # noqa: TID251  the browser asks the machine's clock, too
    )
    return dict(signature_headers(who, body, since=UNMOVED))


@pytest.mark.parametrize("body", [BODY, b"", bytes(range(256))])
def test_what_we_sent_is_ours(receiver: Page, body: bytes) -> None:
    """Whatever was in it, and by either key while there are two."""
    headers = sent(NEW, OLD, body=body)

    assert is_ours(receiver, NEW, headers, body)
    assert is_ours(receiver, OLD, headers, body)
    assert not is_ours(receiver, OTHER, headers, body)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "another"},
        {"webhook-timestamp": "0"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "0x7fffffff"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,nonsense"},
        {"webhook-signature": "v1,%%%% v2,AAAA ü"},
    ],
    ids=str,
)
def test_what_was_changed_is_not(receiver: Page, changed: dict[str, str]) -> None:
    """Nor is it an error that somebody's nonsense could make."""
    assert not is_ours(receiver, NEW, sent(NEW) | changed, BODY)
    assert not is_ours(receiver, NEW, {}, BODY)
    assert not is_ours(receiver, NEW, sent(NEW), BODY + b" ")


def test_what_is_old_is_not(receiver: Page) -> None:
    """Somebody may have kept it."""
    assert not is_ours(receiver, NEW, sent(NEW, ago=timedelta(minutes=6)), BODY)
    assert is_ours(receiver, NEW, sent(NEW, ago=timedelta(minutes=4)), BODY)
