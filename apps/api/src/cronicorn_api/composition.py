"""Builds the API: every choice of technology is made here and nowhere else."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from functools import partial

from cronicorn_adapter_argon2.password_hasher import Argon2PasswordHasher
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_adapter_http.allow_list import AllowList
from cronicorn_adapter_http.dispatcher import open_dispatcher
from cronicorn_adapter_http.egress import EgressGuard
from cronicorn_adapter_sql.clock import DatabaseClock
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.quota_guard import SqlQuotaGuard
from cronicorn_adapter_sql.store import shared_store
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_domain.model.quota import NO_QUOTAS, Quotas
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_management.allowance import SELF_HOSTED, Allowance
from cronicorn_management.desk import Desk
from cronicorn_management.sign_in_rates import SIGN_IN_RATES, SignInRates
from cronicorn_management.throttle import Throttle
from cronicorn_planner.rules.assessing import RuleAssessor

from cronicorn_api.trials.sending import SentTrials


@asynccontextmanager
async def open_desk(
    url: str,
    secret_key: str | None,
    *,
    allowed: Iterable[str] = (),
    poll_only: bool = False,
    quotas: Quotas = NO_QUOTAS,
    quota_redis: str | None = None,
    allowance: Allowance = SELF_HOSTED,
    sign_in_rates: SignInRates = SIGN_IN_RATES,
) -> AsyncIterator[Desk]:
    """
    Open and migrate a database, and give the desk over it; processes may start together.

    ``allowed`` is where endpoints may call besides public addresses; ``allowance`` is what each
    tenant may have, ``sign_in_rates`` how often passwords may be tried. What is used of ``quotas``
    is counted in the database, unless ``quota_redis`` is the address of a server for it.

    Raises:
        InvalidInput: the URL, the key or an entry is malformed.
        StoreError: it cannot be reached, is locked, or is newer than this code.
    """
    rules = EgressGuard(AllowList.parse(allowed))
    database = parse_database_url(url)
    vault = vault_for(database, secret_key=secret_key)
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
            yield Desk(
                units=store.units,
                clock=clock,
                rules=rules,
                allowances=lambda _: allowance,
                throttle=Throttle(store.limits, clock),
                conditions=conditions,
                activity=store.activity,
                trials=SentTrials(dispatcher, assessor, clock),
                passwords=Argon2PasswordHasher(),
                quota=quota,
                sign_in_rates=sign_in_rates,
            )


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
