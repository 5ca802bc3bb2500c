"""What a person does to an endpoint between its runs: each takes effect at once, trap T01."""

from dataclasses import replace
from datetime import datetime

import pytest
from cronicorn_domain.errors import ForbiddenTransition, InvalidInput, NotFound
from cronicorn_domain.identity import HintId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.hint import Author
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.ports.hint_book import HintEnd
from cronicorn_domain.testing.builders import HOUR, MINUTE, SECOND, at
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.explaining import explain_endpoint
from cronicorn_management.endpoints.judging import judge_of
from cronicorn_management.endpoints.mending import mend_endpoint
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.endpoints.resetting import reset_failures
from cronicorn_management.endpoints.restoring import restore_endpoint
from cronicorn_management.endpoints.resuming import resume_endpoint
from cronicorn_management.endpoints.running import run_now
from cronicorn_management.endpoints.skipping import skip_next_slot
from cronicorn_management.hints.clearing import clear_hint, clear_hints
from cronicorn_management.hints.listing import list_hints
from cronicorn_management.hints.offering import offer_interval, offer_oneshot

EVERY_VERB = [
    pause_endpoint,
    resume_endpoint,
    archive_endpoint,
    restore_endpoint,
    reset_failures,
    skip_next_slot,
    run_now,
    lambda work, one: offer_interval(work, one, every=MINUTE),
    lambda work, one: offer_oneshot(work, one, at=MINUTE),
    clear_hints,
    lambda work, one: clear_hint(work, one, HintId(new_uuid())),
]


async def do(office, verb, endpoint, caller=None, **given):
    """Do one thing to an endpoint."""
    async with office.changing(caller or office.ada) as work:
        return await verb(work, endpoint.id, **given)


async def condition(office, endpoint):
    """Read where an endpoint stands."""
    async with office.reading() as work:
        return (await explain_endpoint(work, endpoint.id)).condition


@pytest.mark.parametrize("verb", EVERY_VERB)
async def test_another_tenants_endpoint_is_not_found(office, verb) -> None:
    """By no verb; and nothing is noted of the attempt."""
    endpoint = await office.an_endpoint()

    with pytest.raises(NotFound):
        await do(office, verb, endpoint, office.stranger)

    async with office.reading(office.stranger) as work:
        assert await work.audit.list_entries(office.stranger.tenant) == []


async def test_a_pause_holds_until_it_is_resumed(office) -> None:
    """Open-ended unless an instant is given; doing either again changes nothing, trap T50."""
    endpoint = await office.an_endpoint()

    assert await do(office, pause_endpoint, endpoint, reason="repairs")
    assert not await do(office, pause_endpoint, endpoint, reason="repairs")
    pause = (await office.situation(endpoint)).endpoint.pause
    assert (pause.until, pause.reason) == (OPEN_ENDED, "repairs")
    assert await condition(office, endpoint) is Condition.PAUSED
    assert await do(office, pause_endpoint, endpoint, until=at("13:00:00"))
    assert await do(office, resume_endpoint, endpoint)
    assert not await do(office, resume_endpoint, endpoint)

    assert await condition(office, endpoint) is Condition.ACTIVE
    told = [(e.action, c.before, c.after) for e in (await office.audit())[2:] for c in e.changes]
    assert told == [
        ("pause", None, "until resumed (repairs)"),
        ("pause", "until resumed (repairs)", "2025-01-01T13:00:00.000Z"),
        ("resume", "2025-01-01T13:00:00.000Z", None),
    ]


@pytest.mark.parametrize("until", ["11:59:59", "12:00:00"])
async def test_a_pause_ends_ahead(office, until) -> None:
    """One that ends now, or has ended, is none; trap T44."""
    endpoint = await office.an_endpoint()

    with pytest.raises(InvalidInput) as refusal:
        await do(office, pause_endpoint, endpoint, until=at(until))

    assert refusal.value.issues[0].path == "paused_until"


async def test_a_pause_beyond_the_calendar_is_open_ended(office) -> None:
    """The latest instant there is means: until someone resumes it."""
    endpoint = await office.an_endpoint()

    await do(office, pause_endpoint, endpoint, until=datetime.max.replace(tzinfo=OPEN_ENDED.tzinfo))

    assert (await office.situation(endpoint)).endpoint.pause.until == OPEN_ENDED


