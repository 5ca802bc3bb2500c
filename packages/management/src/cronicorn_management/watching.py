"""Tells whoever watches what happens to their endpoints, by one look at a time for all of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cronicorn_domain.errors import StoreError, TooManyRequests
from cronicorn_domain.identity import AuditId, RunId, TenantId
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.audit import SubjectKind
from cronicorn_domain.model.glimpse import DeedGlimpse, Glimpse, RunGlimpse
from cronicorn_domain.model.run import RunStatus

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk

LOOK_EVERY: Final = timedelta(seconds=1.7)
"""A failure is seen within two seconds, and pages cost the store less than a question a second."""
LOOK_BACK: Final = timedelta(minutes=15)
"""Slots and deeds before that are no news; what has run for longer is looked for by its name."""
SEEN_MOST: Final = 100
"""So many runs and deeds of a tenant one look sees. Who has more reads its lists."""
RUNNING_MOST: Final = 1000
WAITING_MOST: Final = 500
"""So much may wait for a listener; one that does not keep up is let go, and comes again."""
LISTENERS_MOST: Final = 500
LISTENERS_OF_TENANT_MOST: Final = 20
LISTENS_FOR: Final = timedelta(minutes=10)
"""Then who listens has to prove again who it is."""
_LATER: Final = timedelta(seconds=30)
_PLANNED: Final = frozenset({SubjectKind.JOB, SubjectKind.ENDPOINT})
_PROVING: Final = frozenset(
    {SubjectKind.API_KEY, SubjectKind.PERSON, SubjectKind.SIGN_IN, SubjectKind.DEVICE}
)
_MISSED: Final = 2
"""After so many looks that did not come nothing is vouched for any more."""


class HappeningKind(StrEnum):
    """What can happen; the names last."""

    RUN_STARTED = "run.started"
    RUN_SETTLED = "run.settled"
    PLAN_CHANGED = "plan.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened: to a run, or by a deed."""

    kind: HappeningKind
    what: RunGlimpse | DeedGlimpse

    @property
    def alarms(self) -> bool:
        """Whether nobody wants to wait for it: a run that failed."""
        return isinstance(self.what, RunGlimpse) and self.what.status is RunStatus.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """
    What is known of a tenant since somebody listens.

    Attributes:
        changes: How much was seen to happen.
        alarms: How much of it nobody wants to wait for: runs that failed.
    """

    since: datetime
    changes: int = 0
    alarms: int = 0


@dataclass(slots=True)
class Listener:
    """What waits for one who listens; it ends when there will be no more."""

    tenant: TenantId
    until: datetime
    _waiting: asyncio.Queue[Happening | None] = field(
        default_factory=lambda: asyncio.Queue(WAITING_MOST + 1)
    )
    over: bool = False

    def tell(self, happening: Happening) -> None:
        """Let something wait; a listener for whom too much waits is over."""
        if self._waiting.qsize() >= WAITING_MOST:
            self.end()
        elif not self.over:
            self._waiting.put_nowait(happening)

    def end(self) -> None:
        """Let nothing more come behind what waits."""
        if not self.over:
            self.over = True
            self._waiting.put_nowait(None)

    async def batch(self, patience: timedelta) -> list[Happening] | None:
        """
        Return all that waits, once something does; None: it is over.

        It is empty when nothing has happened for so long.
        """
        try:
            async with asyncio.timeout(patience.total_seconds()):
                first = await self._waiting.get()
        except TimeoutError:
            return []
        if first is None:
            return None
        found = [first]
        while not self._waiting.empty():
            further = self._waiting.get_nowait()
            if further is None:
                self._waiting.put_nowait(None)  # whoever asks next finds that it is over
                break
            found.append(further)
        return found


