"""
A shop's work of a day, for pictures: several jobs, failures, hints, sessions, pauses.

``python -m tests.browser.shop FOLDER TARGET`` fills the database in a folder; requests go to
TARGET.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.runner import upgrade
from cronicorn_adapter_sql.store import open_store
from cronicorn_adapter_sql.vault import vault_for
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.endpoint import Endpoint, Guardrails, HttpRequest, Method
from cronicorn_domain.model.hint import Author
from cronicorn_domain.model.planning import AiMode, Planning
from cronicorn_domain.model.proposal import ProposeInterval, ProposePause
from cronicorn_domain.model.rules import EndpointRule, Every, RuleSet
from cronicorn_domain.model.run import BodyKind, Outcome
from cronicorn_domain.model.session import MadeCall
from cronicorn_domain.testing.builders import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    a_job,
    an_endpoint,
    an_interval_hint,
    cron,
    every,
    once,
    succeeded,
)
from cronicorn_domain.testing.session_log_contract import a_session, a_suggestion

from tests.browser.past import Played, Player, adapting, down, quiet
from tests.browser.served import SECRET_KEY

MILLISECOND = timedelta(milliseconds=1)
ANSWERS = {
    "/queue": (200, '{"queue": {"depth": 42, "oldest_seconds": 84}, "ok": true}'),
    "/checkout": (200, '{"status": "up", "open_carts": 131}'),
    "/payments": (200, '{"status": "up"}'),
    "/catalog": (503, '{"error": "database is down", "retry": true}'),
    "/prices": (200, '{"prices": {"changed": 3}, "feed": "eur"}'),
}
"""What the target says to whom it is still asked by while pictures are taken."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Ids of what pages are looked at."""

    job: str
    adapting: str
    failing: str
    resting: str
    session: str
    run: str
    failed_run: str


async def fill(database: Path, target: str, *, now: datetime) -> Shop:
    """Fill a database with the work of a day that ends now."""
    now = floor_millisecond(now)
    url = parse_database_url(f"sqlite:///{database}")
    async with open_engine(url, application_name="pictures") as engine:
        await upgrade(engine)
    async with open_store(url, vault=vault_for(url, secret_key=SECRET_KEY)) as store:
        player = Player(store)
        began = floor_millisecond(now - DAY).replace(minute=0, second=0, microsecond=0)
        orders, checkout, catalog, reports = [
            await _job(store, name, text, began - 30 * DAY)
            for name, text in (
                ("orders", "Takes orders in, and watches that none waits"),
                ("checkout", "What customers see when they pay"),
                ("catalog", "Products, prices and search"),
                ("reports", "Monthly and nightly papers"),
            )
        ]
        adapts = await adapting(player, orders, began, now, url=f"{target}/queue")
        rests = await quiet(player, orders, now)
        shop = _Shop(player, target, now)
        await shop.checks(checkout)
        await shop.prices(catalog)
        failing = await shop.failing(catalog)
        await shop.papers(reports)
        session = await _sessions(store, adapts, failing, now)
        return Shop(
            job=str(catalog.id),
            adapting=str(adapts.id),
            failing=str(failing.id),
            resting=str(rests.id),
            session=session,
            run=await _newest(store, adapts),
            failed_run=await _newest(store, failing),
        )


async def _job(store, name: str, text: str, at: datetime):
    job = replace(a_job(name, created_at=at), description=text)
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        await unit.commit()
    return job


async def _newest(store, endpoint: Endpoint) -> str:
    async with store.units.begin() as unit:
        runs = await unit.runs.list_runs(endpoint.tenant, endpoint.id, limit=1)
    return str(runs[0].id)


def _fine(body: str = '{"status": "up"}') -> Outcome:
    return succeeded(body, kind=BodyKind.JSON)