@pytest.mark.parametrize("reason", ["\0", "x" * 1001])
async def test_a_reason_can_be_kept(office, reason) -> None:
    """What no store can hold, and what nobody reads, is refused with its member's name."""
    endpoint = await office.an_endpoint()

    for verb, given in (
        (pause_endpoint, {}),
        (run_now, {}),
        (offer_interval, {"every": MINUTE}),
        (offer_oneshot, {"at": MINUTE}),
    ):
        with pytest.raises(InvalidInput) as refusal:
            await do(office, verb, endpoint, reason=reason, **given)
        assert refusal.value.issues[0].path == "reason"


async def test_a_run_by_hand_is_in_the_trace_of_who_asked(office) -> None:
    """Whoever traces the call sees what came of it."""
    endpoint = await office.an_endpoint()
    trace = Trace(id="4bf92f3577b34da6a3ce929d0e0e4736", span="00f067aa0ba902b7")

    async with office.changing(replace(office.ada, trace=trace)) as work:
        await run_now(work, endpoint.id)

    plan = (await office.situation(endpoint)).state.next_plan
    assert plan is not None
    assert plan.trace == trace


async def test_an_archived_endpoint_comes_back(office) -> None:
    """It does not run meanwhile, and is planned from the restore on; trap T37."""
    endpoint = await office.an_endpoint()

    assert await do(office, archive_endpoint, endpoint)
    assert not await do(office, archive_endpoint, endpoint)
    assert await condition(office, endpoint) is Condition.ARCHIVED
    office.clock.advance(HOUR)
    restored = await do(office, restore_endpoint, endpoint)

    assert restored.archived_at is None
    assert await office.next_slot(endpoint) == at("13:01:00")
    with pytest.raises(ForbiddenTransition):
        await do(office, restore_endpoint, endpoint)
    assert await office.deeds() == ["create", "create", "archive", "restore"]


async def test_an_archived_endpoint_takes_nothing(office) -> None:
    """Neither pause, nor resume, nor run, nor hint."""
    endpoint = await office.an_endpoint()
    await do(office, archive_endpoint, endpoint)

    for verb, given in (
        (pause_endpoint, {}),
        (resume_endpoint, {}),
        (run_now, {}),
        (offer_interval, {"every": MINUTE}),
        (offer_oneshot, {"at": MINUTE}),
    ):
        with pytest.raises(ForbiddenTransition):
            await do(office, verb, endpoint, **given)


async def test_failures_are_reset(office) -> None:
    """Backoff ends at once; without failures nothing is done."""
    endpoint = await office.an_endpoint()
    assert not await do(office, reset_failures, endpoint)
    for minute in ("12:01:00", "12:03:00"):
        office.clock.advance_to(at(minute))
        await office.fail_once()
    office.clock.advance(SECOND)
    backed_off = await office.next_slot(endpoint)
    assert backed_off > at("12:04:00")

    assert await do(office, reset_failures, endpoint)

    assert await office.next_slot(endpoint) == at("12:04:00")
    (entry,) = [each for each in await office.audit() if each.action == "reset_failures"]
    assert [(each.before, each.after) for each in entry.changes] == [("2", "0")]


async def test_the_next_slot_is_skipped(office) -> None:
    """The one after it runs; a single instant that is over has none to skip."""
    endpoint = await office.an_endpoint()

    assert await do(office, skip_next_slot, endpoint)

    assert await office.next_slot(endpoint) == at("12:02:00")
    assert await office.deeds() == ["create", "create", "skip"]


async def test_a_run_now_is_due_at_once(office) -> None:
    """Whatever is planned; not when it is paused."""
    endpoint = await office.an_endpoint(every=HOUR)

    await do(office, run_now, endpoint, reason="to see")

    assert await office.next_slot(endpoint) < at("12:00:01")
    await do(office, pause_endpoint, endpoint)
    with pytest.raises(ForbiddenTransition):
        await do(office, run_now, endpoint)
    assert await office.deeds() == ["create", "create", "run", "pause"]


async def test_an_interval_hint_takes_effect_at_once(office) -> None:
    """It changes the rhythm for its life, in a person's name."""
    endpoint = await office.an_endpoint(every=HOUR)

    hint = await do(office, offer_interval, endpoint, every=MINUTE, reason="incident")

    assert (hint.author, hint.expires_at) == (Author.API, at("13:00:00"))
    assert await office.next_slot(endpoint) == at("12:01:00")
    (entry,) = [each for each in await office.audit() if each.action == "hint"]
    assert entry.changes[0].after == "every 1 min, until 2025-01-01T13:00:00.000Z (incident)"


