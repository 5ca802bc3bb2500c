"""From when on a hint or trigger has no say any more."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.state import EndpointState, Situation


def lapsed_until(endpoint: Endpoint, state: EndpointState, now: datetime) -> datetime:
    """
    Return the instant at or before which a hint or trigger has to have ended to have lapsed.

    An expired hint plans nothing more, but the slots that came while it lived are slots still, to
    be recorded once the run or the repeat that lasted over them has ended; and what was planned by
    it, or waited for it, is planned as of its end. So it has a say until the last recurring slot
    lies at or behind its end.
    """
    return min(now, state.last_slot or endpoint.created_at)


def unlapsed(situation: Situation, now: datetime) -> Situation:
    """Return the situation without what has lapsed."""
    if not situation.hints and not situation.triggers:
        return situation
    until = lapsed_until(situation.endpoint, situation.state, now)
    return replace(
        situation,
        hints=tuple(each for each in situation.hints if each.expires_at > until),
        triggers=tuple(each for each in situation.triggers if each.expires_at > until),
    )
