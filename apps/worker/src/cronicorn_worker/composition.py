"""Builds the worker: every choice of technology is made here and nowhere else."""

import os
import platform
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_adapter_http.allow_list import AllowList
from cronicorn_adapter_http.dispatcher import open_dispatcher
from cronicorn_adapter_http.egress import EgressGuard
from cronicorn_adapter_http.notifier import WebhookNotifier
from cronicorn_adapter_smtp.notifier import SmtpNotifier
from cronicorn_adapter_smtp.server import parse_smtp_url
from cronicorn_adapter_sql.breakers import open_breakers
from cronicorn_adapter_sql.clock import DatabaseClock
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.drift import find_drift
from cronicorn_adapter_sql.migrating.journey import Began, Event, Finished, HeldUp
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.migrating.standing import refuse_lacking, require_head
from cronicorn_adapter_sql.pool_use import connections_in_use, connections_most
from cronicorn_adapter_sql.quota_guard import SqlQuotaGuard
from cronicorn_adapter_sql.store import shared_store, store_over
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_adapter_sql.worker_registry import SqlWorkerRegistry
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.quota import Meter, Quotas
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.model.state import DEFAULT_FLOOR
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import EndpointQueue
from cronicorn_domain.ports.examination import Examination
from cronicorn_domain.ports.history_room import HistoryRoom
from cronicorn_domain.ports.model_client import ModelClient
from cronicorn_domain.ports.notifier import Notifier
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.ports.rate_limits import RateLimits
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.ports.wakeups import Wakeups
from cronicorn_domain.ports.worker_registry import WorkerRegistry
from cronicorn_management.allowance import SELF_HOSTED, Allowance
from cronicorn_management.conditions import Conditions
from cronicorn_management.desk import Desk
from cronicorn_management.throttle import Throttle
from cronicorn_metering.parts import Parts
from cronicorn_metering.readings import Readings
from cronicorn_planner.asking.rationed import RationedModel
from cronicorn_planner.replaying.rule_replayer import RuleReplayer
from cronicorn_planner.rules.assessing import RuleAssessor
from cronicorn_planner.sessions.choosing import ModelAddress
from cronicorn_planner.sessions.planner import Planner
from cronicorn_planner.sessions.tracing import TracedSessions
from cronicorn_scheduler.quota_outages import WatchedQuotaGuard
from cronicorn_scheduler.service import Scheduler
from cronicorn_scheduler.settings import SchedulerSettings
from cronicorn_scheduler.tracing import TracedRuns
from cronicorn_scheduler.ways import ByItsWay

from cronicorn_worker.faults import WorkerFault
from cronicorn_worker.settings import LogLevel, WorkerSettings
from cronicorn_worker.watching.opening_lines import Tell, untold
from cronicorn_worker.watching.quota_lines import QuotaLines
from cronicorn_worker.watching.session_lines import SessionLines
from cronicorn_worker.watching.showing import Show

if TYPE_CHECKING:
    from cronicorn_metering.meters import Meters

_TRIES_BETWEEN_LINES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """
    A database that is open and at the newest revision; ``name`` shows no password.

    ``floor`` is that by which it plans.
    """

    name: str
    floor: timedelta
    queue: EndpointQueue
    units: UnitsOfWork
    wakeups: Wakeups
    workers: WorkerRegistry
    room: HistoryRoom
    limits: RateLimits
    clock: Clock
    quota_guard: Callable[[Quotas], QuotaGuard]
    slots_recorded: Mapping[Fate, int]
    connections_most: int
    connections_in_use: Callable[[], int]
    open_breakers: Callable[[int], Awaitable[int]]


def egress_guard(allowed: Iterable[str]) -> EgressGuard:
    """Let out HTTP to public addresses and to the entries. Raises ``InvalidInput``."""
    return EgressGuard(AllowList.parse(allowed))


def desk_over(store: Store, guard: EgressGuard, allowance: Allowance = SELF_HOSTED) -> Desk:
    """Return where the jobs file asks for what it wants."""
    return Desk(
        units=store.units,
        clock=store.clock,
        rules=guard,
        throttle=Throttle(store.limits, store.clock),
        allowances=lambda _: allowance,
        conditions=checked_conditions(),
    )


