"""From a month's usage to a webhook and a letter, over each store: of tokens and of runs."""

import asyncio
import email
import email.policy
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from cronicorn_adapter_http.allow_list import AllowList
from cronicorn_adapter_http.dispatcher import open_dispatcher
from cronicorn_adapter_http.egress import EgressGuard
from cronicorn_adapter_http.notifier import WebhookNotifier
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_smtp.notifier import SmtpNotifier
from cronicorn_adapter_smtp.server import SmtpServer
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.keys import Keyring, parse_keys
from cronicorn_adapter_sql.quota_guard import SqlQuotaGuard
from cronicorn_adapter_sql.store import shared_store
from cronicorn_adapter_sql.testing.databases import migrated_postgres, migrated_sqlite, sqlite_url
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.alert import Email, Webhook
from cronicorn_domain.model.quota import Meter, Quota, Quotas
from cronicorn_domain.ports.notifier import Notifier
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND, an_alert
from cronicorn_domain.testing.dispatcher_contract import HttpTarget, open_http_target
from cronicorn_scheduler.alerting import Alerting
from cronicorn_scheduler.budgeting import Budgeting
from cronicorn_scheduler.observing import SilentObserver
from cronicorn_scheduler.outages import Backoff, Outages
from cronicorn_scheduler.ways import ByItsWay


class Mailbox:
    """Takes letters."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.texts: list[str] = []

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep one."""
        assert isinstance(envelope.content, bytes)
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.subjects.append(letter["Subject"])
        self.texts.append(letter.get_content())
        return "250 OK"


class Rested(ManualClock):
    """Stands still, and tells when a loop has done what it had to do."""

    def __init__(self) -> None:
        super().__init__(EPOCH)
        self._rests: asyncio.Queue[None] = asyncio.Queue()

    async def sleep_until(self, instant: datetime) -> None:
        """Note that somebody rests."""
        self._rests.put_nowait(None)
        await super().sleep_until(instant)

    async def once(self, loop: Alerting | Budgeting) -> None:
        """Let a loop do its work once."""
        task = asyncio.create_task(loop.run())
        await self._rests.get()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Give a server of PostgreSQL."""
    with throwaway_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a migrated and empty database, on either dialect in turn."""
    if request.param == "sqlite":
        migrated_sqlite(tmp_path)
        yield sqlite_url(tmp_path)
    else:
        with migrated_postgres(request.getfixturevalue("postgres")) as url:
            yield url


@pytest.fixture
async def target() -> AsyncIterator[HttpTarget]:
    """Give a small HTTP server."""
    async with open_http_target() as target:
        yield target


@asynccontextmanager
async def telling(mailbox: Mailbox, clock: Rested) -> AsyncIterator[Notifier]:
    """Give what tells by webhook and by letter."""
    loop = asyncio.get_running_loop()
    post = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", loop=loop), "127.0.0.1", 0
    )
    guard = EgressGuard(AllowList.parse(("127.0.0.1",)))
    async with post, open_dispatcher(guard) as dispatcher:
        server = SmtpServer(host="127.0.0.1", port=post.sockets[0].getsockname()[1], tls=False)
        yield ByItsWay(
            webhooks=WebhookNotifier(dispatcher, clock),
            letters=SmtpNotifier(server, sender="cronicorn@example.org"),
        )


@pytest.mark.parametrize("meter", Meter, ids=str)
async def test_who_wants_to_know_is_told_of_each_level_once(
    database: str, target: HttpTarget, meter: Meter
) -> None:
    """By both ways, with what was used of what; whoever looks again tells nothing anew."""
    clock, mailbox = Rested(), Mailbox()
    alerts = [an_alert(way=Webhook(target.url)), an_alert("post", way=Email("ada@example.org"))]
    async with AsyncExitStack() as opened:
        engine = await opened.enter_async_context(open_engine(parse_database_url(database)))
        vault = Vault(Keyring(parse_keys("test:" + "A" * 43 + "=")))
        store = await opened.enter_async_context(shared_store(engine, vault=vault))
        notifier = await opened.enter_async_context(telling(mailbox, clock))
        guard = SqlQuotaGuard(engine, Quotas(every={meter: Quota(limit=1000)}))
        async with store.units.begin() as unit:
            for each in alerts:
                await unit.alerts.add(each)
            await unit.commit()

        async def look() -> None:
            """Look and tell, as a worker that has just begun; and as another one does beside."""
            for _ in range(2):
                outages = Outages(
                    clock=clock,
                    observer=SilentObserver(),
                    backoff=Backoff(first=SECOND, most=MINUTE, chance=Random(0)),
                )
                budgets = Budgeting(store.units, guard, clock=clock, line=outages.line("budget"))
                await clock.once(budgets)
                await clock.once(
                    Alerting(
                        store.units,
                        notifier,
                        clock=clock,
                        observer=SilentObserver(),
                        line=outages.line("alert"),
                        happened=asyncio.Event(),
                    )
                )

        told = []
        for used in (799, 1, 199, 1, 500):
            await guard.record_usage(DEFAULT_TENANT, used, meter=meter, now=clock.now())
            await look()
            told.append((len(target.received), len(mailbox.texts)))

    assert told == [(0, 0), (1, 1), (1, 1), (2, 2), (2, 2)]
    bodies = [json.loads(each.body) for each in target.received]
    assert [each["type"] for each in bodies] == ["tenant.budget"] * 2
    first, last = [each["data"]["message"] for each in bodies]
    assert first.startswith("this month's quota is used to 80 %: ")
    assert first.endswith(f"{meter.value}: 800 of 1,000; the next month begins 2025-02-01")
    assert last.startswith(f"this month's quota is used up: {meter.value}: 1,000 of 1,000; ")
    assert mailbox.subjects == ["[Cronicorn] post: a month's quota"] * 2
    assert "Occasion: budget" in mailbox.texts[0]
    assert "used to 80 %" in mailbox.texts[0]
    assert "used up" in mailbox.texts[1]
