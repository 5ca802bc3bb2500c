"""Leases: started, renewed, lost, reaped, and the tokens that guard every write."""

import pytest

from cronicorn_domain.identity import Token
from cronicorn_domain.instants import MILLISECOND
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Delivery
from cronicorn_domain.model.run import FailureKind, OutcomeClass, RunStatus
from cronicorn_domain.ports.endpoint_queue import Settled, StartRefusal
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_settlement,
    an_endpoint,
    every,
    failed,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, LEASE, StoreSuite

END = FIRST_SLOT + LEASE
"""When a lease ends that was claimed at the first slot."""


class EndpointQueueLeaseContract(StoreSuite):
    """A lease is one worker's until the reaper takes it, and a token is good for one lease."""

    async def test_a_start_is_allowed_while_the_lease_lives(self) -> None:
        """A millisecond before its end a lease is good, trap T44."""
        await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)

        assert await self.start(run, END - MILLISECOND) is None

    async def test_a_lease_that_ends_now_is_lost(self) -> None:
        """Equal is expired: the start is refused, and nothing is written, trap T44."""
        endpoint = await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)

        assert await self.start(run, END) is StartRefusal.LOST

        (row,) = await self.runs(endpoint)
        assert row.status is RunStatus.RUNNING
        await self.expect_nothing_due(END)

    async def test_each_token_has_its_own_answer(self) -> None:
        """In one batch a stale token is refused and the good one goes, trap T15."""
        await self.add_minutely()
        run = await self.claim_one(FIRST_SLOT)
        stale = Token(run.lease.token + 1000)

        answers = await self.queue.start([stale, run.lease.token], now=FIRST_SLOT)

        assert answers == {stale: StartRefusal.LOST, run.lease.token: None}

    async def test_a_renewed_lease_is_not_reaped(self) -> None:
        """A run that outlives any fixed lock length is still one run, trap T06."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        now = FIRST_SLOT
        for _ in range(10):
            now += LEASE - SECOND
            lost = await self.queue.renew([run.lease.token], lease_for=LEASE, now=now)
            assert lost == frozenset()
            assert await self.reap(now) == []
            await self.expect_nothing_due(now)

        assert await self.settle(run, now) is Settled.ACCEPTED
        assert len(await self.runs(endpoint)) == 1

    async def test_a_renewal_that_arrives_late_shortens_nothing(self) -> None:
        """Renewals that overtake each other leave the lease at the end that was promised last."""
        await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        later = FIRST_SLOT + 5 * SECOND
        await self.queue.renew([run.lease.token], lease_for=LEASE, now=later)

        lost = await self.queue.renew([run.lease.token], lease_for=LEASE, now=FIRST_SLOT)

        assert lost == frozenset()
        assert await self.reap(END) == []
        assert len(await self.reap(later + LEASE)) == 1

    async def test_waiting_runs_keep_their_leases(self) -> None:
        """Claims that wait for their start behind a slow one are renewed with it, trap T06."""
        job = await self.add_job()
        for name in ("slow", "waiting"):
            await self.add(an_endpoint(job, name))
        slow, waiting = (await self.claim(FIRST_SLOT)).runs
        tokens = [slow.lease.token, waiting.lease.token]
        await self.start(slow, FIRST_SLOT)

        assert not await self.queue.renew(tokens, lease_for=LEASE, now=END - SECOND)

        assert await self.reap(END) == []
        assert await self.start(waiting, END) is None

    async def test_an_expired_lease_can_still_be_renewed(self) -> None:
        """Only the reaper ends a lease: until then it can be prolonged."""
        await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        lost = await self.queue.renew([run.lease.token], lease_for=LEASE, now=END + SECOND)

        assert lost == frozenset()
        assert await self.reap(END + SECOND) == []

    async def test_renewing_tells_what_the_reaper_took(self) -> None:
        """A worker learns at its next renewal which leases are no longer its own."""
        await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        await self.reap(END)

        lost = await self.queue.renew([run.lease.token], lease_for=LEASE, now=END)

        assert lost == {run.lease.token}

    async def test_a_late_result_is_taken_until_the_reaper_comes(self) -> None:
        """A settle past the lease's end counts as long as nobody took the lease."""
        await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        assert await self.settle(run, END + 5 * SECOND) is Settled.ACCEPTED

        assert (await self.run_row(run)).status is RunStatus.SUCCESS

    async def test_the_reaper_takes_what_ends_now(self) -> None:
        """Equal is expired, and a millisecond earlier it is not, trap T44."""
        await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        assert await self.reap(END - MILLISECOND) == []

        assert await self.reap(END) == [run.lease.token]

    async def test_a_reap_of_none_hides_nothing(self) -> None:
        """A limit of 0 proves that the store answers; what had ended is there for the next reap."""
        await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        assert list(await self.queue.reap(limit=0, now=END + MINUTE)) == []

        assert await self.reap(END + MINUTE + SECOND) == [run.lease.token]

    async def test_the_reaper_says_whom_it_bereaved(self) -> None:
        """What is reaped names endpoint, run and worker, and whether anything was lost."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        (reaped,) = await self.queue.reap(limit=1, now=END)

        assert (reaped.endpoint_id, reaped.tenant) == (endpoint.id, endpoint.tenant)
        assert (reaped.run_id, reaped.worker) == (run.lease.run_id, run.lease.worker)
        assert not reaped.given_back

    async def test_a_reaper_may_only_look(self) -> None:
        """With no room for a single lease it takes nothing, and is answered all the same."""
        await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        assert await self.queue.reap(limit=0, now=END) == []

        assert await self.reap(END) == [run.lease.token]

    async def test_the_reapers_limit_is_kept(self) -> None:
        """A reap takes no more than its limit, and the next one the rest."""
        job = await self.add_job()
        for name in ("a", "b", "c"):
            await self.add(an_endpoint(job, name))
        await self.claim(FIRST_SLOT)

        counts = [len(await self.queue.reap(limit=2, now=END)) for _ in range(3)]

        assert counts == [2, 1, 0]

    async def test_a_lost_run_is_abandoned_and_ours(self) -> None:
        """A lost worker is no failure of the target, trap T48."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        await self.reap(END)

        row = await self.run_row(run)
        assert (row.status, row.failure_kind) == (RunStatus.FAILED, FailureKind.ABANDONED)
        assert (row.outcome_class, row.finished_at) == (OutcomeClass.OURS, END)
        assert (await self.state(endpoint)).failures == 0

    async def test_a_lost_run_is_repeated_at_once(self) -> None:
        """At least once: the same slot is due again, with the next attempt."""
        endpoint = await self.add_minutely()
        await self.start_one(FIRST_SLOT)
        await self.reap(END)

        again = await self.claim_one(END)

        assert (again.plan.decision.slot, again.plan.attempt) == (FIRST_SLOT, 2)
        assert again.plan.decision.source is Source.RETRY
        assert len(await self.runs(endpoint)) == 2

    async def test_at_most_once_goes_on_to_the_next_slot(self) -> None:
        """At most once: what was started and lost is not started again."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, delivery=Delivery.AT_MOST_ONCE))
        await self.start_one(FIRST_SLOT)

        await self.reap(END)

        assert await self.next_slot(endpoint) == FIRST_SLOT + MINUTE

    async def test_three_losses_give_a_slot_up(self) -> None:
        """The third loss of one slot ends it, and counts one failure, trap T48."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=every(HOUR)))
        now = EPOCH + HOUR
        for attempt in (1, 2, 3):
            run = await self.start_one(now)
            assert (run.plan.decision.slot, run.plan.attempt) == (EPOCH + HOUR, attempt)
            now = run.lease.until
            await self.reap(now)

        state = await self.state(endpoint)
        assert state.failures == 1
        assert await self.next_slot(endpoint) > EPOCH + HOUR
        await self.expect_nothing_due(now + MINUTE)

    async def test_a_reaped_run_cannot_be_flipped_back(self) -> None:
        """A result that comes after the reaper changes neither run nor endpoint, trap T25."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        await self.reap(END)
        state, row = await self.state(endpoint), await self.run_row(run)

        assert await self.settle(run, END + SECOND) is Settled.LOST

        assert await self.state(endpoint) == state
        assert await self.run_row(run) == row

    async def test_a_finished_run_cannot_be_reaped(self) -> None:
        """Once settled, a run is out of the reaper's reach, trap T25."""
        await self.add_minutely()
        run = await self.run_once(FIRST_SLOT)

        assert await self.reap(END + HOUR) == []

        assert (await self.run_row(run)).status is RunStatus.SUCCESS

    @pytest.mark.parametrize("taken_over", [False, True])
    async def test_a_stale_token_writes_nothing(self, *, taken_over: bool) -> None:
        """A stale worker's start, renew, settle and release change nothing, trap T07."""
        endpoint = await self.add_minutely()
        stale = await self.start_one(FIRST_SLOT)
        await self.reap(END)
        if taken_over:
            await self.start_one(END)
        state, rows = await self.state(endpoint), await self.runs(endpoint)
        token, now = stale.lease.token, END + SECOND

        assert await self.start(stale, now) is StartRefusal.LOST
        assert await self.queue.renew([token], lease_for=HOUR, now=now) == {token}
        assert await self.settle(stale, now, failed()) is Settled.LOST
        assert await self.release(stale, now) is Settled.LOST

        assert await self.state(endpoint) == state
        assert await self.runs(endpoint) == rows

    async def test_a_stale_worker_cannot_hold_on_to_a_lease(self) -> None:
        """The renewal of an old token does not prolong the new holder's lease, trap T07."""
        await self.add_minutely()
        stale = await self.start_one(FIRST_SLOT)
        await self.reap(END)
        fresh = await self.start_one(END)
        await self.queue.renew([stale.lease.token], lease_for=HOUR, now=END)

        assert await self.reap(END + LEASE) == [fresh.lease.token]

    async def test_unknown_tokens_are_lost(self) -> None:
        """A token that never was is no error, only lost."""
        token = Token(987_654_321)
        settlement = a_settlement(token)

        assert await self.queue.settle([settlement], now=EPOCH) == {token: Settled.LOST}
        assert await self.queue.release([token], now=EPOCH) == {token: Settled.LOST}
        assert await self.queue.renew([token], lease_for=LEASE, now=EPOCH) == {token}
