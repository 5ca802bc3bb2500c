"""Where a tenant's endpoints stand: lists, counts, and what is at this moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, TenantId, new_uuid
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Endpoint, Guardrails, HttpRequest
from cronicorn_domain.model.hint import TriggerKind
from cronicorn_domain.model.run import Blocked, OutcomeClass, RunStatus
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.board import (
    LATE_AFTER,
    LATENESS_STEPS,
    Counts,
    DueTogether,
    Order,
    Standing,
    Wanted,
)
from cronicorn_domain.ports.overview import Tally
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    an_endpoint,
    an_interval_hint,
    answered,
    at,
    cron,
    every,
    failed,
    once,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

OTHER_TENANT = TenantId(new_uuid())
HOURLY = every(HOUR)
NOON_HOUR = (EPOCH, EPOCH + HOUR)


class BoardContract(StoreSuite):
    """What holds for lists and counts of endpoints by where they stand."""

    async def find(
        self,
        *,
        now: timedelta = timedelta(),
        order: Order = Order.NAME,
        limit: int = 50,
        after: EndpointId | None = None,
        **wanted: object,
    ) -> Sequence[Standing]:
        """Find endpoints at some time after noon."""
        which = replace(Wanted(), **wanted)  # type: ignore[arg-type]
        async with self.unit() as unit:
            found = await unit.board.find(
                DEFAULT_TENANT, which, now=EPOCH + now, order=order, limit=limit, after=after
            )
        return found.standings

    async def names(self, **asked: object) -> list[str]:
        """Find endpoints, and return what they are called."""
        return [each.name for each in await self.find(**asked)]  # type: ignore[arg-type]

    async def fail(self, endpoint: Endpoint, times: int) -> None:
        """Let the only endpoint that is due fail."""
        for _ in range(times):
            await self.run_once((await self.decision(endpoint)).due_at, failed())

    async def test_where_there_is_nothing_nothing_stands(self) -> None:
        """Nothing is found, nothing is counted."""
        async with self.unit() as unit:
            board, tenant = unit.board, DEFAULT_TENANT
            found = await board.find(tenant, Wanted(), now=EPOCH, limit=5, count_to=10)
            ids = await board.find_ids(tenant, Wanted(), now=EPOCH)
            latest = await board.latest_runs(tenant, [EndpointId(new_uuid())], limit=5)
            counts = await board.counts(tenant, now=EPOCH)
            needy = await board.attention(tenant, now=EPOCH, limit=5, runs=5)
            recent = await board.recent(tenant, [NOON_HOUR])
            upcoming = await board.upcoming(tenant, until=EPOCH + DAY)

        assert (found.standings, found.total, ids, latest) == ([], 0, [], {})
        assert (counts, needy.standings, needy.latest, upcoming) == (Counts(), [], {}, [])
        assert (recent.minutes, recent.not_run) == ([], {})

    async def test_a_list_shows_all_that_it_needs(self) -> None:
        """Whose it is, what it calls, its schedule and guardrails, its plan, its pause."""
        job = await self.add_job()
        endpoint = await self.add(
            an_endpoint(
                job,
                schedule=cron("*/5 * * * *", timezone="Europe/Berlin"),
                guardrails=Guardrails(shortest=MINUTE, longest=HOUR),
            )
        )
        await self.pause(endpoint, EPOCH, until=EPOCH + HOUR)
        (found,) = await self.find()

        assert (found.id, found.name, found.job_id, found.job_name) == (
            endpoint.id,
            "health",
            job.id,
            "shop",
        )
        assert (found.url, found.method) == (endpoint.request.url, "GET")
        assert found.schedule == endpoint.schedule
        assert (found.shortest, found.longest) == (MINUTE, HOUR)
        assert found.created_at == endpoint.created_at
        assert found.state == await self.state(endpoint)
        assert found.pause is not None
        assert (found.pause.until, found.job_paused) == (EPOCH + HOUR, False)
        assert (found.condition, found.claimable_from) == (Condition.PAUSED, EPOCH + HOUR)

    async def test_names_are_in_order_whatever_their_capitals(self) -> None:
        """``A`` to ``Z`` are as good as small; ids break ties, and other letters come behind."""
        job, other = await self.add_job(), await self.add_job("store")
        for name in ("beta", "Alpha", "Zeta", "ärger"):
            await self.add(an_endpoint(job, name))
        first = await self.add(an_endpoint(other, "alpha"))

        assert await self.names() == ["Alpha", "alpha", "beta", "Zeta", "ärger"]
        assert await self.names(order=Order.NEWEST) == ["alpha", "ärger", "Zeta", "Alpha", "beta"]
        assert await self.names(job_id=other.id) == ["alpha"]
        assert await self.names(ids=frozenset({first.id})) == ["alpha"]
        assert await self.names(ids=frozenset()) == []

    async def test_what_is_archived_or_anothers_is_never_found(self) -> None:
        """Neither an endpoint nor what a job that is archived holds."""
        job, gone, theirs = [
            await self.add_job(name, tenant=tenant)
            for name, tenant in (
                ("shop", DEFAULT_TENANT),
                ("depot", DEFAULT_TENANT),
                ("theirs", OTHER_TENANT),
            )
        ]
        archived, _, _ = [
            await self.add(an_endpoint(each, name))
            for each, name in ((job, "a"), (gone, "b"), (theirs, "c"))
        ]
        await self.archive(archived, EPOCH)
        async with self.unit() as unit:
            await unit.catalog.archive_job(DEFAULT_TENANT, gone.id, now=EPOCH)

        assert await self.names() == []
        async with self.unit() as unit:
            assert await unit.board.counts(DEFAULT_TENANT, now=EPOCH) == Counts()
            assert await unit.board.counts(OTHER_TENANT, now=EPOCH) == Counts(endpoints=1)
            needy = await unit.board.attention(DEFAULT_TENANT, now=EPOCH + DAY, limit=5, runs=5)
        assert (needy.standings, needy.latest) == ([], {})

    @pytest.mark.parametrize("order", Order)
    async def test_pages_go_on_where_the_last_one_ended(self, order: Order) -> None:
        """In each order, every endpoint once; behind an unknown one comes nothing."""
        job = await self.add_job()
        worst = await self.add(an_endpoint(job, "worst"))
        await self.fail(worst, 2)
        other = await self.add_job("store")
        for number in range(6):
            schedule = once(FIRST_SLOT + DAY) if number % 2 else HOURLY
            of_job = job if number < 3 else other
            await self.add(an_endpoint(of_job, f"same {number % 3}", schedule=schedule))

        whole = [each.id for each in await self.find(order=order, now=MINUTE)]
        paged: list[EndpointId] = []
        after: EndpointId | None = None
        while page := await self.find(order=order, limit=2, after=after, now=MINUTE):
            paged += [each.id for each in page]
            after = paged[-1]

        assert len(set(whole)) == 7
        assert paged == whole
        assert await self.find(order=order, after=EndpointId(new_uuid())) == []

    async def test_all_are_counted_as_far_as_was_asked(self) -> None:
        """Also those that are on no page, and on a page that has none."""
        job = await self.add_job()
        added = [await self.add(an_endpoint(job, f"{number}")) for number in range(4)]
        async with self.unit() as unit:
            few = await unit.board.find(DEFAULT_TENANT, Wanted(), now=EPOCH, limit=1, count_to=3)
            behind = await unit.board.find(
                DEFAULT_TENANT, Wanted(), now=EPOCH, limit=1, count_to=9, after=added[-1].id
            )

        assert (len(few.standings), few.total) == (1, 3)
        assert (len(behind.standings), behind.total) == (0, 4)

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("STOCK", ["Stock-Sync"]),
            ("example/%", ["odd"]),
            ("_", []),
            ("shop.EXAMPLE", ["odd", "Stock-Sync"]),
        ],
    )
    async def test_a_text_is_looked_for_in_names_and_urls(
        self, text: str, names: list[str]
    ) -> None:
        """In capitals or not, and every character means itself."""
        job = await self.add_job()
        await self.add(
            an_endpoint(job, "Stock-Sync", request=HttpRequest(url="http://shop.example/a"))
        )
        await self.add(an_endpoint(job, "odd", request=HttpRequest(url="http://shop.example/%20")))

        assert await self.names(text=text) == names

    async def test_every_condition_is_found_by_its_name(self) -> None:
        """The same that is told of one endpoint, and no other."""
        job, resting = await self.add_job(), await self.add_job("resting")
        hourly = {
            name: await self.add(an_endpoint(job, name, schedule=HOURLY))
            for name in ("active", "paused", "ended")
        }
        await self.add(an_endpoint(job, "finished", schedule=once(FIRST_SLOT)))
        await self.run_once(FIRST_SLOT)
        await self.add(an_endpoint(resting, "of paused", schedule=HOURLY))
        called = await self.add(an_endpoint(job, "called", schedule=HOURLY))
        busy = await self.add(an_endpoint(job, "running", schedule=HOURLY))
        await self.run_now(busy, FIRST_SLOT)
        await self.claim_one(FIRST_SLOT)
        put_off = await self.add(an_endpoint(job, "put off", schedule=HOURLY))
        await self.run_now(put_off, FIRST_SLOT + SECOND)
        run = await self.start_one(FIRST_SLOT + SECOND)
        await self.settle(run, FIRST_SLOT + 2 * SECOND, answered(503, retry_after="600"))
        await self.pause(hourly["paused"], EPOCH)
        await self.pause(hourly["ended"], EPOCH, until=EPOCH + 2 * MINUTE)
        await self.pause(called, EPOCH)
        await self.run_now(called, EPOCH + 2 * MINUTE, kind=TriggerKind.SIBLING)
        async with self.unit() as unit:
            await unit.catalog.pause_job(DEFAULT_TENANT, resting.id, now=EPOCH)

        told = {each.name: each.condition for each in await self.find(now=2 * MINUTE)}
        found = {
            condition: await self.names(conditions=frozenset({condition}), now=2 * MINUTE)
            for condition in Condition
        }

        assert found == {
            Condition.ACTIVE: ["active", "called", "ended"],
            Condition.RUNNING: ["running"],
            Condition.PAUSED: ["of paused", "paused"],
            Condition.DEFERRED: ["put off"],
            Condition.QUARANTINED: [],
            Condition.FINISHED: ["finished"],
            Condition.ARCHIVED: [],
        }
        assert told == {name: each for each, names in found.items() for name in names}
        async with self.unit() as unit:
            counts = await unit.board.counts(DEFAULT_TENANT, now=EPOCH + 2 * MINUTE)
        assert counts == Counts(
            endpoints=8, failing=1, late=0, running=1, paused=3, deferred=1, quarantined=0
        )

    async def test_what_fails_and_what_is_late_is_found(self) -> None:
        """Late is what could have been claimed for longer than a moment; equal is not."""
        job = await self.add_job()
        failing = await self.add(an_endpoint(job, "failing"))
        await self.fail(failing, 2)
        await self.pause(failing, FIRST_SLOT + HOUR)
        await self.add(an_endpoint(job, "hourly", schedule=HOURLY))
        await self.add(an_endpoint(job, "daily", schedule=every(DAY)))
        on_time, late = HOUR + LATE_AFTER, HOUR + LATE_AFTER + SECOND

        assert await self.names(failing=True) == ["failing"]
        assert await self.names(failing=False) == ["daily", "hourly"]
        assert await self.names(late=True, now=on_time) == []
        assert await self.names(late=True, now=late) == ["hourly"]
        assert await self.names(late=False, now=late) == ["daily", "failing"]

    async def test_what_waits_for_room_is_late_since_its_slot(self) -> None:
        """A cap keeps it back, and it says so."""
        job = await self.add_job()
        for name in ("a", "b"):
            await self.add(an_endpoint(job, name))
        await self.claim(FIRST_SLOT, caps=Caps(per_host=1))

        (waiting,) = await self.find(late=True, now=2 * MINUTE)

        assert (waiting.waits, waiting.claimable_from) == (True, FIRST_SLOT)
        async with self.unit() as unit:
            counts = await unit.board.counts(DEFAULT_TENANT, now=FIRST_SLOT + MINUTE)
            attention = await unit.board.attention(
                DEFAULT_TENANT, now=FIRST_SLOT + MINUTE, limit=5, runs=5
            )
        assert (counts.running, counts.late) == (1, 1)
        assert [each.id for each in attention.standings] == [waiting.id]
        assert attention.latest == {}

    async def test_sources_are_those_of_what_fires_next(self) -> None:
        """A hint's, and a trigger's before those."""
        job = await self.add_job()
        await self.add(an_endpoint(job, "plain"))
        hinted = await self.add(an_endpoint(job, "hinted", schedule=HOURLY))
        asked = await self.add(an_endpoint(job, "asked", schedule=HOURLY))
        await self.offer(hinted, an_interval_hint(2 * MINUTE))
        await self.run_now(asked, EPOCH)

        assert await self.names(sources=frozenset({Source.BASELINE_INTERVAL})) == ["plain"]
        assert await self.names(sources=frozenset({Source.AI_INTERVAL})) == ["hinted"]
        assert await self.names(
            sources=frozenset({Source.AI_INTERVAL, Source.MANUAL, Source.TRIGGER})
        ) == ["asked", "hinted"]
        assert await self.names(sources=frozenset()) == []

    async def test_all_that_are_meant_can_be_named(self) -> None:
        """By their ids, in the order of these."""
        job = await self.add_job()
        added = [await self.add(an_endpoint(job, name)) for name in ("b", "a", "c")]
        async with self.unit() as unit:
            found = await unit.board.find_ids(DEFAULT_TENANT, Wanted(), now=EPOCH)
            some = await unit.board.find_ids(DEFAULT_TENANT, Wanted(text="a"), now=EPOCH)
            theirs = await unit.board.find_ids(OTHER_TENANT, Wanted(), now=EPOCH)

        assert list(found) == sorted(each.id for each in added)
        assert set(some) >= {added[1].id}
        assert theirs == []

    async def test_the_latest_runs_are_the_newest_first(self) -> None:
        """Of each endpoint as many as were asked for; what is under way has not ended."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, "health"))
        idle = await self.add(an_endpoint(job, "idle", schedule=every(DAY)))
        await self.run_once(at("12:01:00"), lasts=3 * SECOND)
        await self.run_once(at("12:02:00"), failed())
        await self.run_once((await self.decision(endpoint)).due_at, Blocked(message="held back"))
        under_way = await self.start_one((await self.decision(endpoint)).due_at)
        async with self.unit() as unit:
            ids = [endpoint.id, idle.id]
            found = await unit.board.latest_runs(DEFAULT_TENANT, ids, limit=30)
            fewer = await unit.board.latest_runs(DEFAULT_TENANT, ids, limit=2)
            theirs = await unit.board.latest_runs(OTHER_TENANT, ids, limit=2)

        assert set(found) == {endpoint.id}
        running, _, target, success = found[endpoint.id]
        assert list(fewer[endpoint.id]) == list(found[endpoint.id])[:2]
        assert theirs == {}
        assert [each.outcome_class for each in found[endpoint.id]] == [
            None,
            OutcomeClass.NOT_ATTEMPTED,
            OutcomeClass.TARGET,
            OutcomeClass.SUCCESS,
        ]
        assert (running.id, running.status) == (under_way.lease.run_id, RunStatus.RUNNING)
        assert (running.started_at, running.finished_at) == (None, None)
        assert (target.status_code, success.status_code) == (500, 200)
        assert (success.started_at, success.finished_at) == (at("12:01:00"), at("12:01:03"))
        assert success.slot == at("12:01:00")

    async def test_what_needs_somebody_comes_worst_first(self) -> None:
        """What failed most often, then what is late longest; what is paused needs nobody."""
        job = await self.add_job()
        twice, thrice, resting = [
            await self.add(an_endpoint(job, name, schedule=every(DAY)))
            for name in ("twice", "thrice", "resting")
        ]
        for endpoint, times in ((twice, 2), (thrice, 3), (resting, 4)):
            for number in range(times):
                now = EPOCH + number * MINUTE + (times * SECOND)
                await self.run_now(endpoint, now)
                await self.run_once(now, failed())
        await self.pause(resting, EPOCH + 5 * MINUTE)
        await self.add(an_endpoint(job, "early", schedule=every(10 * MINUTE)))
        await self.add(an_endpoint(job, "late", schedule=every(8 * MINUTE)))
        async with self.unit() as unit:
            now = EPOCH + 11 * MINUTE
            needy = await unit.board.attention(DEFAULT_TENANT, now=now, limit=5, runs=30)
            two = await unit.board.attention(DEFAULT_TENANT, now=now, limit=2, runs=2)
            told = await unit.board.latest_runs(
                DEFAULT_TENANT, [twice.id, thrice.id, resting.id], limit=2
            )

        assert [each.name for each in needy.standings] == ["thrice", "twice", "late", "early"]
        assert [each.name for each in two.standings] == ["thrice", "twice"]
        assert {key: len(runs) for key, runs in needy.latest.items()} == {twice.id: 2, thrice.id: 3}
        assert two.latest == {key: told[key] for key in (twice.id, thrice.id)}

    async def test_minutes_tell_what_came_of_their_slots(self) -> None:
        """By who answers for it, with how long it took and how late it was."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), lasts=3 * SECOND)
        run = await self.claim_one(at("12:02:04"))
        await self.start(run, at("12:02:04"))
        await self.settle(run, at("12:02:05"), failed(), started_at=at("12:02:04"))
        await self.run_once((await self.decision(endpoint)).due_at, Blocked(message="no"))
        async with self.unit() as unit:
            recent = await unit.board.recent(
                DEFAULT_TENANT, [(EPOCH - DAY, EPOCH - DAY + HOUR), NOON_HOUR]
            )
            before = await unit.board.recent(DEFAULT_TENANT, [(EPOCH, at("12:02:00"))])
            theirs = await unit.board.recent(OTHER_TENANT, [NOON_HOUR])

        first, second, third = recent.minutes
        assert (first.begins_at, second.begins_at) == (at("12:01:00"), at("12:02:00"))
        assert first.tally == Tally(success=1, timed=1, duration=3 * SECOND)
        assert second.tally == Tally(target_failure=1, timed=1, duration=SECOND)
        assert third.tally == Tally(not_attempted=1)
        assert first.lateness == {0: 1}
        (step,) = second.lateness
        assert LATENESS_STEPS[step - 1] < 4 * SECOND <= LATENESS_STEPS[step]
        assert third.lateness == {}
        assert before.minutes == [first]
        assert theirs.minutes == []

    async def test_slots_not_run_are_counted_by_what_became_of_them(self) -> None:
        """Those whose record ended in the last stretch of time."""
        await self.add_minutely()
        await self.run_once(at("12:10:30"))
        async with self.unit() as unit:
            recent = await unit.board.recent(DEFAULT_TENANT, [NOON_HOUR])
            later = await unit.board.recent(
                DEFAULT_TENANT, [NOON_HOUR, (EPOCH + HOUR, EPOCH + 2 * HOUR)]
            )

        assert recent.not_run == {Fate.COALESCED: 9}
        assert later.not_run == {}
        assert later.minutes == recent.minutes

    async def test_what_comes_is_told_by_minute_and_schedule(self) -> None:
        """Endpoints of one schedule together; what is overdue is there, too."""
        job = await self.add_job()
        for name in ("a", "b"):
            await self.add(an_endpoint(job, name))
        await self.add(an_endpoint(job, "c", schedule=cron("*/5 * * * *")))
        await self.add(an_endpoint(job, "d", schedule=HOURLY))
        async with self.unit() as unit:
            found = await unit.board.upcoming(DEFAULT_TENANT, until=EPOCH + HOUR)
            soon = await unit.board.upcoming(DEFAULT_TENANT, until=FIRST_SLOT)
            theirs = await unit.board.upcoming(OTHER_TENANT, until=EPOCH + HOUR)

        assert list(found) == [
            DueTogether(begins_at=at("12:01:00"), schedule=every(MINUTE), count=2),
            DueTogether(begins_at=at("12:05:00"), schedule=cron("*/5 * * * *"), count=1),
        ]
        assert soon == theirs == []
