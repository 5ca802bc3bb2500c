"""One run: start, send, settle; and what may go wrong with it alone."""

import asyncio
from datetime import timedelta

import pytest
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Pause, Retry
from cronicorn_domain.model.rules import EndpointRule, Every, RuleSet
from cronicorn_domain.model.rulings import Assessed, Ruling
from cronicorn_domain.model.run import FailureKind, OutcomeClass, RunStatus
from cronicorn_domain.model.signing import Scheme, Signing
from cronicorn_domain.ports.endpoint_queue import StartRefusal
from cronicorn_domain.testing.builders import a_signing_key, failed, signing_keys, succeeded


async def test_a_run_is_claimed_started_and_settled(rig):
    """A run tells its story in three events, the last one with lateness and duration."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working(answer=rig.taking(2))

    await rig.until(70)

    (settled,) = worker.told("run_settled")
    story = [event.name for event in worker.events if event.name.startswith("run_")]
    assert story == ["run_claimed", "run_started", "run_settled"]
    assert settled.lateness == timedelta()
    assert settled.duration == timedelta(seconds=2)


async def test_what_is_sent_names_the_fire_time(rig):
    """The dispatch carries run, slot, attempt and the endpoint's request; its key is the slot's."""
    endpoint = await rig.an_endpoint(seconds=60)
    worker = rig.working()

    await rig.until(61)

    (dispatch,) = worker.dispatcher.dispatches
    (run,) = rig.runs()
    assert (dispatch.run_id, dispatch.slot, dispatch.attempt) == (run.id, rig.after(60), 1)
    assert (dispatch.request, dispatch.limits) == (endpoint.request, endpoint.limits)
    assert dispatch.idempotency_key == f"{endpoint.id}:2025-01-01T12:01:00.000Z"


async def test_a_failure_of_the_target_is_settled_as_such(rig):
    """What the target does wrong is an outcome, and counts against it."""
    await rig.an_endpoint(seconds=60)
    rig.working(answer=rig.taking(1, failed()))

    await rig.until(70)

    (run,) = rig.runs()
    assert (run.status, run.outcome_class) == (RunStatus.FAILED, OutcomeClass.TARGET)


@pytest.mark.parametrize(
    ("change", "reason"),
    [("pause_endpoint", "paused"), ("archive_endpoint", "archived"), ("pause_job", "paused")],
)
async def test_a_change_between_claim_and_start_stops_the_request(rig, change, reason):
    """A pause or an archiving between claim and start wins: nothing is sent (traps T14, T48)."""
    endpoint = await rig.an_endpoint(seconds=60)
    worker = rig.working()
    worker.connection.latency = timedelta(milliseconds=100)

    await rig.until(60.15)
    assert len(rig.store.tables.leases) == 1
    await _change(rig, endpoint, change)
    await rig.until(70)

    (released,) = worker.told("run_released")
    assert worker.dispatcher.dispatches == []
    assert released.reason == reason
    assert rig.store.tables.leases == {}
    assert rig.store.tables.endpoints[endpoint.id].state.failures == 0


async def test_a_refused_one_stops_no_other(rig):
    """Of runs started together only the refused one is not sent (traps T14, T15)."""
    endpoints = await rig.endpoints(3)
    worker = rig.working()
    worker.connection.latency = timedelta(milliseconds=100)

    await rig.until(60.15)
    await rig.pause(endpoints[1], Pause(until=OPEN_ENDED))
    await rig.until(70)

    sent = {dispatch.endpoint_id for dispatch in worker.dispatcher.dispatches}
    assert sent == {endpoints[0].id, endpoints[2].id}
    assert worker.connection.sizes["start"][0] == 3


async def test_a_start_that_comes_too_late_sends_nothing(rig):
    """A lease that has ended before the start is lost, and nothing is sent for it (trap T07)."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working()
    worker.connection.down = {"start", "renew", "reap"}

    await rig.until(71)
    worker.connection.down = {"renew", "reap"}
    await rig.until(74)

    assert worker.dispatcher.dispatches == []
    assert len(worker.told("lease_lost")) == 1


