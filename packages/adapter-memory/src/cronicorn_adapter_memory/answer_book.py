"""Kept answers in memory."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from cronicorn_domain.errors import KeyOfAnother, StillUnderWay
from cronicorn_domain.model.answer import Answer, KeyedRequest

from cronicorn_adapter_memory.tables import KeptAnswer
from cronicorn_adapter_memory.transaction import Transaction


class MemoryAnswerBook:
    """What was answered to requests that bear a key, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def begin(
        self, request: KeyedRequest, *, attempt: UUID, until: datetime, now: datetime
    ) -> Answer | None:
        """Return what was answered; None: this attempt is to do it."""
        answers = (await self._transaction.write()).answers
        kept = answers.get((request.tenant, request.key))
        if kept is None or kept.until <= now:
            answers[request.tenant, request.key] = KeptAnswer(
                fingerprint=request.fingerprint, attempt=attempt, until=until
            )
            return None
        if kept.fingerprint != request.fingerprint:
            raise KeyOfAnother
        if kept.answer is None:
            raise StillUnderWay
        return kept.answer

    async def finish(
        self, request: KeyedRequest, answer: Answer, *, attempt: UUID, until: datetime
    ) -> None:
        """Keep what was answered."""
        answers = (await self._transaction.write()).answers
        kept = answers.get((request.tenant, request.key))
        if kept is not None and kept.attempt == attempt:
            answers[request.tenant, request.key] = replace(kept, answer=answer, until=until)

    async def abandon(self, request: KeyedRequest, *, attempt: UUID) -> None:
        """Let others do it."""
        answers = (await self._transaction.write()).answers
        kept = answers.get((request.tenant, request.key))
        if kept is not None and kept.attempt == attempt:
            del answers[request.tenant, request.key]

    async def forget(self, *, now: datetime) -> int:
        """Throw away what has reached its end."""
        answers = (await self._transaction.write()).answers
        ended = [key for key, kept in answers.items() if kept.until <= now]
        for key in ended:
            del answers[key]
        return len(ended)
