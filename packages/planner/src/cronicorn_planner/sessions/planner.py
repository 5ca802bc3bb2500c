"""Looks at endpoints when their time has come, and grants what a model proposes."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.errors import NotFound, StoreError, StoreUnavailable
from cronicorn_domain.identity import SessionId, WorkerId, new_uuid
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.proposal import Proposal
from cronicorn_domain.model.quota import Burst
from cronicorn_domain.model.session import (
    Analysis,
    Ending,
    NextRun,
    Session,
    Suggestion,
)
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.analysing import (
    AGAIN_LEAST,
    AGAIN_USUAL,
    again_after,
    again_after_failures,
)
from cronicorn_domain.policies.proposing import grant_of
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.session_log import SESSIONS_KEPT
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.wording import fault

from cronicorn_planner.asking.rationed import RationedModel
from cronicorn_planner.sessions.bounds import BOUNDS, Bounds, PriceList, Prices
from cronicorn_planner.sessions.conversing import Conversation, Record
from cronicorn_planner.sessions.granting import Granting
from cronicorn_planner.sessions.look import Look
from cronicorn_planner.sessions.observing import (
    ModelRests,
    PlannerObserver,
    PlannerTroubled,
    SessionEnded,
    SessionLost,
)
from cronicorn_planner.sessions.outside import Outside
from cronicorn_planner.sessions.reading import Reader, siblings_of, standing_of
from cronicorn_planner.sessions.resting import Rests

LOOK_EVERY: Final = timedelta(seconds=5)
_ENROL_EVERY: Final = timedelta(seconds=10)
_SPARE: Final = timedelta(minutes=1)
"""A lease outlives the longest session by so much, so that no other is begun beside it."""
_PRUNED_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerSettings:
    """
    How the planner works.

    Attributes:
        model: The model for endpoints that name none.
        concurrency: So many sessions at once.
        bounds: Of each session.
        prices: What tokens cost; None: nobody has said.
    """

    model: str
    concurrency: int = 4
    bounds: Bounds = BOUNDS
    prices: PriceList | None = None

    def prices_of(self, model: str) -> Prices | None:
        """Return what a model's tokens cost, as far as anybody has said."""
        return None if self.prices is None else self.prices.of(model)

    def guesses_prices_of(self, model: str) -> bool:
        """Say whether a model is counted at another's prices, since it has none of its own."""
        listed = self.prices is None or model in self.prices.by_model
        return not listed and model != self.model


