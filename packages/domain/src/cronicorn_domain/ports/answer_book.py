"""Keeps answers for a while, so that a request that is repeated is done once."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from cronicorn_domain.model.answer import Answer, KeyedRequest


class AnswerBook(Protocol):
    """
    What was answered to requests that bear a key; takes part in the caller's unit of work.

    Promises:

    - Of any number that begin the same request, one is to do it, and the others are told.
    - What has reached its end is as if it had never been; equal is ended.
    - What is secret in an answer cannot be read from what is kept.
    """

    async def begin(
        self, request: KeyedRequest, *, attempt: UUID, until: datetime, now: datetime
    ) -> Answer | None:
        """
        Return what was answered; None if nobody did it: this attempt is to do it until an instant.

        Raises:
            KeyOfAnother: the key was given with a request that asks for something else.
            StillUnderWay: another attempt is at it.
            AnswerNotKept: it was done, and the answer held a secret that could not be kept.
        """
        ...

    async def finish(
        self, request: KeyedRequest, answer: Answer, *, attempt: UUID, until: datetime
    ) -> None:
        """Keep what was answered until an instant; nothing if the attempt is not at it any more."""
        ...

    async def abandon(self, request: KeyedRequest, *, attempt: UUID) -> None:
        """Let others do it; nothing if the attempt is not at it any more."""
        ...

    async def forget(self, *, now: datetime) -> int:
        """Throw away what has reached its end, and return how much it was."""
        ...
