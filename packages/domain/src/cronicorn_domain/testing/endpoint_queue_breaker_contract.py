"""The breaker of a host: what fails for everybody is left alone, but for one call a minute."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.endpoint import Endpoint, HttpRequest
from cronicorn_domain.model.run import Blocked, FailureKind, Outcome
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.endpoint_queue import ClaimedRun
from cronicorn_domain.ports.hint_book import HintEnd
from cronicorn_domain.schedules.schedule import Schedule
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    MINUTE,
    SECOND,
    a_job,
    a_oneshot,
    an_endpoint,
    answered,
    at,
    cron,
    failed,
    once,
    succeeded,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

DOWN, UP = "down.example", "up.example"
AFTER_THREE = Breaker(opens_after=3)
REFUSED = failed(FailureKind.CONNECTION, message="refused")
MINUTELY = cron("* * * * *")


class EndpointQueueBreakerContract(StoreSuite):
    """A host that fails whoever calls it is tried once a minute until it answers."""

    async def add_some(
        self,
        count: int,
        host: str = DOWN,
        *,
        tenant: TenantId = DEFAULT_TENANT,
        schedule: Schedule = MINUTELY,
    ) -> list[Endpoint]:
        """Keep a job with endpoints at a host, which run every minute from 12:01:00 on."""
        job = a_job(f"job {new_uuid()}", tenant=tenant)
        request = HttpRequest(url=f"http://{host}/")
        added = [an_endpoint(job, f"{n}", request=request, schedule=schedule) for n in range(count)]
        async with self.unit() as unit:
            await unit.catalog.add_job(job)
            for endpoint in added:
                await unit.catalog.add_endpoint(endpoint, now=endpoint.created_at)
        return added

    async def round(
        self, now: datetime, outcome: Outcome = REFUSED, *, breaker: Breaker = AFTER_THREE
    ) -> Sequence[ClaimedRun]:
        """Claim and start what is due, and end all of it with one outcome."""
        runs = (await self.claim(now, breaker=breaker)).runs
        await self.queue.start([each.lease.token for each in runs], now=now)
        await self.settle_all([(each, outcome) for each in runs], now)
        return runs

    async def blocked(self, endpoint: Endpoint) -> list[datetime]:
        """Read the slots that were held back, the oldest first."""
        found = [each for each in await self.records(endpoint) if each.fate is Fate.BLOCKED]
        return [each.first for each in found][::-1]

    async def test_it_opens_after_failures_across_endpoints(self) -> None:
        """What it holds back is recorded as blocked, is not attempted, and goes on on its grid."""
        endpoints = await self.add_some(3)
        assert len(await self.round(FIRST_SLOT)) == 3
        probe = await self.round(FIRST_SLOT + MINUTE)

        assert len(probe) == 1
        for endpoint in endpoints:
            if endpoint.id == probe[0].endpoint.id:
                continue
            assert await self.blocked(endpoint) == [FIRST_SLOT + MINUTE]
            assert len(await self.runs(endpoint)) == 1
            assert await self.next_slot(endpoint) == FIRST_SLOT + 2 * MINUTE
            (record,) = await self.records(endpoint)
            assert "its host down.example fails" in record.reason

    async def test_what_it_holds_back_in_a_row_is_one_record(self) -> None:
        """A host that is down for hours leaves a record for each stretch, not for each slot."""
        often = cron("*/10 * * * * *")
        endpoints = await self.add_some(4, schedule=often)
        first = EPOCH + 10 * SECOND
        await self.round(first)
        probed: dict[datetime, list[Endpoint]] = {}
        for number in range(1, 14):
            now = first + number * 10 * SECOND
            probed[now] = [each.endpoint for each in await self.round(now)]

        for endpoint in endpoints:
            held = [now for now, tried in probed.items() if endpoint not in tried]
            told = sorted(await self.records(endpoint), key=lambda each: each.first)
            assert sum(each.count for each in told) == len(held)
            assert len(told) == len(stretches(held, apart=10 * SECOND))
            for each, stretch in zip(told, stretches(held, apart=10 * SECOND), strict=True):
                assert (each.first, each.last, each.count) == (
                    stretch[0],
                    stretch[-1],
                    len(stretch),
                )
                assert each.recorded_at == stretch[0]
                assert each.prolonged_at == (stretch[-1] if len(stretch) > 1 else None)

    async def test_an_edit_of_the_schedule_begins_another_record(self) -> None:
        """Slots of two schedules do not follow one another, whatever holds them back."""
        endpoints = await self.add_some(3)
        await self.round(FIRST_SLOT)
        (probe,) = await self.round(FIRST_SLOT + MINUTE)
        held = next(each for each in endpoints if each.id != probe.endpoint.id)
        edited = replace(held, schedule=cron("*/10 * * * * *"))
        await self.change(edited, FIRST_SLOT + MINUTE + SECOND)
        later = FIRST_SLOT + MINUTE + 10 * SECOND
        await self.round(later)
        await self.round(later + 10 * SECOND)

        told = sorted(await self.records(held), key=lambda each: each.first)
        assert [(each.first, each.last, each.count) for each in told] == [
            (FIRST_SLOT + MINUTE, FIRST_SLOT + MINUTE, 1),
            (later, later + 10 * SECOND, 2),
        ]

    async def test_a_claim_says_how_many_calls_it_kept_back(self) -> None:
        """Those that wait count as those that are passed over; what is passed else does not."""
        await self.add_some(3)
        await self.add_some(1, schedule=once(FIRST_SLOT + MINUTE))
        (hinted,) = await self.add_some(1, UP)
        await self.offer(hinted, a_oneshot(FIRST_SLOT + 30 * SECOND, life=SECOND))
        first = await self.claim(FIRST_SLOT, breaker=AFTER_THREE)
        await self.queue.start([each.lease.token for each in first.runs], now=FIRST_SLOT)
        said: dict[str, Outcome] = {DOWN: REFUSED, UP: succeeded()}
        await self.settle_all(
            [(each, said[each.endpoint.request.host]) for each in first.runs], FIRST_SLOT
        )

        batch = await self.claim(FIRST_SLOT + MINUTE, breaker=AFTER_THREE)

        assert first.blocked == 0
        assert (len(batch.runs), batch.blocked) == (1, 3)
        assert batch.passed == 4

    async def test_a_success_closes_it(self) -> None:
        """The first answer of the host brings everybody back."""
        await self.add_some(3)
        await self.round(FIRST_SLOT)
        await self.round(FIRST_SLOT + MINUTE, succeeded())

        assert len(await self.round(FIRST_SLOT + 2 * MINUTE)) == 3

    async def test_an_answer_in_between_begins_the_count_anew(self) -> None:
        """Only consecutive failures open it."""
        (endpoint,) = await self.add_some(1)
        for number, outcome in enumerate([REFUSED, REFUSED, answered(404), REFUSED, REFUSED]):
            assert len(await self.round(FIRST_SLOT + number * MINUTE, outcome)) == 1

        await self.add_some(1)
        assert len(await self.round(FIRST_SLOT + 5 * MINUTE)) == 2
        assert await self.blocked(endpoint) == []

    async def test_only_what_shows_the_host_in_trouble_counts(self) -> None:
        """An answer such as 404 shows a host that is there; what we failed at shows nothing."""
        await self.add_some(4)
        for number, outcome in enumerate(
            [answered(404), failed(FailureKind.SIGNING), Blocked(message="not let out")]
        ):
            assert len(await self.round(FIRST_SLOT + number * MINUTE, outcome)) == 4

        assert len(await self.round(FIRST_SLOT + 3 * MINUTE, answered(503))) == 4
        assert len(await self.round(FIRST_SLOT + 4 * MINUTE)) == 1

    async def test_one_probe_a_minute_goes_through_for_all_workers(self) -> None:
        """However many claim at once, one call in a minute tries the host."""
        often = cron("*/10 * * * * *")
        await self.add_some(4, schedule=often)
        await self.round(EPOCH + 10 * SECOND)
        handles = [self.given, await self.given.another(), await self.given.another()]
        tried: list[datetime] = []
        for number in range(2, 20):
            now = EPOCH + number * 10 * SECOND
            batches = await asyncio.gather(
                *(self.claim(now, queue=each.queue, breaker=AFTER_THREE) for each in handles)
            )
            runs = [run for batch in batches for run in batch.runs]
            await self.queue.start([each.lease.token for each in runs], now=now)
            await self.settle_all([(each, REFUSED) for each in runs], now)
            tried += [now] * len(runs)

        assert len(tried) == 3
        gaps = [later - earlier for earlier, later in pairwise(tried)]
        assert min(gaps) >= MINUTE

    async def test_other_hosts_and_other_tenants_are_not_held_back(self) -> None:
        """What one tenant's endpoints do to a host says nothing of another's."""
        other = TenantId(new_uuid())
        await self.add_some(3)
        await self.round(FIRST_SLOT)
        (elsewhere,) = await self.add_some(1, UP)
        (theirs,) = await self.add_some(1, DOWN, tenant=other)
        ran = {each.endpoint.id for each in await self.round(FIRST_SLOT + MINUTE)}

        assert {elsewhere.id, theirs.id} <= ran
        assert len(ran) == 3

    async def test_it_holds_back_whatever_is_claimed_at_once(self) -> None:
        """Also where tenants come in turn, and fewer are claimed at once than there are."""
        for tenant in (DEFAULT_TENANT, TenantId(new_uuid())):
            await self.add_some(3, tenant=tenant)
        assert len(await self.round(FIRST_SLOT)) == 6
        now = FIRST_SLOT + MINUTE

        batches = [await self.claim(now, limit=1, breaker=AFTER_THREE) for _ in range(8)]

        probes = [run.endpoint.tenant for batch in batches for run in batch.runs]
        assert len(probes) == len(set(probes)) == 2
        assert sum(batch.blocked for batch in batches) == 4

    async def test_a_run_by_hand_goes_out(self) -> None:
        """A person who asks for a run gets one, and its success closes the breaker."""
        first, *_ = await self.add_some(3)
        await self.round(FIRST_SLOT)
        await self.round(FIRST_SLOT + MINUTE)
        await self.run_now(first, FIRST_SLOT + 70 * SECOND)
        (by_hand,) = await self.round(FIRST_SLOT + 70 * SECOND, succeeded())

        assert by_hand.plan.kind is Kind.MANUAL
        assert len(await self.round(FIRST_SLOT + 2 * MINUTE)) == 3

    async def test_what_comes_once_waits_and_is_not_lost(self) -> None:
        """A single instant and a one-shot are put off until the host is tried again."""
        hinted, *_ = await self.add_some(3)
        await self.round(FIRST_SLOT)
        await self.round(FIRST_SLOT + MINUTE)
        (single,) = await self.add_some(1, schedule=once(at("12:02:10")))
        await self.offer(hinted, a_oneshot(at("12:02:20"), created_at=at("12:02:05")))
        assert not await self.round(at("12:02:20"))

        decision = await self.decision(single)
        assert (decision.slot, decision.due_at) == (at("12:02:10"), at("12:03:00"))
        assert "down.example" in ((await self.state(single)).not_before_reason or "")
        await self.round(at("12:03:00"), succeeded())
        await self.round(at("12:03:10"))
        await self.round(at("12:04:00"))
        assert [each.kind for each in await self.runs(single)] == [Kind.RECURRING]
        async with self.unit() as unit:
            (record,) = await unit.hints.history(hinted.tenant, hinted.id, now=at("12:04:00"))
        assert record.end is HintEnd.CONSUMED

    async def test_without_a_breaker_nothing_is_held_back(self) -> None:
        """Who claims without one calls whatever fails."""
        await self.add_some(3)
        for number in range(4):
            now = FIRST_SLOT + number * MINUTE
            assert len((await self.claim(now)).runs) == 3
            held = [each.token for each in await self.queue.reap(limit=10, now=now + MINUTE / 2)]
            assert len(held) == 3

    async def test_another_process_sees_it_open(self) -> None:
        """The breaker is the store's, not the worker's."""
        await self.add_some(3)
        await self.round(FIRST_SLOT)
        other = await self.given.another()
        batch = await self.claim(FIRST_SLOT + MINUTE, queue=other.queue, breaker=AFTER_THREE)

        assert len(batch.runs) == 1
        assert batch.passed == 2

    async def test_a_host_that_nobody_calls_is_forgotten(self) -> None:
        """A week after its last failure nothing is held against it, and nothing kept of it."""
        await self.add_some(3)
        await self.round(FIRST_SLOT)
        for days, forgotten in ((6, 0), (8, 1), (9, 0)):
            async with self.unit() as unit:
                now = FIRST_SLOT + days * DAY
                pruned = await unit.runs.prune(before=None, limit=10, now=now)
            assert pruned.breakers == forgotten

        later = FIRST_SLOT + 9 * DAY
        await self.round(later, failed(FailureKind.SIGNING))
        assert len(await self.round(later + MINUTE)) == 3

    async def test_a_probe_that_is_lost_is_followed_by_another(self) -> None:
        """A worker that dies with the probe does not keep the breaker open for ever."""
        await self.add_some(3)
        await self.round(FIRST_SLOT)
        later = FIRST_SLOT + MINUTE
        lost = await self.claim(later, breaker=AFTER_THREE, lease_for=timedelta(seconds=10))
        assert len(lost.runs) == 1

        assert len(await self.round(later + MINUTE, succeeded())) == 1
        assert len(await self.round(later + 2 * MINUTE)) >= 2


def stretches(instants: Sequence[datetime], *, apart: timedelta) -> list[list[datetime]]:
    """Part instants where one is missing."""
    found: list[list[datetime]] = []
    for each in instants:
        if found and each - found[-1][-1] == apart:
            found[-1].append(each)
        else:
            found.append([each])
    return found
