"""What is signed, as receivers check it: by the published library, its vectors and our own docs."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cronicorn_adapter_http.signing import signature_headers
from cronicorn_domain.model.endpoint import Limits, Method
from cronicorn_domain.model.run import Succeeded
from cronicorn_domain.model.signing import Scheme, Signatory, SigningKey
from cronicorn_domain.testing.builders import a_signing_key
from cronicorn_domain.testing.dispatcher_contract import Answer, a_dispatch, open_http_target
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

VECTORS = json.loads((Path(__file__).parent / "standard_webhooks_vectors.json").read_text("utf-8"))
ID = "0190d1c2-7f4e-7a8b-9c3d-5e6f70819203:1735732800250"
BODY = '{"name": "Grüße", "emoji": "🕐"}'
UNMOVED = timedelta()


def now() -> datetime:
    """Return what the clock of this machine says, which is the one that receivers ask."""
    return datetime.now(UTC)  # noqa: TID251


def signatory(
    *keys: SigningKey, at: datetime | None = None, message_id: str = ID, schemes=frozenset(Scheme)
) -> Signatory:
    """Return who signs, by both schemes and with one key unless it is said."""
    return Signatory(
        schemes=schemes, keys=keys or (a_signing_key(),), message_id=message_id, at=at or now()
    )


@pytest.mark.parametrize("vector", VECTORS["vectors"])
def test_signatures_are_those_of_the_published_library(vector) -> None:
    """Of another language, with keys of all lengths and bodies of all kinds."""
    who = signatory(
        SigningKey(text=vector["secret"]),
        at=datetime.fromtimestamp(vector["timestamp"], UTC),
        message_id=vector["id"],
    )

    headers = signature_headers(who, vector["body"].encode(), since=UNMOVED)

    assert headers["webhook-signature"] == vector["signature"]
    assert headers["webhook-id"] == vector["id"]
    assert headers["webhook-timestamp"] == str(vector["timestamp"])


def test_each_of_two_keys_proves_it() -> None:
    """During a rotation a receiver may have either, and no other."""
    new, old, other = (a_signing_key(number) for number in (2, 1, 3))

    headers = signature_headers(signatory(new, old), BODY.encode(), since=UNMOVED)

    for key in (new, old):
        assert Webhook(key.text).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(other.text).verify(BODY, headers)


def test_time_goes_on_while_it_is_under_way() -> None:
    """What is sent a while after it was begun says when it was sent, in whole seconds."""
    who = signatory(at=datetime(2025, 1, 1, 12, 0, 0, 900_000, tzinfo=UTC))

    headers = signature_headers(who, b"", since=timedelta(seconds=2, milliseconds=200))

    assert headers["webhook-timestamp"] == headers["X-Cronicorn-Timestamp"] == "1735732803"


def test_the_older_scheme_is_what_its_receivers_check() -> None:
    """HMAC-SHA256 by the text of the newest key over time, full stop and body, in hex."""
    new, old = a_signing_key(2), a_signing_key(1)

    headers = signature_headers(signatory(new, old), BODY.encode(), since=UNMOVED)

    signed = f"{headers['X-Cronicorn-Timestamp']}.{BODY}".encode()
    digest = hmac.new(new.text.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Cronicorn-Signature"] == f"sha256={digest}"


@pytest.mark.parametrize(
    ("scheme", "prefix"), [(Scheme.STANDARD, "webhook-"), (Scheme.OLDER, "X-Cronicorn-")]
)
def test_only_what_was_asked_for_is_sent(scheme: Scheme, prefix: str) -> None:
    """One scheme brings none of the other's headers."""
    headers = signature_headers(signatory(schemes=frozenset({scheme})), b"", since=UNMOVED)

    assert headers
    assert all(name.startswith(prefix) for name in headers)


def documented_receiver():
    """Return the receiver that the documentation shows for Python."""
    text = (Path(__file__).parents[3] / "docs" / "signing.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict = {}
    exec(code, names)
    return names["is_ours"]


async def test_the_documented_receiver_knows_what_we_send(dispatching) -> None:
    """It accepts what was sent, by either key, and nothing that was changed or forged or is old."""
    new, old = a_signing_key(2), a_signing_key(1)
    is_ours = documented_receiver()
    dispatcher = await dispatching()
    async with open_http_target() as target:
        dispatch = a_dispatch(f"{target.url}/", method=Method.POST, body=BODY)
        await dispatcher.dispatch(replace(dispatch, signatory=signatory(new, old)))
        (received,) = target.received

    headers, body = received.headers, received.body.encode()
    assert is_ours(new.text, headers, body)
    assert is_ours(old.text, headers, body)
    assert not is_ours(a_signing_key(3).text, headers, body)
    assert not is_ours(new.text, headers, body + b" ")
    assert not is_ours(new.text, headers | {"webhook-id": "another"}, body)
    assert not is_ours(new.text, {}, body)
    before = signatory(new, at=now() - timedelta(minutes=6))
    assert not is_ours(new.text, signature_headers(before, body, since=UNMOVED), body)


async def test_a_redirect_within_the_origin_is_signed_anew(dispatching) -> None:
    """Over what is sent then: a POST that becomes a GET is signed without its body."""
    dispatcher = await dispatching()
    async with open_http_target() as target:
        target.answer(Answer(status=303, headers=(("Location", "/b"),)), path="/a")
        dispatch = a_dispatch(f"{target.url}/a", method=Method.POST, body=BODY)
        outcome = await dispatcher.dispatch(
            replace(dispatch, limits=Limits(redirects=3), signatory=signatory())
        )
        first, second = target.received

    assert isinstance(outcome, Succeeded)
    for received in (first, second):
        headers = received.headers
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{received.body}"
        digest = hmac.digest(a_signing_key().material, signed.encode(), hashlib.sha256)
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert (first.body, second.body) == (BODY, "")


async def test_nothing_is_signed_for_another_origin(dispatching) -> None:
    """Nor when that leads back: a signature is for the one who was asked, trap T21."""
    dispatcher = await dispatching()
    async with open_http_target() as target, open_http_target() as other:
        target.answer(Answer(status=307, headers=(("Location", f"{other.url}/b"),)), path="/a")
        other.answer(Answer(status=307, headers=(("Location", f"{target.url}/c"),)), path="/b")
        dispatch = a_dispatch(f"{target.url}/a", method=Method.POST, body=BODY)
        outcome = await dispatcher.dispatch(
            replace(dispatch, limits=Limits(redirects=3), signatory=signatory())
        )
        (elsewhere,) = other.received
        first, back = target.received

    assert isinstance(outcome, Succeeded)
    assert "webhook-signature" in first.headers
    for received in (elsewhere, back):
        assert not [name for name in received.headers if name.startswith("webhook-")]
        assert "x-cronicorn-signature" not in received.headers
