"""A server for quotas that is away is told of once, and keeps nobody who needs none of it."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard
from cronicorn_adapter_memory.switched_quota_guard import SwitchedQuotaGuard
from cronicorn_domain.errors import StoreError, StoreRefused, StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.quota import Meter, Proceed, Quota, Quotas, Standing
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_scheduler.quota_outages import WatchedQuotaGuard

LIMITED = Quotas(tenants={(DEFAULT_TENANT, Meter.TOKENS): Quota(limit=5)})
AWAY = StoreUnavailable("it does not answer")
FULL = StoreUnavailable("it has no memory left")


class Server(SwitchedQuotaGuard):
    """A guard whose server answers, or does not; and who hears of that, on a clock of its own."""

    def __init__(self) -> None:
        super().__init__(MemoryQuotaGuard(LIMITED))
        self.fault: StoreError | None = None
        self.told = Told()
        self.time = 0.0
        self.watched = WatchedQuotaGuard(self, self.told, monotonic=lambda: self.time)

    async def standing(self, tenant, meter=Meter.TOKENS, *, now) -> Standing:
        """Answer, or do not."""
        if self.fault is not None:
            raise self.fault
        return await super().standing(tenant, meter, now=now)


@dataclass
class Told:
    """What was heard."""

    lines: list[str] = field(default_factory=list)

    def not_counted(self, error: StoreError) -> None:
        """Hear why."""
        self.lines.append(str(error))

    def counted_again(self, lasted: timedelta) -> None:
        """Hear after how long."""
        self.lines.append(f"back after {lasted.total_seconds():.0f} s")


async def test_an_outage_is_told_once() -> None:
    """And each new reason of it, and its end; whoever asks hears the error each time."""
    server = Server()
    for server.fault in (AWAY, AWAY, FULL, FULL):
        with pytest.raises(StoreUnavailable):
            await server.watched.standing(DEFAULT_TENANT, now=EPOCH)
        server.time += 10
    server.fault = None
    for _ in range(2):
        assert (await server.watched.standing(DEFAULT_TENANT, now=EPOCH)).limit == 5

    assert server.told.lines == [str(AWAY), str(FULL), "back after 40 s"]


async def test_a_start_goes_on_without_it() -> None:
    """Trap T31: it is told at once, and not waited for."""
    server = Server()
    server.fault = AWAY

    await server.watched.greet(now=EPOCH)

    assert server.told.lines == [str(AWAY)]


async def test_a_server_that_lets_nobody_in_ends_the_start() -> None:
    """Trap T31: a wrong password is not mended by waiting."""
    server = Server()
    server.fault = StoreRefused("it does not know the password")

    with pytest.raises(StoreRefused):
        await server.watched.greet(now=EPOCH)


async def test_an_answer_without_asking_ends_no_outage() -> None:
    """Who has no quota is let through by nobody's word."""
    server = Server()
    server.fault = AWAY
    await server.watched.greet(now=EPOCH)

    answer = await server.watched.can_proceed(TenantId(new_uuid()), now=EPOCH)

    assert (answer, server.told.lines) == (Proceed(), [str(AWAY)])
