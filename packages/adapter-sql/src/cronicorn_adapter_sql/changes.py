# ruff: noqa: S608  names of our own tables and columns only
"""Collects what a transaction makes of endpoints, and writes it in a fixed number of statements."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change, Claim
from cronicorn_domain.policies.eligibility import claimable_from
from cronicorn_domain.policies.pausing import pause_by_run
from cronicorn_domain.ports.hint_book import HintEnd
from cronicorn_domain.ports.wakeups import LOOK_WITHIN
from sqlalchemy import bindparam, delete, exists, insert, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.audit_rows import NOTE, values_of_entry
from cronicorn_adapter_sql.bulk import Bulk, changing, columns_of, insertion, recordset, removal
from cronicorn_adapter_sql.mapping_endpoints import values_of_standing
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.mapping_states import values_of_hint, values_of_record, values_of_state
from cronicorn_adapter_sql.situations import ReadEndpoint, UnreadableEndpoint
from cronicorn_adapter_sql.tables import due, endpoint_state, endpoints, hints, leases, slot_records


@dataclass(slots=True, kw_only=True)
class Brought:
    """
    What is claimable once a transaction is committed, and what else it tells.

    Attributes:
        first: The first instant at which anything that was put in can be claimed.
        earlier: Whether something may be claimed sooner than before: sleepers are to be woken.
        soon: Whether it comes before those of other processes look anyway: they are to be told.
        recorded: Slots that were recorded instead of run, by fate.
    """

    first: datetime | None = None
    earlier: bool = False
    soon: bool = False
    recorded: Counter[Fate] = field(default_factory=Counter)

    def record(self, records: Iterable[SlotRecord]) -> None:
        """Note slots that are recorded instead of run."""
        for each in records:
            self.recorded[each.fate] += each.count

    def put_in(self, due_at: datetime, now: datetime, *, before: datetime | None) -> None:
        """Note the instant from which an endpoint is claimable, and the one it had ``before``."""
        earlier = before is None or due_at < before
        self.earlier = self.earlier or earlier
        self.soon = self.soon or (earlier and due_at <= now + LOOK_WITHIN)
        self.first = due_at if self.first is None else min(due_at, self.first)


@dataclass(slots=True)
class Changes:
    """The writes of one transaction about endpoints it has locked, and what they bring about."""

    brought: Brought = field(default_factory=Brought)
    _born: list[Values] = field(default_factory=list)
    _states: list[Values] = field(default_factory=list)
    _records: list[Values] = field(default_factory=list)
    _following: list[Values] = field(default_factory=list)
    _gone: list[Values] = field(default_factory=list)
    _new: list[Values] = field(default_factory=list)
    _hints: list[Values] = field(default_factory=list)
    _cleared: list[Values] = field(default_factory=list)
    _pauses: list[Values] = field(default_factory=list)
    _noted: list[Values] = field(default_factory=list)

    def add(self, new: Situation, change: Change, now: datetime) -> None:
        """Take the first plan of a new endpoint, whose own row is written already."""
        planned = replace(new, state=change.state)
        due_at = claimable_from(planned, now)
        if due_at is not None:
            self._put_in(planned, due_at, revision=0)
            self.brought.put_in(due_at, now, before=None)
        self._born.append(_values_of_new_state(planned, due_at))
        self._keep_records(planned, change)

    def apply(
        self, read: ReadEndpoint, change: Change, now: datetime, *, after: Situation | None = None
    ) -> None:
        """
        Take a transition's change of an endpoint, and make its due row say when it is claimable.

        ``after`` is the situation the change leaves, where more than the state differs from what
        was read (an edited endpoint, a job's new state, other hints, a lease that has ended). Then
        the revision grows also where the state stays as it was, as it does while a lease lives.
        """
        situation = replace(after or read.situation, state=change.state)
        self._keep_asked(situation, change, now)
        due_at = None if situation.lease else claimable_from(situation, now)
        if due_at is not None and read.due_at is not None and due_at <= now:
            # What is overdue keeps its place: whoever writes to it often is not to starve it.
            due_at = min(due_at, read.due_at)
        changed = after is not None or change.state != read.situation.state
        if changed or due_at != read.due_at:
            self._take_out(read.id, read.due_at)
            if due_at is not None:
                self._put_in(situation, due_at, revision=read.revision + 1)
                self.brought.put_in(due_at, now, before=read.due_at)
            self._write_state(read.id, change.state, due_at)
        self._keep_records(situation, change)

    def lease(self, read: ReadEndpoint, claim: Claim) -> int:
        """
        Take a claim's change, and return the revision that the endpoint then has.

        Mostly nothing of the state changes, and it is not written: while the lease lives, its
        pointer into `due` means nothing. What the claim consumes is weighed, and so counts.
        """
        self._keep_records(read.situation, claim.change)
        if leaves_state_alone(read.situation, claim):
            return read.revision
        self._write_state(read.id, claim.change.state, None)
        return read.revision + 1

    def set_aside(self, endpoint: UnreadableEndpoint) -> None:
        """Quarantine an endpoint that cannot be read; healing it makes a new plan."""
        state = replace(endpoint.state, plan=None, urgent=None, quarantine=endpoint.reason)
        self._take_out(endpoint.id, endpoint.due_at)
        self._write_state(endpoint.id, state, None)

    async def write(self, connection: AsyncConnection) -> None:
        """Write what was taken."""
        await BEAR.run(connection, self._born)
        await TAKE_OUT.run(connection, self._gone)
        await CHANGE_STATE.run(connection, self._states)
        await PUT_IN.run(connection, self._new)
        await RECORD.run(connection, self._records)
        await PROLONG.run(connection, self._following)
        await RECORD_ELSE.run(connection, self._following)
        if self._hints:
            await connection.execute(insert(hints), self._hints)
        if self._cleared:
            await connection.execute(_CLEAR, self._cleared)
        await STAND.run(connection, self._pauses)
        await NOTE.run(connection, self._noted)

    def _write_state(
        self, endpoint_id: EndpointId, state: EndpointState, due_at: datetime | None
    ) -> None:
        values = {"endpoint_id": endpoint_id, **values_of_state(state), "due_at": due_at}
        self._states.append(values)

    def _keep_records(self, situation: Situation, change: Change) -> None:
        for each in change.records:
            values = values_of_record(situation.endpoint, each)
            if each.follows is None:
                self._records.append(values)
            else:
                self._following.append({**values, "follows": each.follows})
        self.brought.record(change.records)

    def _keep_asked(self, situation: Situation, change: Change, now: datetime) -> None:
        """Keep what a response or a rule has asked for: hints that begin and end, and a pause."""
        endpoint = situation.endpoint
        self._hints += [values_of_hint(endpoint.tenant, endpoint.id, each) for each in change.hints]
        self._cleared += [{"cleared": each, "cleared_now": now} for each in change.cleared]
        if change.pause is not None:
            self._pauses.append({"id": endpoint.id, **values_of_standing(endpoint)})
            self._noted.append(values_of_entry(pause_by_run(endpoint, change.pause, now)))

    def _take_out(self, endpoint_id: EndpointId, due_at: datetime | None) -> None:
        if due_at is not None:
            self._gone.append({"due_at": due_at, "endpoint_id": endpoint_id})

    def _put_in(self, situation: Situation, due_at: datetime, *, revision: int) -> None:
        endpoint, plan = situation.endpoint, situation.state.next_plan
        assert plan is not None  # else it could not be claimed from any instant on
        row: Values = {
            "due_at": due_at,
            "endpoint_id": endpoint.id,
            "tenant": endpoint.tenant,
            "slot": plan.slot,
            "host": endpoint.request.host,
            "revision": revision,
        }
        self._new.append(row)


def leaves_state_alone(situation: Situation, claim: Claim) -> bool:
    """Say whether a claim changes nothing that the governor weighs."""
    if claim.hints or claim.triggers:
        return False
    # Mostly it is the same object, which tells more cheaply than a look at every field.
    return claim.change.state is situation.state or claim.change.state == situation.state


async def set_aside_unread(
    connection: AsyncConnection, endpoint_id: EndpointId, reason: str
) -> TenantId | None:
    """
    Quarantine an endpoint without reading it, since that is what fails, and say whose it is.

    One that has been leased meanwhile stays as it is: its run's end needs the plan. Then None.
    """
    given = {"id": endpoint_id, "reason": reason}
    await connection.execute(_LOCK_STATE, given)
    await connection.execute(_DELETE_DUE_OF, given)
    tenant = (await connection.execute(_QUARANTINE, given)).scalar_one_or_none()
    return None if tenant is None else TenantId(tenant)


def _values_of_new_state(planned: Situation, due_at: datetime | None) -> Values:
    return {
        "endpoint_id": planned.endpoint.id,
        "tenant": planned.endpoint.tenant,
        **values_of_state(planned.state),
        "due_at": due_at,
        "revision": 0,
        "edition": 0,
    }


STATE_COLUMNS: Final = (*values_of_state(EndpointState()), "due_at")

BEAR: Final = insertion(endpoint_state, endpoint_state.c.keys())
TAKE_OUT: Final = removal(due, keys=("due_at", "endpoint_id"))
STATE_AT: Final = (
    "(SELECT CAST(s.ctid AS TEXT) FROM endpoint_state AS s WHERE s.endpoint_id = given.endpoint_id)"
)
"""Where PostgreSQL has the state of the ``given`` endpoint."""
_PUT_IN: Final = ("due_at", "endpoint_id", "tenant", "slot", "host", "revision")
PUT_IN: Final = replace(
    insertion(due, _PUT_IN),
    postgresql=f"INSERT INTO due ({', '.join(_PUT_IN)}, state_at)"
    f" SELECT {', '.join(_PUT_IN)}, {STATE_AT} FROM {recordset(columns_of(due, _PUT_IN))}",
)
STAND: Final = changing(
    endpoints, ("paused_until", "pause_reason", "updated_at", "archived_at"), keys=("id",)
)
CHANGE_STATE: Final = changing(
    endpoint_state,
    STATE_COLUMNS,
    keys=("endpoint_id",),
    more=", revision = endpoint_state.revision + 1, edition = endpoint_state.edition + 1",
)
RECORD: Final = insertion(slot_records, slot_records.c.keys())
_REASON: Final = ("endpoint_id", "fate", "reason")
_RECORD: Final = columns_of(slot_records, slot_records.c.keys())
PROLONG: Final = Bulk(
    columns=("last", "count", "recorded_at", "follows", *_REASON),
    postgresql="UPDATE slot_records AS r"
    " SET last = more.last, count = r.count + more.count, prolonged_at = more.recorded_at"
    " FROM (SELECT k.id, given.last, given.count, given.recorded_at"
    f" FROM {recordset({**_RECORD, 'follows': 'TIMESTAMPTZ'})}"
    " JOIN slot_records AS k ON k.last = given.follows AND "
    + " AND ".join(f"k.{name} = given.{name}" for name in _REASON)
    + " FOR UPDATE OF k SKIP LOCKED) AS more WHERE r.id = more.id",
    sqlite="UPDATE slot_records SET last = ?, count = count + ?, prolonged_at = ? WHERE last = ?"
    f" AND {' AND '.join(f'{name} = ?' for name in _REASON)}",
)
"""
Adds slots to the record of those before them, if there is one for the same reason.

One that is locked is being pruned, and goes: no claim waits for that.
"""
_PROLONGED: Final = ("last", "recorded_at", *_REASON)
RECORD_ELSE: Final = Bulk(
    columns=(*_RECORD, *_PROLONGED),
    postgresql=f"INSERT INTO slot_records ({', '.join(_RECORD)})"
    f" SELECT {', '.join(_RECORD)} FROM {recordset(_RECORD)} WHERE NOT EXISTS ("
    "SELECT FROM slot_records AS r WHERE r.last = given.last AND r.prolonged_at = given.recorded_at"
    f" AND {' AND '.join(f'r.{name} = given.{name}' for name in _REASON)})",
    sqlite=f"INSERT INTO slot_records ({', '.join(_RECORD)})"
    f" SELECT {', '.join('?' for _ in _RECORD)} WHERE NOT EXISTS (SELECT 1 FROM slot_records"
    f" WHERE last = ? AND prolonged_at = ?{''.join(f' AND {name} = ?' for name in _REASON)})",
)
"""Keeps those that nothing was prolonged by."""
_CLEAR = (
    update(hints)
    .where(hints.c.id == bindparam("cleared"))
    .values(end=HintEnd.CLEARED.value, ended_at=bindparam("cleared_now"))
)
_LOCK_STATE = (
    select(endpoint_state.c.endpoint_id)
    .where(endpoint_state.c.endpoint_id == bindparam("id"))
    .with_for_update()
)
_DELETE_DUE_OF = delete(due).where(
    due.c.endpoint_id == bindparam("id"),
    due.c.due_at
    == select(endpoint_state.c.due_at)
    .where(endpoint_state.c.endpoint_id == bindparam("id"))
    .scalar_subquery(),
)
_QUARANTINE = (
    update(endpoint_state)
    .where(
        endpoint_state.c.endpoint_id == bindparam("id"),
        not_(exists().where(leases.c.endpoint_id == bindparam("id"))),
    )
    .values(
        plan=None,
        urgent=None,
        due_at=None,
        quarantine=bindparam("reason"),
        revision=endpoint_state.c.revision + 1,
        edition=endpoint_state.c.edition + 1,
    )
    .returning(endpoint_state.c.tenant)
)
