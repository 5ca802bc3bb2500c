"""What is read of an endpoint in a window, and of a run among others."""

from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.run import BodyKind, Failed, FailureKind, Response
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE, SECOND, at, succeeded
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.endpoints.resuming import resume_endpoint
from cronicorn_management.hints.offering import offer_interval
from cronicorn_management.history.surroundings import read_run_among_others
from cronicorn_management.history.timeline import PRESETS, read_timeline, usual_length


@pytest.fixture
async def busy(office):
    """An endpoint that ran at 12:01, 12:02 and 12:03, each answering its minute."""
    endpoint = await office.an_endpoint()
    for minute in (1, 2, 3):
        office.clock.advance_to(EPOCH + minute * MINUTE)
        await office.run_due(succeeded(f'{{"n": {minute}}}', kind=BodyKind.JSON))
    office.clock.advance_to(at("12:03:30"))
    return endpoint


async def test_a_window_holds_what_happened_and_what_comes(office, busy) -> None:
    """Its runs, what acted on them, and the next ten; it ends now unless something else is said."""
    async with office.changing() as work:
        await offer_interval(work, busy.id, every=2 * MINUTE)

    async with office.reading() as work:
        found = await read_timeline(work, busy.id)

    assert (found.until, found.until - found.since) == (at("12:03:30"), 30 * MINUTE)
    assert found.runs is not None
    assert [run.slot for run in found.runs] == [at("12:03:00"), at("12:02:00"), at("12:01:00")]
    assert [each.tally.success for each in found.stretches] == [1, 1, 1]
    assert found.healths[HOUR].success_count == 3
    assert len(found.hints) == 1
    assert len(found.upcoming) == 10
    assert found.upcoming[0].slot == at("12:05:00")


async def test_many_runs_are_told_by_statistics_alone(office, busy) -> None:
    """One more than may be told makes none of them told, and all of them counted."""
    async with office.reading() as work:
        found = await read_timeline(work, busy.id, marks_most=2)

    assert found.runs is None
    assert sum(each.tally.runs for each in found.stretches) == 3


async def test_answers_come_when_they_are_asked_for(office, busy) -> None:
    """One of each slot, or one of each stretch where there are too many."""
    async with office.reading() as work:
        without = await read_timeline(work, busy.id)
        each = await read_timeline(work, busy.id, answers=True)
        some = await read_timeline(work, busy.id, answers=True, marks_most=2)

    assert without.answers == ()
    assert [one.body.text for one in each.answers] == ['{"n": 1}', '{"n": 2}', '{"n": 3}']
    assert some.answers == each.answers


async def test_pauses_are_told_with_who_made_them(office, busy) -> None:
    """Also those that began before the window; other deeds are not among them."""
    async with office.changing() as work:
        await pause_endpoint(work, busy.id)
    office.clock.advance_to(at("13:30:00"))
    async with office.changing() as work:
        await resume_endpoint(work, busy.id)

    async with office.reading() as work:
        found = await read_timeline(work, busy.id)

    assert [(each.since, each.until, each.actor) for each in found.pauses] == [
        (at("12:03:30"), at("13:30:00"), "person:ada@example.org")
    ]


async def test_a_pause_ends_as_it_was_said_to(office, busy) -> None:
    """At its own end, or when another one takes its place; one that holds is the last."""
    until = at("12:10:00")
    async with office.changing() as work:
        await pause_endpoint(work, busy.id, until=until, reason="a move (long)")
    office.clock.advance_to(at("12:20:00"))
    async with office.changing() as work:
        await pause_endpoint(work, busy.id)
    office.clock.advance_to(at("12:25:00"))
    async with office.changing() as work:
        await pause_endpoint(work, busy.id, until=at("15:00:00"))

    async with office.reading() as work:
        found = await read_timeline(work, busy.id)

    assert [(each.since, each.until, each.reason) for each in found.pauses] == [
        (at("12:03:30"), until, "a move (long)"),
        (at("12:20:00"), at("12:25:00"), None),
        (at("12:25:00"), at("15:00:00"), None),
    ]


