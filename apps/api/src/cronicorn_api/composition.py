"""Builds the API: every choice of technology is made here and nowhere else."""

import os
import platform
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from cronicorn_adapter_argon2.password_hasher import Argon2PasswordHasher
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_adapter_http.allow_list import AllowList
from cronicorn_adapter_http.dispatcher import open_dispatcher
from cronicorn_adapter_http.egress import EgressGuard
from cronicorn_adapter_http.notifier import WebhookNotifier
from cronicorn_adapter_smtp.notifier import SmtpNotifier
from cronicorn_adapter_smtp.server import parse_smtp_url
from cronicorn_adapter_sql.clock import DatabaseClock
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.quota_guard import SqlQuotaGuard
from cronicorn_adapter_sql.store import shared_store
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.quota import NO_QUOTAS, Meter, Quotas
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_management.allowance import SELF_HOSTED, Allowance
from cronicorn_management.desk import Desk
from cronicorn_management.sign_in_rates import SIGN_IN_RATES, SignInRates
from cronicorn_management.throttle import Throttle
from cronicorn_planner.replaying.rule_replayer import RuleReplayer
from cronicorn_planner.rules.assessing import RuleAssessor
from cronicorn_scheduler.observing import Observer
from cronicorn_scheduler.service import Scheduler
from cronicorn_scheduler.settings import SchedulerSettings
from cronicorn_scheduler.ways import ByItsWay

from cronicorn_api.trials.sending import SentTrials


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A desk where people and programs ask, and a worker that may run what they ask for."""

    desk: Desk
    worker: Scheduler


@asynccontextmanager
async def open_service(
    url: str,
    secret_key: str | None,
    *,
    allowed: Iterable[str] = (),
    poll_only: bool = False,
    quotas: Quotas = NO_QUOTAS,
    quota_redis: str | None = None,
    allowance: Allowance = SELF_HOSTED,
    sign_in_rates: SignInRates = SIGN_IN_RATES,
    observer: Observer | None = None,
    smtp: str | None = None,
    mail_from: str | None = None,
) -> AsyncIterator[Service]:
    """
    Open and migrate a database, and give what works over it; processes may start together.

    ``allowed`` is where endpoints may call besides public addresses; ``allowance`` is what each
    tenant may have, ``sign_in_rates`` how often passwords may be tried. What is used of ``quotas``
    is counted in the database, unless ``quota_redis`` is the address of a server for it.
    ``observer`` hears of the worker, which does nothing until it is run, and sends letters by the
    server ``smtp``, if there is one.

    Raises:
        InvalidInput: the URL, the key or an entry is malformed.
        StoreError: it cannot be reached, is locked, or is newer than this code.
    """
    rules = EgressGuard(AllowList.parse(allowed))
    database = parse_database_url(url)
    vault = vault_for(database, secret_key=secret_key)
    letters = None if smtp is None else _letters(smtp, mail_from)
    async with open_engine(
        database, application_name="cronicorn-api", poll_only=poll_only
    ) as engine:
        await upgrade(engine)
        async with (
            shared_store(engine, vault=vault, floor=allowance.floor) as store,
            open_dispatcher(rules) as dispatcher,
            aclosing(CelRuleEvaluator()) as conditions,
            _open_quota_guard(partial(SqlQuotaGuard, engine), quotas, quota_redis) as quota,
        ):
            clock = await DatabaseClock.synchronized(engine)
            assessor = RuleAssessor(conditions, store.units)
            desk = Desk(
                units=store.units,
                clock=clock,
                rules=rules,
                allowances=lambda _: allowance,
                throttle=Throttle(store.limits, clock),
                conditions=conditions,
                activity=store.activity,
                replays=RuleReplayer(conditions),
                trials=SentTrials(dispatcher, assessor, clock),
                passwords=Argon2PasswordHasher(),
                quota=quota,
                sign_in_rates=sign_in_rates,
                workers=store.workers,
            )
            worker = Scheduler(
                queue=store.queue,
                units=store.units,
                dispatcher=dispatcher,
                wakeups=store.wakeups,
                workers=store.workers,
                room=store.room,
                clock=clock,
                settings=SchedulerSettings(worker=_worker_name()),
                observer=observer,
                assessor=assessor,
                quota=quota if quotas.are_set(Meter.RUNS) else None,
                budgets=quota if any(quotas.are_set(each) for each in Meter) else None,
                notifier=ByItsWay(webhooks=WebhookNotifier(dispatcher, clock), letters=letters),
            )
            yield Service(desk=desk, worker=worker)


@asynccontextmanager
async def open_desk(
    url: str,
    secret_key: str | None,
    *,
    allowed: Iterable[str] = (),
    poll_only: bool = False,
    allowance: Allowance = SELF_HOSTED,
    quotas: Quotas = NO_QUOTAS,
    quota_redis: str | None = None,
    sign_in_rates: SignInRates = SIGN_IN_RATES,
) -> AsyncIterator[Desk]:
    """Give the desk alone; see ``open_service``."""
    async with open_service(
        url,
        secret_key,
        allowed=allowed,
        poll_only=poll_only,
        allowance=allowance,
        quotas=quotas,
        quota_redis=quota_redis,
        sign_in_rates=sign_in_rates,
    ) as service:
        yield service.desk


def _letters(smtp: str, mail_from: str | None) -> SmtpNotifier:
    server = parse_smtp_url(smtp)
    return SmtpNotifier(server, sender=mail_from or f"cronicorn@{server.host}")


def _worker_name() -> WorkerId:
    return WorkerId(f"{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}")


@asynccontextmanager
async def _open_quota_guard(
    in_database: Callable[[Quotas], QuotaGuard], quotas: Quotas, redis: str | None
) -> AsyncIterator[QuotaGuard]:
    """Give what knows how much is used of quotas."""
    if redis is None:
        yield in_database(quotas)
        return
    from cronicorn_adapter_redis.quota_guard import (  # noqa: PLC0415  who has none pays not
        open_redis_quota_guard,
    )

    async with open_redis_quota_guard(redis, quotas) as guard:
        yield guard
