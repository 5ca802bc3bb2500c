"""Endpoints in pages, and this moment: what pages for people are made of."""

from datetime import timedelta

from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.board import Counts, DueTogether, Wanted
from cronicorn_domain.ports.overview import Tally
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE, SECOND, cron, every
from cronicorn_management.dashboard.moment import outlook, read_now
from cronicorn_management.endpoints.bulk import BulkAction, act_on_many
from cronicorn_management.endpoints.surveying import survey_endpoints


async def test_a_survey_says_how_many_there_are_and_whether_more_come(office) -> None:
    """A page shows no more than it is to, and the latest runs of what it shows."""
    job = await office.a_job()
    for name in ("a", "b", "c"):
        await office.an_endpoint(job, name)
    async with office.desk.reading(office.ada) as work:
        first = await survey_endpoints(work, Wanted(), limit=2)
        second = await survey_endpoints(work, Wanted(), limit=2, after=first.standings[-1].id)

    assert [each.name for each in first.standings] == ["a", "b"]
    assert (first.total, first.more) == (3, True)
    assert [each.name for each in second.standings] == ["c"]
    assert (second.total, second.more) == (3, False)


async def test_a_pause_of_many_lasts_as_long_as_is_said_and_archives_are_undone(office) -> None:
    """Each has the end and the reason; what was archived comes back when it is named."""
    endpoint = await office.an_endpoint()
    these = Wanted(ids=frozenset({endpoint.id}))
    pause = Pause(until=EPOCH + HOUR, reason="deploy")

    await act_on_many(office.desk, office.ada, BulkAction.PAUSE, these, pause=pause)
    assert (await office.situation(endpoint)).endpoint.pause == pause

    await act_on_many(office.desk, office.ada, BulkAction.ARCHIVE, these)
    back = await act_on_many(office.desk, office.ada, BulkAction.RESTORE, these)
    assert back.changed == [endpoint.id]
    assert (await office.situation(endpoint)).endpoint.archived_at is None


def test_an_outlook_goes_on_with_each_schedule() -> None:
    """An interval by its grid, a cron expression by its clock, what is overdue in this minute."""
    found = outlook(
        [
            DueTogether(begins_at=EPOCH - MINUTE, schedule=every(6 * MINUTE), count=3),
            DueTogether(begins_at=EPOCH + 5 * MINUTE, schedule=cron("*/5 * * * *"), count=2),
            DueTogether(begins_at=EPOCH + MINUTE, schedule=None, count=1),
        ],
        now=EPOCH,
    )

    assert {each - EPOCH: count for each, count in found.minutes.items()} == {
        timedelta(): 3,
        MINUTE: 1,
        5 * MINUTE: 5,
        10 * MINUTE: 2,
        11 * MINUTE: 3,
    }
    assert found.peak == (EPOCH + 5 * MINUTE, 5)
    assert outlook([], now=EPOCH).peak is None


async def test_this_moment_adds_up(office) -> None:
    """Slots are those that ran and those that did not, and lateness is that of the runs."""
    endpoint = await office.an_endpoint()
    office.clock.advance(MINUTE)
    await office.fail_once()
    office.clock.advance(5 * MINUTE)
    async with office.desk.reading(office.ada) as work:
        now = await read_now(work)

    assert now.counts == Counts(endpoints=1, failing=1, late=1)
    assert [each.id for each in now.needy] == [endpoint.id]
    assert now.last_hour.tally == Tally(target_failure=1, timed=1, duration=SECOND)
    assert now.last_hour.slots == 1 + sum(now.last_hour.not_run.values())
    assert set(now.last_hour.not_run) <= set(Fate)
    assert now.last_hour.lateness == (timedelta(milliseconds=1), timedelta(milliseconds=1))
    assert now.last_hour.yesterday == Tally()
