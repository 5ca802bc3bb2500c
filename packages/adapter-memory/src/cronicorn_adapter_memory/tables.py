"""What the store keeps, and the few ways in which every writer reads and writes it."""

from collections.abc import Collection, Hashable, Iterable, MutableMapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from cronicorn_domain.errors import NotFound, UnreadableRow
from cronicorn_domain.identity import (
    AlertId,
    ApiKeyId,
    AuditId,
    DeviceGrantId,
    EndpointId,
    HintId,
    JobId,
    NoticeId,
    PersonId,
    RunId,
    SessionId,
    SignInId,
    SuggestionId,
    TenantId,
    Token,
)
from cronicorn_domain.model.alert import Alert, Notice
from cronicorn_domain.model.answer import Answer
from cronicorn_domain.model.api_key import ApiKey
from cronicorn_domain.model.audit import AuditEntry
from cronicorn_domain.model.device_grant import DeviceGrant
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import Hint, Trigger
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.person import Person
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.session import Analysis, Session, Suggestion
from cronicorn_domain.model.setup_link import SetupLink
from cronicorn_domain.model.sign_in import SignIn
from cronicorn_domain.model.signing import TenantKeys
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.eligibility import claimable_from
from cronicorn_domain.policies.endpoint_states import paused
from cronicorn_domain.policies.pausing import pause_by_run
from cronicorn_domain.ports.hint_book import HintEnd, HintRecord