def checked_conditions() -> Conditions:
    """Return what checks the conditions of a jobs file; it starts no process."""
    return CelRuleEvaluator()


@asynccontextmanager
async def open_store(
    url: str,
    secret_key: str | None,
    *,
    poll_only: bool = False,
    floor: timedelta = DEFAULT_FLOOR,
    tell: Tell = untold,
) -> AsyncIterator[Store]:
    """
    Open and migrate a database, whichever kind it is; workers that start together are safe.

    Nothing runs more often than each ``floor``. ``poll_only`` says that there is a pooler before
    it which is not noticed by itself. ``tell`` hears of migrations, and of what they wait for.

    Raises:
        InvalidInput: the URL or the key is malformed.
        StoreError: it cannot be reached, is locked, or is newer than this code.
    """
    database = parse_database_url(url)
    vault = vault_for(database, secret_key=secret_key)
    async with open_engine(
        database, application_name="cronicorn-worker", poll_only=poll_only
    ) as engine:
        await upgrade(engine, tell=partial(_tell_migration, tell))
        async with shared_store(engine, vault=vault, floor=floor) as store:

            async def breakers(opens_after: int) -> int:
                return await open_breakers(engine, opens_after=opens_after)

            yield Store(
                name=str(database),
                floor=floor,
                queue=store.queue,
                units=store.units,
                wakeups=store.wakeups,
                workers=store.workers,
                room=store.room,
                limits=store.limits,
                clock=await DatabaseClock.synchronized(engine),
                quota_guard=partial(SqlQuotaGuard, engine),
                slots_recorded=store.slots_recorded,
                connections_most=connections_most(engine),
                connections_in_use=partial(connections_in_use, engine),
                open_breakers=breakers,
            )


def _tell_migration(tell: Tell, event: Event) -> None:
    match event:
        case Began(step=step, number=number, count=count):
            place = f"{number} of {count}"
            fields = {"revision": step.revision, "title": step.title, "place": place}
            tell("migration_began", fields)
        case Finished(step=step):
            tell("migration_done", {"revision": step.revision})
        case HeldUp(reason=reason, tried=tried):
            if tried % _TRIES_BETWEEN_LINES in {0, 1}:
                tell("migration_waits", {"error": reason}, level=LogLevel.WARNING)
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """
    A database that is open to be examined; ``name`` shows no password.

    ``floors`` are those that its workers have told, and by the longest it is planned anew; none has
    been told where no worker is known, and then ``floor`` is that of the settings.
    ``differences`` tells where its tables are not as they should be.
    """

    name: str
    floor: timedelta
    floors: Sequence[timedelta]
    examination: Examination
    queue: EndpointQueue
    workers: WorkerRegistry
    room: HistoryRoom
    clock: Clock
    differences: Callable[[], Awaitable[Sequence[str]]]


@asynccontextmanager
async def open_patient(
    url: str,
    secret_key: str | None,
    *,
    poll_only: bool = False,
    floor: timedelta = DEFAULT_FLOOR,
) -> AsyncIterator[Patient]:
    """
    Open a database as it is: none is made, and none is migrated.

    ``poll_only`` says that there is a pooler before it which is not noticed by itself. ``floor``
    counts where no worker has told by which it plans.

    Raises:
        InvalidInput: the URL or the key is malformed.
        StoreError: there is none, it cannot be reached, it is at another revision, or it lacks
            what is to be looked at.
    """
    database = parse_database_url(url)
    vault = vault_for(database, secret_key=secret_key)
    async with open_engine(
        database, application_name="cronicorn-doctor", create=False, poll_only=poll_only
    ) as engine:
        await require_head(engine)
        await refuse_lacking(engine)
        told = {worker.floor for worker in await SqlWorkerRegistry(engine).list_workers()}
        floor = max(told, default=floor)
        store = store_over(engine, vault=vault, floor=floor)

        async def differences() -> Sequence[str]:
            return [str(difference) for difference in await find_drift(engine)]

        yield Patient(
            name=str(database),
            floor=floor,
            floors=sorted(told),
            examination=store.examination,
            queue=store.queue,
            workers=store.workers,
            room=store.room,
            clock=await DatabaseClock.synchronized(engine),
            differences=differences,
        )


