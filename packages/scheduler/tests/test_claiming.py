"""Claiming: what, when, how much, and how seldom the store is asked."""

from datetime import timedelta
from itertools import count

import pytest
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.ports.endpoint_queue import ClaimBatch
from cronicorn_domain.testing.builders import a_trigger, cron, succeeded


async def test_a_slot_is_run_at_its_due_instant(rig):
    """A slot is claimed when it is due, neither early nor at the next tick."""
    await rig.an_endpoint(seconds=60)
    rig.working()

    await rig.until(200)

    starts = [run.started_at for run in rig.runs()]
    assert starts == [rig.after(60), rig.after(120), rig.after(180)]


async def test_a_wakeup_ends_the_wait(rig):
    """A run asked for by hand starts within milliseconds, however far off the next slot is."""
    endpoint = await rig.an_endpoint(seconds=3600)
    rig.working()

    await rig.until(20.5)
    await rig.trigger(endpoint, a_trigger(rig.clock.now()))
    await rig.until(20.6)

    assert [run.started_at for run in rig.runs()] == [rig.after(20.51)]


async def test_polling_alone_is_correct(rig, deaf):
    """A wake-up that never comes costs no more than the idle ceiling."""
    endpoint = await rig.an_endpoint(seconds=3600)
    rig.working(wakeups=deaf)

    await rig.until(20.5)
    await rig.trigger(endpoint, a_trigger(rig.clock.now()))
    await rig.until(26.6)

    (run,) = rig.runs()
    assert run.started_at - rig.after(20.5) <= timedelta(seconds=6.1)


async def test_a_full_claim_is_followed_by_another_at_once(rig):
    """A backlog larger than a batch is claimed without a pause in between (trap T22)."""
    await rig.endpoints(25)
    worker = rig.working(claim_batch=10)

    await rig.until(61)

    claims = [at for name, at in worker.connection.asked if name == "claim" and at >= rig.after(60)]
    assert claims[:3] == [rig.after(60)] * 3
    assert {run.started_at for run in rig.runs()} == {rig.after(60)}


async def test_a_saturated_worker_claims_as_soon_as_a_place_is_free(rig):
    """A worker with every place taken takes the next run when one ends, not later (trap T22)."""
    await rig.endpoints(5)
    worker = rig.working(concurrency=2, answer=rig.taking(2), settle_window=NO_TIME)

    await rig.until(70)

    starts = [run.started_at for run in rig.runs()]
    assert starts == [rig.after(each) for each in (60, 60, 62, 62, 64)]
    assert max(worker.connection.sizes["claim"]) == 2


async def test_places_that_come_free_one_by_one_are_claimed_together(rig):
    """A saturated worker gives a claim for few places a moment's company: each costs a claim."""
    await rig.endpoints(40)
    longer = count()

    async def answer(_):
        taken = timedelta(seconds=2, milliseconds=next(longer) % 20)
        await rig.clock.sleep_until(rig.clock.now() + taken)
        return succeeded()

    worker = rig.working(concurrency=20, answer=answer, settle_window=NO_TIME)

    await rig.until(63)

    asked = [at for name, at in worker.connection.asked if name == "claim"]
    assert len([run for run in rig.runs() if run.started_at >= rig.after(62)]) == 20
    assert 2 <= len([at for at in asked if at >= rig.after(62)]) <= 5


async def test_no_more_is_in_hand_than_may_run_at_once(rig):
    """Back-pressure: more is never claimed than has a place, whatever is due."""
    await rig.endpoints(40, seconds=5)
    answer = rig.taking(1.3)
    worker = rig.working(concurrency=7, claim_batch=5, answer=answer)
    most = 0

    for tenth in range(600):
        await rig.until(tenth / 10)
        most = max(most, len(rig.store.tables.leases))

    assert most == 7
    assert len(worker.told("run_settled")) > 250


async def test_a_saturated_worker_asks_nothing(rig):
    """While every place is taken, no claim and no look goes to the store."""
    await rig.endpoints(3)
    worker = rig.working(concurrency=2, answer=rig.taking(20))

    await rig.until(61)
    before = worker.connection.count("claim", "next_due")
    await rig.until(79)

    assert worker.connection.count("claim", "next_due") == before


@pytest.mark.parametrize("endpoints", [0, 3])
async def test_an_idle_worker_asks_less_than_once_a_second(rig, endpoints):
    """An idle process sends less than one query a second, for whatever there is to look for."""
    await rig.endpoints(endpoints, schedule=cron("0 0 * * *"))
    worker = rig.working(prune_first=timedelta(days=1), notifier=object())

    def asked():
        return worker.connection.count() + 2 * worker.connection.count("synchronize")

    await rig.until(30)
    before = asked()
    await rig.until(630)

    assert 500 < asked() - before < 600


