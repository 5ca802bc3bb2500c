"""What is read of the past and the future of an endpoint."""

from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput, NotFound
from cronicorn_domain.identity import RunId, new_uuid
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import Blocked, RunStatus
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.policies.previewing import Assumption
from cronicorn_domain.testing.builders import HOUR, at
from cronicorn_management.endpoints.explaining import explain_endpoint
from cronicorn_management.endpoints.previewing import preview_endpoint
from cronicorn_management.endpoints.skipping import skip_next_slot
from cronicorn_management.history.audit import list_audit
from cronicorn_management.history.health import read_health
from cronicorn_management.history.runs import count_runs, list_runs, read_run
from cronicorn_management.history.slots import list_slots
from cronicorn_management.masking import MASK, shown_response_headers
from cronicorn_management.pages import OFFSET_MOST


@pytest.fixture
async def failing(office):
    """An endpoint tried twice a slot that failed at 12:01, was skipped at 12:02."""
    endpoint = await office.an_endpoint(
        retry_attempts=2, retry_backoff=timedelta(), retry_backoff_most=timedelta()
    )
    office.clock.advance_to(at("12:01:00"))
    await office.fail_once()
    office.clock.advance_to(at("12:01:02"))
    await office.fail_once()
    office.clock.advance_to(at("12:01:04"))
    async with office.changing() as work:
        await skip_next_slot(work, endpoint.id)
    return endpoint


async def test_the_standing_decision_is_explained(office) -> None:
    """In data and in a sentence."""
    endpoint = await office.an_endpoint()

    async with office.reading() as work:
        explanation = await explain_endpoint(work, endpoint.id)

    assert explanation.decision is not None
    assert explanation.decision.slot == at("12:01:00")
    assert explanation.decision.source is Source.BASELINE_INTERVAL
    assert explanation.sentence == (
        "It runs next, due 2025-01-01 12:01:00 UTC: its schedule says every 1 min."
    )


async def test_the_next_fire_times_are_previewed(office) -> None:
    """If each run succeeds, or fails; an impossible number is refused."""
    endpoint = await office.an_endpoint()

    async with office.reading() as work:
        well = await preview_endpoint(work, endpoint.id, count=3)
        ill = await preview_endpoint(work, endpoint.id, count=3, assume=Assumption.FAILED)
        for count in (0, 101):
            with pytest.raises(InvalidInput):
                await preview_endpoint(work, endpoint.id, count=count)

    assert [each.slot for each in well] == [at("12:01:00"), at("12:02:00"), at("12:03:00")]
    assert ill[-1].slot > well[-1].slot


async def test_slots_are_listed_with_what_became_of_them(office, failing) -> None:
    """A run with its latest attempt, or the reason why there was none; the newest first."""
    async with office.reading() as work:
        skipped, ran = (await list_slots(work, failing.id)).items
        only = (await list_slots(work, failing.id, until=at("12:01:00"))).items
        none = (await list_slots(work, failing.id, since=at("12:30:00"))).items

    assert (ran.first, ran.outcome, ran.attempts) == (at("12:01:00"), RunStatus.FAILED, 2)
    assert ran.run_id is not None
    assert (skipped.outcome, skipped.reason, skipped.count) == (
        Fate.SKIPPED,
        "skipped on request",
        1,
    )
    assert skipped.run_id is None
    assert (only, none) == ([ran], [])


async def test_a_slot_that_was_held_back_is_told_once(office) -> None:
    """With the reason, though there is a run that was to be."""
    endpoint = await office.an_endpoint()
    office.clock.advance_to(at("12:01:00"))
    await office.run_due(Blocked(message="the address is not let out"))

    async with office.reading() as work:
        runs = (await list_runs(work, endpoint.id)).items
        (slot,) = (await list_slots(work, endpoint.id)).items

    assert [run.status for run in runs] == [RunStatus.CANCELED]
    assert (slot.first, slot.outcome) == (at("12:01:00"), Fate.BLOCKED)
    assert slot.reason is not None


async def test_a_slot_of_many_attempts_takes_one_place(office, failing) -> None:
    """A short list is not filled with the attempts of one slot."""
    async with office.reading() as work:
        first = await list_slots(work, failing.id, limit=1)
        rest = await list_slots(work, failing.id, limit=1, before=first.items[-1].last)

    assert [each.outcome for each in (*first.items, *rest.items)] == [
        Fate.SKIPPED,
        RunStatus.FAILED,
    ]
    assert (first.more, rest.more) == (True, False)


