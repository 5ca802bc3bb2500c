"""Engines."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


async def test_a_statement_runs(engine: AsyncEngine) -> None:
    """An opened engine answers on both dialects."""
    async with engine.begin() as connection:
        answer = (await connection.execute(text("SELECT 42"))).scalar_one()

    assert answer == 42
