"""Whoever watches hears what happens to its own endpoints, by few looks for all of them."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cronicorn_adapter_memory.activity import MemoryActivity
from cronicorn_domain.errors import NotAllowed, StoreUnavailable, TooManyRequests
from cronicorn_domain.identity import RunId, TenantId
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.glimpse import DeedGlimpse, Glimpse, RunGlimpse
from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.testing.builders import SECOND, succeeded
from cronicorn_management.accounts.issuing import issue_key
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.watching import (
    LISTENERS_OF_TENANT_MOST,
    LISTENS_FOR,
    LOOK_EVERY,
    WAITING_MOST,
    Happening,
    HappeningKind,
    Listener,
    Watch,
)


class Counted(MemoryActivity):
    """Counts the looks, and is away when it is told."""

    looks = 0
    away = False

    async def look(
        self,
        tenants: Collection[TenantId],
        *,
        since: datetime,
        running: Mapping[RunId, datetime],
        limit: int,
    ) -> Glimpse:
        """Count, and look."""
        self.looks += 1
        if self.away:
            raise StoreUnavailable("away")
        return await super().look(tenants, since=since, running=running, limit=limit)


class Ears:
    """An office that is watched, and short words for listening in it."""

    def __init__(self, office) -> None:
        self.office = office
        self.activity = Counted(office.store)
        self.watch = Watch(replace(office.desk, activity=self.activity))

    async def second(self, count: int = 1, *, each: timedelta = SECOND) -> None:
        """Let seconds pass, and whoever waits for them go on."""
        for _ in range(count):
            self.office.clock.advance(each)
            for _ in range(5):
                await asyncio.sleep(0)

    @asynccontextmanager
    async def listening(self, caller=None) -> AsyncIterator[Listener]:
        """Listen a second after what was, and have looked once."""
        self.office.clock.advance(SECOND)
        async with self.watch.listening(caller or self.office.ada) as listener:
            await asyncio.sleep(0)
            yield listener


@pytest.fixture
async def ears(office) -> AsyncIterator[Ears]:
    """Give an office that is watched."""
    ears = Ears(office)
    yield ears
    ears.watch.close()
    await asyncio.sleep(0)


async def heard(listener: Listener) -> list[Happening]:
    """End the listening, and return what was heard."""
    listener.end()
    return await heard_to_the_end(listener)


async def heard_to_the_end(listener: Listener) -> list[Happening]:
    """Listen until it is over, and return what was heard."""
    found: list[Happening] = []
    while (batch := await listener.batch(timedelta(minutes=1))) is not None:
        found += batch
    return found


def kinds(happenings: list[Happening]) -> list[tuple[HappeningKind, RunStatus]]:
    """Name what was heard of runs."""
    return [
        (each.kind, each.what.status) for each in happenings if isinstance(each.what, RunGlimpse)
    ]


async def test_a_run_is_heard_when_it_starts_and_when_it_ends(ears) -> None:
    """Once each, in this order, with how it ended; what was before is no news."""
    office = ears.office
    await office.an_endpoint(every=10 * SECOND)
    office.clock.advance(10 * SECOND)
    await office.fail_once()
    office.clock.advance(SECOND)
    async with ears.listening() as listener:
        await ears.second(18)
        began = office.clock.now()
        tokens = await office.begin_runs()
        await ears.second(2)
        now = office.clock.now()
        await office.end_runs(tokens, started_at=began, outcome=succeeded(), now=now)
        await ears.second(3)

        told = await heard(listener)
    assert kinds(told) == [
        (HappeningKind.RUN_STARTED, RunStatus.RUNNING),
        (HappeningKind.RUN_SETTLED, RunStatus.SUCCESS),
    ]


async def test_a_run_between_two_looks_is_heard_whole(ears) -> None:
    """Its start and its end are seen at once."""
    await ears.office.an_endpoint(every=10 * SECOND)
    async with ears.listening() as listener:
        await ears.second(10)
        await ears.office.fail_once()
        await ears.second(2)

        told = await heard(listener)
    assert kinds(told) == [
        (HappeningKind.RUN_STARTED, RunStatus.FAILED),
        (HappeningKind.RUN_SETTLED, RunStatus.FAILED),
    ]


async def test_a_run_that_began_before_is_heard_when_it_ends(ears) -> None:
    """Also when it takes so long that its slot is looked back to no more."""
    office = ears.office
    await office.an_endpoint(every=10 * SECOND)
    office.clock.advance(10 * SECOND)
    began = office.clock.now()
    tokens = await office.begin_runs()
    async with ears.listening() as listener:
        await ears.second()
        office.clock.advance(LISTENS_FOR - 6 * SECOND)
        await ears.second()
        now = office.clock.now()
        await office.end_runs(tokens, started_at=began, outcome=succeeded(), now=now)
        await ears.second(2)

        told = await heard(listener)
    assert kinds(told) == [(HappeningKind.RUN_SETTLED, RunStatus.SUCCESS)]


async def test_what_people_do_is_heard(ears) -> None:
    """To jobs and endpoints, and not to keys; once, and not what was done before."""
    endpoint = await ears.office.an_endpoint()
    async with ears.listening() as listener:
        await ears.second()
        async with ears.office.changing() as work:
            await pause_endpoint(work, endpoint.id)
            await issue_key(work, name="deploy", scopes=frozenset({Scope.READ}))
        await ears.second(3)

        told = await heard(listener)
    (happening,) = told
    assert isinstance(happening.what, DeedGlimpse)
    assert happening.kind is HappeningKind.PLAN_CHANGED
    assert (happening.what.action, happening.what.subject) == ("pause", endpoint.id)


async def test_nobody_hears_of_others(ears) -> None:
    """A tenant hears its own alone."""
    async with ears.listening(ears.office.stranger) as listener:
        await ears.office.a_job()
        await ears.second(3)

        assert await heard(listener) == []


async def test_however_many_listen_there_is_one_look_at_a_time(ears) -> None:
    """Of two tenants, ten each; all hear it. Nobody listens: nobody looks."""
    async with AsyncExitStack() as listening:
        listeners = [
            await listening.enter_async_context(ears.listening(caller))
            for caller in (ears.office.ada, ears.office.stranger)
            for _ in range(10)
        ]
        await ears.office.a_job()
        looks = ears.activity.looks
        await ears.second(10, each=LOOK_EVERY)
        assert ears.activity.looks == looks + 10

        told = [len(await heard(each)) for each in listeners]
    assert told == [1] * 10 + [0] * 10
    await ears.second(2)
    looks = ears.activity.looks
    await ears.second(5)
    assert ears.activity.looks == looks


async def test_an_outage_is_waited_out(ears) -> None:
    """What happened meanwhile is told afterwards, and nobody is let go."""
    async with ears.listening() as listener:
        ears.activity.away = True
        await ears.second()
        await ears.office.a_job()
        await ears.second(3)
        ears.activity.away = False
        await ears.second(2)

        assert len(await heard(listener)) == 1


async def test_who_does_not_keep_up_is_let_go(ears) -> None:
    """After what has waited for it; the others hear on."""
    async with ears.listening() as slow:
        happening = Happening(kind=HappeningKind.RUN_STARTED, what=None)  # type: ignore[arg-type]
        for _ in range(2 * WAITING_MOST):
            slow.tell(happening)

        assert len(await heard_to_the_end(slow)) == WAITING_MOST


async def test_who_listens_proves_again_who_it_is(ears) -> None:
    """After a while it is over, so that a revoked key does not hear for ever."""
    async with ears.listening() as listener:
        ears.office.clock.advance(LISTENS_FOR)
        await ears.second()

        assert await heard_to_the_end(listener) == []


async def test_a_server_that_stops_ends_all(ears) -> None:
    """Those who listen, and those who come."""
    async with ears.listening() as listener:
        ears.watch.close()
        assert await heard_to_the_end(listener) == []
    async with ears.listening() as late:
        assert await heard_to_the_end(late) == []


async def test_so_many_of_a_tenant_may_listen(ears) -> None:
    """One more is refused, another tenant's is not, and who leaves makes room."""
    async with AsyncExitStack() as listening:
        for _ in range(LISTENERS_OF_TENANT_MOST):
            await listening.enter_async_context(ears.listening())
        with pytest.raises(TooManyRequests):
            await listening.enter_async_context(ears.listening())
        await listening.enter_async_context(ears.listening(ears.office.stranger))
    async with ears.listening():
        pass