@dataclass(slots=True)
class _Known:
    """What was seen of a tenant: what is known is not told again."""

    since: datetime
    version: int = 0
    alarms: int = 0
    runs: dict[RunId, RunStatus] = field(default_factory=dict)
    running: dict[RunId, datetime] = field(default_factory=dict)
    deeds: set[AuditId] = field(default_factory=set)

    def proofs_changed(self, deeds: Sequence[DeedGlimpse]) -> bool:
        """Say whether something may have been done to who may come in; to be asked before news."""
        if len(deeds) >= SEEN_MOST:  # there may be more that were not seen
            return True
        return any(each.subject_kind in _PROVING and each.id not in self.deeds for each in deeds)

    def news(self, runs: Iterable[RunGlimpse], deeds: Iterable[DeedGlimpse]) -> Iterator[Happening]:
        """Yield what is new, in the order in which it happened, and know it."""
        seen = sorted(runs, key=lambda each: each.claimed_at)
        for run in seen:
            yield from self._of_run(run)
        self.runs = {each.id: each.status for each in seen}
        still = [each for each in seen if each.status is RunStatus.RUNNING]
        self.running = {each.id: each.slot for each in still[-RUNNING_MOST:]}
        done = sorted(deeds, key=lambda each: each.at)
        for deed in done:
            if (
                deed.id not in self.deeds
                and deed.at >= self.since
                and deed.subject_kind in _PLANNED
            ):
                yield Happening(kind=HappeningKind.PLAN_CHANGED, what=deed)
        self.deeds = {each.id for each in done}

    def _of_run(self, run: RunGlimpse) -> Iterator[Happening]:
        before = self.runs.get(run.id)
        if before is None and run.claimed_at >= self.since:
            yield Happening(kind=HappeningKind.RUN_STARTED, what=run)
        ended = run.status is not RunStatus.RUNNING
        news = run.finished_at is not None and run.finished_at >= self.since
        if ended and (before is RunStatus.RUNNING or (before is None and news)):
            yield Happening(kind=HappeningKind.RUN_SETTLED, what=run)


class Watch:
    """
    Looks for all who listen in this process, and only while somebody does.

    While the store is away nothing is told; what is still to be seen then is told afterwards.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._listeners: list[Listener] = []
        self._known: dict[TenantId, _Known] = {}
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    @asynccontextmanager
    async def listening(self, caller: Caller) -> AsyncIterator[Listener]:
        """
        Let a caller hear of what happens to its tenant from now on, for a while.

        Raises ``NotAllowed``, and ``TooManyRequests`` when as many listen as may.
        """
        caller.check(Scope.READ)
        tenant = caller.tenant
        self._check_room(tenant)
        now = self._desk.clock.now()
        listener = Listener(tenant=tenant, until=now + LISTENS_FOR)
        self._listeners.append(listener)
        self._known.setdefault(tenant, _Known(since=now))
        if self._closed:
            listener.end()
        elif self._looking is None:
            self._looking = asyncio.create_task(self._look_on())
        try:
            yield listener
        finally:
            self._listeners.remove(listener)
            if all(each.tenant != tenant for each in self._listeners):
                del self._known[tenant]
                self._desk.recognitions.vouching.end(tenant)

    def version(self, tenant: TenantId) -> Version | None:
        """
        Name what is known of a tenant: as long as the name is the same, nothing was seen to change.

        None: nobody listens, so nobody looks.
        """
        known = self._known.get(tenant)
        if known is None:
            return None
        return Version(since=known.since, changes=known.version, alarms=known.alarms)

    def close(self) -> None:
        """End what everybody hears, now and later."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
        if self._looking is not None:
            self._looking.cancel()

    async def _look_on(self) -> None:
        try:
            while self._listeners:
                now = self._desk.clock.now()
                with suppress(StoreError):
                    await self._look(now)
                await self._desk.clock.sleep_until(now + LOOK_EVERY)
        finally:
            self._looking = None

    async def _look(self, now: datetime) -> None:
        for listener in self._listeners:
            if listener.until <= now:
                listener.end()
        running = [each.running for each in self._known.values()]
        glimpse = await self._desk.activity.look(
            tuple(self._known),
            since=now - LOOK_BACK,
            running={run_id: slot for each in running for run_id, slot in each.items()},
            limit=SEEN_MOST,
        )
        for tenant, known in self._known.items():
            self._tell(tenant, known, glimpse, now)

    def _tell(self, tenant: TenantId, known: _Known, glimpse: Glimpse, now: datetime) -> None:
        runs = (each for each in glimpse.runs if each.tenant == tenant)
        deeds = [each for each in glimpse.deeds if each.tenant == tenant]
        self._vouch(tenant, known, deeds, now)
        for happening in known.news(runs, deeds):
            known.version += 1
            known.alarms += happening.alarms
            for listener in self._listeners:
                if listener.tenant == tenant:
                    listener.tell(happening)

    def _vouch(
        self, tenant: TenantId, known: _Known, deeds: Sequence[DeedGlimpse], now: datetime
    ) -> None:
        """Let what proves who somebody is be believed until the next look, or not any more."""
        recognitions = self._desk.recognitions
        if known.proofs_changed(deeds):
            recognitions.forget()
        recognitions.vouching.vouch(tenant, until=now + _MISSED * LOOK_EVERY)

    def _check_room(self, tenant: TenantId) -> None:
        own = sum(each.tenant == tenant for each in self._listeners)
        if own >= LISTENERS_OF_TENANT_MOST or len(self._listeners) >= LISTENERS_MOST:
            raise TooManyRequests(_LATER)
