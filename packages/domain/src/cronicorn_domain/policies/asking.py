"""What a target asks for in the head of its answer, and what of it is granted."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, TypeVar

from cronicorn_domain.identity import HintId
from cronicorn_domain.instants import LATEST, NO_TIME, OPEN_ENDED, ceil_millisecond
from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.model.hint import DEFAULT_LIFE, LONGEST_LIFE, Author, OneShotHint
from cronicorn_domain.model.run import Failed, Outcome, Response, Succeeded
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.endpoint_states import paused
from cronicorn_domain.ports.endpoint_queue import Settlement
from cronicorn_domain.wording import length_in_words

WAIT_MOST: Final = timedelta(hours=1)
"""So long a target may put off an endpoint that has no longest interval."""

RETRY_AFTER: Final = "retry-after"
NEXT_RUN_IN: Final = "cronicorn-next-run-in"
PAUSE_UNTIL: Final = "cronicorn-pause-until"
_ASKING: Final = frozenset({RETRY_AFTER, NEXT_RUN_IN, PAUSE_UNTIL})
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_REDIRECTS: Final = range(300, 400)
_VALUE_LENGTH: Final = 64
_DIGITS_MOST: Final = 12

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What a response asks for, as far as it is granted.

    Attributes:
        not_before: Nothing is to run before it.
        reason: Why, as a clause.
        hints: At most one: a single run at an instant.
        pause: The endpoint is to be paused.
        remark: What was asked for and not granted, and why.
    """

    not_before: datetime | None = None
    reason: str | None = None
    hints: tuple[OneShotHint, ...] = ()
    pause: Pause | None = None
    remark: str | None = None

    def heeded(self, situation: Situation, now: datetime) -> Situation:
        """Return the situation with what is asked for, so that it is planned from."""
        state, endpoint = situation.state, situation.endpoint
        if self.not_before is not None:
            held = state.not_before
            if held is None or held < self.not_before:
                state = replace(state, not_before=self.not_before, not_before_reason=self.reason)
        if self.pause is not None:
            endpoint = paused(endpoint, self.pause, now)
        hints = (*situation.hints, *self.hints)
        return replace(situation, state=state, endpoint=endpoint, hints=hints)


NOTHING: Final = Asked()


class _NotGranted(Exception):
    """Why something that was asked for is not granted, as a clause."""


def asked_for(situation: Situation, settlement: Settlement) -> Asked:
    """
    Say what the answer of the leased run asks for; `NOTHING`, as nearly always.

    ``Retry-After`` counts with 429, 503 and redirects; hints and ``410 Gone`` do where the endpoint
    heeds them. Lengths count from the end of the run. What cannot be meant, or comes too late
    because a person has paused or archived the endpoint meanwhile, is told and changes nothing.
    """
    response = _response_of(settlement.outcome)
    if response is None:
        return NOTHING
    heeds, status = situation.endpoint.heeds, response.status_code
    if not heeds.hints and status < _REDIRECTS.start:
        return NOTHING
    asking = _Asking(situation, settlement.ended_at, response)
    not_before, reason = asking.wait()
    hints, pause = asking.hints(), asking.pause(gone=heeds.gone and is_gone(settlement.outcome))
    if not_before is None and not hints and pause is None and not asking.remarks:
        return NOTHING
    remark = "; ".join(asking.remarks) or None
    return Asked(not_before=not_before, reason=reason, hints=hints, pause=pause, remark=remark)


def is_gone(outcome: Outcome) -> bool:
    """Say whether the target answered that it is gone for good."""
    response = _response_of(outcome)
    return response is not None and response.status_code == HTTPStatus.GONE


def is_asking(name: str, value: str) -> bool:
    """Say whether a header asks for something, in a value that any store can hold."""
    plain = value.isascii() and value.isprintable() and len(value) <= _VALUE_LENGTH
    return plain and name.lower() in _ASKING