async def test_who_may_not_read_does_not_listen(ears) -> None:
    """It is refused."""
    with pytest.raises(NotAllowed):
        async with ears.listening(ears.office.writer):
            pytest.fail("it listens")


async def test_what_has_come_is_heard_at_once(ears) -> None:
    """Everything that waits together; nothing after a while; and that it is over."""
    await ears.office.an_endpoint(every=10 * SECOND)
    async with ears.listening() as listener:
        await ears.second(10)
        await ears.office.fail_once()
        await ears.second(2)

        told = await listener.batch(SECOND)
        assert told is not None
        assert kinds(told) == [
            (HappeningKind.RUN_STARTED, RunStatus.FAILED),
            (HappeningKind.RUN_SETTLED, RunStatus.FAILED),
        ]
        assert await listener.batch(timedelta(0)) == []
        listener.end()
        assert await listener.batch(SECOND) is None


async def test_what_was_told_before_the_end_is_heard_before_it(ears) -> None:
    """Nothing that was seen is lost because somebody stops."""
    await ears.office.an_endpoint(every=10 * SECOND)
    async with ears.listening() as listener:
        await ears.second(10)
        await ears.office.fail_once()
        await ears.second(2)
        listener.end()

        told = await listener.batch(SECOND)
        assert told is not None
        assert len(told) == 2
        assert await listener.batch(SECOND) is None


async def test_what_is_known_of_a_tenant_has_a_name_that_changes_with_it(ears) -> None:
    """The same while nothing is seen to happen; none where nobody listens."""
    office = ears.office
    await office.an_endpoint(every=10 * SECOND)
    tenant = office.ada.tenant
    assert ears.watch.version(tenant) is None
    async with ears.listening():
        await ears.second(2)
        before = ears.watch.version(tenant)
        await ears.second(2)
        assert ears.watch.version(tenant) == before is not None
        await ears.second(6)
        await office.fail_once()
        await ears.second(2)

        assert ears.watch.version(tenant) != before
        assert ears.watch.version(office.stranger.tenant) is None
    assert ears.watch.version(tenant) is None