@asynccontextmanager
async def open_records(settings: WorkerSettings, guard: EgressGuard) -> AsyncIterator[Desk]:
    """
    Give a desk over a database as it is, at which rules can be replayed: none is made or migrated.

    Raises:
        InvalidInput: the URL or the key is malformed.
        StoreError: there is none, it cannot be reached, or it is at another revision.
    """
    database = parse_database_url(settings.database_url)
    vault = vault_for(database, secret_key=settings.key)
    async with (
        open_engine(
            database,
            application_name="cronicorn-replay",
            create=False,
            poll_only=settings.poll_only,
        ) as engine,
        aclosing(CelRuleEvaluator()) as evaluator,
    ):
        await require_head(engine)
        store = store_over(engine, vault=vault, floor=settings.allowance.floor)
        clock = await DatabaseClock.synchronized(engine)
        yield Desk(
            units=store.units,
            clock=clock,
            rules=guard,
            throttle=Throttle(store.limits, clock),
            allowances=lambda _: settings.allowance,
            conditions=evaluator,
            replays=RuleReplayer(evaluator),
        )


@asynccontextmanager
async def open_scheduler(
    store: Store,
    guard: EgressGuard,
    show: Show,
    settings: WorkerSettings,
    *,
    meters: "Meters | None" = None,
    replacements: int = 0,
) -> AsyncIterator[Scheduler]:
    """
    Build the scheduler over a store; it claims no more than its dispatcher can send.

    ``replacements`` is how often its process, of several, has been replaced before.

    Raises:
        WorkerFault: traces are asked for without what they need.
        InvalidInput: the address of the Redis server for quotas is none.
        StoreRefused: that server does not let us in; one that is away is told, and not waited for.
    """
    worker = WorkerId(f"{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}")
    async with (
        open_dispatcher(guard) as dispatcher,
        aclosing(CelRuleEvaluator()) as evaluator,
        _open_quota_guard(store, settings, show.tell) as quota,
        _traced(
            Parts(
                queue=store.queue,
                dispatcher=dispatcher,
                observer=show,
                quota=quota,
                sessions=SessionLines(show.tell),
            ),
            store,
            settings,
        ) as traced,
        nullcontext(_metered(traced, store, settings, meters, replacements)) as parts,
        _planned(store, parts, settings, worker) as planner,
    ):
        yield Scheduler(
            queue=parts.queue,
            units=store.units,
            dispatcher=parts.dispatcher,
            wakeups=store.wakeups,
            workers=store.workers,
            room=store.room,
            clock=store.clock,
            settings=SchedulerSettings(
                worker=worker,
                concurrency=settings.concurrency,
                floor=store.floor,
                caps=settings.caps,
                breaker=settings.breaker,
                retention=settings.retention,
                runs_most=settings.keep_runs,
            ),
            observer=parts.observer,
            assessor=RuleAssessor(evaluator, store.units),
            notifier=_notifier(WebhookNotifier(dispatcher, store.clock), settings),
            quota=parts.quota,
            beside=() if planner is None else (planner.stop_looking,),
        )


@asynccontextmanager
async def _open_quota_guard(
    store: Store, settings: WorkerSettings, tell: Tell
) -> AsyncIterator[QuotaGuard | None]:
    """
    Give what rations runs and tokens, and knows of both for those who are to be told.

    It is counted in the store or in Redis; None where nobody has a quota, and no model uses tokens.
    """
    if not any(settings.quotas.are_set(each) for each in Meter) and settings.chosen_model is None:
        yield None
    elif settings.quota_redis is None:
        yield store.quota_guard(settings.quotas)
    else:
        from cronicorn_adapter_redis.quota_guard import (  # noqa: PLC0415  who has none pays not
            open_redis_quota_guard,
        )

        url = settings.quota_redis.get_secret_value()
        async with open_redis_quota_guard(url, settings.quotas) as guard:
            watched = WatchedQuotaGuard(guard, QuotaLines(tell), monotonic=time.monotonic)
            await watched.greet(now=store.clock.now())
            yield watched