async def test_nothing_is_sent_before_it_is_due(rig):
    """A run claimed ahead of its instant waits for it, by the shared clock."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working(queue=ClaimsAhead(rig.queue, timedelta(milliseconds=400)))

    await rig.until(61)

    asked = {name: at for name, at in reversed(worker.connection.asked) if at > rig.after(59)}
    (started,) = worker.told("run_started")
    assert asked["claim"] == rig.after(59.6)
    assert asked["start"] == started.started_at == rig.after(60)


async def test_a_dispatcher_that_raises_harms_one_run_alone(rig):
    """An error of ours in sending is settled as ours; all others go on (trap T15)."""
    endpoints = await rig.endpoints(3)
    bad = endpoints[1].id

    async def answer(dispatch):
        if dispatch.endpoint_id == bad:
            raise KeyError("password=secret")
        return succeeded()

    worker = rig.working(answer=answer)
    await rig.until(130)

    broken = [run for run in rig.runs() if run.endpoint_id == bad]
    assert [run.outcome_class for run in broken] == [OutcomeClass.OURS] * 2
    assert broken[0].failure_kind is FailureKind.ABANDONED
    assert broken[0].message == "the worker failed while sending: KeyError"
    assert rig.store.tables.endpoints[bad].state.failures == 0
    assert len(worker.told("run_settled")) == 6
    assert len(worker.told("run_broken")) == 2


async def test_a_request_that_cancels_itself_harms_one_run_alone(rig):
    """A cancellation that nobody asked for is an error of ours, no reason to stop (trap T15)."""
    endpoints = await rig.endpoints(2)
    bad = endpoints[0].id

    async def answer(dispatch):
        if dispatch.endpoint_id == bad:
            raise asyncio.CancelledError
        return succeeded()

    worker = rig.working(answer=answer)
    await rig.until(61)

    assert len(worker.told("run_settled")) == 2
    assert [event.run.endpoint.id for event in worker.told("run_broken")] == [bad]


async def test_a_start_that_fails_for_one_is_made_for_the_others(rig):
    """A store's bug with one item of a batch harms only that item (trap T15)."""
    endpoints = await rig.endpoints(3)
    worker = rig.worker()
    _break_start_of(worker, rig, endpoints[0].id)
    worker.begin()

    await rig.until(61)

    (broken,) = worker.told("run_broken")
    assert broken.run.endpoint.id == endpoints[0].id
    assert len(worker.told("run_settled")) == 2


async def test_an_answer_that_is_missing_is_an_error(rig):
    """A store that leaves a run out of its answer is told, and nothing is sent."""
    await rig.an_endpoint()
    worker = rig.worker()
    worker.connection.start = _forgets_all
    worker.begin()

    await rig.until(61)

    (broken,) = worker.told("run_broken")
    assert isinstance(broken.error, LookupError)
    assert worker.dispatcher.dispatches == []


async def test_a_refusal_as_lost_is_told_as_lost(rig):
    """A start refused because the lease is gone is told as a lost lease."""
    await rig.an_endpoint()
    worker = rig.worker()
    worker.connection.start = _says_lost
    worker.begin()

    await rig.until(61)

    assert len(worker.told("lease_lost")) == 1
    assert worker.dispatcher.dispatches == []


class ClaimsAhead:
    """A queue that claims a little ahead of the due instant, as a store may learn to."""

    def __init__(self, queue, ahead):
        self._queue = queue
        self._ahead = ahead

    def __getattr__(self, name):
        return getattr(self._queue, name)

    async def claim(self, *, now, **rest):
        return await self._queue.claim(now=now + self._ahead, **rest)

    async def next_due(self):
        due_at = await self._queue.next_due()
        return None if due_at is None else due_at - self._ahead


async def _change(rig, endpoint, change):
    async with rig.units.begin() as unit:
        now = rig.clock.now()
        match change:
            case "pause_endpoint":
                pause = Pause(until=OPEN_ENDED)
                await unit.catalog.pause_endpoint(DEFAULT_TENANT, endpoint.id, pause, now=now)
            case "archive_endpoint":
                await unit.catalog.archive_endpoint(DEFAULT_TENANT, endpoint.id, now=now)
            case "pause_job":
                await unit.catalog.pause_job(DEFAULT_TENANT, rig.job.id, now=now)
        await unit.commit()


