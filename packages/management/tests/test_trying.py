"""A request can be sent by way of trial, and nothing else comes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_domain.errors import ForbiddenTransition, NotAllowed, NotFound, TooManyRequests
from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Blocked, FailureKind, Outcome, RunStatus
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.ports.dispatcher import Dispatch
from cronicorn_domain.testing.builders import MINUTE, SECOND, failed, succeeded
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.explaining import explain_endpoint
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.endpoints.trying import RATE, TIME_MOST, try_endpoint
from cronicorn_management.history.health import read_health
from cronicorn_management.history.slots import list_slots


class Answering:
    """Answers as it is told, in a second, and keeps what was sent."""

    def __init__(self, office, outcome: Outcome) -> None:
        self.office = office
        self.outcome = outcome
        self.sent: list[Dispatch] = []

    async def send(self, dispatch: Dispatch, endpoint: Endpoint) -> Outcome:
        """Take a second."""
        del endpoint
        self.sent.append(dispatch)
        self.office.clock.advance(SECOND)
        return self.outcome


def answering(office, outcome: Outcome) -> Answering:
    """Let an office send."""
    trials = Answering(office, outcome)
    office.desk = replace(office.desk, trials=trials)
    return trials


@pytest.mark.parametrize("outcome", [succeeded(), failed(), Blocked(message="no way out")])
async def test_nothing_moves(office, outcome: Outcome) -> None:
    """Neither plan, failures, health nor slots; whatever came of it. Trap T36."""
    endpoint = await office.an_endpoint()
    answering(office, outcome)
    async with office.reading() as work:
        before = await explain_endpoint(work, endpoint.id)

    run = await try_endpoint(office.desk, office.ada, endpoint.id)

    async with office.reading() as work:
        assert await explain_endpoint(work, endpoint.id) == before
        health = await read_health(work, endpoint.id, [timedelta(hours=1)])
        assert health[timedelta(hours=1)].last_run is None
        assert not (await list_slots(work, endpoint.id)).items
        assert await work.runs.get(work.tenant, run.id) == run


async def test_it_is_marked_as_a_test(office) -> None:
    """In the history by its source, in the audit by its deed; its slot is nobody else's."""
    endpoint = await office.an_endpoint()
    trials = answering(office, succeeded())

    run = await try_endpoint(office.desk, office.ada, endpoint.id)

    assert (run.kind, run.decision.source) == (Kind.TEST, Source.TEST)
    assert run.status is RunStatus.SUCCESS
    assert run.finished_at == office.clock.now()
    assert run.slot.microsecond % 1000
    assert [each.action for each in await office.audit()][-1:] == ["test"]
    assert trials.sent[0].run_id == run.id


async def test_somebody_waits_for_it(office) -> None:
    """So it takes half a minute at most, or what the endpoint allows if that is less."""
    trials = answering(office, succeeded())
    for name, timeout in (("slow", 10 * MINUTE), ("fast", SECOND)):
        endpoint = await office.an_endpoint(await office.a_job(name), name, timeout=timeout)
        await try_endpoint(office.desk, office.ada, endpoint.id)

    assert [each.limits.timeout for each in trials.sent] == [TIME_MOST, SECOND]


async def test_a_paused_endpoint_is_tried_and_an_archived_one_is_not(office) -> None:
    """To see whether it works is a reason to try what is paused."""
    endpoint = await office.an_endpoint()
    trials = answering(office, succeeded())
    async with office.changing() as work:
        await pause_endpoint(work, endpoint.id)
    await try_endpoint(office.desk, office.ada, endpoint.id)
    async with office.changing() as work:
        await archive_endpoint(work, endpoint.id)

    with pytest.raises(ForbiddenTransition):
        await try_endpoint(office.desk, office.ada, endpoint.id)
    assert len(trials.sent) == 1


async def test_who_may_not_write_sends_nothing(office) -> None:
    """A reader is refused, and to a stranger it does not exist."""
    endpoint = await office.an_endpoint()
    trials = answering(office, succeeded())

    with pytest.raises(NotAllowed):
        await try_endpoint(office.desk, office.reader, endpoint.id)
    with pytest.raises(NotFound):
        await try_endpoint(office.desk, office.stranger, endpoint.id)
    assert trials.sent == []


async def test_trials_are_no_way_around_the_schedule(office) -> None:
    """A tenant may try so often a minute, and no more."""
    endpoint = await office.an_endpoint()

    for _ in range(RATE.count):
        await try_endpoint(office.desk, office.ada, endpoint.id)
    with pytest.raises(TooManyRequests):
        await try_endpoint(office.desk, office.ada, endpoint.id)


async def test_where_nothing_may_be_sent_it_is_held_back(office) -> None:
    """As the egress guard holds it back, with the reason."""
    endpoint = await office.an_endpoint()

    run = await try_endpoint(office.desk, office.ada, endpoint.id)

    assert (run.status, run.message) == (RunStatus.CANCELED, "nothing is sent from here")


async def test_what_is_to_be_signed_is_not_sent_without_a_key(office) -> None:
    """It fails as a run of it would, and says what to do."""
    endpoint = await office.an_endpoint(signing=Signing.STANDARD)
    trials = answering(office, succeeded())

    run = await try_endpoint(office.desk, office.ada, endpoint.id)

    assert run.failure_kind is FailureKind.SIGNING
    assert trials.sent == []