@asynccontextmanager
async def _planned(
    store: Store, parts: Parts, settings: WorkerSettings, worker: WorkerId
) -> AsyncIterator[Planner | None]:
    """Let the AI planner work beside the block, where a model is named, and give it."""
    chosen = settings.chosen_model
    if chosen is None or parts.quota is None:
        yield None
        return
    async with _open_model_client(chosen.address) as client:
        planner = Planner(
            store.units,
            RationedModel(client, parts.quota, clock=store.clock),
            clock=store.clock,
            settings=chosen.planner,
            observer=parts.sessions,
            worker=worker,
        )
        async with planner.at_work():
            yield planner


def _open_model_client(address: ModelAddress) -> AbstractAsyncContextManager[ModelClient]:
    try:
        from cronicorn_adapter_ai.model_client import (  # noqa: PLC0415  it takes seconds, and 100 MiB
            Vendor,
            open_model_client,
        )
    except ModuleNotFoundError as error:
        raise WorkerFault(
            f"the AI planner needs what is not installed: {error.name}",
            "Install cronicorn-worker[ai], or unset CRONICORN_AI_MODEL",
        ) from error
    vendor = Vendor(address.vendor.value)
    return open_model_client(vendor, api_key=address.api_key, base_url=address.base_url)


def _notifier(webhooks: Notifier, settings: WorkerSettings) -> Notifier:
    """Tell by webhooks, and by letters where there is a server for them."""
    if settings.smtp is None:
        return ByItsWay(webhooks=webhooks, letters=None)
    server = parse_smtp_url(settings.smtp.get_secret_value())
    sender = settings.mail_from or f"cronicorn@{server.host}"
    return ByItsWay(webhooks=webhooks, letters=SmtpNotifier(server, sender=sender))


@asynccontextmanager
async def open_meters(settings: WorkerSettings, tell: Tell) -> AsyncIterator["Meters | None"]:
    """
    Serve metrics and health, from before there is a store on; nothing where nobody asked for it.

    Raises:
        WorkerFault: the port cannot be had.
    """
    if settings.metrics_port is None:
        yield None
        return
    from cronicorn_worker.metering.serving import served  # noqa: PLC0415  who does not ask pays not

    async with served(
        settings.concurrency,
        host=settings.metrics_host,
        port=settings.metrics_port,
        tell=lambda address: tell("metrics_served", {"address": address}),
    ) as meters:
        yield meters


@asynccontextmanager
async def _traced(parts: Parts, store: Store, settings: WorkerSettings) -> AsyncIterator[Parts]:
    if not settings.traces:
        yield parts
        return
    try:
        from cronicorn_adapter_otel.tracing import open_tracing  # noqa: PLC0415  it takes its time
    except ModuleNotFoundError as error:
        raise WorkerFault(
            f"traces need what is not installed: {error.name}",
            "Install cronicorn-worker[traces], or leave --traces out",
        ) from error
    async with open_tracing("cronicorn-worker") as tracing:
        yield replace(
            parts,
            observer=TracedRuns(parts.observer, tracing.runs, store.clock),
            sessions=TracedSessions(parts.sessions, tracing.sessions),
        )


def _metered(
    parts: Parts,
    store: Store,
    settings: WorkerSettings,
    meters: "Meters | None",
    replacements: int,
) -> Parts:
    """Put metrics around the parts; nothing where nobody asked for them."""
    if meters is None:
        return parts
    readings = Readings(
        quotas=settings.quotas,
        concurrency=settings.concurrency,
        replacements=replacements,
        connections_most=store.connections_most,
        connections_in_use=store.connections_in_use,
        slots_recorded=store.slots_recorded,
        clock_skew=store.clock.skew,
        open_breakers=partial(_open_breakers, store, settings),
    )
    return meters.around(parts, readings)


async def _open_breakers(store: Store, settings: WorkerSettings) -> int:
    return (
        0 if settings.breaker is None else await store.open_breakers(settings.breaker.opens_after)
    )
