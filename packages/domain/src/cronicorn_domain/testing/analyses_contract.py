"""Analyses: which endpoints the AI planner looks at, when, and one planner at a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.identity import (
    DEFAULT_TENANT,
    SessionId,
    TenantId,
    WorkerId,
    new_uuid,
)
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.planning import AiMode, Planning
from cronicorn_domain.model.rules import Analyze, EndpointRule, RuleSet
from cronicorn_domain.model.rulings import Ruling
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.model.session import Analysis
from cronicorn_domain.policies.analysing import AGAIN_LEAST, again_after_failures
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    an_endpoint,
    every,
    failed,
    succeeded,
)
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())
WORKER = WorkerId("planner")
AUTO = Planning(mode=AiMode.AUTO)


class AnalysesContract(StoreSuite):
    """What holds for the planner's leases, and for what brings them forward."""

    async def enrol(self, now: datetime = EPOCH) -> int:
        """Let the planner see which endpoints there are."""
        async with self.unit() as unit:
            return await unit.analyses.enrol(now=now)

    async def take(self, now: datetime = EPOCH, *, limit: int = 10) -> Sequence[Analysis]:
        """Take what is due, for a minute."""
        async with self.unit() as unit:
            return await unit.analyses.take(worker=WORKER, limit=limit, lease_for=MINUTE, now=now)

    async def finish(
        self, leased: Analysis, now: datetime, *, again_at: datetime, failures: int = 0
    ) -> bool:
        """End a lease."""
        async with self.unit() as unit:
            return await unit.analyses.finish(leased, again_at=again_at, failures=failures, now=now)

    async def standing(self, endpoint: Endpoint) -> Analysis | None:
        """Read an endpoint's analysis."""
        async with self.unit() as unit:
            return await unit.analyses.get(endpoint.tenant, endpoint.id)

    async def next_at(self, endpoint: Endpoint) -> datetime:
        """Read when an endpoint is looked at next, and expect that it is."""
        standing = await self.standing(endpoint)
        assert standing is not None
        return standing.next_at

    async def add_planned(self, job: Job, name: str = "health") -> Endpoint:
        """Keep an endpoint that the planner may change."""
        return await self.add(an_endpoint(job, name, planning=AUTO))

    async def look_at_all(self) -> None:
        """Look at every endpoint that there is, and not again for a day."""
        await self.enrol()
        for each in await self.take():
            assert await self.finish(each, EPOCH, again_at=EPOCH + DAY)

    async def run_some(self, outcomes: Sequence[Outcome]) -> datetime:
        """Run what is due each minute, with these outcomes, and return when the last ended."""
        now = EPOCH
        for outcome in outcomes:
            now += 30 * MINUTE
            await self.run_once(now, outcome)
        return now + SECOND

    async def test_an_endpoint_is_looked_at_as_soon_as_it_is_enrolled(self) -> None:
        """Only where its owner allows it."""
        job = await self.add_job()
        planned = await self.add_planned(job)
        await self.add(an_endpoint(job, "other"))

        assert await self.enrol() == 1
        assert await self.enrol() == 0
        assert [each.endpoint_id for each in await self.take()] == [planned.id]

    async def test_paused_and_rare_endpoints_are_looked_at(self) -> None:
        """
        Whether an endpoint runs has no say in when it is looked at.

        Trap T32: those that are paused, or run once in a month, are the ones that need it.
        """
        job = await self.add_job()
        rare = an_endpoint(job, "rare", schedule=every(30 * DAY), planning=AUTO)
        await self.add(rare)
        paused = await self.add_planned(job, "paused")
        await self.pause(paused, EPOCH)

        await self.enrol()

        assert {each.endpoint_id for each in await self.take()} == {rare.id, paused.id}

    async def test_nobody_is_given_what_somebody_has(self) -> None:
        """
        A lease lasts until its end; equal is over.

        Trap T34: two replicas never look at one endpoint at once.
        """
        endpoint = await self.add_planned(await self.add_job())
        await self.enrol()

        assert len(await self.take(EPOCH)) == 1
        leased = await self.standing(endpoint)
        assert leased is not None
        assert (leased.worker, leased.leased_until) == (WORKER, EPOCH + MINUTE)
        assert await self.take(EPOCH + MINUTE - SECOND) == []
        assert len(await self.take(EPOCH + MINUTE)) == 1

    async def test_a_lease_that_ended_before_its_session_counts_as_a_failure(self) -> None:
        """
        The first time its endpoint is looked at at once; what ends every worker waits longer.

        Trap T35: each time a model was asked.
        """
        endpoint = await self.add_planned(await self.add_job())
        await self.enrol()
        await self.take(EPOCH)

        (taken,) = await self.take(EPOCH + MINUTE)
        assert taken.failures == 1
        ended = EPOCH + 2 * MINUTE
        assert await self.take(ended) == []
        standing = await self.standing(endpoint)
        assert standing is not None
        assert (standing.failures, standing.lease) == (2, None)
        assert standing.next_at == ended + again_after_failures(1)
        assert await self.next_at(endpoint) == standing.next_at
        (again,) = await self.take(standing.next_at)
        assert (again.endpoint_id, again.failures) == (endpoint.id, 2)

    async def test_replicas_that_take_at_once_share_out(self) -> None:
        """Trap T34: each endpoint is given once, whoever asks, and all are given."""
        job = await self.add_job()
        for number in range(12):
            await self.add_planned(job, f"e{number}")
        await self.enrol()
        another = await self.given.another()

        async def take_some() -> list[Analysis]:
            taken: list[Analysis] = []
            for _ in range(8):
                async with another.units.begin() as unit:
                    taken += await unit.analyses.take(
                        worker=WORKER, limit=3, lease_for=MINUTE, now=EPOCH
                    )
                    await unit.commit()
                taken += await self.take(limit=3)
            return taken

        lists = await asyncio.gather(take_some(), take_some())

        given = [each.endpoint_id for taken in lists for each in taken]
        assert len(given) == len(set(given)) == 12

    async def test_tenants_come_in_turn(self) -> None:
        """Many endpoints of one tenant do not keep another's waiting."""
        mine = await self.add_job()
        for number in range(5):
            await self.add_planned(mine, f"e{number}")
        theirs = await self.add_planned(await self.add_job("theirs", tenant=OTHER_TENANT))
        await self.enrol()

        taken = await self.take(limit=2)

        assert theirs.id in {each.endpoint_id for each in taken}

    async def test_tenants_come_in_turn_where_one_look_is_had_at_a_time(self) -> None:
        """Whose turn was longest ago comes first, however long another's endpoints are due."""
        mine = await self.add_job()
        for number in range(3):
            await self.add_planned(mine, f"e{number}")
        await self.enrol()
        theirs = await self.add_job("theirs", tenant=OTHER_TENANT)
        for number in range(2):
            await self.add_planned(theirs, f"e{number}")
        later = EPOCH + SECOND
        await self.enrol(later)
        turns = []
        for number in range(5):
            now = later + number * SECOND
            (leased,) = await self.take(now, limit=1)
            turns.append(leased.tenant)
            assert await self.finish(leased, now, again_at=EPOCH + DAY)

        first, second = DEFAULT_TENANT, OTHER_TENANT
        assert turns == [first, second, first, second, first]

    async def test_a_tenant_whose_look_is_under_way_has_had_its_turn(self) -> None:
        """A lease counts as one that has ended does: the next look is another tenant's."""
        mine = await self.add_job()
        for number in range(2):
            await self.add_planned(mine, f"e{number}")
        await self.enrol()
        await self.add_planned(await self.add_job("theirs", tenant=OTHER_TENANT))
        await self.enrol(EPOCH + SECOND)

        turns = [(await self.take(EPOCH + SECOND, limit=1))[0].tenant for _ in range(3)]

        assert turns == [DEFAULT_TENANT, OTHER_TENANT, DEFAULT_TENANT]

    async def test_what_has_ended_is_looked_at_again_when_it_was_said(self) -> None:
        """Not before, and with the failures that were told."""
        endpoint = await self.add_planned(await self.add_job())
        await self.enrol()
        (leased,) = await self.take()

        assert await self.finish(leased, EPOCH + SECOND, again_at=EPOCH + HOUR, failures=2)

        assert await self.next_at(endpoint) == EPOCH + HOUR
        assert await self.take(EPOCH + HOUR - SECOND) == []
        (again,) = await self.take(EPOCH + HOUR)
        assert again.failures == 2

    async def test_a_stale_lease_writes_nothing(self) -> None:
        """Neither one that has ended nor one that was given to another; trap T34."""
        endpoint = await self.add_planned(await self.add_job())
        await self.enrol()
        (stale,) = await self.take()

        assert not await self.finish(stale, EPOCH + MINUTE, again_at=EPOCH + DAY)
        (fresh,) = await self.take(EPOCH + MINUTE)
        assert not await self.finish(stale, EPOCH + MINUTE, again_at=EPOCH + DAY)
        forged = replace(fresh, lease=SessionId(new_uuid()))
        assert not await self.finish(forged, EPOCH + MINUTE, again_at=EPOCH + DAY)
        assert await self.standing(endpoint) == fresh

    async def test_what_is_given_back_is_due_as_before(self) -> None:
        """A worker that stops has looked at nothing, and holds nothing."""
        endpoint = await self.add_planned(await self.add_job())
        await self.enrol()
        (leased,) = await self.take()

        async with self.unit() as unit:
            await unit.analyses.release(leased)

        standing = await self.standing(endpoint)
        assert standing is not None
        assert standing.worker is None
        assert len(await self.take()) == 1

    async def test_who_is_not_to_be_looked_at_any_more_is_left_alone(self) -> None:
        """A mode that is switched off, an archive, a job's pause: the lease goes with it."""
        job = await self.add_job()
        off = await self.add_planned(job, "off")
        gone = await self.add_planned(job, "gone")
        await self.add_planned(await self.add_job("other"), "paused")
        await self.enrol()
        leased = await self.take()
        await self.change(replace(off, planning=Planning()), EPOCH)
        await self.archive(gone, EPOCH)
        async with self.unit() as unit:
            other = await unit.catalog.find_job(DEFAULT_TENANT, "other")
            assert other is not None
            await unit.catalog.pause_job(DEFAULT_TENANT, other.id, now=EPOCH)

        await self.enrol()

        assert await self.take(EPOCH + DAY) == []
        for each in leased:
            assert not await self.finish(each, EPOCH, again_at=EPOCH + DAY)
        assert await self.next_due() is None

    async def next_due(self) -> datetime | None:
        """Read when something can be taken."""
        async with self.unit() as unit:
            return await unit.analyses.next_due()

    async def test_the_next_is_known(self) -> None:
        """What is leased is due again at the lease's end."""
        assert await self.next_due() is None
        await self.add_planned(await self.add_job())
        await self.enrol()
        assert await self.next_due() == EPOCH
        (leased,) = await self.take()
        assert await self.next_due() == EPOCH + MINUTE
        await self.finish(leased, EPOCH, again_at=EPOCH + HOUR)
        assert await self.next_due() == EPOCH + HOUR

    async def test_another_tenants_is_not_seen(self) -> None:
        """It is as if there were none."""
        endpoint = await self.add_planned(await self.add_job())
        await self.enrol()

        async with self.unit() as unit:
            assert await unit.analyses.get(OTHER_TENANT, endpoint.id) is None

    async def test_a_streak_of_failures_brings_the_look_forward(self) -> None:
        """
        Of the endpoint, and of its siblings, in the transaction of the third failure.

        Trap T32: a sibling that does not run has to be looked at, too.
        """
        job = await self.add_job()
        rare = every(30 * DAY)
        endpoint = await self.add_planned(job)
        sibling = await self.add(an_endpoint(job, "recovery", schedule=rare, planning=AUTO))
        stranger = an_endpoint(await self.add_job("other"), schedule=rare, planning=AUTO)
        await self.add(stranger)
        await self.look_at_all()

        await self.run_some([failed()] * 2)
        assert await self.next_at(endpoint) == EPOCH + DAY
        then = EPOCH + 2 * HOUR
        await self.run_once(then, failed())

        assert await self.next_at(endpoint) == then + SECOND
        assert await self.next_at(sibling) == then + SECOND
        assert await self.next_at(stranger) == EPOCH + DAY
        told = [await self.standing(each) for each in (endpoint, sibling)]
        assert [each.cause for each in told if each is not None] == [
            "it has failed 3 times in a row",
            "an endpoint of its job has failed 3 times in a row",
        ]

    async def test_a_look_just_taken_is_not_followed_by_another(self) -> None:
        """What happens within minutes of it waits for their end: looks cost money."""
        job = await self.add_job()
        endpoint = await self.add_planned(job)
        await self.enrol()
        then = await self.run_some([failed()] * 2)
        (leased,) = await self.take(then)
        await self.finish(leased, then, again_at=then + DAY)

        await self.run_once(then + 4 * MINUTE, failed())

        assert await self.next_at(endpoint) == then + AGAIN_LEAST

    async def test_what_happens_during_a_session_is_for_the_next_one(self) -> None:
        """The session has not seen it; its end does not lose it."""
        job = await self.add_job()
        endpoint = await self.add_planned(job)
        await self.enrol()
        then = await self.run_some([failed()] * 2)
        begun = then + 4 * MINUTE - 2 * SECOND
        (leased,) = await self.take(begun)
        await self.run_once(then + 4 * MINUTE, failed())

        ended = then + 4 * MINUTE + 2 * SECOND
        assert await self.finish(leased, ended, again_at=ended + DAY)

        assert await self.next_at(endpoint) == ended + AGAIN_LEAST

    async def test_a_recovery_is_worth_a_look(self) -> None:
        """Of a streak that was: what was tightened can be relaxed."""
        job = await self.add_job()
        endpoint = await self.add_planned(job)
        await self.enrol()
        then = await self.run_some([failed()] * 4)
        (leased,) = await self.take(then)
        await self.finish(leased, then, again_at=then + DAY)

        await self.run_once(then + HOUR, succeeded())

        assert await self.next_at(endpoint) == then + HOUR + SECOND
        standing = await self.standing(endpoint)
        assert standing is not None
        assert standing.cause == "it has recovered from 4 failures in a row"

    async def test_a_rule_that_asks_brings_the_look_forward(self) -> None:
        """In the transaction of the settle, and with its reason; of no sibling."""
        job = await self.add_job()
        rule = EndpointRule(when="body.odd", then=(Analyze(),), reason="this is odd")
        rules = RuleSet(rules=(rule,))
        endpoint = await self.add(an_endpoint(job, rules=rules, planning=AUTO))
        sibling = await self.add(
            an_endpoint(job, "recovery", schedule=every(30 * DAY), planning=AUTO)
        )
        await self.look_at_all()
        run = await self.start_one(EPOCH + HOUR)

        await self.settle(run, EPOCH + HOUR + SECOND, ruling=Ruling(held=(rule,)))

        standing = await self.standing(endpoint)
        assert standing is not None
        assert standing.next_at == EPOCH + HOUR + SECOND
        assert standing.cause == "a rule asked for it: this is odd"
        assert await self.next_at(sibling) == EPOCH + DAY