class _Asking:
    """One response under examination; ``remarks`` collects what is not granted."""

    def __init__(self, situation: Situation, ended_at: datetime, response: Response) -> None:
        self._situation = situation
        self._endpoint = situation.endpoint
        self._ended_at = ended_at
        self._status = response.status_code
        self._headers = [(name.lower(), value) for name, value in response.headers]
        self.remarks: list[str] = []

    def wait(self) -> tuple[datetime | None, str | None]:
        """Return the instant before which nothing is to run, and why; None: it may at once."""
        if self._status not in _BUSY and self._status not in _REDIRECTS:
            return None, None
        wanted = self._read(RETRY_AFTER, lambda text: _wait_in(text, self._ended_at))
        if wanted is None or wanted <= NO_TIME:
            return None, None
        most = self._endpoint.guardrails.longest or WAIT_MOST
        reason = f"the target answered {self._status} and asked to wait {length_in_words(wanted)}"
        if wanted > most:
            reason = f"{reason}, of which {length_in_words(most)} are granted"
        return ceil_millisecond(self._ended_at + min(wanted, most)), reason

    def hints(self) -> tuple[OneShotHint, ...]:
        """Return the single run that is asked for, if one is."""
        if not self._endpoint.heeds.hints:
            return ()
        wanted = self._read(NEXT_RUN_IN, self._granted_length)
        if wanted is None:
            return ()
        at = self._ended_at + wanted
        return (
            OneShotHint(
                id=self._hint_id(),
                author=Author.RESPONSE,
                at=at,
                created_at=self._ended_at,
                expires_at=ceil_millisecond(at) + DEFAULT_LIFE,
                reason=f"the response asked for a run in {length_in_words(wanted)}",
            ),
        )

    def pause(self, *, gone: bool) -> Pause | None:
        """Return the pause that is asked for, if one is and none holds."""
        if gone:
            if self._refusal() is not None:
                return None
            return Pause(until=OPEN_ENDED, reason="its target answered 410 Gone")
        if not self._endpoint.heeds.hints:
            return None
        until = self._read(PAUSE_UNTIL, self._granted_instant)
        if until is None:
            return None
        return Pause(until=until, reason="its target's response asked for it")

    def _hint_id(self) -> HintId:
        """A run proposes one hint at most: it bears the run's id, which says where it is from."""
        lease = self._situation.lease
        assert lease is not None, "only a leased run ends"
        return HintId(lease.run_id)

    def _read(self, name: str, meaning: Callable[[str], ValueT]) -> ValueT | None:
        """Read a header; what it cannot mean, or is not granted, is remarked upon."""
        values = [value.strip() for each, value in self._headers if each == name]
        if not values:
            return None
        try:
            return meaning(_only(values))
        except _NotGranted as why:
            shown = values[0][:_VALUE_LENGTH]
            self.remarks.append(f"{_NAMES[name]} {shown!r} is not heeded: {why}")
            return None

    def _granted_length(self, text: str) -> timedelta:
        length = _seconds(text)
        if length is None:
            raise _NotGranted("it is no whole number of seconds")
        if not timedelta(seconds=1) <= length <= LONGEST_LIFE:
            raise _NotGranted("it is not between 1 second and 3660 days")
        if self._endpoint.archived_at is not None:
            raise _NotGranted("the endpoint is archived")
        if self._ended_at + length >= LATEST:
            raise _NotGranted("it lies too far ahead")
        return length

    def _granted_instant(self, text: str) -> datetime:
        instant = _instant(text)
        if instant is None:
            raise _NotGranted("it is no instant with a zone, such as 2030-01-01T12:00:00Z")
        if instant <= self._ended_at:
            raise _NotGranted("it lies behind")
        if instant - self._ended_at > LONGEST_LIFE:
            raise _NotGranted("it lies more than 3660 days ahead")
        if (refusal := self._refusal()) is not None:
            raise _NotGranted(refusal)
        return instant

    def _refusal(self) -> str | None:
        """Say why no pause is taken: who paused it, or archived it, has the say."""
        if self._endpoint.archived_at is not None:
            return "the endpoint is archived"
        return "the endpoint is paused" if self._endpoint.paused_at(self._ended_at) else None


_NAMES: Final = {
    RETRY_AFTER: "Retry-After",
    NEXT_RUN_IN: "Cronicorn-Next-Run-In",
    PAUSE_UNTIL: "Cronicorn-Pause-Until",
}


def _only(values: list[str]) -> str:
    if len(set(values)) > 1:
        raise _NotGranted("it is given several times")
    return values[0]


def _response_of(outcome: Outcome) -> Response | None:
    return outcome.response if isinstance(outcome, Succeeded | Failed) else None


def _wait_in(text: str, ended_at: datetime) -> timedelta:
    """Read what ``Retry-After`` holds: whole seconds, or a date as HTTP writes it."""
    length = _seconds(text)
    if length is not None:
        return length
    try:
        date = parsedate_to_datetime(text)
        aware = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        raise _NotGranted("it is neither whole seconds nor an HTTP date") from None
    return aware - ended_at


def _seconds(text: str) -> timedelta | None:
    """Read whole seconds; more than a calendar holds is as much as it holds."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    few = len(digits) < _DIGITS_MOST
    return timedelta(seconds=int(digits)) if few else timedelta(days=999_999)


def _instant(text: str) -> datetime | None:
    """Read an ISO 8601 instant with its zone, in UTC."""
    try:
        instant = datetime.fromisoformat(text)
        return None if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