@dataclass
class _Shop:
    player: Player
    target: str
    now: datetime

    async def _endpoint(
        self, job, name: str, path: str, schedule, since: timedelta, **more
    ) -> Endpoint:
        request = HttpRequest(url=f"{self.target}{path}", method=more.pop("method", Method.GET))
        made = an_endpoint(
            job, name, schedule=schedule, created_at=self.now - since, request=request, **more
        )
        return await self.player.add(job, made)

    async def _play(self, endpoint: Endpoint, how: Callable[[int], Played], deeds=()) -> None:
        numbers = iter(range(100_000))
        await self.player.play(
            endpoint, self.now - SECOND, lambda *_: how(next(numbers)), list(deeds)
        )

    async def checks(self, job) -> None:
        health = await self._endpoint(job, "checkout-health", "/checkout", every(20 * SECOND), HOUR)
        await self._play(
            health,
            lambda n: Played(
                outcome=down(502) if n in {41, 42} else _fine(),
                lasts=(70 + n * 37 % 90 + (900 if n % 50 == 9 else 0)) * MILLISECOND,
                late=(4 + n * 13 % 30) * MILLISECOND,
            ),
        )
        provider = await self._endpoint(
            job, "payment-provider", "/payments", every(MINUTE), 3 * HOUR
        )
        await self._play(
            provider,
            lambda n: Played(
                outcome=down(500) if 90 <= n < 94 else _fine(),
                lasts=(210 + n * 53 % 240) * MILLISECOND,
                late=(9 + n * 7 % 40) * MILLISECOND,
            ),
        )

    async def prices(self, job) -> None:
        rules = RuleSet(
            rules=(
                EndpointRule(
                    when="body.prices.changed == 0", then=(Every(10 * MINUTE),), reason="no news"
                ),
            )
        )
        feed = await self._endpoint(
            job,
            "price-feed",
            "/prices",
            every(2 * MINUTE),
            5 * HOUR,
            guardrails=Guardrails(shortest=MINUTE, longest=30 * MINUTE),
            rules=rules,
            planning=Planning(mode=AiMode.SUGGEST),
        )
        hint = an_interval_hint(
            10 * MINUTE,
            created_at=self.now - 70 * MINUTE,
            life=2 * HOUR,
            author=Author.RULE,
            reason="no news",
        )

        async def relax(when: datetime) -> None:
            async with self.player.store.units.begin() as unit:
                await unit.hints.offer(feed.tenant, feed.id, hint, now=when)
                await unit.commit()

        await self._play(
            feed,
            lambda n: Played(
                outcome=_fine('{"prices": {"changed": 0}}'), lasts=(90 + n % 70) * MILLISECOND
            ),
            [(hint.created_at, relax)],
        )
        index = await self._endpoint(
            job,
            "search-index",
            "/search",
            cron("30 2 * * *", timezone="Europe/Berlin"),
            3 * DAY,
            method=Method.POST,
        )
        await self._play(index, lambda n: Played(outcome=_fine(), lasts=(40 + 9 * n) * SECOND))

    async def failing(self, job) -> Endpoint:
        sync = await self._endpoint(job, "catalog-sync", "/catalog", every(MINUTE), 3 * HOUR)
        await self._play(
            sync,
            lambda n: Played(
                outcome=down(503) if n > 116 else _fine('{"synced": 812}'),
                lasts=(640 + n * 71 % 500) * MILLISECOND,
            ),
        )
        return sync

    async def papers(self, job) -> None:
        invoices = await self._endpoint(
            job,
            "invoice-run",
            "/invoices",
            cron("0 6 * * 1-5", timezone="Europe/Berlin"),
            6 * DAY,
            method=Method.POST,
        )
        await self._play(invoices, lambda n: Played(outcome=_fine(), lasts=(70 + n) * SECOND))
        await self._endpoint(job, "tax-export", "/tax", cron("0 5 1 * *"), HOUR)
        cleanup = await self._endpoint(
            job, "coupon-cleanup", "/coupons", once(self.now - 2 * HOUR), 4 * HOUR
        )
        await self._play(cleanup, lambda _: Played(outcome=_fine(), lasts=2 * SECOND))


async def _sessions(store, adapts: Endpoint, failing: Endpoint, now: datetime) -> str:
    calm = replace(
        a_session(adapts, now - 25 * MINUTE, tokens=2_310),
        calls=(
            MadeCall(
                tool="get_history",
                arguments='{"limit": 20}',
                result='[{"status": 200, "took": 412}]',
            ),
            MadeCall(tool="propose_interval", arguments='{"every": "10 min"}', result="accepted"),
        ),
        reasoning=(
            "The queue has held fewer than 50 orders for two hours, and each answer took less than"
            " half a second. Asking every ten minutes is enough; the rule brings two minutes back"
            " as soon as the queue grows over 100."
        ),
        caveats=(),
    )
    down_again = replace(
        a_session(failing, now - 2 * HOUR, tokens=1_480),
        mode=AiMode.SUGGEST,
        reasoning=(
            "Every answer since the deployment says that the database is down, and Retry-After asks"
            " for 30 s. A pause of half an hour would spare the target; a person should decide."
        ),
        caveats=(),
    )
    earlier = [
        replace(
            a_session(adapts, now - hours * HOUR, tokens=1_900 + 70 * hours),
            reasoning="Nothing has changed since the last look; the schedule fits.",
            caveats=(),
        )
        for hours in (5, 9, 13)
    ]
    slower = a_suggestion(
        calm, ProposeInterval(every=10 * MINUTE, life=2 * HOUR, reason="the queue is calm")
    )
    rest = a_suggestion(
        down_again,
        ProposePause(until=now + 30 * MINUTE, reason="its database is down"),
    )
    async with store.units.begin() as unit:
        for session in earlier:
            await unit.sessions.append(session, [])
        await unit.sessions.append(down_again, [rest])
        await unit.sessions.append(calm, [slower])
        await unit.commit()
    return str(calm.id)


def main() -> None:
    """Fill a folder's database."""
    folder, target = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    shop = asyncio.run(fill(folder / "cronicorn.db", target, now=datetime.now(UTC)))  # noqa: TID251
    sys.stdout.write(json.dumps(asdict(shop)))


if __name__ == "__main__":
    main()
