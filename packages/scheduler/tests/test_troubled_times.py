"""Several workers, slow and broken connections, crashes: what must hold all the same."""

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from random import Random

import pytest
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.run import OutcomeClass, RunStatus
from cronicorn_domain.testing.builders import failed, succeeded


@pytest.mark.parametrize("seed", range(8))
async def test_the_promises_hold_in_troubled_times(rig, seed):
    """
    Whatever breaks, nothing is early, doubled or forgotten (traps T05, T06, T07, T22, T25).

    Ten minutes of three workers on 24 endpoints, with requests that take up to 15 s, slow and
    broken connections, lost answers, crashes and newcomers.
    """
    chance = Random(seed)
    under_way = Under(rig, chance)
    for n in range(24):
        await rig.an_endpoint(f"health-{n}", seconds=chance.choice([5, 10, 20, 30, 60]))
    for n in range(3):
        rig.working(f"worker-{n}", answer=under_way.answer, concurrency=chance.choice([3, 8, 20]))

    for _ in range(60):
        await rig.until(rig.elapsed() + chance.uniform(1, 19))
        await _trouble(rig, chance, under_way)
    await _peace(rig, under_way)

    _check(rig, under_way)


class Under:
    """Answers requests, and knows which of them are under way."""

    def __init__(self, rig, chance):
        self.rig = rig
        self.chance = chance
        self.sent = []
        self.now = defaultdict(set)
        self.most: Counter[str] = Counter()

    async def answer(self, dispatch):
        begun = self.rig.clock.now()
        self.sent.append((begun, dispatch))
        self.now[dispatch.endpoint_id].add(dispatch.run_id)
        self.most[dispatch.endpoint_id] = max(
            self.most[dispatch.endpoint_id], len(self.now[dispatch.endpoint_id])
        )
        try:
            length = timedelta(seconds=self.chance.choice([0.05, 0.05, 0.2, 3, 15]))
            await self.rig.clock.sleep_until(begun + length)
            return succeeded() if self.chance.random() < 0.8 else failed()
        finally:
            self.now[dispatch.endpoint_id].discard(dispatch.run_id)


async def _trouble(rig, chance, under_way):
    living = [worker for worker in rig.workers if not worker.task.done()]
    worker = chance.choice(living)
    connection = worker.connection
    match chance.randrange(7):
        case 0:
            connection.down = {"all"}
        case 1:
            connection.down = {chance.choice(["claim", "start", "settle", "renew", "next_due"])}
        case 2:
            connection.lost = {chance.choice(["claim", "start", "settle", "release"])}
        case 3:
            connection.latency = timedelta(milliseconds=chance.choice([1, 20, 300]))
        case 4 if len(living) > 1:
            await worker.crash()
            rig.working(f"worker-{len(rig.workers)}", answer=under_way.answer)
        case 5 if len(living) > 1:
            worker.scheduler.request_stop()
            rig.working(f"worker-{len(rig.workers)}", answer=under_way.answer)
        case _:
            for each in living:
                each.connection.down, each.connection.lost = set(), set()


async def _peace(rig, under_way):
    """Mend everything, let it settle, and stop in good order."""
    for worker in rig.workers:
        if not worker.task.done():
            worker.connection.down, worker.connection.lost = set(), set()
            worker.connection.latency = NO_TIME
    await rig.until(rig.elapsed() + 120)
    for worker in rig.workers:
        if not worker.task.done():
            worker.scheduler.request_stop()
    await asyncio.gather(*(worker.task for worker in rig.workers), return_exceptions=True)


def _check(rig, under_way):
    runs = {run.id: run for run in rig.runs()}
    identities = Counter((run.endpoint_id, run.slot, run.attempt) for run in runs.values())
    sent = Counter(dispatch.run_id for _, dispatch in under_way.sent)
    settled = [event for worker in rig.workers for event in worker.told("run_settled")]
    assert len(under_way.sent) > 200
    assert set(identities.values()) == {1}
    assert set(sent.values()) == {1}
    assert all(at >= runs[dispatch.run_id].decision.due_at for at, dispatch in under_way.sent)
    assert rig.store.tables.leases == {}
    assert RunStatus.RUNNING not in {run.status for run in runs.values()}
    # A canceled run sent nothing, and what was sent has a row that says what came of it.
    canceled = {run.id for run in runs.values() if run.status is RunStatus.CANCELED}
    assert not canceled & set(sent)
    assert all(runs[each].outcome_class is not None for each in sent)
    assert max(Counter(event.run.lease.run_id for event in settled).values()) == 1
    # Two requests of one endpoint overlap only where the first one's worker had lost its lease.
    doubled = {endpoint for endpoint, most in under_way.most.items() if most > 1}
    lost = {run.endpoint_id for run in runs.values() if run.outcome_class is OutcomeClass.OURS}
    assert doubled <= lost
    broken = [event for worker in rig.workers for event in worker.told("run_broken")]
    assert broken == []
    assert [event for worker in rig.workers for event in worker.told("part_failed")] == []
