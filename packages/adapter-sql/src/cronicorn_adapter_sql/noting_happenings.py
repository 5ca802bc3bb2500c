"""Brings the AI planner's analyses forward, in the transaction in which something happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.alert import Happening
from cronicorn_domain.policies.analysing import (
    brought_forward,
    cause_by_rule,
    cause_of,
    is_worth_a_look,
)
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.mapping_sessions import analysis_from, values_of_analysis
from cronicorn_adapter_sql.tables import analyses, endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAnalysis:
    """A rule wants the planner to look at an endpoint."""

    endpoint_id: EndpointId
    reason: str
    at: datetime


async def note_happenings(connection: AsyncConnection, happenings: Sequence[Happening]) -> None:
    """Bring forward the analyses of what is worth a look, and of its siblings."""
    for each in happenings:
        if is_worth_a_look(each):
            job = select(endpoints.c.job_id).where(endpoints.c.id == each.endpoint_id)
            causes = {each.endpoint_id: cause_of(each, sibling=False)}
            others = cause_of(each, sibling=True)
            at_job = analyses.c.job_id == job.scalar_subquery()
            await _bring_forward(connection, at_job, causes, others, each.at)


async def note_asked(connection: AsyncConnection, asked: Sequence[AskedAnalysis]) -> None:
    """Bring forward the analyses that rules ask for."""
    for each in sorted(asked, key=lambda one: one.endpoint_id):
        named = analyses.c.endpoint_id == each.endpoint_id
        causes = {each.endpoint_id: cause_by_rule(each.reason)}
        await _bring_forward(connection, named, causes, "", each.at)


async def _bring_forward(
    connection: AsyncConnection,
    which: ColumnElement[bool],
    causes: Mapping[EndpointId, str],
    others: str,
    now: datetime,
) -> None:
    """Locked in the order of their ids, so that two ends of runs do not wait for each other."""
    statement = select(analyses).where(which).order_by(analyses.c.endpoint_id).with_for_update()
    for row in (await connection.execute(statement)).mappings().all():
        standing = analysis_from(row)
        brought = brought_forward(standing, causes.get(standing.endpoint_id, others), now)
        if brought != standing:
            await write_analysis(connection, standing.endpoint_id, values_of_analysis(brought))


async def write_analysis(
    connection: AsyncConnection, endpoint_id: UUID, values: Mapping[str, object]
) -> None:
    """Write an analysis whose row is locked."""
    statement = update(analyses).where(analyses.c.endpoint_id == endpoint_id)
    await connection.execute(statement.values(**values))