async def test_a_pause_that_nobody_made_is_told_with_its_reason(office) -> None:
    """It began with the run whose answer asked for it, and nobody is named."""
    endpoint = await office.an_endpoint(pause_when_gone=True)
    office.clock.advance_to(at("12:01:00"))
    gone = Response(status_code=410)
    await office.run_due(Failed(kind=FailureKind.HTTP_STATUS, message="gone", response=gone))
    office.clock.advance_to(at("12:30:00"))

    async with office.reading() as work:
        found = await read_timeline(work, endpoint.id)

    (pause,) = found.pauses
    assert at("12:01:00") <= pause.since < at("12:02:00")
    assert (pause.until, pause.actor) == (OPEN_ENDED, None)
    assert "410 Gone" in (pause.reason or "")

    async with office.changing() as work:
        await resume_endpoint(work, endpoint.id)
    async with office.reading() as work:
        over = await read_timeline(work, endpoint.id)
    assert [(each.until, each.actor) for each in over.pauses] == [(at("12:30:00"), None)]


async def test_an_empty_window_names_the_slot_before_it(office, busy) -> None:
    """So that whoever looks finds the way to something."""
    office.clock.advance_to(at("18:00:00"))

    async with office.reading() as work:
        found = await read_timeline(work, busy.id, since=at("17:00:00"))

    assert (found.runs, found.nearest) == ([], at("12:03:00"))


async def test_a_window_that_is_none_is_refused(office, busy) -> None:
    """It ends behind its beginning, and no statistics are as old as the longest one."""
    async with office.reading() as work:
        for since in (at("12:04:00"), EPOCH - timedelta(days=900)):
            with pytest.raises(InvalidInput):
                await read_timeline(work, busy.id, since=since)


@pytest.mark.parametrize(
    ("settings", "length"),
    [
        ({"every": MINUTE}, PRESETS[0]),
        ({"every": 10 * MINUTE}, PRESETS[1]),
        ({"cron": "0 * * * *"}, PRESETS[2]),
        ({"cron": "0 3 * * *"}, PRESETS[4]),
        ({"at": EPOCH + HOUR}, PRESETS[2]),
    ],
    ids=["minutely", "every ten minutes", "hourly", "daily", "once"],
)
async def test_a_window_holds_twenty_slots_at_first(office, settings, length) -> None:
    """The shortest of those that are offered which does; a day for a single instant."""
    endpoint = await office.an_endpoint(**settings)

    assert usual_length(await office.situation(endpoint), EPOCH + 2 * HOUR) == length


async def test_a_new_endpoint_is_shown_in_a_window_of_its_age(office) -> None:
    """Where twenty slots fit into it; else in one that is offered."""
    job = await office.a_job()
    often = await office.an_endpoint(job, "often", every=3 * SECOND)
    seldom = await office.an_endpoint(job, "seldom", every=HOUR)

    new = await office.situation(often)
    assert usual_length(new, EPOCH + MINUTE) == 5 * MINUTE
    assert usual_length(new, EPOCH + 16 * MINUTE) == 30 * MINUTE
    assert usual_length(await office.situation(seldom), EPOCH) == PRESETS[2]


async def test_a_run_is_told_with_its_neighbours(office, busy) -> None:
    """And with its endpoint and the hints of its time."""
    async with office.changing() as work:
        await offer_interval(work, busy.id, every=2 * MINUTE)
    async with office.reading() as work:
        timeline = await read_timeline(work, busy.id)
        assert timeline.runs is not None
        found = await read_run_among_others(work, timeline.runs[1].id)

    assert found.run.response is not None
    assert found.run.response.body.text == '{"n": 2}'
    assert found.around.before == timeline.runs[2]
    assert found.around.behind == timeline.runs[0]
    assert found.endpoint is not None
    assert found.hints == []
