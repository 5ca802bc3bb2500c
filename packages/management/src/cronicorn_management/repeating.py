"""Does a request that bears a key once, however often it comes."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from cronicorn_domain.errors import InvalidInput, StillUnderWay
from cronicorn_domain.identity import new_uuid
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.answer import KEY_LENGTH_MOST, Answer, KeyedRequest

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk

KEPT_FOR: Final = timedelta(days=1)
"""So long a repeat gets the first answer."""
DONE_WITHIN: Final = timedelta(minutes=2)
"""So long a request may take; one that took longer was lost with its process, and is done anew."""
LOOKS: Final = 20
LOOK_EVERY: Final = timedelta(milliseconds=200)
"""A repeat that comes too early waits so long for the first one's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A request is this attempt's to do; it ends with ``keep_answer`` or ``give_up``."""

    request: KeyedRequest
    attempt: UUID


async def begin_once(desk: Desk, caller: Caller, key: str, asked: bytes) -> Answer | Turn:
    """
    Return what was answered, or the turn to do what is asked.

    ``asked`` is everything that makes it this request. Who asks belongs to it, so that nobody gets
    an answer that they could not have got themselves.

    Raises:
        InvalidInput: the key is none; as ``KeyOfAnother``, it came with something else before.
        StillUnderWay: somebody does it at this moment, and has not answered for some seconds.
        AnswerNotKept: it was done, and showed what is shown once.
    """
    _check(key)
    by = f"{caller.actor} {' '.join(sorted(caller.scopes))}\n".encode()
    request = KeyedRequest(
        tenant=caller.tenant,
        key=hashlib.sha256(key.encode()).hexdigest(),
        fingerprint=hmac.new(key.encode(), by + asked, hashlib.sha256).hexdigest(),
    )
    for _ in range(LOOKS):
        try:
            return await _begin(desk, request)
        except StillUnderWay:
            await desk.clock.sleep_until(desk.clock.now() + LOOK_EVERY)
    return await _begin(desk, request)


async def keep_answer(desk: Desk, turn: Turn, answer: Answer) -> None:
    """Keep what was answered for those who ask again."""
    async with desk.units.begin() as unit:
        until = desk.clock.now() + KEPT_FOR
        await unit.answers.finish(turn.request, answer, attempt=turn.attempt, until=until)
        await unit.commit()


async def give_up(desk: Desk, turn: Turn) -> None:
    """Let a request be asked again that was refused, or that failed."""
    async with desk.units.begin() as unit:
        await unit.answers.abandon(turn.request, attempt=turn.attempt)
        await unit.commit()


async def forget_answers(desk: Desk) -> int:
    """Throw away what was kept long enough, and return how much it was."""
    async with desk.units.begin() as unit:
        count = await unit.answers.forget(now=desk.clock.now())
        await unit.commit()
    return count


async def _begin(desk: Desk, request: KeyedRequest) -> Answer | Turn:
    attempt, now = new_uuid(), floor_millisecond(desk.clock.now())
    async with desk.units.begin() as unit:
        answer = await unit.answers.begin(
            request, attempt=attempt, until=now + DONE_WITHIN, now=now
        )
        await unit.commit()
    return Turn(request=request, attempt=attempt) if answer is None else answer


def _check(key: str) -> None:
    if not 1 <= len(key) <= KEY_LENGTH_MOST or not key.isascii() or not key.isprintable():
        raise InvalidInput(
            "this is no key",
            field="Idempotency-Key",
            remedy=f"give 1 to {KEY_LENGTH_MOST} letters, digits and signs, such as a UUID",
        )
