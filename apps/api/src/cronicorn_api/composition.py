"""Builds the API: every choice of technology is made here and nowhere else."""

import os
import platform
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from cronicorn_adapter_argon2.password_hasher import Argon2PasswordHasher
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
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.pool_use import connections_in_use, connections_most
from cronicorn_adapter_sql.quota_guard import SqlQuotaGuard
from cronicorn_adapter_sql.store import SqlStore, shared_store
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.breaker import DEFAULT_BREAKER, Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.model.quota import NO_QUOTAS, Meter, Quotas
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.dispatcher import Dispatcher
from cronicorn_domain.ports.model_client import ModelClient
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_management.allowance import SELF_HOSTED, Allowance
from cronicorn_management.desk import Desk
from cronicorn_management.sign_in_rates import SIGN_IN_RATES, SignInRates
from cronicorn_management.throttle import Throttle
from cronicorn_metering.meters import Meters
from cronicorn_metering.parts import Parts
from cronicorn_metering.readings import Readings
from cronicorn_planner.asking.rationed import RationedModel
from cronicorn_planner.replaying.rule_replayer import RuleReplayer
from cronicorn_planner.rules.assessing import RuleAssessor
from cronicorn_planner.sessions.choosing import ChosenModel
from cronicorn_planner.sessions.observing import UNHEARD, PlannerObserver
from cronicorn_planner.sessions.planner import Planner
from cronicorn_planner.sessions.tracing import TracedSessions
from cronicorn_scheduler.observing import Observer, SilentObserver
from cronicorn_scheduler.quota_outages import Told as QuotaTold
from cronicorn_scheduler.quota_outages import Untold, WatchedQuotaGuard
from cronicorn_scheduler.service import Scheduler
from cronicorn_scheduler.settings import CONCURRENCY, RETENTION, SchedulerSettings
from cronicorn_scheduler.tracing import TracedRuns
from cronicorn_scheduler.ways import ByItsWay

from cronicorn_api.settings import UsageFault
from cronicorn_api.tracing import Tracing
from cronicorn_api.trials.sending import SentTrials

_UNTOLD: Final = Untold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """
    A desk where people and programs ask, and a worker that may run what they ask for.

    ``planner`` looks at endpoints beside it, where a model was chosen.
    """

    desk: Desk
    worker: Scheduler
    planner: Planner | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """
    What is chosen of a service besides its database.

    Attributes:
        allowed: Where endpoints may call besides public addresses.
        poll_only: There is a pooler before the database which is not noticed by itself.
        allowance: What each tenant may have.
        quotas: What it may use of a month.
        quota_redis: The address of a server that counts that; None: the database does.
        quota_told: Hears that this server is away; all goes on that has no quota.
        sign_in_rates: How often passwords may be tried.
        model: Which model looks at endpoints; None: none does.
        observer: Hears of the worker.
        sessions: Hears of what that model is asked.
        meters: Are put around the worker and the planner; None: nobody counts what they do.
        concurrency: How many runs the worker has in hand at most.
        caps: How many runs may be under way, as the workers have it.
        breaker: When a host is held back; None: never.
        retention: How long history is kept; None: for ever.
        runs_most: So many of its newest runs each tenant keeps; None: all that are young enough.
        smtp: The server that takes letters, if there is one.
        mail_from: From whom they are.
        tracing: Makes traces of trials and of the worker's runs; None: nobody does.
    """

    allowed: Iterable[str] = ()
    poll_only: bool = False
    allowance: Allowance = SELF_HOSTED
    quotas: Quotas = NO_QUOTAS
    quota_redis: str | None = None
    quota_told: QuotaTold = _UNTOLD
    sign_in_rates: SignInRates = SIGN_IN_RATES
    model: ChosenModel | None = None
    observer: Observer | None = None
    sessions: PlannerObserver = UNHEARD
    meters: Meters | None = None
    concurrency: int = CONCURRENCY
    caps: Caps = NO_CAPS
    breaker: Breaker | None = DEFAULT_BREAKER
    retention: timedelta | None = RETENTION
    runs_most: int | None = None
    smtp: str | None = None
    mail_from: str | None = None
    tracing: Tracing | None = None


AS_IT_COMES: Final = Choices()


