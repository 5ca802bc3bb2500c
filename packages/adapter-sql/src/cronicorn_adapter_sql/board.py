"""Where a tenant's endpoints stand, on SQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId, JobId, RunId, TenantId
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.model.run import OutcomeClass, RunStatus
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.policies.explaining import condition_under
from cronicorn_domain.policies.severity import rank
from cronicorn_domain.ports.board import (
    Attention,
    Counts,
    DueTogether,
    Found,
    LatestRun,
    MinuteTally,
    Order,
    Recent,
    Standing,
    Wanted,
)
from cronicorn_domain.ports.overview import Tally
from cronicorn_domain.schedules.schedule import Schedule
from sqlalchemy import Executable

from cronicorn_adapter_sql.board_statements import BoardStatements, recent
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.latest_runs import latest_of_ids
from cronicorn_adapter_sql.lengths import from_microseconds
from cronicorn_adapter_sql.looking_widely import look_widely
from cronicorn_adapter_sql.mapping_endpoints import schedule_from
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.mapping_states import state_from, state_without_plans
from cronicorn_adapter_sql.side_by_side import rows_of
from cronicorn_adapter_sql.situation_statements import STATE_COLUMNS
from cronicorn_adapter_sql.transaction import Transaction

_TALLIED = {
    OutcomeClass.SUCCESS.value: "success",
    OutcomeClass.TARGET.value: "target_failure",
    OutcomeClass.OURS.value: "our_failure",
    OutcomeClass.NOT_ATTEMPTED.value: "not_attempted",
}


_COMMON: Final = frozenset({Source.BASELINE_CRON, Source.BASELINE_INTERVAL, Source.BASELINE_ONCE})


class SqlBoard:
    """Lists and counts of endpoints, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._looks_widely = False

    async def find(
        self,
        tenant: TenantId,
        which: Wanted,
        *,
        now: datetime,
        order: Order = Order.NAME,
        limit: int,
        after: EndpointId | None = None,
        count_to: int = 0,
    ) -> Found:
        """Return endpoints, and count all of them."""
        statements = self._statements(tenant, now)
        if _looks_through(which):
            await self._look_widely()
        page = statements.page(which, order, limit=limit, after=after, count_to=count_to)
        rows = await self._all(page, which)
        total = rows[0]["total"] if rows else 0
        if not rows and count_to and after is not None:
            ((counted),) = await self._all(statements.count(which, to=count_to), which)
            total = counted["total"]
        return Found(standings=[_standing(row, now) for row in rows], total=total)

    async def find_ids(
        self, tenant: TenantId, which: Wanted, *, now: datetime
    ) -> Sequence[EndpointId]:
        """Return all endpoints that are meant."""
        await self._look_widely()
        rows = await self._all(self._statements(tenant, now).ids(which), which)
        return [EndpointId(row["id"]) for row in rows]

    async def latest_runs(
        self, tenant: TenantId, endpoint_ids: Collection[EndpointId], *, limit: int
    ) -> Mapping[EndpointId, Sequence[LatestRun]]:
        """Return the newest runs of each endpoint that has any."""
        ids = list(dict.fromkeys(endpoint_ids))
        if not ids:
            return {}
        statement = latest_of_ids(self._dialect, tenant, limit)
        return _latest_runs(await self._all(statement, given={"ids": ids}), limit)

    async def counts(self, tenant: TenantId, *, now: datetime) -> Counts:
        """Count the endpoints by where they stand."""
        await self._look_widely()
        (row,) = await self._all(self._statements(tenant, now).counts())
        return Counts(**row)

    async def attention(
        self, tenant: TenantId, *, now: datetime, limit: int, runs: int
    ) -> Attention:
        """Return what needs somebody, the worst first, and the latest runs of what fails."""
        rows = await self._all(self._statements(tenant, now).attention(limit, runs))
        found = (_standing(row, now) for row in rows_of("needy", rows))
        worst = sorted(found, key=lambda each: rank(each, now))[:limit]
        latest = _latest_runs(rows_of("latest", rows), runs)
        return Attention(
            standings=worst,
            latest={each.id: latest[each.id] for each in worst if each.id in latest},
        )

    async def recent(
        self, tenant: TenantId, windows: Sequence[tuple[datetime, datetime]]
    ) -> Recent:
        """Return what came of the slots in some stretches of time."""
        minutes: dict[datetime, Tally] = defaultdict(Tally)
        lateness: dict[datetime, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        not_run: dict[Fate, int] = {}
        for row in await self._all(recent(tenant, windows)):
            minute, count, timed = row["minute"], int(row["count"]), int(row["timed"])
            if minute is None:
                not_run[Fate(row["what"])] = count
                continue
            lasted = timedelta(microseconds=int(row["duration"]))
            counted = {_TALLIED[row["what"]]: count}
            minutes[minute] = minutes[minute].plus(Tally(timed=timed, duration=lasted, **counted))
            if timed:
                lateness[minute][row["step"]] += timed
        return Recent(
            minutes=[
                MinuteTally(begins_at=each, tally=minutes[each], lateness=dict(lateness[each]))
                for each in sorted(minutes)
            ],
            not_run=not_run,
        )

    async def upcoming(self, tenant: TenantId, *, until: datetime) -> Sequence[DueTogether]:
        """Return what can be claimed before an instant."""
        return [
            DueTogether(begins_at=row["minute"], schedule=_schedule(row), count=row["count"])
            for row in await self._all(self._statements(tenant, until).upcoming(until))
        ]

    async def _look_widely(self) -> None:
        """Compare all endpoints as the database thinks best, for the rest of the transaction."""
        if not self._looks_widely:
            self._looks_widely = True
            with translated():
                await look_widely(self._transaction.connection)

    def _statements(self, tenant: TenantId, now: datetime) -> BoardStatements:
        return BoardStatements(self._dialect, tenant, now)

    @property
    def _dialect(self) -> str:
        return self._transaction.connection.dialect.name

    async def _all(
        self,
        statement: Executable,
        which: Wanted | None = None,
        *,
        given: Mapping[str, Any] | None = None,
    ) -> Sequence[Columns]:
        values = dict(given or {})
        if which is not None and which.ids is not None:
            values["chosen"] = list(which.ids)
        with translated():
            result = await self._transaction.connection.execute(statement, values)
            rows: Sequence[Columns] = result.mappings().all()
        return rows


def _looks_through(which: Wanted) -> bool:
    """
    Say whether PostgreSQL is to find out what is rare among all endpoints.

    What is common has a page of it at once along the names, or whatever else lists go by.
    """
    if which.text is not None or which.late is not None or which.failing is not None:
        return True
    by_source = which.sources is not None and not which.sources & _COMMON
    by_condition = which.conditions is not None and Condition.ACTIVE not in which.conditions
    return by_source or by_condition


def _standing(row: Columns, now: datetime) -> Standing:
    state, until = _state(row), row["paused_until"]
    pause = None if until is None else Pause(until=until, reason=row["pause_reason"])
    job_paused = row["job_state"] == "paused"
    paused = job_paused or (pause is not None and pause.until > now)
    return Standing(
        id=EndpointId(row["id"]),
        job_id=JobId(row["job_id"]),
        job_name=row["job_name"],
        name=row["name"],
        url=row["url"],
        method=row["method"],
        schedule=_schedule(row),
        shortest=from_microseconds(row["shortest"]),
        longest=from_microseconds(row["longest"]),
        state=state,
        condition=condition_under(
            state, archived=False, paused=paused, leased=bool(row["leased"]), now=now
        ),
        created_at=row["created_at"],
        pause=pause,
        job_paused=job_paused,
        claimable_from=row["claimable_from"],
        waits=row["lane"] is not None,
    )


def _state(row: Columns) -> EndpointState:
    columns = {name: row[f"state_{name}"] for name in STATE_COLUMNS}
    try:
        return state_from(columns)
    except (InvalidInput, ValueError, KeyError, TypeError):
        return state_without_plans(columns)


def _schedule(row: Columns) -> Schedule | None:
    try:
        return schedule_from(row)
    except (InvalidInput, ValueError):
        return None


def _latest_runs(rows: Sequence[Columns], limit: int) -> Mapping[EndpointId, Sequence[LatestRun]]:
    """Tell runs by endpoint, the newest first; attempts of one slot may be more than asked for."""
    found: dict[EndpointId, list[LatestRun]] = defaultdict(list)
    for row in sorted(rows, key=lambda each: (each["slot"], each["attempt"]), reverse=True):
        found[EndpointId(row["endpoint_id"])].append(_latest_run(row))
    return {endpoint_id: runs[:limit] for endpoint_id, runs in found.items()}


def _latest_run(row: Columns) -> LatestRun:
    judged = row["outcome_class"]
    return LatestRun(
        id=RunId(row["id"]),
        slot=row["slot"],
        status=RunStatus(row["status"]),
        outcome_class=None if judged is None else OutcomeClass(judged),
        status_code=row["status_code"],
        started_at=None if judged is None else row["started_at"],
        finished_at=row["finished_at"],
    )
