"""What is only typed so far: when it would fire, and what its request would be answered."""

import pytest
from cronicorn_domain.errors import InvalidInput, NotFound
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE
from cronicorn_management.endpoints.drafting import preview_draft
from cronicorn_management.endpoints.trying import try_settings


async def test_what_is_typed_is_previewed_as_if_it_were_saved(office) -> None:
    """New, from now on; nothing is kept of it."""
    async with office.desk.rehearsing(office.ada) as work:
        draft = await preview_draft(work, office.settings(every=5 * MINUTE), count=3)

    assert [each.slot - EPOCH for each in draft.fires] == [5 * MINUTE, 10 * MINUTE, 15 * MINUTE]
    assert await office.audit() == []


async def test_an_edit_is_previewed_from_what_stands(office) -> None:
    """Whatever pauses it now; the endpoint itself stays as it is."""
    endpoint = await office.an_endpoint()
    office.clock.advance(90 * MINUTE)
    async with office.desk.rehearsing(office.ada) as work:
        typed = office.settings(cron="0 * * * *", timezone="Europe/Berlin")
        draft = await preview_draft(work, typed, endpoint_id=endpoint.id, count=2)

    assert [each.slot - EPOCH for each in draft.fires] == [2 * HOUR, 3 * HOUR]
    assert len(draft.changes) == 2
    assert (await office.situation(endpoint)).endpoint == endpoint


async def test_a_draft_that_cannot_be_meant_says_all_its_faults(office) -> None:
    """Like saving would; and another tenant's endpoint does not exist."""
    endpoint = await office.an_endpoint()
    async with office.desk.rehearsing(office.ada) as work:
        with pytest.raises(InvalidInput):
            await preview_draft(work, office.settings(cron="61 * * * *"))
    async with office.desk.rehearsing(office.stranger) as work:
        with pytest.raises(NotFound):
            await preview_draft(work, office.settings(), endpoint_id=endpoint.id)


async def test_what_is_typed_is_tried_and_not_kept(office) -> None:
    """It is answered for as a run, which no history knows; the audit knows who sent it."""
    run = await try_settings(office.desk, office.ada, office.settings("typed"))

    assert run.finished_at is not None
    assert await office.deeds() == ["test"]
    with pytest.raises(InvalidInput):
        await try_settings(office.desk, office.ada, office.settings(url=office.metadata))
