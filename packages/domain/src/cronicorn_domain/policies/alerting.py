"""Decides what is worth telling, to whom, and how often it is tried."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.identity import AlertId, JobId, NoticeId, new_uuid
from cronicorn_domain.model.alert import MESSAGE_LENGTH, Alert, Happening, Notice, Occasion
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change

TRIES_MOST = 12
"""A notice that was tried so often, over some hours, is given up."""
_FIRST_WAIT = timedelta(seconds=10)
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """
    What follows from a happening.

    ``begun`` and ``ended`` are the alerts for which a streak of the endpoint has been told of from
    now on, or no more.
    """

    notices: tuple[Notice, ...] = ()
    begun: frozenset[AlertId] = frozenset()
    ended: frozenset[AlertId] = frozenset()


def happening_after_run(
    before: Situation, after: EndpointState, message: str | None, now: datetime
) -> Happening | None:
    """Return what the end of a run is an occasion for: a failure more, or the first success."""
    was, failures, endpoint = before.state.failures, after.failures, before.endpoint
    if failures == was:
        return None
    occasion = Occasion.RECOVERED if failures == 0 else Occasion.FAILING
    return Happening(
        occasion=occasion,
        tenant=endpoint.tenant,
        endpoint_id=endpoint.id,
        at=now,
        failures=failures or was,
        message=message if occasion is Occasion.FAILING else None,
    )


def quarantining(endpoint: Endpoint, reason: str, now: datetime) -> Happening:
    """Return that an endpoint is set aside."""
    return _about(endpoint, Occasion.QUARANTINED, reason, now)


def deferring(endpoint: Endpoint, reason: str, now: datetime) -> Happening:
    """Return that a quota puts an endpoint off."""
    return _about(endpoint, Occasion.DEFERRED, reason, now)


def telling_by_rule(endpoint: Endpoint, change: Change, now: datetime) -> Happening | None:
    """Return what a rule wants people to be told with the end of a run; None: nothing."""
    if change.notice is None:
        return None
    return _about(endpoint, Occasion.RULE, change.notice, now)


def telling_of(
    happening: Happening,
    *,
    job_id: JobId,
    alerts: Sequence[Alert],
    told: Collection[AlertId],
) -> Telling:
    """
    Return what is told of a happening, and by which of the tenant's alerts.

    A streak is told once by each alert, when it reaches the threshold or, if the alert is younger
    than it, with the next failure; its end is told by those that told of it. ``told`` are they. The
    first failure begins another streak, whatever was told before.
    """
    concerned = [each for each in alerts if each.is_about(job_id)]
    match happening.occasion:
        case Occasion.FAILING:
            standing = frozenset(told) if happening.failures > 1 else frozenset()
            begun = [
                each
                for each in concerned
                if happening.failures >= each.threshold and each.id not in standing
            ]
            return Telling(
                notices=_notices(happening, begun),
                begun=frozenset(each.id for each in begun),
                ended=frozenset(told) - standing,
            )
        case Occasion.RECOVERED:
            heard = [each for each in concerned if each.id in told]
            return Telling(notices=_notices(happening, heard), ended=frozenset(told))
        case _:
            return Telling(notices=_notices(happening, concerned))


def next_try(tries: int, now: datetime) -> datetime | None:
    """Return when a notice is tried again that has failed so often; None: not any more."""
    if tries >= TRIES_MOST:
        return None
    return now + min(_FIRST_WAIT * (1 << (tries - 1)), _LONGEST_WAIT)


def _about(endpoint: Endpoint, occasion: Occasion, reason: str, now: datetime) -> Happening:
    return Happening(
        occasion=occasion,
        tenant=endpoint.tenant,
        endpoint_id=endpoint.id,
        at=now,
        message=reason,
    )


def _notices(happening: Happening, alerts: Sequence[Alert]) -> tuple[Notice, ...]:
    return tuple(
        Notice(
            id=NoticeId(new_uuid()),
            alert_id=each.id,
            tenant=happening.tenant,
            occasion=happening.occasion,
            at=happening.at,
            endpoint_id=happening.endpoint_id,
            failures=happening.failures,
            message=happening.message and happening.message[:MESSAGE_LENGTH],
        )
        for each in alerts
        if happening.occasion in each.occasions
    )
