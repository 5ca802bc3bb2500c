"""The same is done to many endpoints, or it is seen what would be done."""

import pytest
from cronicorn_domain.errors import ForbiddenTransition, NotAllowed, NotFound
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.ports.board import Wanted
from cronicorn_domain.testing.builders import SECOND, at
from cronicorn_management.endpoints.bulk import AT_ONCE, BulkAction, act_on_many
from cronicorn_management.endpoints.choosing import chosen
from cronicorn_management.endpoints.pausing import pause_endpoint


@pytest.fixture
async def three(office):
    """Three endpoints of a job, the second of them paused."""
    job = await office.a_job()
    endpoints = [await office.an_endpoint(job, name) for name in ("Alpha", "beta", "gamma")]
    async with office.changing() as work:
        await pause_endpoint(work, endpoints[1].id)
    return endpoints


async def act(office, action, dry_run=False, **wanted):
    """Do one thing to those that are meant."""
    return await act_on_many(office.desk, office.ada, action, Wanted(**wanted), dry_run=dry_run)


async def test_each_stands_or_falls_alone(office, three) -> None:
    """What was changed, stood so already or was refused is told of each."""
    paused = await act(office, BulkAction.PAUSE)
    assert paused.changed == [three[0].id, three[2].id]
    assert paused.unchanged == [three[1].id]

    refused = await act(office, BulkAction.RUN)

    assert refused.changed == []
    assert {type(each) for each in refused.refused.values()} == {ForbiddenTransition}
    assert list(refused.refused) == [each.id for each in three]


@pytest.mark.parametrize("action", BulkAction)
async def test_a_dry_run_tells_what_would_be_and_leaves_nothing(office, three, action) -> None:
    """What it tells is what is then done."""
    before = [await office.situation(each) for each in three], await office.audit()

    rehearsed = await act(office, action, dry_run=True)

    assert ([await office.situation(each) for each in three], await office.audit()) == before
    done = await act(office, action)
    assert (done.changed, done.unchanged) == (rehearsed.changed, rehearsed.unchanged)
    assert list(done.refused) == list(rehearsed.refused)


async def test_endpoints_are_chosen(office, three) -> None:
    """By job, by text in name or URL, by id, by condition, by failing; all that is said holds."""
    other = await office.an_endpoint(
        await office.a_job("other"), "delta", url="http://other.example/Alpha"
    )

    async def meant(**wanted):
        return await chosen(office.desk, office.ada, Wanted(**wanted))

    first, second, third = (each.id for each in three)
    assert await meant() == [first, second, third, other.id]
    assert await meant(job_id=other.job_id) == [other.id]
    assert await meant(text="ALPHA") == [first, other.id]
    assert await meant(ids=frozenset({second})) == [second]
    assert await meant(conditions=frozenset({Condition.PAUSED})) == [second]
    assert await meant(text="alpha", job_id=three[0].job_id) == [first]
    assert await meant(failing=True) == []
    office.clock.advance_to(at("12:01:00"))
    await office.fail_once()
    office.clock.advance(SECOND)
    assert await meant(failing=True, job_id=three[0].job_id) == [first, third]
    assert await meant(failing=False) == [second]


async def test_many_are_done_in_portions(office) -> None:
    """More than one unit of work holds them, and none is left out."""
    job = await office.a_job()
    for number in range(AT_ONCE + 2):
        await office.an_endpoint(job, f"e{number}")

    outcome = await act(office, BulkAction.ARCHIVE)

    assert len(outcome.changed) == AT_ONCE + 2
    assert (await act(office, BulkAction.ARCHIVE)).changed == []


async def test_it_is_for_those_who_may(office) -> None:
    """Another tenant's are not meant, its job is not found, and a reader changes nothing."""
    endpoint = await office.an_endpoint()

    everything = Wanted()
    outcome = await act_on_many(office.desk, office.stranger, BulkAction.PAUSE, everything)
    assert outcome.changed == []
    with pytest.raises(NotFound):
        await chosen(office.desk, office.stranger, Wanted(job_id=endpoint.job_id))
    with pytest.raises(NotAllowed):
        await act_on_many(office.desk, office.reader, BulkAction.PAUSE, everything)
    nothing = Wanted(ids=frozenset())
    with pytest.raises(NotAllowed):
        await act_on_many(office.desk, office.reader, BulkAction.PAUSE, nothing)
