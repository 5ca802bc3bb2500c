"""Columns that mean the same on both dialects."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cronicorn_adapter_sql.column_types import JSON_DOCUMENT, UtcDateTime, metadata
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, null, select
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncEngine

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

trial = Table(
    "trial",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("instant", UtcDateTime),
    Column("document", JSON_DOCUMENT),
)


@pytest.fixture
async def with_trial(engine: AsyncEngine) -> AsyncEngine:
    """Give an engine over a database that has the trial table, too."""
    async with engine.begin() as connection:
        await connection.run_sync(trial.create)
    return engine


async def test_an_instant_comes_back_aware_and_in_utc(with_trial: AsyncEngine) -> None:
    """An instant of any zone is the same instant, in UTC, to the microsecond."""
    tokyo = (NOON + timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=9)))
    async with with_trial.begin() as connection:
        await connection.execute(insert(trial).values(id=1, instant=tokyo))
        await connection.execute(insert(trial).values(id=2, instant=None))
        stored = (await connection.execute(select(trial.c.instant).order_by(trial.c.id))).scalars()
        latest = (await connection.execute(select(func.max(trial.c.instant)))).scalar_one()

    instant, nothing = stored
    assert instant == tokyo
    assert instant.tzinfo is UTC
    assert nothing is None
    assert latest == tokyo
    assert latest.tzinfo is UTC


async def test_a_naive_instant_is_refused(with_trial: AsyncEngine) -> None:
    """An instant without a zone is a mistake, and never becomes a row."""
    async with with_trial.begin() as connection:
        with pytest.raises(StatementError, match="naive instant"):
            await connection.execute(insert(trial).values(id=1, instant=NOON.replace(tzinfo=None)))


async def test_instants_are_ordered_as_time_is(with_trial: AsyncEngine) -> None:
    """Comparison and order in the database are those of time, with and without a fraction."""
    instants = [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(seconds=1)]
    async with with_trial.begin() as connection:
        for n, instant in enumerate(reversed(instants)):
            await connection.execute(insert(trial).values(id=n, instant=instant))
        ordered = select(trial.c.instant).order_by(trial.c.instant)
        found = (await connection.execute(ordered)).scalars().all()
        later = (await connection.execute(ordered.where(trial.c.instant > NOON))).scalars().all()

    assert found == instants
    assert later == instants[1:]


async def test_a_document_comes_back_as_it_was(with_trial: AsyncEngine) -> None:
    """JSON keeps its nesting and text of any script."""
    document = {"a": [1, 2.5, None, True], "é\N{SNOWMAN}": {"": "\\\"'\n"}}
    async with with_trial.begin() as connection:
        await connection.execute(insert(trial).values(id=1, document=document))
        found = (await connection.execute(select(trial.c.document))).scalar_one()

    assert found == document


async def test_no_document_is_null(with_trial: AsyncEngine) -> None:
    """``None`` is stored as SQL's null, so that ``IS NULL`` finds it."""
    async with with_trial.begin() as connection:
        await connection.execute(insert(trial).values(id=1, document=None))
        count = (
            await connection.execute(select(func.count()).where(trial.c.document.is_(null())))
        ).scalar_one()

    assert count == 1


def test_every_constraint_has_a_name() -> None:
    """The metadata names what nobody named, so that migrations and errors can speak of it."""
    assert set(metadata.naming_convention) >= {"pk", "uq", "fk", "ck", "ix"}
