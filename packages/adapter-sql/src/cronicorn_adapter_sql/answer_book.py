"""Kept answers on SQL: a row for each request that bears a key, locked while it is decided on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from cronicorn_domain.errors import (
    AnswerNotKept,
    KeyOfAnother,
    SecretsUnavailable,
    StillUnderWay,
)
from cronicorn_domain.model.answer import Answer, KeyedRequest
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.tables import kept_answers
from cronicorn_adapter_sql.transaction import Transaction
from cronicorn_adapter_sql.vault import Vault

_COLUMNS: Final = kept_answers.c
_INSERT: Final[Mapping[str, Any]] = {
    "postgresql": postgresql.insert(kept_answers).on_conflict_do_nothing().returning(_COLUMNS.key),
    "sqlite": sqlite.insert(kept_answers).on_conflict_do_nothing().returning(_COLUMNS.key),
}


class SqlAnswerBook:
    """What was answered to requests that bear a key, within one transaction."""

    def __init__(self, transaction: Transaction, *, vault: Vault) -> None:
        self._transaction = transaction
        self._vault = vault

    async def begin(
        self, request: KeyedRequest, *, attempt: UUID, until: datetime, now: datetime
    ) -> Answer | None:
        """Return what was answered; None: this attempt is to do it."""
        connection = await self._transaction.begin_writing()
        begun = _begun(request, attempt, until)
        with translated():
            new = await connection.execute(_INSERT[connection.dialect.name], begun)
            if new.first() is not None:
                return None
            stands = select(kept_answers).where(*_this(request)).with_for_update()
            row = (await connection.execute(stands)).mappings().one_or_none()
            if row is None:  # it was thrown away at this moment
                raise StillUnderWay
            if row["until"] <= now:
                await connection.execute(
                    update(kept_answers).where(*_this(request)).values({**_NOTHING, **begun})
                )
                return None
        return self._answer(request, row)

    async def finish(
        self, request: KeyedRequest, answer: Answer, *, attempt: UUID, until: datetime
    ) -> None:
        """Keep what was answered."""
        connection = await self._transaction.begin_writing()
        mine = update(kept_answers).where(*_this(request), _COLUMNS.attempt == attempt)
        values = {**self._kept(request, answer), "until": until}
        with translated():
            await connection.execute(mine.values(values))

    async def abandon(self, request: KeyedRequest, *, attempt: UUID) -> None:
        """Let others do it."""
        connection = await self._transaction.begin_writing()
        mine = delete(kept_answers).where(*_this(request), _COLUMNS.attempt == attempt)
        with translated():
            await connection.execute(mine)

    async def forget(self, *, now: datetime) -> int:
        """Throw away what has reached its end."""
        connection = await self._transaction.begin_writing()
        ended = delete(kept_answers).where(_COLUMNS.until <= now).returning(_COLUMNS.key)
        with translated():
            return len((await connection.execute(ended)).all())

    def _kept(self, request: KeyedRequest, answer: Answer) -> Values:
        """Seal what is secret; where it cannot be, only that it was done is kept."""
        body: str | None = answer.body
        if answer.secret:
            try:
                body = self._vault.seal_answer(request.tenant, request.key, answer.body)
            except SecretsUnavailable:
                body = None
        return {
            "status": answer.status,
            "media_type": answer.media_type,
            "secret": answer.secret,
            "body": body,
        }

    def _answer(self, request: KeyedRequest, row: Columns) -> Answer:
        if row["fingerprint"] != request.fingerprint:
            raise KeyOfAnother
        if row["status"] is None:
            raise StillUnderWay
        body = row["body"]
        if row["secret"]:
            body = self._opened(request, body)
        return Answer(
            status=row["status"], media_type=row["media_type"], secret=row["secret"], body=body
        )

    def _opened(self, request: KeyedRequest, sealed: str | None) -> str:
        if sealed is None:
            raise AnswerNotKept
        try:
            return self._vault.open_answer(request.tenant, request.key, sealed)
        except SecretsUnavailable as error:
            raise AnswerNotKept from error


_NOTHING: Final[Values] = {"status": None, "media_type": None, "secret": False, "body": None}


def _begun(request: KeyedRequest, attempt: UUID, until: datetime) -> Values:
    return {
        "tenant": request.tenant,
        "key": request.key,
        "fingerprint": request.fingerprint,
        "attempt": attempt,
        "until": until,
        "secret": False,
    }


def _this(request: KeyedRequest) -> tuple[ColumnElement[bool], ...]:
    return _COLUMNS.tenant == request.tenant, _COLUMNS.key == request.key
