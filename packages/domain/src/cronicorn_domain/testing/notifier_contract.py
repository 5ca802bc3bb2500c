"""What every `Notifier` promises, whatever its way."""

from collections.abc import Callable, Sequence

import pytest

from cronicorn_domain.identity import EndpointId, NoticeId, new_uuid
from cronicorn_domain.model.alert import DueNotice, Notice, Occasion, Way
from cronicorn_domain.ports.notifier import Notifier, Told, Untold
from cronicorn_domain.testing.builders import EPOCH, an_alert


def a_due_notice(way: Way) -> DueNotice:
    """Return that an endpoint has failed three times, to be told by this way."""
    alert = an_alert(way=way)
    notice = Notice(
        id=NoticeId(new_uuid()),
        alert_id=alert.id,
        tenant=alert.tenant,
        occasion=Occasion.FAILING,
        at=EPOCH,
        endpoint_id=EndpointId(new_uuid()),
        failures=3,
        message="answered 503 Service Unavailable",
    )
    return DueNotice(notice=notice, alert=alert, endpoint_name="héalth", job_name="shop")


class NotifierContract:
    """Promises of every notifier."""

    @pytest.fixture
    def notifier(self) -> Notifier:
        """Give the notifier under test."""
        raise NotImplementedError("the adapter's test class provides the notifier")

    @pytest.fixture
    def reaching(self) -> Way:
        """Give a way that leads to somebody."""
        raise NotImplementedError("the adapter's test class provides a way")

    @pytest.fixture
    def nowhere(self) -> Way:
        """Give a way at whose end nobody answers."""
        raise NotImplementedError("the adapter's test class provides a way")

    @pytest.fixture
    def heard(self) -> Callable[[], Sequence[str]]:
        """Give what has arrived so far, as text."""
        raise NotImplementedError("the adapter's test class provides what was heard")

    async def test_it_arrives_with_what_there_is_to_know(
        self, notifier: Notifier, reaching: Way, heard: Callable[[], Sequence[str]]
    ) -> None:
        """The occasion, the endpoint and job by name, the count and the message."""
        assert await notifier.notify(a_due_notice(reaching)) == Told()

        (text,) = heard()
        for each in ("failing", "héalth", "shop", "3", "answered 503"):
            assert each in text

    async def test_who_does_not_answer_is_tried_again(
        self, notifier: Notifier, nowhere: Way
    ) -> None:
        """It is an answer with the reason, and no error."""
        answer = await notifier.notify(a_due_notice(nowhere))

        assert isinstance(answer, Untold)
        assert answer.reason
        assert not answer.final
