"""
Statements that look at where a tenant's endpoints stand.

Lists sort what they find, which for a hundred thousand endpoints takes some tens of milliseconds;
only the endpoints of one page are then read whole. What is counted or looked for at every moment
is found by indexes: what fails, is put off or is set aside by those of the state, what is late by
that of `due`.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.instants import LATEST
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.ports.board import LATE_AFTER, Order, Wanted, name_key
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    case,
    collate,
    exists,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    type_coerce,
    union_all,
)

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.holding_counts import held
from cronicorn_adapter_sql.latest_runs import latest_of
from cronicorn_adapter_sql.roll_ups import LATENESS_STEP, MINUTES
from cronicorn_adapter_sql.side_by_side import side_by_side
from cronicorn_adapter_sql.tables import (
    due,
    endpoint_state,
    endpoints,
    jobs,
    leases,
    roll_ups,
    slot_records,
)

SCHEDULE_COLUMNS: Final = (
    "schedule_kind",
    "cron",
    "timezone",
    "gap",
    "repeat",
    "every",
    "run_at",
)
_PLANS: Final = (endpoint_state.c.urgent, endpoint_state.c.plan)
_UNPLANNED: Final = and_(*(plan.is_(None) for plan in _PLANS))
_UNARCHIVED: Final = and_(endpoints.c.archived_at.is_(None), jobs.c.state != "archived")


@dataclass(frozen=True, slots=True)
class _Part:
    """
    A part of the endpoints of a list, and its order, if it is simpler than that of the whole.

    ``placed``: all of them are in `due`, where an endpoint has one row at most.
    """

    conditions: Sequence[ColumnElement[bool]] = ()
    keys: Sequence[ColumnElement[Any]] = ()
    placed: bool = False


@dataclass(frozen=True, slots=True)
class BoardStatements:
    """The statements of one dialect, for one tenant at one instant."""

    dialect: str
    tenant: TenantId
    now: datetime

    def page(
        self, which: Wanted, order: Order, *, limit: int, after: EndpointId | None, count_to: int
    ) -> Select[Any]:
        """Find a page of endpoints with all that lists show, and count all, up to so many."""
        keys = self._keys(order)
        ordered = [key.desc() for key in keys] if order is Order.NEWEST else keys
        *first, rest = [
            self._found(which, order, placed=part.placed)
            .where(*part.conditions, *self._behind(order, keys, after))
            .order_by(*(part.keys or ordered))
            for part in self._parts(order)
        ]
        page: FromClause = rest.limit(limit).subquery("page")
        if first:
            parts = [each.limit(limit).subquery() for each in first]
            led = union_all(*(select(part.c.id) for part in parts)).cte("led")
            left = limit - select(func.count()).select_from(led).scalar_subquery()
            others = rest.limit(case((left > 0, left), else_=0)).subquery()
            page = union_all(select(led.c.id), select(others.c.id)).subquery("page")
        total: ColumnElement[int] = literal(0)
        if count_to:
            counted = self._found(which).limit(count_to).subquery("counted")
            total = select(func.count()).select_from(counted).scalar_subquery()
        return self._rows(page, total.label("total")).order_by(*ordered).limit(limit)

    def _behind(
        self, order: Order, keys: Sequence[ColumnElement[Any]], after: EndpointId | None
    ) -> Sequence[ColumnElement[bool]]:
        if after is None:
            return []
        last = self._found(Wanted(), order).with_only_columns(*keys).where(endpoints.c.id == after)
        both = tuple_(*keys), last.scalar_subquery()
        return [both[0] < both[1] if order is Order.NEWEST else both[0] > both[1]]

    def _parts(self, order: Order) -> Sequence[_Part]:
        """
        Part endpoints so that each part is small, or comes in its order from an index.

        No more than a page is read of any, and of the last one only what the others leave.
        """
        state, name = endpoint_state.c, (self._name(), endpoints.c.id)
        match order:
            case Order.WORST:
                set_aside = state.quarantine.is_not(None)
                return (
                    _Part((set_aside,), (-state.failures, *name)),
                    _Part((~set_aside, state.failures > 0), (-state.failures, *name)),
                    _Part((~set_aside, state.failures == 0), name),
                )
            case Order.NEXT:
                return (
                    _Part((due.c.lane.is_(None),), (due.c.due_at, *name), placed=True),
                    _Part((due.c.lane.is_not(None),), (due.c.slot, *name), placed=True),
                    _Part((due.c.endpoint_id.is_(None),), name),
                )
            case Order.NAME | Order.NEWEST:
                return (_Part(),)

    def count(self, which: Wanted, *, to: int) -> Select[Any]:
        """Count endpoints alone: a page without any has no row to tell of it."""
        counted = self._found(which).limit(to).subquery("counted")
        return select(func.count().label("total")).select_from(counted)

    def ids(self, which: Wanted) -> Select[Any]:
        """Find the ids of all that are meant."""
        return self._found(which).order_by(endpoints.c.id)

    def attention(self, limit: int, runs_each: int) -> CompoundSelect[Any]:
        """
        Find what needs somebody, ``needy``, and beside it the ``latest`` runs of what fails.

        Of each kind no more than the limit are found, since more never show.
        """
        state, name = endpoint_state.c, self._name()
        failing = and_(state.failures > 0, state.quarantine.is_(None), ~self._paused())
        put_off = and_(self._put_off(), state.failures == 0, ~self._paused())
        kinds = (
            (state.quarantine.is_not(None), (-state.failures, name, endpoints.c.id)),
            (failing, (-state.failures, name, endpoints.c.id)),
            (put_off, (name, endpoints.c.id)),
        )
        worst = [
            self._of_state().where(kind).order_by(*keys).limit(limit).subquery()
            for kind, keys in kinds
        ]
        late = self._late(limit).subquery()
        found = union_all(*(select(each.c.id) for each in (*worst, late))).subquery("found")
        some = select(found.c.id).distinct().cte("page")
        fails = (
            select(some.c.id)
            .join(endpoint_state, endpoint_state.c.endpoint_id == some.c.id)
            .where(state.failures > 0)
            .subquery("fails")
        )
        return side_by_side(
            needy=self._rows(some, literal(0).label("total")),
            latest=latest_of(fails, self.dialect, self.tenant, runs_each),
        )

    def counts(self) -> Select[Any]:
        """Count what stands how."""
        state = endpoint_state.c
        holding = held(self.tenant, self.now).subquery("held")
        late = self._late(None).subquery()
        under_way = (
            select(func.count())
            .select_from(leases)
            .join(endpoints, endpoints.c.id == leases.c.endpoint_id)
            .join(jobs, jobs.c.id == endpoints.c.job_id)
            .where(leases.c.tenant == self.tenant, _UNARCHIVED)
        )
        counted = {
            "failing": self._count(state.failures > 0),
            "quarantined": self._count(state.quarantine.is_not(None)),
            "deferred": self._count(self._put_off()),
            "late": select(func.count()).select_from(late),
            "running": under_way,
        }
        others = [each.scalar_subquery().label(name) for name, each in counted.items()]
        return select(holding, *others)

    def upcoming(self, until: datetime) -> Select[Any]:
        """Count what can be claimed by the minute and the schedule."""
        minute = _minute(due.c.due_at, self.dialect).label("minute")
        columns = [endpoints.c[name] for name in SCHEDULE_COLUMNS]
        return (
            select(minute, *columns, func.count().label("count"))
            .select_from(due)
            .join(endpoints, endpoints.c.id == due.c.endpoint_id)
            .where(due.c.tenant == self.tenant, due.c.due_at < until)
            .group_by("minute", *columns)
            .order_by("minute", *columns)
        )

    def _found(
        self, which: Wanted, order: Order = Order.NEWEST, *, placed: bool = False
    ) -> Select[Any]:
        """Select the ids of all that are meant, joined to no more than is asked about."""
        found = select(endpoints.c.id).join(jobs, jobs.c.id == endpoints.c.job_id)
        judged = (which.conditions, which.failing, which.sources)
        by_state = order is Order.WORST or (order is Order.NEXT and not placed)
        if by_state or any(each is not None for each in judged):
            of_endpoint = endpoint_state.c.endpoint_id == endpoints.c.id
            own = endpoint_state.c.tenant == self.tenant
            found = found.join(endpoint_state, and_(of_endpoint, own))
        if which.conditions is not None:
            found = found.outerjoin(leases, leases.c.endpoint_id == endpoints.c.id)
        if placed:
            own = due.c.tenant == self.tenant
            found = found.join(due, and_(due.c.endpoint_id == endpoints.c.id, own))
        elif order is Order.NEXT:
            found = found.outerjoin(due, _place_in_due())
        meant = self._meant(which)
        return found.where(endpoints.c.tenant == self.tenant, _UNARCHIVED, *meant)

    def _of_state(self) -> Select[Any]:
        """Select ids, led by the state, whose indexes find what is rare."""
        return (
            select(endpoints.c.id)
            .select_from(endpoint_state)
            .join(endpoints, endpoints.c.id == endpoint_state.c.endpoint_id)
            .join(jobs, jobs.c.id == endpoints.c.job_id)
            .where(endpoint_state.c.tenant == self.tenant, _UNARCHIVED)
        )

    def _count(self, condition: ColumnElement[bool]) -> Select[Any]:
        return self._of_state().with_only_columns(func.count()).where(condition)

    def _late(self, limit: int | None) -> Select[Any]:
        """Select what could have been claimed for some time, the longest first."""
        before = self.now - LATE_AFTER
        # Two selects, each by an index: one with OR would look at all that is due ever.
        waits = and_(due.c.lane.is_not(None), due.c.slot < before)
        found = [
            select(endpoints.c.id)
            .select_from(due)
            .join(endpoints, endpoints.c.id == due.c.endpoint_id)
            .join(jobs, jobs.c.id == endpoints.c.job_id)
            .where(due.c.tenant == self.tenant, _UNARCHIVED, overdue)
            .order_by(*((since, self._name(), endpoints.c.id) if limit else ()))
            .limit(limit)
            .subquery()
            for since, overdue in ((due.c.due_at, due.c.due_at < before), (due.c.slot, waits))
        ]
        return select(union_all(*(select(each.c.id) for each in found)).subquery("late").c.id)

    def _put_off(self) -> ColumnElement[bool]:
        return and_(endpoint_state.c.not_before > self.now, endpoint_state.c.quarantine.is_(None))

    def _rows(self, page: FromClause, total: ColumnElement[int]) -> Select[Any]:
        shown = ("id", "job_id", "name", "url", "method", *SCHEDULE_COLUMNS)
        more = ("shortest", "longest", "paused_until", "pause_reason", "created_at")
        leased = exists().where(leases.c.endpoint_id == endpoints.c.id)
        return (
            select(
                *(endpoints.c[name] for name in (*shown, *more)),
                *(column.label(f"state_{column.name}") for column in endpoint_state.c),
                jobs.c.name.label("job_name"),
                jobs.c.state.label("job_state"),
                leased.label("leased"),
                _claimable_from().label("claimable_from"),
                due.c.lane,
                total,
            )
            .select_from(page)
            .join(endpoints, endpoints.c.id == page.c.id)
            .join(jobs, jobs.c.id == endpoints.c.job_id)
            .join(endpoint_state, endpoint_state.c.endpoint_id == endpoints.c.id)
            .outerjoin(due, _place_in_due())
        )

    def _meant(self, which: Wanted) -> Sequence[ColumnElement[bool]]:
        meant: list[ColumnElement[bool]] = []
        if which.ids is not None:
            meant.append(among(endpoints.c.id, "chosen", dialect=self.dialect))
        if which.job_id is not None:
            meant.append(endpoints.c.job_id == which.job_id)
        if which.text is not None:
            part = name_key(which.text)
            url = func.lower(self._plain(endpoints.c.url))
            meant.append(
                or_(*(each.contains(part, autoescape=True) for each in (self._name(), url)))
            )
        if which.conditions is not None:
            meant.append(self._condition().in_([each.value for each in which.conditions]))
            meant += self._rarely(which.conditions)
        if which.failing is not None:
            fails = endpoint_state.c.failures > 0
            meant.append(fails if which.failing else ~fails)
        if which.late is not None:
            late = endpoints.c.id.in_(self._late(None))
            meant.append(late if which.late else ~late)
        if which.sources is not None:
            marks = [f'"source":"{each.value}"' for each in sorted(which.sources)]
            plan = func.coalesce(*_PLANS)
            meant.append(or_(false(), *(plan.contains(mark, autoescape=True) for mark in marks)))
        return meant

    def _condition(self) -> ColumnElement[str]:
        """Say in SQL what ``policies.explaining.condition_under`` says."""
        return case(
            (endpoint_state.c.quarantine.is_not(None), Condition.QUARANTINED.value),
            (leases.c.token.is_not(None), Condition.RUNNING.value),
            (self._paused(), Condition.PAUSED.value),
            (_UNPLANNED, Condition.FINISHED.value),
            (endpoint_state.c.not_before > self.now, Condition.DEFERRED.value),
            else_=Condition.ACTIVE.value,
        )

    def _rarely(self, conditions: AbstractSet[Condition]) -> Sequence[ColumnElement[bool]]:
        """Say what follows of these conditions, and may be found by an index: most are rare."""
        rested = select(endpoints.c.id).where(
            endpoints.c.tenant == self.tenant, endpoints.c.paused_until > self.now
        )
        resting = select(endpoints.c.id).join(
            jobs,
            and_(
                jobs.c.id == endpoints.c.job_id,
                jobs.c.state == "paused",
                jobs.c.tenant == self.tenant,
            ),
        )
        follows = {
            Condition.QUARANTINED: endpoint_state.c.quarantine.is_not(None),
            Condition.RUNNING: leases.c.token.is_not(None),
            Condition.PAUSED: endpoints.c.id.in_(union_all(rested, resting)),
            Condition.DEFERRED: endpoint_state.c.not_before > self.now,
            Condition.FINISHED: _UNPLANNED,
        }
        if not conditions <= follows.keys():
            return []
        return [or_(false(), *(follows[each] for each in conditions))]

    def _paused(self) -> ColumnElement[bool]:
        trigger = f'"kind":"{Kind.TRIGGER.value}"'
        fires = func.coalesce(endpoint_state.c.urgent.contains(trigger, autoescape=True), false())
        holds = func.coalesce(endpoints.c.paused_until > self.now, false())
        return and_(or_(jobs.c.state == "paused", holds), ~fires)

    def _keys(self, order: Order) -> Sequence[ColumnElement[Any]]:
        ties = (self._name(), endpoints.c.id)
        match order:
            case Order.NAME:
                return ties
            case Order.WORST:
                set_aside = case((endpoint_state.c.quarantine.is_not(None), 0), else_=1)
                return (set_aside, -endpoint_state.c.failures, *ties)
            case Order.NEXT:
                never = literal(LATEST, UtcDateTime())
                return (func.coalesce(_claimable_from(), never), *ties)
            case Order.NEWEST:
                return (endpoints.c.id,)

    def _name(self) -> ColumnElement[str]:
        return func.lower(endpoints.c.name)

    def _plain(self, text: ColumnElement[str]) -> ColumnElement[str]:
        """Take a text as its bytes, whatever language the database speaks."""
        return text if self.dialect == "sqlite" else collate(text, "C")


def recent(tenant: TenantId, windows: Sequence[tuple[datetime, datetime]]) -> CompoundSelect[Any]:
    """Add up minutes by class and lateness, and slots not run by what became of them."""
    step = _lateness_step().label("step")
    within = or_(*(_between(roll_ups.c.begins_at, window) for window in windows))
    ran = (
        select(
            roll_ups.c.begins_at.label("minute"),
            roll_ups.c.outcome_class.label("what"),
            step,
            func.sum(roll_ups.c.runs).label("count"),
            func.sum(roll_ups.c.timed_runs).label("timed"),
            func.sum(roll_ups.c.duration).label("duration"),
        )
        .where(roll_ups.c.tenant == tenant, roll_ups.c.size.in_(MINUTES), within)
        .group_by(roll_ups.c.begins_at, roll_ups.c.outcome_class, "step")
    )
    not_run = (
        select(
            type_coerce(null(), UtcDateTime()).label("minute"),
            slot_records.c.fate.label("what"),
            literal(-1).label("step"),
            func.sum(slot_records.c.count).label("count"),
            literal(0).label("timed"),
            literal(0).label("duration"),
        )
        .where(slot_records.c.tenant == tenant, _between(slot_records.c.last, windows[-1]))
        .group_by(slot_records.c.fate)
    )
    return union_all(ran, not_run)


def _lateness_step() -> ColumnElement[int]:
    step: ColumnElement[int] = literal_column(LATENESS_STEP, Integer)
    return case((roll_ups.c.timed_runs == 0, -1), else_=step)


def _between(
    column: ColumnElement[datetime], window: tuple[datetime, datetime]
) -> ColumnElement[bool]:
    since, until = window
    return and_(column >= since, column < until)


def _place_in_due() -> ColumnElement[bool]:
    return and_(
        due.c.due_at == endpoint_state.c.due_at, due.c.endpoint_id == endpoint_state.c.endpoint_id
    )


def _claimable_from() -> ColumnElement[datetime]:
    """From when on it can be claimed; what waits for room has an instant that says nothing."""
    return type_coerce(
        case((due.c.lane.is_not(None), due.c.slot), else_=due.c.due_at), UtcDateTime()
    )


def _minute(instant: ColumnElement[datetime], dialect: str) -> ColumnElement[datetime]:
    if dialect == "sqlite":
        return type_coerce(func.substr(instant, 1, 16, type_=String) + ":00.000000", UtcDateTime())
    return type_coerce(func.date_trunc(literal("minute"), instant, literal("UTC")), UtcDateTime())
