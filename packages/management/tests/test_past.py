"""The past of an endpoint, page by page and in sum."""

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import RunId, new_uuid
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.testing.builders import EPOCH, MINUTE, at
from cronicorn_management.endpoints.skipping import skip_next_slot
from cronicorn_management.history.past import Kept, count_past, list_past


@pytest.fixture
async def mixed(office):
    """An endpoint that ran at 12:01 and 12:02, was skipped at 12:03, and failed at 12:04."""
    endpoint = await office.an_endpoint(cron="* * * * *", every=None)
    for minute in (1, 2):
        office.clock.advance_to(EPOCH + minute * MINUTE)
        await office.succeed_once()
    office.clock.advance_to(at("12:02:30"))
    async with office.changing() as work:
        await skip_next_slot(work, endpoint.id)
    office.clock.advance_to(at("12:04:00"))
    await office.fail_once()
    office.clock.advance_to(at("12:04:30"))
    return endpoint


async def test_slots_are_told_with_their_runs(office, mixed) -> None:
    """The newest first, page by page; what was not run is among them with its reason."""
    async with office.reading() as work:
        first = await list_past(work, mixed.id, limit=2)
        second = await list_past(work, mixed.id, limit=2, before=first.items[-1].last)

    told = [*first.items, *second.items]
    assert [each.last for each in told] == [at(f"12:0{minute}:00") for minute in (4, 3, 2, 1)]
    assert [each.run is None for each in told] == [False, True, False, False]
    assert told[1].record is not None
    assert told[1].record.fate is Fate.SKIPPED
    assert (first.more, second.more) == (True, False)


async def test_one_kind_can_be_asked_for(office, mixed) -> None:
    """Runs of a status, or what was not run."""
    async with office.reading() as work:
        found = {kept: await list_past(work, mixed.id, kept=kept) for kept in Kept}
        page = await list_past(work, mixed.id, kept=Kept.SUCCESS, limit=1)
        assert page.items[0].run is not None
        further = await list_past(
            work, mixed.id, kept=Kept.SUCCESS, limit=1, before=page.items[0].run.id
        )

    assert {kept: len(each.items) for kept, each in found.items()} == {
        Kept.SUCCESS: 2,
        Kept.FAILED: 1,
        Kept.RUNNING: 0,
        Kept.CANCELED: 0,
        Kept.NOT_RUN: 1,
    }
    assert (page.items[0].last, further.items[0].last) == (at("12:02:00"), at("12:01:00"))


async def test_a_window_is_added_up(office, mixed) -> None:
    """Both its ends are within it."""
    async with office.reading() as work:
        whole = await count_past(work, mixed.id)
        part = await count_past(work, mixed.id, since=at("12:02:00"), until=at("12:03:00"))

    assert (whole.runs.success, whole.runs.target_failure, whole.not_run) == (2, 1, 1)
    assert (part.runs.success, part.runs.target_failure, part.not_run) == (1, 0, 1)


async def test_the_cursor_of_another_list_is_refused(office, mixed) -> None:
    """It would be no place in this one."""
    async with office.reading() as work:
        with pytest.raises(InvalidInput):
            await list_past(work, mixed.id, before=RunId(new_uuid()))
        with pytest.raises(InvalidInput):
            await list_past(work, mixed.id, kept=Kept.FAILED, before=EPOCH)