from cronicorn_adapter_memory.due_rows import Due
from cronicorn_adapter_memory.overlay import Log, LogOverlay, Overlay
from cronicorn_adapter_memory.roll_ups import RollUpKey, Sums

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True, kw_only=True)
class EndpointRow:
    """
    Everything about one endpoint but its history; a draft has its own copy.

    Attributes:
        endpoint: The configuration.
        state: What runs have left behind.
        hints: Those that were neither cleared nor consumed.
        triggers: Those that were not consumed.
        lease: The live lease, or None.
        held_hints: Consumed by the run that the lease is for; a release gives them back.
        held_triggers: Likewise.
        cleared_hints: Those of the held ones that were cleared since: they do not come back.
        unreadable: Why the stored schedule cannot be read, or None. In memory only tests say so.
    """

    endpoint: Endpoint
    state: EndpointState
    hints: tuple[Hint, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    lease: Lease | None = None
    held_hints: tuple[HintRecord, ...] = ()
    held_triggers: tuple[Trigger, ...] = ()
    cleared_hints: tuple[HintRecord, ...] = ()
    unreadable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """A notice, and whether it is still to be told: then, and not before ``next_at``."""

    notice: Notice
    next_at: datetime | None
    tries: int = 0
    ended_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What is known of a request: who does it, until when that holds, what was answered."""

    fingerprint: str
    attempt: UUID
    until: datetime
    answer: Answer | None = None


class EndpointRows(dict[EndpointId, EndpointRow]):
    """The rows themselves."""

    def edit(self, endpoint_id: EndpointId) -> EndpointRow:
        """Return the row to be changed in place."""
        return self[endpoint_id]


class DraftEndpointRows(Overlay[EndpointId, EndpointRow]):
    """The rows as a transaction sees them."""

    def edit(self, endpoint_id: EndpointId) -> EndpointRow:
        """Return the transaction's own copy of the row, to be changed in place."""
        if not self.changed(endpoint_id):
            self[endpoint_id] = copy(self[endpoint_id])
        return self[endpoint_id]


@dataclass(slots=True, kw_only=True)
class Tables:
    """
    The data: the store's own, or the draft of a transaction over it.

    ``floor`` is the tenants' floor. ``run_days`` holds the runs by the UTC day of their slot,
    ``roll_ups`` what is left of those that were pruned.
    """

    floor: timedelta
    due: MutableMapping[EndpointId, Due]
    jobs: MutableMapping[JobId, Job] = field(default_factory=dict)
    job_names: MutableMapping[tuple[TenantId, str], JobId] = field(default_factory=dict)
    job_keys: MutableMapping[tuple[TenantId, str], JobId] = field(default_factory=dict)
    endpoints: EndpointRows | DraftEndpointRows = field(default_factory=EndpointRows)
    endpoint_names: MutableMapping[tuple[JobId, str], EndpointId] = field(default_factory=dict)
    endpoint_keys: MutableMapping[tuple[JobId, str], EndpointId] = field(default_factory=dict)
    leases: MutableMapping[Token, EndpointId] = field(default_factory=dict)
    runs: MutableMapping[RunId, Run] = field(default_factory=dict)
    runs_of: Log[EndpointId, RunId] = field(default_factory=Log)
    run_days: Log[date, RunId] = field(default_factory=Log)
    records: Log[EndpointId, SlotRecord] = field(default_factory=Log)
    ended_hints: Log[EndpointId, HintRecord] = field(default_factory=Log)
    roll_ups: MutableMapping[RollUpKey, Sums] = field(default_factory=dict)
    audit: MutableMapping[AuditId, AuditEntry] = field(default_factory=dict)
    keys: MutableMapping[ApiKeyId, ApiKey] = field(default_factory=dict)
    people: MutableMapping[PersonId, Person] = field(default_factory=dict)
    sign_ins: MutableMapping[SignInId, SignIn] = field(default_factory=dict)
    device_grants: MutableMapping[DeviceGrantId, DeviceGrant] = field(default_factory=dict)
    setup_links: MutableMapping[str, SetupLink] = field(default_factory=dict)
    signing_keys: MutableMapping[TenantId, TenantKeys] = field(default_factory=dict)
    alerts: MutableMapping[AlertId, Alert] = field(default_factory=dict)
    notices: MutableMapping[NoticeId, NoticeRow] = field(default_factory=dict)
    streaks: MutableMapping[tuple[AlertId, EndpointId], datetime] = field(default_factory=dict)
    answers: MutableMapping[tuple[TenantId, str], KeptAnswer] = field(default_factory=dict)
    analyses: MutableMapping[EndpointId, Analysis] = field(default_factory=dict)
    sessions: MutableMapping[SessionId, Session] = field(default_factory=dict)
    suggestions: MutableMapping[SuggestionId, Suggestion] = field(default_factory=dict)

    def row(self, tenant: TenantId, endpoint_id: EndpointId) -> EndpointRow:
        """Return the tenant's endpoint row. Raises ``NotFound``."""
        row = self.endpoints.get(endpoint_id)
        if row is None or row.endpoint.tenant != tenant:
            raise NotFound("endpoint", endpoint_id)
        return row

    def readable_row(self, tenant: TenantId, endpoint_id: EndpointId) -> EndpointRow:
        """Return the tenant's endpoint row. Raises ``NotFound``, ``UnreadableRow``."""
        row = self.row(tenant, endpoint_id)
        if row.unreadable is not None:
            raise UnreadableRow(f"endpoint {endpoint_id}", row.unreadable)
        return row

    def job(self, tenant: TenantId, job_id: JobId) -> Job:
        """Return the tenant's job. Raises ``NotFound``."""
        job = self.jobs.get(job_id)
        if job is None or job.tenant != tenant:
            raise NotFound("job", job_id)
        return job

    def situation(self, row: EndpointRow) -> Situation:
        """Return everything that the governor weighs about the row's endpoint."""
        return Situation(
            job_state=self.jobs[row.endpoint.job_id].state,
            endpoint=row.endpoint,
            state=row.state,
            hints=row.hints,
            triggers=row.triggers,
            lease=row.lease,
            floor=self.floor,
        )

    def keep(self, row: EndpointRow, change: Change, now: datetime) -> None:
        """Write a transition's outcome to a row being edited, and its due row."""
        row.state = change.state
        self._clear(row, change.cleared, now)
        row.hints = (*row.hints, *change.hints)
        if change.pause is not None:
            row.endpoint = paused(row.endpoint, change.pause, now)
            noted = pause_by_run(row.endpoint, change.pause, now)
            self.audit[noted.id] = noted
        self.record(row.endpoint.id, change.records)
        self.place(row, now)

    def record(self, endpoint_id: EndpointId, records: Iterable[SlotRecord]) -> None:
        """Keep slots that are not run, with those before them that were not for the same reason."""
        for record in records:
            known = list(self.records.of(endpoint_id)) if record.follows is not None else []
            place = next((n for n, each in enumerate(known) if record.continues(each)), None)
            if place is None:
                self.records.add(endpoint_id, replace(record, follows=None))
            else:
                known[place] = known[place].prolonged(record)
                self.records.replace(endpoint_id, known)

    def _clear(self, row: EndpointRow, cleared: Collection[HintId], now: datetime) -> None:
        for hint in row.hints:
            if hint.id in cleared:
                record = HintRecord(hint=hint, end=HintEnd.CLEARED, ended_at=now)
                self.ended_hints.add(row.endpoint.id, record)
        row.hints = tuple(hint for hint in row.hints if hint.id not in cleared)

    def place(self, row: EndpointRow, now: datetime) -> None:
        """Make the due row say from when on the endpoint can be claimed."""
        endpoint_id = row.endpoint.id
        due_at = None
        if row.lease is None and row.unreadable is None:
            due_at = claimable_from(self.situation(row), now)
        standing = endpoint_id in self.due
        if due_at is None:
            if standing:
                del self.due[endpoint_id]
            return
        if standing and due_at <= now:
            # What is overdue keeps its place: whoever writes to it often is not to starve it.
            due_at = min(due_at, self.due[endpoint_id].due_at)
        row_of_due = Due(due_at, row.endpoint.tenant)
        if not standing or self.due[endpoint_id] != row_of_due:
            self.due[endpoint_id] = row_of_due


class _Applies(Protocol):
    def apply(self) -> None: ...


Part = TypeVar("Part", bound=_Applies)


class Draft:
    """A transaction's own view: what it has changed, over what the store holds."""

    def __init__(self, base: Tables) -> None:
        self._parts: list[_Applies] = []
        self.tables = Tables(
            floor=base.floor,
            due=self._over(base.due),
            jobs=self._over(base.jobs),
            job_names=self._over(base.job_names),
            job_keys=self._over(base.job_keys),
            endpoints=self._part(DraftEndpointRows(base.endpoints)),
            endpoint_names=self._over(base.endpoint_names),
            endpoint_keys=self._over(base.endpoint_keys),
            leases=self._over(base.leases),
            runs=self._over(base.runs),
            runs_of=self._part(LogOverlay(base.runs_of)),
            run_days=self._part(LogOverlay(base.run_days)),
            records=self._part(LogOverlay(base.records)),
            ended_hints=self._part(LogOverlay(base.ended_hints)),
            roll_ups=self._over(base.roll_ups),
            audit=self._over(base.audit),
            keys=self._over(base.keys),
            people=self._over(base.people),
            sign_ins=self._over(base.sign_ins),
            device_grants=self._over(base.device_grants),
            setup_links=self._over(base.setup_links),
            signing_keys=self._over(base.signing_keys),
            alerts=self._over(base.alerts),
            notices=self._over(base.notices),
            streaks=self._over(base.streaks),
            answers=self._over(base.answers),
            analyses=self._over(base.analyses),
            sessions=self._over(base.sessions),
            suggestions=self._over(base.suggestions),
        )

    def apply(self) -> None:
        """Make the changes the store's."""
        for part in self._parts:
            part.apply()

    def _over(self, base: MutableMapping[K, V]) -> Overlay[K, V]:
        return self._part(Overlay(base))

    def _part(self, part: Part) -> Part:
        self._parts.append(part)
        return part