def _break_start_of(worker, rig, endpoint_id):
    start = worker.connection.start

    async def broken(tokens, *, now):
        if any(rig.store.tables.leases.get(token) == endpoint_id for token in tokens):
            raise ValueError("a row that cannot be read")
        return await start(tokens, now=now)

    worker.connection.start = broken


async def _forgets_all(tokens, *, now):
    return {}


async def _says_lost(tokens, *, now):
    return dict.fromkeys(tokens, StartRefusal.LOST)


class Judging:
    """Holds every rule, and calls what succeeded a failure; or breaks."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.breaks = breaks
        self.asked = 0

    async def assess(self, run, outcome, *, started_at, ended_at):
        self.asked += 1
        if self.breaks:
            raise RuntimeError("a fault of ours")
        return Assessed(outcome=failed(), ruling=Ruling(held=run.endpoint.rules.rules))


RULED = RuleSet(rules=(EndpointRule(when="true", then=(Every(timedelta(seconds=5)),)),))


async def test_what_conditions_make_of_a_run_is_settled_with_it(rig):
    """The outcome is what the endpoint says it is, and its rules plan the next run."""
    await rig.an_endpoint(seconds=60, rules=RULED)
    worker = rig.working(assessor=Judging())

    await rig.until(63)

    (run,) = rig.runs()
    assert run.status is RunStatus.FAILED
    assert worker.told("run_broken") == []
    await rig.until(66)
    assert len(rig.runs()) == 2


async def test_who_has_no_conditions_is_not_judged(rig):
    """The hot path asks nobody."""
    await rig.an_endpoint(seconds=60)
    judging = Judging()
    rig.working(assessor=judging)

    await rig.until(63)

    (run,) = rig.runs()
    assert run.status is RunStatus.SUCCESS
    assert judging.asked == 0


async def test_a_fault_in_judging_loses_no_result(rig):
    """The run counts as what it is, says what went wrong, and its schedule goes on: trap T15."""
    endpoint = await rig.an_endpoint(seconds=60, rules=RULED)
    worker = rig.working(assessor=Judging(breaks=True))

    await rig.until(63)

    (run,) = rig.runs()
    assert run.status is RunStatus.SUCCESS
    assert run.message is not None
    assert "by a fault of ours: RuntimeError" in run.message
    assert len(worker.told("run_broken")) == 1
    plan = rig.store.tables.endpoints[endpoint.id].state.plan
    assert plan.slot == rig.after(120)


async def test_what_is_sent_names_who_signs_it(rig):
    """With a key of its tenant a request is signed, as of its sending and known by its slot."""
    endpoint = await rig.an_endpoint(seconds=60)
    rig.store.tables.signing_keys[DEFAULT_TENANT] = signing_keys()
    worker = rig.working()

    await rig.until(61)

    (dispatch,) = worker.dispatcher.dispatches
    signatory = dispatch.signatory
    assert (signatory.keys, signatory.schemes) == ((a_signing_key(),), {Scheme.STANDARD})
    assert signatory.at == rig.after(60)
    assert signatory.message_id.startswith(f"{endpoint.id}:")


async def test_attempts_of_a_fire_time_are_one_message(rig):
    """A receiver knows the repeat by its id."""
    await rig.an_endpoint(seconds=60, retry=Retry(attempts=2, backoff=timedelta(seconds=1)))
    rig.store.tables.signing_keys[DEFAULT_TENANT] = signing_keys()
    worker = rig.working(answer=rig.taking(0.1, failed()))

    await rig.until(70)

    first, second = worker.dispatcher.dispatches
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.signatory.message_id == second.signatory.message_id


async def test_without_a_key_nothing_goes_out_that_is_to_be_signed(rig):
    """The run fails and says what to do; it counts against us, and its schedule goes on."""
    endpoint = await rig.an_endpoint(seconds=60, signing=Signing.STANDARD)
    worker = rig.working()

    await rig.until(70)

    (run,) = rig.runs()
    assert worker.dispatcher.dispatches == []
    assert (run.failure_kind, run.outcome_class) == (FailureKind.SIGNING, OutcomeClass.OURS)
    assert "signing key" in run.message
    assert rig.store.tables.endpoints[endpoint.id].state.failures == 0
    assert rig.store.tables.endpoints[endpoint.id].state.plan.slot == rig.after(120)