@asynccontextmanager
async def open_service(
    url: str, secret_key: str | None, chosen: Choices = AS_IT_COMES
) -> AsyncIterator[Service]:
    """
    Open and migrate a database, and give what works over it; processes may start together.

    The worker does nothing until it is run.

    Raises:
        InvalidInput: the URL, the key or an entry is malformed.
        StoreError: it cannot be reached, is locked, or is newer than this code.
        UsageFault: a model was chosen, and what asks models is not installed.
    """
    rules = EgressGuard(AllowList.parse(chosen.allowed))
    database = parse_database_url(url)
    vault = vault_for(database, secret_key=secret_key)
    letters = None if chosen.smtp is None else _letters(chosen.smtp, chosen.mail_from)
    async with open_engine(
        database, application_name="cronicorn-api", poll_only=chosen.poll_only
    ) as engine:
        await upgrade(engine)
        clock = await DatabaseClock.synchronized(engine)
        async with (
            shared_store(engine, vault=vault, floor=chosen.allowance.floor) as store,
            open_dispatcher(rules) as dispatcher,
            aclosing(CelRuleEvaluator()) as conditions,
            aclosing(CelRuleEvaluator()) as replayed,
            _open_quota_guard(partial(SqlQuotaGuard, engine), chosen, clock) as quota,
            _open_model(chosen.model) as model,
        ):
            tools = _Tools(
                store=store,
                clock=clock,
                rules=rules,
                dispatcher=dispatcher,
                conditions=conditions,
                replays=RuleReplayer(replayed),
                assessor=RuleAssessor(conditions, store.units),
                quota=quota,
                readings=Readings(
                    quotas=chosen.quotas,
                    concurrency=chosen.concurrency,
                    connections_most=connections_most(engine),
                    connections_in_use=partial(connections_in_use, engine),
                    slots_recorded=store.slots_recorded,
                    clock_skew=clock.skew,
                    open_breakers=_counted(chosen.breaker, partial(open_breakers, engine)),
                ),
            )
            worker = WorkerId(f"{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}")
            parts = _parts(tools, chosen)
            yield Service(
                desk=_desk(tools, chosen),
                worker=_worker(tools, parts, chosen, letters, worker),
                planner=_planner(tools, parts, chosen, model, worker),
            )


@asynccontextmanager
async def open_desk(
    url: str, secret_key: str | None, chosen: Choices = AS_IT_COMES
) -> AsyncIterator[Desk]:
    """Give the desk alone; see ``open_service``."""
    async with open_service(url, secret_key, chosen) as service:
        yield service.desk


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tools:
    """What is open, for the desk and the worker alike."""

    store: SqlStore
    clock: Clock
    rules: EgressGuard
    dispatcher: Dispatcher
    conditions: CelRuleEvaluator
    replays: RuleReplayer
    assessor: RuleAssessor
    quota: QuotaGuard
    readings: Readings


def _desk(tools: _Tools, chosen: Choices) -> Desk:
    store, clock, conditions = tools.store, tools.clock, tools.conditions
    return Desk(
        units=store.units,
        clock=clock,
        rules=tools.rules,
        allowances=lambda _: chosen.allowance,
        throttle=Throttle(store.limits, clock),
        conditions=conditions,
        activity=store.activity,
        replays=tools.replays,
        trials=SentTrials(
            tools.dispatcher,
            tools.assessor,
            clock,
            None if chosen.tracing is None else chosen.tracing.runs,
        ),
        passwords=Argon2PasswordHasher(),
        quota=tools.quota,
        sign_in_rates=chosen.sign_in_rates,
        workers=store.workers,
    )


def _parts(tools: _Tools, chosen: Choices) -> Parts:
    """Return what a worker and a planner are asked and tell, traced and counted as was chosen."""
    observer, sessions = chosen.observer or SilentObserver(), chosen.sessions
    if chosen.tracing is not None:
        observer = TracedRuns(observer, chosen.tracing.runs, tools.clock)
        sessions = TracedSessions(sessions, chosen.tracing.sessions)
    parts = Parts(
        queue=tools.store.queue,
        dispatcher=tools.dispatcher,
        observer=observer,
        quota=tools.quota,
        sessions=sessions,
    )
    return parts if chosen.meters is None else chosen.meters.around(parts, tools.readings)


