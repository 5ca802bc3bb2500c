"""Where callers come: begins the one transaction in which a caller's verbs do what they do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from cronicorn_domain.identity import TenantId
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.ports.activity import Activity
from cronicorn_domain.ports.alert_book import AlertBook
from cronicorn_domain.ports.api_keys import ApiKeys
from cronicorn_domain.ports.audit_log import AuditLog
from cronicorn_domain.ports.board import Board
from cronicorn_domain.ports.chronicle import Chronicle
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_domain.ports.hint_book import HintBook
from cronicorn_domain.ports.job_catalog import JobCatalog
from cronicorn_domain.ports.overview import Overview
from cronicorn_domain.ports.password_hasher import PasswordHasher
from cronicorn_domain.ports.people import People
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.ports.run_log import RunLog
from cronicorn_domain.ports.sign_ins import SignIns
from cronicorn_domain.ports.signing_keys import SigningKeys
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork
from cronicorn_domain.ports.worker_registry import WorkerRegistry

from cronicorn_management.allowance import Allowance, Allowances, same_for_all
from cronicorn_management.caller import Caller
from cronicorn_management.conditions import NO_CONDITIONS, Conditions
from cronicorn_management.happenings import NOTHING_HAPPENS
from cronicorn_management.passwords import NO_PASSWORDS
from cronicorn_management.recognitions import Recognitions
from cronicorn_management.replays import NO_REPLAYS, Replays
from cronicorn_management.sign_in_rates import SIGN_IN_RATES, SignInRates
from cronicorn_management.throttle import Throttle
from cronicorn_management.trials import NOTHING_IS_SENT, Trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One unit of work at one instant, for a caller who may read."""

    unit: UnitOfWork
    caller: Caller
    now: datetime
    allowance: Allowance
    quota: QuotaGuard | None = None
    replays: Replays = NO_REPLAYS

    @property
    def tenant(self) -> TenantId:
        """Whose jobs and endpoints there are."""
        return self.caller.tenant

    @property
    def catalog(self) -> JobCatalog:
        """Jobs and endpoints."""
        return self.unit.catalog

    @property
    def hints(self) -> HintBook:
        """Hints and triggers."""
        return self.unit.hints

    @property
    def runs(self) -> RunLog:
        """The history."""
        return self.unit.runs

    @property
    def overview(self) -> Overview:
        """All runs of the tenant, from above."""
        return self.unit.overview

    @property
    def board(self) -> Board:
        """Where the tenant's endpoints stand."""
        return self.unit.board

    @property
    def chronicle(self) -> Chronicle:
        """One endpoint's past, as it is drawn."""
        return self.unit.chronicle

    @property
    def audit(self) -> AuditLog:
        """Who did what."""
        return self.unit.audit

    @property
    def keys(self) -> ApiKeys:
        """The keys of programs."""
        return self.unit.keys

    @property
    def people(self) -> People:
        """Who may sign in."""
        return self.unit.people

    @property
    def sign_ins(self) -> SignIns:
        """Who is signed in, and where."""
        return self.unit.sign_ins

    @property
    def signing_keys(self) -> SigningKeys:
        """The keys that requests are signed with."""
        return self.unit.signing_keys

    @property
    def alerts(self) -> AlertBook:
        """Of what people want to be told."""
        return self.unit.alerts


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing(Reading):
    """One unit of work at one instant, for a caller who may change what it is about."""

    rules: EgressRules
    conditions: Conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Begins units of work for callers; the verbs of this package do what is asked in them."""

    units: UnitsOfWork
    clock: Clock
    rules: EgressRules
    throttle: Throttle
    allowances: Allowances = same_for_all
    conditions: Conditions = NO_CONDITIONS
    passwords: PasswordHasher = NO_PASSWORDS
    quota: QuotaGuard | None = None
    trials: Trials = NOTHING_IS_SENT
    activity: Activity = NOTHING_HAPPENS
    replays: Replays = NO_REPLAYS
    sign_in_rates: SignInRates = SIGN_IN_RATES
    workers: WorkerRegistry | None = None
    recognitions: Recognitions = field(default_factory=Recognitions)

    @asynccontextmanager
    async def reading(self, caller: Caller) -> AsyncIterator[Reading]:
        """Begin to read. Raises ``NotAllowed``."""
        caller.check(Scope.READ)
        async with self.units.begin_reading() as unit:
            yield Reading(
                unit=unit,
                caller=caller,
                now=self._now(),
                allowance=self.allowances(caller.tenant),
                quota=self.quota,
                replays=self.replays,
            )

    @asynccontextmanager
    async def changing(self, caller: Caller) -> AsyncIterator[Changing]:
        """Begin to change; it is committed at the end of the block. Raises ``NotAllowed``."""
        async with self.rehearsing(caller) as work:
            yield work
            await self._commit(work.unit)

    @asynccontextmanager
    async def rehearsing(self, caller: Caller) -> AsyncIterator[Changing]:
        """Begin to change without effect: nothing of it is kept. Raises ``NotAllowed``."""
        caller.check(Scope.WRITE)
        async with self.units.begin() as unit:
            yield self._changing(unit, caller)

    @asynccontextmanager
    async def minding(self, caller: Caller) -> AsyncIterator[Changing]:
        """
        Begin to change the caller's own account, which takes no scope; it is committed at the end.

        The verbs say what is the caller's own.
        """
        async with self.units.begin() as unit:
            yield self._changing(unit, caller)
            await self._commit(unit)

    async def _commit(self, unit: UnitOfWork) -> None:
        """Commit; whatever was changed, it may be that somebody is to be known no more."""
        try:
            await unit.commit()
        finally:  # a commit whose answer was lost may have been made
            self.recognitions.forget()

    def _changing(self, unit: UnitOfWork, caller: Caller) -> Changing:
        return Changing(
            unit=unit,
            caller=caller,
            now=self._now(),
            rules=self.rules,
            allowance=self.allowances(caller.tenant),
            conditions=self.conditions,
            quota=self.quota,
            replays=self.replays,
        )

    def _now(self) -> datetime:
        return floor_millisecond(self.clock.now())