async def test_a_hint_keeps_the_floor(office) -> None:
    """What is proposed by hand is refused below it; trap T17."""
    endpoint = await office.an_endpoint()
    office.allowance = type(office.allowance)(floor=30 * SECOND)

    with pytest.raises(InvalidInput) as refusal:
        await do(office, offer_interval, endpoint, every=10 * SECOND)

    assert refusal.value.issues[0].path == "interval"


async def test_a_oneshot_lies_ahead(office) -> None:
    """At an instant or so long from now; one that lies behind is refused."""
    endpoint = await office.an_endpoint(every=HOUR)

    await do(office, offer_oneshot, endpoint, at=10 * MINUTE)
    assert await office.next_slot(endpoint) == at("12:10:00")
    await do(office, offer_oneshot, endpoint, at=at("12:05:00"))
    assert await office.next_slot(endpoint) == at("12:05:00")

    with pytest.raises(InvalidInput):
        await do(office, offer_oneshot, endpoint, at=at("11:59:59"))


async def test_hints_are_listed_with_their_ends(office) -> None:
    """Cleared, expired or alive, the newest first; ``since`` leaves out what is older."""
    endpoint = await office.an_endpoint(every=HOUR)
    first = await do(office, offer_interval, endpoint, every=MINUTE)
    office.clock.advance(MINUTE)
    second = await do(office, offer_interval, endpoint, every=MINUTE, life=SECOND)
    third = await do(office, offer_interval, endpoint, every=2 * MINUTE)
    await do(office, clear_hint, endpoint, hint_id=first.id)
    office.clock.advance(MINUTE)

    async with office.reading() as work:
        listed = (await list_hints(work, endpoint.id)).items
        newer = (await list_hints(work, endpoint.id, since=at("12:01:00"))).items

    assert {each.record.hint.id: each.record.end for each in listed} == {
        first.id: HintEnd.CLEARED,
        second.id: HintEnd.EXPIRED,
        third.id: None,
    }
    assert {each.record.hint.id for each in newer} == {second.id, third.id}
    assert not any(each.outranked for each in listed)


async def test_a_hint_that_another_goes_before_is_told(office) -> None:
    """Of those that are active the newest counts; a one-shot is outranked by none."""
    endpoint = await office.an_endpoint(every=HOUR)
    older = await do(office, offer_interval, endpoint, every=MINUTE)
    office.clock.advance(SECOND)
    newer = await do(office, offer_interval, endpoint, every=2 * MINUTE)
    oneshot = await do(office, offer_oneshot, endpoint, at=10 * MINUTE)

    async with office.reading() as work:
        listed = (await list_hints(work, endpoint.id)).items

    assert {each.record.hint.id: each.outranked for each in listed} == {
        older.id: True,
        newer.id: False,
        oneshot.id: False,
    }


async def test_hints_of_what_cannot_be_read_are_listed(office) -> None:
    """A broken row harms only itself, trap T15; an impossible number is refused."""
    endpoint = await office.an_endpoint(every=HOUR)
    await do(office, offer_interval, endpoint, every=MINUTE)
    office.store.tables.endpoints[endpoint.id].unreadable = "broken"

    async with office.reading() as work:
        assert len((await list_hints(work, endpoint.id)).items) == 1
        with pytest.raises(InvalidInput):
            await list_hints(work, endpoint.id, limit=0)


async def test_hints_are_cleared(office) -> None:
    """All of them at once, or one; one that is not active is not found."""
    endpoint = await office.an_endpoint(every=HOUR)
    hint = await do(office, offer_interval, endpoint, every=MINUTE)
    await do(office, offer_oneshot, endpoint, at=MINUTE)

    assert await do(office, clear_hints, endpoint) == 2
    assert await do(office, clear_hints, endpoint) == 0
    with pytest.raises(NotFound):
        await do(office, clear_hint, endpoint, hint_id=hint.id)

    assert await office.next_slot(endpoint) == at("13:00:00")
    assert (await office.deeds()).count("clear_hints") == 1


async def test_what_cannot_be_read_is_mended(office) -> None:
    """By a whole configuration; that ends the quarantine, and is told in the audit; trap T15."""
    endpoint = await office.an_endpoint()
    office.store.tables.endpoints[endpoint.id].unreadable = "broken"
    async with office.changing() as work:
        meant = judge_of(work).configuration(office.settings("health", every=HOUR))
        mended = await mend_endpoint(work, endpoint.id, endpoint.job_id, meant)

    assert mended.id == endpoint.id
    assert await office.next_slot(endpoint) == at("13:00:00")
    assert (await office.deeds())[-1] == "change"
