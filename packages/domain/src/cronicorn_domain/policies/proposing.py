"""
What may be proposed for an endpoint's rhythm, whoever does: a person, a program or a model.

Trap T33: what a model writes is judged here exactly as what a person writes, and by a few rules
more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import HintId, TriggerId, new_uuid
from cronicorn_domain.instants import LATEST, OPEN_ENDED, ceil_millisecond
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.hint import Author, Hint, IntervalHint, OneShotHint
from cronicorn_domain.model.job import JobState, check_name, check_text
from cronicorn_domain.model.proposal import (
    Proposal,
    ProposeClearing,
    ProposeInterval,
    ProposePause,
    ProposeRun,
    ProposeTrigger,
)
from cronicorn_domain.model.rulings import SiblingTrigger
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.endpoint_states import check_unarchived
from cronicorn_domain.policies.ruling import CLEARED_BY_RULES
from cronicorn_domain.wording import length_in_words

REASON_LENGTH: Final = 1000
PAUSE_MOST: Final = timedelta(hours=24)
"""So long a model may pause an endpoint at most; a person may for ever."""
LIFE_MOST: Final = timedelta(days=7)
"""So long what a model proposes lives at most."""


def check_reason(reason: str | None) -> str | None:
    """Return a reason that can be kept; a blank one is none. Raises ``InvalidInput``."""
    if reason is None or not reason.strip():
        return None
    check_text(reason, field="reason")
    if len(reason) > REASON_LENGTH:
        raise InvalidInput(
            f"the reason has {len(reason)} characters",
            field="reason",
            remedy=f"keep it to {REASON_LENGTH}",
        )
    return reason


def check_floor(length: timedelta | None, floor: timedelta, *, field: str) -> None:
    """Refuse with ``InvalidInput`` an interval shorter than the tenant's floor; trap T17."""
    if length is not None and length < floor:
        raise InvalidInput(
            f"{length_in_words(length)} is too often",
            field=field,
            remedy=f"give at least {length_in_words(floor)}",
        )


def interval_hint(
    author: Author,
    *,
    every: timedelta,
    life: timedelta,
    reason: str | None,
    floor: timedelta,
    now: datetime,
) -> IntervalHint:
    """Return the hint of another interval from now on. Raises ``InvalidInput``."""
    hint = IntervalHint(
        id=HintId(new_uuid()),
        author=author,
        every=every,
        created_at=now,
        expires_at=now + life,
        reason=check_reason(reason),
    )
    check_floor(every, floor, field="interval")
    return hint


def oneshot_hint(
    author: Author, *, at: datetime, life: timedelta, reason: str | None, now: datetime
) -> OneShotHint:
    """Return the hint of one run at an instant. Raises ``InvalidInput``."""
    at = min(at, LATEST)  # it is refused there, and what lies behind cannot be reckoned with
    return OneShotHint(
        id=HintId(new_uuid()),
        author=author,
        at=at,
        created_at=now,
        expires_at=at + life,
        reason=check_reason(reason),
    )


def pause_until(until: datetime, reason: str | None, now: datetime) -> Pause:
    """Return a pause that ends then. Raises ``InvalidInput`` when that lies behind."""
    if until <= now:
        raise InvalidInput(
            "the end of the pause lies behind",
            field="paused_until",
            remedy="give an instant that lies ahead, or none to pause until it is resumed",
        )
    return Pause(until=min(until, OPEN_ENDED), reason=check_reason(reason))


@dataclass(frozen=True, slots=True)
class Clearing:
    """These hints are to end."""

    hints: tuple[HintId, ...]


Grant = Hint | Pause | Clearing | SiblingTrigger
"""What is to be written because of a proposal."""


def grant_of(proposal: Proposal, situation: Situation, *, floor: timedelta, now: datetime) -> Grant:
    """
    Return what is written because a model proposes something, as things stand now.

    Raises:
        InvalidInput: it is refused, and why; nothing of it is granted.
        ForbiddenTransition: the endpoint is archived.
    """
    endpoint = situation.endpoint
    check_unarchived(endpoint, "be planned")
    if situation.job_state is not JobState.ACTIVE:
        raise InvalidInput(
            f"the job is {situation.job_state}", field="job", remedy="propose nothing for now"
        )
    match proposal:
        case ProposeInterval(every=every, life=life, reason=reason):
            _check_life(life)
            return interval_hint(
                Author.AI,
                every=every,
                life=life,
                reason=reason,
                floor=max(floor, situation.floor),
                now=now,
            )
        case ProposeRun(at=at, life=life, reason=reason):
            _check_life(life)
            if at - now > LIFE_MOST:
                raise InvalidInput(
                    "this is too far ahead",
                    field="at",
                    remedy=f"give an instant within {length_in_words(LIFE_MOST)}",
                )
            return oneshot_hint(Author.AI, at=at, life=life, reason=reason, now=now)
        case ProposePause(until=until, reason=reason):
            return _pause(endpoint, until, reason, now)
        case ProposeClearing(reason=reason):
            check_reason(reason)
            found = (hint for hint in situation.hints if hint.author in CLEARED_BY_RULES)
            return Clearing(tuple(hint.id for hint in found if hint.expires_at > now))
        case ProposeTrigger(name=name, reason=reason):
            check_name(name)
            if name == endpoint.name:
                raise InvalidInput(
                    "this is the endpoint itself",
                    field="name",
                    remedy="name another endpoint of the job, or propose a run",
                )
            why = check_reason(reason) or "the AI planner asked for it"
            return SiblingTrigger(TriggerId(new_uuid()), name, why)


def _check_life(life: timedelta) -> None:
    if life > LIFE_MOST:
        raise InvalidInput(
            f"a life of {length_in_words(life)} is too long",
            field="ttl",
            remedy=f"give at most {length_in_words(LIFE_MOST)}",
        )


def _pause(endpoint: Endpoint, until: datetime, reason: str | None, now: datetime) -> Pause:
    """A model's pause ends within a day, within the longest interval, and beside no other."""
    pause = pause_until(ceil_millisecond(min(until, OPEN_ENDED)), reason, now)
    if endpoint.paused_at(now):
        raise InvalidInput(
            "the endpoint is paused already", field="paused_until", remedy="leave its pause alone"
        )
    most = min(PAUSE_MOST, endpoint.guardrails.longest or PAUSE_MOST)
    if until - now > most:
        raise InvalidInput(
            f"a pause of {length_in_words(until - now)} is too long",
            field="paused_until",
            remedy=f"end it within {length_in_words(most)}",
        )
    return pause