async def test_runs_are_listed_page_by_page(office, failing) -> None:
    """The newest first, by status and within a window; trap T41."""
    async with office.reading() as work:
        first = await list_runs(work, failing.id, limit=1)
        rest = await list_runs(work, failing.id, limit=1, before=first.items[0].id)
        ok = await list_runs(work, failing.id, status=RunStatus.SUCCESS)
        later = await list_runs(work, failing.id, since=at("12:01:01"))

    assert [each.attempt for each in (*first.items, *rest.items)] == [2, 1]
    assert (first.more, rest.more) == (True, False)
    assert (ok.items, later.items) == ([], [])


async def test_runs_are_counted_over_all_pages(office, failing) -> None:
    """Whatever the page; more than there can be is not passed over."""
    async with office.reading() as work:
        second = await list_runs(work, failing.id, limit=1, offset=1)
        counts = [
            await count_runs(work, failing.id),
            await count_runs(work, failing.id, status=RunStatus.SUCCESS),
        ]
        for offset in (-1, OFFSET_MOST + 1):
            with pytest.raises(InvalidInput):
                await list_runs(work, failing.id, offset=offset)

    assert [each.attempt for each in second.items] == [1]
    assert counts == [2, 0]


async def test_a_run_is_read_with_its_attempts(office, failing) -> None:
    """And with its endpoint as it is now."""
    async with office.reading() as work:
        latest = (await list_runs(work, failing.id)).items[0]
        details = await read_run(work, latest.id)

    assert details.run.id == latest.id
    assert [each.attempt for each in details.attempts] == [1, 2]
    assert details.endpoint is not None
    assert details.endpoint.name == "health"


async def test_a_run_of_what_cannot_be_read_is_read(office, failing) -> None:
    """Its endpoint is missing then, and harms nothing else; trap T15."""
    office.store.tables.endpoints[failing.id].unreadable = "broken"

    async with office.reading() as work:
        latest = (await list_runs(work, failing.id)).items[0]
        details = await read_run(work, latest.id)

    assert details.endpoint is None


async def test_health_is_read_by_window(office, failing) -> None:
    """Each window counts what lies in it."""
    office.clock.advance(2 * HOUR)

    async with office.reading() as work:
        health = await read_health(work, failing.id)
        with pytest.raises(InvalidInput):
            await read_health(work, failing.id, [timedelta()])

    assert {window: each.target_failure_count for window, each in health.items()} == {
        HOUR: 0,
        4 * HOUR: 2,
        24 * HOUR: 2,
    }


async def test_another_tenants_history_is_not_found(office, failing) -> None:
    """By no verb."""
    async with office.reading() as work:
        run = (await list_runs(work, failing.id)).items[0]
    async with office.reading(office.stranger) as work:
        for asked in (explain_endpoint, preview_endpoint, list_slots, list_runs, read_health):
            with pytest.raises(NotFound):
                await asked(work, failing.id)
        for run_id in (run.id, RunId(new_uuid())):
            with pytest.raises(NotFound):
                await read_run(work, run_id)
        assert (await list_audit(work)).items == []


async def test_the_audit_is_read_page_by_page(office, failing) -> None:
    """The newest first, by who did it, to what, and since when."""
    async with office.reading() as work:
        first = await list_audit(work, limit=2)
        rest = await list_audit(work, limit=2, before=first.items[-1].id)
        of_it = await list_audit(work, subject=failing.id, since=at("12:01:00"))
        nobody = await list_audit(work, actor="person:nobody")

    assert [each.action for each in (*first.items, *rest.items)] == ["skip", "create", "create"]
    assert (first.more, rest.more) == (True, False)
    assert [each.action for each in of_it.items] == ["skip"]
    assert nobody.items == []


def test_cookies_that_targets_set_are_masked() -> None:
    """Whatever their capitals; other headers are shown; trap T43."""
    shown = shown_response_headers([("SET-Cookie", "a=b"), ("Date", "now")])

    assert shown == [("SET-Cookie", MASK), ("Date", "now")]


def test_credentials_in_urls_that_targets_name_are_masked() -> None:
    """Wherever they stand: where a redirect leads, and what else there is (trap T43)."""
    told = [
        ("Location", "https://ada:s3cret@example.org/a?b@c"),
        ("Link", "<//tok3n@example.org/>; rel=next, <https://example.org/@ada>; rel=prev"),
        ("X-Mail", "ada@example.org"),
        ("Refresh", "0; url=https://ada:p@ss@example.org/"),
    ]

    shown = dict(shown_response_headers(told))

    assert shown == {
        "Location": f"https://{MASK}@example.org/a?b@c",
        "Link": f"<//{MASK}@example.org/>; rel=next, <https://example.org/@ada>; rel=prev",
        "X-Mail": "ada@example.org",
        "Refresh": f"0; url=https://{MASK}@example.org/",
    }
