"""The units of work of a planner, at the other end of its worker's line."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from datetime import datetime
from typing import cast

from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.tables import EndpointRow
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.session import Session, Suggestion
from cronicorn_domain.ports.session_log import SessionLog
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork

from tools.checker.history import Deed, HintOffered, HintsCleared, Paused, Triggered
from tools.simulate.connection import Connection
from tools.simulate.one_kind import OneKindOfUnits
from tools.simulate.site import Site
from tools.simulate.troubles import Call


class PlanningUnits(OneKindOfUnits):
    """
    Units of work that are whole: a worker dies before one or behind it.

    The way to the store and the answer to a commit travel, and may be late or lost. What lies
    between is one step: it begins when nobody writes, so that it waits for nothing.
    """

    def __init__(self, site: Site, connection: Connection) -> None:
        self._site = site
        self._connection = connection

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[UnitOfWork]:
        store = self._site.store
        await self._connection.ask(Call.READ, lambda: _nobody_writes(store))
        while _somebody_writes(store):
            await self._connection.ask(Call.READ, lambda: _nobody_writes(store))
        units: UnitsOfWork = self._site.units
        async with units.begin() as unit:
            yield cast("UnitOfWork", _Recorded(unit, self._site, self._connection))


class _Recorded:
    """A unit of work that tells the recorder what its commit has done."""

    def __init__(self, unit: UnitOfWork, site: Site, connection: Connection) -> None:
        self._unit = unit
        self._site = site
        self._connection = connection
        self._before = {each: copy(row) for each, row in site.store.tables.endpoints.items()}
        self.catalog, self.hints = unit.catalog, unit.hints
        self.runs, self.analyses, self.audit = unit.runs, unit.analyses, unit.audit
        self.sessions = _Noted(unit.sessions)

    async def commit(self) -> None:
        """Commit and note it; whether the answer arrives is another matter."""
        await self._unit.commit()
        self._note(self.sessions.kept)
        await self._connection.ask(Call.SETTLE, _nothing)

    async def rollback(self) -> None:
        """Undo everything."""
        await self._unit.rollback()

    def _note(self, session: Session | None) -> None:
        if session is None:
            return
        site, now = self._site, session.ended_at
        rows = site.store.tables.endpoints
        deeds: list[tuple[EndpointId, Deed]] = []
        for endpoint_id, before in self._before.items():
            after = rows[endpoint_id]
            deeds += [(endpoint_id, deed) for deed in _seen(before, after, now)]
            pause = before.endpoint.pause
            if before.endpoint.paused_at(now) and after.endpoint.pause != pause:
                site.broken.append(f"a model changed a pause of {before.endpoint.name}")
        site.sessions.append(session)
        if deeds:
            # As of the worker's instant, by which it has planned, behind what others did meanwhile.
            site.recorder.done(deeds, now=now)
        offered = (each for _, each in deeds if isinstance(each, HintOffered))
        site.granted.extend((session, each) for each in offered)
        told = ", ".join(type(deed).__name__ for _, deed in deeds) or "nothing"
        ending = session.ending
        site.recorder.tell(f"a session ends, {ending}: {told}", session.endpoint_id)


class _Noted:
    """A log of sessions that remembers what was written last."""

    def __init__(self, log: SessionLog) -> None:
        self._log = log
        self.kept: Session | None = None
        self.prune, self.get = log.prune, log.get

    async def append(self, session: Session, suggestions: Sequence[Suggestion] = ()) -> None:
        self.kept = session
        await self._log.append(session, suggestions)


def _seen(before: EndpointRow, after: EndpointRow, now: datetime) -> list[Deed]:
    """Say what a model did to an endpoint, in the order in which it is done."""
    deeds: list[Deed] = []
    left = {hint.id for hint in after.hints}
    gone = (hint for hint in before.hints if hint.id not in left and hint.expires_at > now)
    cleared = tuple(hint.id for hint in gone)
    if cleared:
        deeds.append(HintsCleared(hints=cleared))
    deeds += [HintOffered(hint=hint) for hint in after.hints if hint not in before.hints]
    pause = after.endpoint.pause
    if pause is not None and pause != before.endpoint.pause:
        deeds.append(Paused(pause=pause))
    deeds += [Triggered(trigger=each) for each in after.triggers if each not in before.triggers]
    return deeds


async def _nobody_writes(store: MemoryStore) -> None:
    async with store.writing:
        pass


def _somebody_writes(store: MemoryStore) -> bool:
    """Say whether a write would have to wait; a lock tells of its holder only."""
    return store.writing.locked() or bool(store.writing._waiters)  # noqa: SLF001


async def _nothing() -> None:
    """It was done before."""
