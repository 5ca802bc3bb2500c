"""Webhooks of alerts: signed, guarded, and told what came of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_adapter_http.notifier import WebhookNotifier
from cronicorn_domain.model.alert import Email, Occasion, Way, Webhook
from cronicorn_domain.model.signing import NoKeys
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.notifier import Notifier, Told, Untold
from cronicorn_domain.testing.builders import a_signing_key, signing_keys
from cronicorn_domain.testing.dispatcher_contract import Answer, HttpTarget, open_http_target
from cronicorn_domain.testing.notifier_contract import NotifierContract, a_due_notice
from standardwebhooks.webhooks import Webhook as Verifier


class ReceiversClock(Clock):
    """Says what the machine's clock says, which is the one that receivers ask."""

    def now(self) -> datetime:
        """Return it."""
        return datetime.now(UTC)  # noqa: TID251

    async def sleep_until(self, instant: datetime) -> None:
        """Pass over what is in between."""

    async def synchronize(self) -> None:
        """It is right already."""

    def skew(self) -> timedelta:
        """It is not off."""
        return timedelta()


@pytest.fixture
async def target():
    """Give a small HTTP server."""
    async with open_http_target() as target:
        yield target


@pytest.fixture
async def notifier(dispatching) -> Notifier:
    """Give a notifier that may reach this machine."""
    return WebhookNotifier(await dispatching(), ReceiversClock())


class TestWebhooks(NotifierContract):
    """What holds for webhooks as for every way."""

    @pytest.fixture
    def notifier(self, notifier: Notifier) -> Notifier:
        """Give the notifier."""
        return notifier

    @pytest.fixture
    def reaching(self, target: HttpTarget) -> Way:
        """Give the server's URL."""
        return Webhook(f"{target.url}/hook")

    @pytest.fixture
    def nowhere(self, target: HttpTarget) -> Way:
        """Give a URL that answers that it is broken."""
        target.answer(Answer(status=503), path="/broken")
        return Webhook(f"{target.url}/broken")

    @pytest.fixture
    def heard(self, target: HttpTarget) -> Callable[[], Sequence[str]]:
        """Give the bodies."""
        return lambda: [each.body for each in target.received]


async def test_a_webhook_is_signed_by_the_tenants_keys(notifier, target) -> None:
    """So that the published library accepts it, under the notice's id, which a repeat has too."""
    due = a_due_notice(Webhook(target.url))

    for tries in (0, 1):
        answer = await notifier.notify(replace(due, tries=tries), keys=signing_keys())
        assert answer == Told()

    first, again = target.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"] == str(due.notice.id)
    told = Verifier(a_signing_key().text).verify(first.body, first.headers)
    assert told["type"] == "endpoint.failing"
    assert told["timestamp"] == "2025-01-01T12:00:00.000Z"
    assert told["data"]["failures"] == 3
    assert (first.method, first.headers["content-type"]) == ("POST", "application/json")


async def test_without_keys_it_is_not_signed(notifier, target) -> None:
    """A tenant that has none wants it so."""
    assert await notifier.notify(a_due_notice(Webhook(target.url))) == Told()

    (received,) = target.received
    assert "webhook-signature" not in received.headers


async def test_with_keys_out_of_reach_nothing_is_sent(notifier, target) -> None:
    """It is tried again, when another worker may have them."""
    keys = NoKeys(reason="its key is not at hand")

    answer = await notifier.notify(a_due_notice(Webhook(target.url)), keys=keys)

    assert answer == Untold(reason="its key is not at hand")
    assert target.received == []


async def test_what_is_not_let_out_is_not_sent(dispatching, target) -> None:
    """Trap T21: an alert is no way around the egress guard, and trying again would not help."""
    guarded = WebhookNotifier(await dispatching(allow=[]), ReceiversClock())

    answer = await guarded.notify(a_due_notice(Webhook(target.url)))

    assert isinstance(answer, Untold)
    assert answer.final
    assert target.received == []


async def test_a_trial_says_that_it_is_one(notifier, target) -> None:
    """It names no endpoint."""
    due = a_due_notice(Webhook(target.url))
    trial = replace(due.notice, occasion=Occasion.TEST, endpoint_id=None, failures=0)

    await notifier.notify(replace(due, notice=trial, endpoint_name=None, job_name=None))

    (received,) = target.received
    told = json.loads(received.body)
    assert told["type"] == "alert.test"
    assert told["data"] == {"alert": "alert", "message": due.notice.message}


async def test_a_letter_is_not_its_business(notifier) -> None:
    """It says so, for good."""
    answer = await notifier.notify(a_due_notice(Email("ada@example.org")))

    assert isinstance(answer, Untold)
    assert answer.final