def _counted(
    breaker: Breaker | None, count: Callable[..., Awaitable[int]]
) -> Callable[[], Awaitable[int]]:
    """Return what counts the breakers that are open; where there are none, none is."""

    async def found() -> int:
        return 0 if breaker is None else await count(opens_after=breaker.opens_after)

    return found


def _worker(
    tools: _Tools, parts: Parts, chosen: Choices, letters: SmtpNotifier | None, worker: WorkerId
) -> Scheduler:
    store, clock, quotas = tools.store, tools.clock, chosen.quotas
    return Scheduler(
        queue=parts.queue,
        units=store.units,
        dispatcher=parts.dispatcher,
        wakeups=store.wakeups,
        workers=store.workers,
        room=store.room,
        clock=clock,
        settings=SchedulerSettings(
            worker=worker,
            concurrency=chosen.concurrency,
            floor=chosen.allowance.floor,
            caps=chosen.caps,
            breaker=chosen.breaker,
            retention=chosen.retention,
            runs_most=chosen.runs_most,
        ),
        observer=parts.observer,
        assessor=tools.assessor,
        quota=parts.quota if quotas.are_set(Meter.RUNS) else None,
        budgets=parts.quota if any(quotas.are_set(each) for each in Meter) else None,
        notifier=ByItsWay(webhooks=WebhookNotifier(tools.dispatcher, clock), letters=letters),
    )


def _letters(smtp: str, mail_from: str | None) -> SmtpNotifier:
    server = parse_smtp_url(smtp)
    return SmtpNotifier(server, sender=mail_from or f"cronicorn@{server.host}")


def _planner(
    tools: _Tools, parts: Parts, chosen: Choices, model: ModelClient | None, worker: WorkerId
) -> Planner | None:
    if chosen.model is None or model is None or parts.quota is None:
        return None
    return Planner(
        tools.store.units,
        RationedModel(model, parts.quota, clock=tools.clock),
        clock=tools.clock,
        settings=chosen.model.planner,
        observer=parts.sessions,
        worker=worker,
    )


@asynccontextmanager
async def _open_model(chosen: ChosenModel | None) -> AsyncIterator[ModelClient | None]:
    """Give what asks models, where one was chosen."""
    if chosen is None:
        yield None
        return
    try:
        from cronicorn_adapter_ai.model_client import (  # noqa: PLC0415  it takes seconds, and 100 MiB
            Vendor,
            open_model_client,
        )
    except ModuleNotFoundError as error:
        raise UsageFault(
            f"the AI planner needs what is not installed: {error.name}. Install cronicorn-api[ai],"
            " or unset CRONICORN_AI_MODEL"
        ) from error
    address = chosen.address
    async with open_model_client(
        Vendor(address.vendor.value), api_key=address.api_key, base_url=address.base_url
    ) as client:
        yield client


@asynccontextmanager
async def _open_quota_guard(
    in_database: Callable[[Quotas], QuotaGuard], chosen: Choices, clock: Clock
) -> AsyncIterator[QuotaGuard]:
    """Give what knows how much is used of quotas."""
    if chosen.quota_redis is None:
        yield in_database(chosen.quotas)
        return
    from cronicorn_adapter_redis.quota_guard import (  # noqa: PLC0415  who has none pays not
        open_redis_quota_guard,
    )

    async with open_redis_quota_guard(chosen.quota_redis, chosen.quotas) as guard:
        watched = WatchedQuotaGuard(guard, chosen.quota_told, monotonic=time.monotonic)
        await watched.greet(now=clock.now())
        yield watched


@asynccontextmanager
async def open_tracing(*, wanted: bool) -> AsyncIterator[Tracing | None]:
    """
    Give what makes traces, if they are wanted.

    Raises:
        UsageFault: they are, without what they need.
    """
    if not wanted:
        yield None
        return
    try:
        from cronicorn_adapter_otel import tracing  # noqa: PLC0415  it takes its time
    except ModuleNotFoundError as error:
        raise UsageFault(
            f"traces need what is not installed: {error.name};"
            " install cronicorn-api[traces], or leave --traces out"
        ) from error
    async with tracing.open_tracing("cronicorn-api") as opened:
        yield opened