class Planner:
    """
    Takes analyses that are due, and holds a session about each.

    Several may run over one store: an endpoint is looked at by one of them at a time. What a
    session proposes takes effect in the transaction that keeps it, or not at all.
    """

    name = "planner"

    def __init__(
        self,
        units: UnitsOfWork,
        model: RationedModel,
        *,
        clock: Clock,
        settings: PlannerSettings,
        observer: PlannerObserver,
        worker: WorkerId,
    ) -> None:
        self._units = units
        self._model = model
        self._clock = clock
        self._settings = settings
        self._observer = observer
        self._worker = worker
        self._rests = Rests()
        self._enrolled_at: datetime | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._looks = True

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Look at what is due beside the block, and stop with it."""
        working = asyncio.create_task(self.run())
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    def stop_looking(self) -> None:
        """Begin no more sessions; those that are under way go on until it is cancelled."""
        self._looks = False

    async def run(self) -> None:
        """Look at what is due, for ever; being cancelled it stops its sessions, and waits."""
        try:
            while True:
                await self._begin_what_is_due()
                await self._clock.sleep_until(self._clock.now() + LOOK_EVERY)
        finally:
            await self._stop()

    async def look_once(self) -> int:
        """Look at all that is due now, and return when that is done, with how many there were."""
        taken = await self._take()
        await asyncio.gather(*(self._look_at(each) for each in taken))
        return len(taken)

    async def _begin_what_is_due(self) -> None:
        try:
            taken = await self._take()
        except Exception as error:  # noqa: BLE001  the next look may find it mended
            self._observer.record(PlannerTroubled(reason=_told(error)))
            return
        for each in taken:
            task = asyncio.create_task(self._look_at(each))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _take(self) -> Sequence[Analysis]:
        now, room = self._clock.now(), self._settings.concurrency - len(self._running)
        if room <= 0 or not self._looks:
            return []
        async with self._units.begin() as unit:
            if self._enrolled_at is None or now - self._enrolled_at >= _ENROL_EVERY:
                await unit.analyses.enrol(now=now)
                await unit.sessions.prune(before=now - SESSIONS_KEPT, limit=_PRUNED_AT_ONCE)
                self._enrolled_at = now
            lease_for = self._settings.bounds.lasts + _SPARE
            taken = await unit.analyses.take(
                worker=self._worker, limit=room, lease_for=lease_for, now=now
            )
            await unit.commit()
        return taken

    async def _look_at(self, leased: Analysis) -> None:
        """Hold a session; a fault harms this one alone, and its lease ends by itself."""
        record = Record()
        try:
            look = await self._begun(leased)
            if look is None:
                return
            await self._hold(look, record)
            await _to_its_end(self._conclude(look, record))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is
            self._lost(leased, _told(error))

    async def _begun(self, leased: Analysis) -> Look | None:
        try:
            return await self._begin(leased)
        except asyncio.CancelledError:
            await _to_its_end(self._release(leased))
            raise

    async def _release(self, leased: Analysis) -> None:
        """The worker stops before anything was asked: the analysis is due as before."""
        try:
            async with self._units.begin() as unit:
                await unit.analyses.release(leased)
                await unit.commit()
        except StoreError as error:
            self._lost(leased, str(error))

    async def _hold(self, look: Look, record: Record) -> None:
        conversation = Conversation(
            self._model,
            self._clock,
            tenant=look.endpoint.tenant,
            name=look.model,
            bounds=self._settings.bounds,
            prices=self._settings.prices_of(look.model),
            reader=Reader(self._units, look.endpoint, look.outside),
            check=lambda proposal, now: _check(proposal, look.situation, now),
            outside=look.outside,
        )
        if self._settings.guesses_prices_of(look.model):
            record.warn(
                "price_guessed", f"{look.model} has no price of its own: the usual one holds"
            )
        try:
            await conversation.hold(look.prompt, record)
        except asyncio.CancelledError:
            await _to_its_end(self._give_back(look, record))
            raise
        except StoreUnavailable as error:
            record.end(Ending.HINDERED, str(error))

    async def _begin(self, leased: Analysis) -> Look | None:
        """Read the endpoint; None: nothing is asked, and it is looked at later."""
        now = self._clock.now()
        async with self._units.begin() as unit:
            situation = await unit.catalog.get_situation(leased.tenant, leased.endpoint_id)
            family = await siblings_of(unit, situation.endpoint)
            endpoint = situation.endpoint
            model = endpoint.planning.model or self._settings.model
            rests_until = self._rests.until(leased.tenant, model, now)
            if rests_until is not None or endpoint.planning.mode is AiMode.OFF:
                again_at = rests_until or now + AGAIN_USUAL
                await unit.analyses.finish(
                    leased, again_at=again_at, failures=leased.failures, now=now
                )
                await unit.commit()
                return None
        outside = Outside([endpoint, *family])
        prompt = (
            f"Look at this endpoint, since {outside.marked(leased.cause)}.\n"
            f"{standing_of(situation, now, outside)}"
        )
        return Look(
            id=SessionId(new_uuid()),
            leased=leased,
            situation=situation,
            model=model,
            prompt=prompt,
            outside=outside,
            started_at=now,
        )

    async def _conclude(self, look: Look, record: Record) -> None:
        """Keep the session with what it is granted, in one transaction; it is tried twice."""
        try:
            await self._keep(look, record)
        except StoreUnavailable:
            if not await self._is_kept(look, record):
                await self._keep(look, record)
        self._heed_model(look, record)

    async def _is_kept(self, look: Look, record: Record) -> bool:
        """Find whether only the answer was lost, and the session is to be told of alone."""
        tenant = look.endpoint.tenant
        async with self._units.begin_reading() as unit:
            try:
                kept = await unit.sessions.get(tenant, look.id)
            except NotFound:
                return False
        self._tell(kept.session, kept.endpoint_name, record)
        return True

    async def _keep(self, look: Look, record: Record) -> None:
        now = self._clock.now()
        again_at, failures = _again(look, record, now)
        async with self._units.begin() as unit:
            granting = Granting(unit, look, record, now)
            suggestions: list[Suggestion] = []
            tenant, endpoint_id = look.endpoint.tenant, look.endpoint.id
            endpoint = await unit.catalog.get_endpoint(tenant, endpoint_id, to_change=True)
            if record.ending is Ending.DONE:
                suggestions = granting.suggestions(endpoint)
                record.granted = await granting.grant(endpoint)
            record.suggested = len(suggestions)
            owned = await unit.analyses.finish(
                look.leased, again_at=again_at, failures=failures, now=now
            )
            if owned:
                after = await unit.catalog.get_situation(tenant, endpoint_id)
                standing = await unit.analyses.get(tenant, endpoint_id)
                session = replace(
                    self._session(look, record, now),
                    caveats=(*record.caveats, *granting.caveats),
                    after=_next_run(after),
                    next_analysis_at=again_at if standing is None else standing.next_at,
                    mode=endpoint.planning.mode,
                )
                await unit.sessions.append(session, suggestions)
                await unit.commit()
        if not owned:
            await self._keep_ungranted(look, record)
            return
        self._tell(session, endpoint.name, record)

    def _tell(self, session: Session, endpoint_name: str, record: Record) -> None:
        self._observer.record(
            SessionEnded(
                session=session,
                endpoint_name=endpoint_name,
                granted=record.granted,
                suggested=record.suggested,
                steps=tuple(record.steps),
            )
        )

    async def _keep_ungranted(self, look: Look, record: Record) -> None:
        """
        Keep a session whose endpoint is not its own any more, without what it proposed.

        It was switched off, or archived, meanwhile, or somebody else looks at it by now. What the
        session has cost was charged, and is told.
        """
        now = self._clock.now()
        async with self._units.begin() as unit:
            after = await unit.catalog.get_situation(look.endpoint.tenant, look.endpoint.id)
            standing = await unit.analyses.get(look.endpoint.tenant, look.endpoint.id)
            if standing is None:
                record.warn("switched_off", "the planner was switched off meanwhile")
            else:
                record.warn("lease_lost", "its lease has ended before it was done")
            session = replace(
                self._session(look, record, now),
                after=_next_run(after),
                next_analysis_at=now if standing is None else standing.next_at,
                mode=after.endpoint.planning.mode,
            )
            await unit.sessions.append(session)
            await unit.commit()
        self._lost(look.leased, "its lease has ended")

    async def _give_back(self, look: Look, record: Record) -> None:
        """The worker stops: the analysis is due as before, and what was spent is told."""
        now = self._clock.now()
        try:
            async with self._units.begin() as unit:
                await unit.analyses.release(look.leased)
                if record.bill.tokens:
                    session = replace(
                        self._session(look, record, now),
                        after=_next_run(look.situation),
                        next_analysis_at=max(look.leased.next_at, now),
                    )
                    await unit.sessions.append(session)
                await unit.commit()
        except (StoreError, NotFound) as error:
            self._lost(look.leased, str(error))

    def _session(self, look: Look, record: Record, now: datetime) -> Session:
        bill, prices = record.bill, self._settings.prices_of(look.model)
        return Session(
            id=look.id,
            tenant=look.endpoint.tenant,
            endpoint_id=look.endpoint.id,
            cause=look.leased.cause,
            mode=look.endpoint.planning.mode,
            model=look.model,
            started_at=look.started_at,
            ended_at=now,
            ending=record.ending,
            next_analysis_at=now,
            prompt=look.prompt,
            calls=tuple(record.calls),
            reasoning=record.reasoning,
            caveats=tuple(record.caveats),
            tokens_in=bill.tokens_in,
            tokens_out=bill.tokens_out,
            cost=None if prices is None else prices.cost(bill.tokens_in, bill.tokens_out),
            before=_next_run(look.situation),
            error=record.error,
        )

    def _heed_model(self, look: Look, record: Record) -> None:
        tenant, model = look.endpoint.tenant, look.model
        if record.ending is Ending.HINDERED:
            return
        if record.ending is Ending.FAILED or record.silent:
            rest = self._rests.failed(tenant, model, self._clock.now())
            if rest is not None:
                self._observer.record(
                    ModelRests(tenant=tenant, model=model, seconds=rest.total_seconds())
                )
        elif record.heard:
            self._rests.answered(tenant, model)

    def _lost(self, leased: Analysis, reason: str) -> None:
        self._observer.record(
            SessionLost(tenant=leased.tenant, endpoint_id=leased.endpoint_id, reason=reason)
        )


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """Do what is short and must not be left half done; who is cancelled waits for its end."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, StoreError) else f"a fault of ours: {fault(error)}"


def _check(proposal: Proposal, situation: Situation, now: datetime) -> None:
    grant_of(proposal, situation, floor=situation.floor, now=now)


def _again(look: Look, record: Record, now: datetime) -> tuple[datetime, int]:
    """Return when the endpoint is looked at again, and how many sessions in a row have failed."""
    match record.ending:
        case Ending.DONE:
            return now + again_after(record.again_in), 0
        case Ending.DENIED if record.refusal is not None:
            if isinstance(record.refusal, Burst):
                wait = max(record.refusal.retry_after, AGAIN_LEAST)
                return now + wait, look.leased.failures
            # A limit may be raised before the month is over.
            return min(record.refusal.until, now + AGAIN_USUAL), look.leased.failures
        case Ending.HINDERED:
            return now + AGAIN_LEAST, look.leased.failures
        case _:
            failures = look.leased.failures + 1
            return now + again_after_failures(failures), failures


def _next_run(situation: Situation) -> NextRun | None:
    plan = situation.state.next_plan
    if plan is None:
        return None
    return NextRun(due_at=plan.decision.due_at, source=plan.decision.source)
