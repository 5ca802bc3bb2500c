"""Tells notices by webhooks, through the same guard as every other request."""

import json
from datetime import timedelta
from typing import Final

from cronicorn_domain.identity import EndpointId, RunId
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.alert import DueNotice, Occasion, Webhook
from cronicorn_domain.model.endpoint import Header, HttpRequest, Limits, Method
from cronicorn_domain.model.run import Blocked, Failed, Succeeded
from cronicorn_domain.model.signing import NoKeys, Scheme, Signatory, TenantKeys
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.dispatcher import Dispatch, Dispatcher
from cronicorn_domain.ports.notifier import Notifier, Told, Untold

_LIMITS: Final = Limits(timeout=timedelta(seconds=10), response_size=1024)
_JSON: Final = (Header(name="Content-Type", value="application/json"),)
_STANDARD: Final = frozenset({Scheme.STANDARD})


class WebhookNotifier(Notifier):
    """Sends a notice as JSON, by POST; any answer of the 200s says that it has arrived."""

    def __init__(self, dispatcher: Dispatcher, clock: Clock) -> None:
        self._dispatcher = dispatcher
        self._clock = clock

    async def notify(
        self, due: DueNotice, *, keys: TenantKeys | NoKeys | None = None
    ) -> Told | Untold:
        """Send it, and say what came of it."""
        if not isinstance(due.alert.way, Webhook):
            return Untold(reason="this is no webhook", final=True)
        if isinstance(keys, NoKeys):
            return Untold(reason=keys.reason)
        match await self._dispatcher.dispatch(self._dispatch(due, due.alert.way, keys)):
            case Succeeded():
                return Told()
            case Blocked(message=message):
                return Untold(reason=message, final=True)
            case Failed(message=message):
                return Untold(reason=message)

    def _dispatch(self, due: DueNotice, way: Webhook, keys: TenantKeys | None) -> Dispatch:
        notice, now = due.notice, self._clock.now()
        signatory = None
        if keys is not None:
            signatory = Signatory(
                schemes=_STANDARD, keys=keys.valid_at(now), message_id=str(notice.id), at=now
            )
        return Dispatch(
            run_id=RunId(notice.id),
            endpoint_id=notice.endpoint_id or EndpointId(notice.alert_id),
            slot=notice.at,
            attempt=due.tries + 1,
            request=HttpRequest(
                url=way.url, method=Method.POST, headers=_JSON, body=body_of_notice(due)
            ),
            limits=_LIMITS,
            signatory=signatory,
        )


_SUBJECTS: Final = {Occasion.TEST: "alert", Occasion.BUDGET: "tenant"}
"""What a notice is about that is about no endpoint."""


def body_of_notice(due: DueNotice) -> str:
    """Write a notice as Standard Webhooks proposes it: type, instant, data; absent is unknown."""
    notice = due.notice
    data = {
        "alert": due.alert.name,
        "job": due.job_name,
        "endpointId": None if notice.endpoint_id is None else str(notice.endpoint_id),
        "endpoint": due.endpoint_name,
        "failures": notice.failures or None,
        "message": notice.message,
    }
    whole = {
        "type": f"{_SUBJECTS.get(notice.occasion, 'endpoint')}.{notice.occasion}",
        "timestamp": iso_milliseconds(notice.at),
        "data": {name: value for name, value in data.items() if value is not None},
    }
    return json.dumps(whole, ensure_ascii=False)
