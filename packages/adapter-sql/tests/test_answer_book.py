"""Kept answers on SQL keep the contract."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring, parse_keys
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import kept_answers
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.errors import AnswerNotKept
from cronicorn_domain.identity import new_uuid
from cronicorn_domain.testing.answer_book_contract import (
    ANSWER,
    REQUEST,
    TOMORROW,
    AnswerBookContract,
    begun,
)
from cronicorn_domain.testing.store import Store
from sqlalchemy import select


class TestSqlAnswerBook(AnswerBookContract):
    """Answers in a table."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store."""
        return sql_store


@pytest.mark.parametrize("reader", [None, "others:" + "B" * 43 + "="])
async def test_a_secret_that_cannot_be_kept_is_not_kept(database_url: str, reader) -> None:
    """Without a key, or read with another, it is known that it was done, and no more; trap T43."""
    keys = "" if reader is None else "ours:" + "A" * 43 + "="
    answer, attempt = replace(ANSWER, body="the secret", secret=True), new_uuid()
    async with opened(database_url, keys) as store:
        assert await begun(store.units, REQUEST, attempt=attempt) is None
        async with store.units.begin() as unit:
            await unit.answers.finish(REQUEST, answer, attempt=attempt, until=TOMORROW)
            await unit.commit()
        async with store.engine.connect() as connection:
            kept = (await connection.execute(select(kept_answers))).all()

    async with opened(database_url, reader or "") as store:
        with pytest.raises(AnswerNotKept):
            await begun(store.units, REQUEST)
    assert "the secret" not in str(kept)


def opened(url: str, keys: str) -> AbstractAsyncContextManager[SqlStore]:
    """Open the store of a database with keys."""
    vault = Vault(Keyring(parse_keys(keys) if keys else ()))
    return open_store(parse_database_url(url), vault=vault)