async def test_close_slots_share_a_claim(rig):
    """Slots a few milliseconds apart do not cost a claim each."""
    for n in range(50):
        await rig.until(n / 1000)
        await rig.an_endpoint(f"health-{n}", seconds=60)
    worker = rig.working()

    await rig.until(59)
    before = worker.connection.count("claim")
    await rig.until(61)

    assert len(rig.runs()) == 50
    assert worker.connection.count("claim") - before <= 7


async def test_a_slot_alone_costs_one_claim(rig):
    """Behind a rest a claim that brought something is followed by a look, which costs less."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working()

    await rig.until(59)
    before = worker.connection.counts()
    await rig.until(181)

    assert len(rig.runs()) == 3
    assert worker.connection.count("claim") - before["claim"] == 3


async def test_while_something_is_always_due_no_look_is_taken(rig):
    """What comes every few milliseconds is claimed and claimed, with nothing in between."""
    for n in range(400):
        await rig.until(n * 0.007)
        await rig.an_endpoint(f"health-{n}", seconds=60)
    worker = rig.working()

    await rig.until(59)
    before = worker.connection.counts()
    await rig.until(62.8)

    assert len(rig.runs()) == 400
    assert worker.connection.count("next_due") - before["next_due"] < 20


async def test_a_slot_waits_little_for_company(rig):
    """Being claimed together makes no slot later than the pause between two looks."""
    for n in range(50):
        await rig.until(n / 1000)
        await rig.an_endpoint(f"health-{n}", seconds=60)
    rig.working()

    await rig.until(61)

    late = [run.started_at - run.decision.due_at for run in rig.runs()]
    assert NO_TIME <= min(late) <= max(late) <= timedelta(milliseconds=10)


async def test_what_another_worker_is_taking_is_not_hammered(rig):
    """A due row that cannot be had is asked for less and less often, and had when it can be."""
    await rig.an_endpoint(seconds=60)
    worker = rig.worker()
    worker.connection.claim = _nothing
    worker.begin()

    await rig.until(90)
    looks = worker.connection.count("next_due")
    del worker.connection.claim
    await rig.until(91)

    assert looks < 100
    assert len(rig.runs()) == 1


async def test_the_first_claim_can_be_awaited(rig):
    """Who counts from the first claim on hears of it, also when nothing was due."""
    worker = rig.working()

    await worker.scheduler.first_claim()

    assert worker.connection.count("claim") == 1


async def test_a_first_claim_that_fails_is_tried_again(rig):
    """A store that is away at the start costs patience, not the process (trap T31)."""
    await rig.an_endpoint(seconds=60)
    worker = rig.worker()
    worker.connection.down = {"all"}
    worker.begin()

    await rig.until(45)
    worker.connection.down = set()
    await rig.until(61)

    assert [run.started_at for run in rig.runs()] == [rig.after(60)]
    assert len(worker.told("store_unavailable")) == 1
    assert len(worker.told("store_recovered")) == 1


async def test_what_was_passed_is_told(rig):
    """Endpoints set aside are told with their reason, and harm no other (trap T15)."""
    broken, _ = await rig.endpoints(2)
    rig.store.tables.endpoints[broken.id].unreadable = "no such zone"
    worker = rig.working()

    await rig.until(61)

    (quarantined,) = worker.told("endpoint_quarantined")
    assert (quarantined.endpoint_id, quarantined.reason) == (broken.id, "no such zone")
    assert [event.count for event in worker.told("slots_passed")] == [1]
    assert len(worker.told("run_settled")) == 1


async def _nothing(**_):
    return ClaimBatch(quarantined={})


async def test_an_endpoint_without_its_key_is_told_once(rig):
    """A worker says what it cannot run once, although it meets it again and again (trap T15)."""
    endpoint = await rig.an_endpoint(seconds=600)
    worker = rig.worker(queue=_Withholding(rig, endpoint.id))
    worker.begin()

    await rig.until(3600)

    assert [(each.endpoint_id, each.reason) for each in worker.told("endpoint_withheld")] == [
        (endpoint.id, "no key")
    ]
    assert worker.told("slots_passed", "part_failed") == []


class _Withholding(MemoryEndpointQueue):
    """A queue whose one endpoint needs a key that is not at hand; met every 30 s."""

    def __init__(self, rig, endpoint_id):
        super().__init__(rig.store)
        self._rig = rig
        self._endpoint_id = endpoint_id
        self._left_until = rig.clock.now()

    async def claim(self, *, now, **_):
        if now < self._left_until:
            return ClaimBatch()
        self._left_until = now + timedelta(seconds=30)
        return ClaimBatch(withheld={self._endpoint_id: "no key"})

    async def next_due(self):
        return self._left_until
