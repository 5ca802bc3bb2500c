"""Endpoints are created, read, listed and changed."""

from datetime import timedelta
from typing import cast

import pytest
from cronicorn_domain.errors import (
    ChangedMeanwhile,
    ForbiddenTransition,
    InvalidInput,
    NameTaken,
    NotFound,
    RefusedUrl,
)
from cronicorn_domain.identity import JobId, new_uuid
from cronicorn_domain.model.endpoint import Guardrails, Header, Method, Misfire, MisfirePolicy
from cronicorn_domain.schedules.schedule import IntervalSchedule
from cronicorn_domain.testing.builders import HOUR, MINUTE, SECOND, at
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.changing import change_endpoint
from cronicorn_management.endpoints.creating import create_endpoint
from cronicorn_management.endpoints.listing import list_endpoints
from cronicorn_management.endpoints.putting import put_endpoint
from cronicorn_management.endpoints.reading import read_endpoint
from cronicorn_management.jobs.archiving import archive_job
from cronicorn_management.masking import MASK, shown_headers
from cronicorn_management.settings import (
    EndpointChanges,
    HeaderSetting,
    changed,
    settings_of,
)


async def change(office, endpoint, caller=None, **changes):
    """Change some members of an endpoint."""
    async with office.changing(caller or office.ada) as work:
        return await change_endpoint(work, endpoint.id, cast("EndpointChanges", changes))


async def test_a_created_endpoint_is_planned(office) -> None:
    """What was said is read back, and its first slot stands."""
    endpoint = await office.an_endpoint(
        method=Method.POST, body="{}", min=10 * SECOND, max=HOUR, misfire_policy=MisfirePolicy.SKIP
    )

    async with office.reading() as work:
        situation = await read_endpoint(work, endpoint.id)
    assert situation.endpoint == endpoint
    assert endpoint.schedule == IntervalSchedule(every=MINUTE)
    assert endpoint.guardrails == Guardrails(shortest=10 * SECOND, longest=HOUR)
    assert endpoint.misfire == Misfire(policy=MisfirePolicy.SKIP)
    assert await office.next_slot(endpoint) == at("12:01:00")


async def test_what_is_read_of_an_endpoint_makes_the_same_again(office) -> None:
    """Whatever kind of schedule it has, no member is lost on the way."""
    job = await office.a_job()
    for name, schedule in (
        ("a", {"cron": "*/5 * * * *", "timezone": "Europe/Berlin"}),
        ("b", {"every": MINUTE, "max": HOUR}),
        ("c", {"at": at("15:00:00")}),
    ):
        endpoint = await office.an_endpoint(job, name, retry_attempts=3, jitter=SECOND, **schedule)

        async with office.changing() as work:
            result = await change_endpoint(work, endpoint.id, _all_of(endpoint))

        assert result == endpoint


def _all_of(endpoint):
    settings = settings_of(endpoint)
    members = {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    return cast("EndpointChanges", members)


async def test_all_faults_are_told_at_once(office) -> None:
    """Each with its member, what was found and what is allowed; nothing is created."""
    job = await office.a_job()

    with pytest.raises(InvalidInput) as refusal:
        async with office.changing() as work:
            await create_endpoint(
                work,
                job.id,
                office.settings(
                    name="",
                    url=office.metadata,
                    cron="61 * * * *",
                    timezone="Mars/Olympus",
                    headers=(
                        HeaderSetting(name="X Y", value=""),
                        HeaderSetting(name="Host", value=""),
                    ),
                    min=HOUR,
                    max=MINUTE,
                    timeout=timedelta(hours=1),
                    retry_attempts=99,
                ),
            )

    issues = {each.path: each for each in refusal.value.issues}
    assert set(issues) == {
        "name",
        "url",
        "cron",
        "timezone",
        "headers.X Y",
        "headers.Host",
        "min",
        "timeout",
        "retry.attempts",
    }
    assert issues["url"].code == "refused_url"
    assert issues["cron"].code == "invalid_schedule"
    assert (
        issues["timeout"].message
        == "a timeout of 1 h is not possible: give a length from 100ms to 30m"
    )
    assert await office.deeds() == ["create"]


async def test_one_fault_is_raised_as_itself(office) -> None:
    """Its type tells what kind of fault it is."""
    job = await office.a_job()

    with pytest.raises(RefusedUrl):
        async with office.changing() as work:
            await create_endpoint(work, job.id, office.settings(url=office.metadata))


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"every": None}, ""),
        ({"every": MINUTE, "cron": "* * * * *"}, "cron"),
        ({"every": MINUTE, "at": at("15:00:00")}, "at"),
        ({"every": MINUTE, "timezone": "UTC"}, "timezone"),
        ({"at": at("15:00:00"), "min": MINUTE}, "min"),
    ],
)
async def test_there_is_exactly_one_schedule(office, members, path) -> None:
    """None, several, and what belongs to another kind of schedule is refused."""
    job = await office.a_job()

    with pytest.raises(InvalidInput) as refusal:
        async with office.changing() as work:
            await create_endpoint(work, job.id, office.settings(**members))

    assert [each.path for each in refusal.value.issues] == [path]


async def test_nothing_is_added_to_an_archived_job(office) -> None:
    """Nor to one that does not exist, or is another tenant's; trap T18."""
    job = await office.a_job()
    with pytest.raises(NotFound):
        async with office.changing(office.stranger) as work:
            await create_endpoint(work, job.id, office.settings())
    with pytest.raises(NotFound):
        async with office.changing() as work:
            await create_endpoint(work, JobId(new_uuid()), office.settings())
    async with office.changing() as work:
        await archive_job(work, job.id)

    with pytest.raises(ForbiddenTransition):
        await office.an_endpoint(job)


async def test_a_part_of_an_endpoint_is_changed(office) -> None:
    """What is absent stays, None clears to the default."""
    endpoint = await office.an_endpoint(max=HOUR, timeout=5 * SECOND, description="x")

    result = await change(office, endpoint, description=None, timeout=None, name="ping")

    assert (result.name, result.description) == ("ping", None)
    assert result.limits.timeout == timedelta(seconds=30)
    assert result.guardrails == endpoint.guardrails
    assert result.schedule == endpoint.schedule
    (_, _, entry) = await office.audit()
    assert [(each.field, each.before, each.after) for each in entry.changes] == [
        ("description", "x", None),
        ("name", "health", "ping"),
        ("timeout", "5 s", "30 s"),
    ]


async def test_one_schedule_replaces_the_other(office) -> None:
    """Cron to interval and back, to a single instant and back; trap T12."""
    endpoint = await office.an_endpoint(cron="*/5 * * * *", timezone="Europe/Berlin", max=HOUR)

    for changes, slot in (
        ({"every": 10 * MINUTE}, at("12:10:00")),
        ({"cron": "0 * * * *"}, at("13:00:00")),
        ({"at": at("15:00:00")}, at("15:00:00")),
        ({"every": MINUTE}, at("12:01:00")),
    ):
        await change(office, endpoint, **changes)

        assert await office.next_slot(endpoint) == slot


async def test_a_change_takes_effect_at_once(office) -> None:
    """It plans in the same transaction, not at the previously planned time; trap T01."""
    endpoint = await office.an_endpoint(every=HOUR)
    office.clock.advance(10 * SECOND)

    await change(office, endpoint, every=SECOND)

    assert await office.next_slot(endpoint) == at("12:00:11")


async def test_every_rule_holds_for_the_result(office) -> None:
    """A change that is good by itself is refused with what it meets; nothing is changed."""
    endpoint = await office.an_endpoint(min=MINUTE, max=HOUR)

    for changes, path in (
        ({"max": SECOND}, "min"),
        ({"every": None}, ""),
        ({"cron": "* * * * *", "every": MINUTE}, "cron"),
        ({"timezone": "UTC"}, "timezone"),
        ({"url": office.metadata}, "url"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            await change(office, endpoint, **changes)
        assert [each.path for each in refusal.value.issues] == [path]

    assert (await office.situation(endpoint)).endpoint == endpoint


@pytest.mark.parametrize("member", ["every", "min", "max"])
async def test_the_floor_holds_for_what_is_written(office, member) -> None:
    """No interval is shorter than the tenant's floor, at creation and after; trap T17."""
    endpoint = await office.an_endpoint()
    office.allowance = type(office.allowance)(floor=30 * SECOND)

    with pytest.raises(InvalidInput) as refusal:
        await change(office, endpoint, **{member: 10 * SECOND})
    with pytest.raises(InvalidInput):
        await office.an_endpoint(await office.a_job("other"), **{member: 10 * SECOND})

    (issue,) = refusal.value.issues
    assert (issue.path, issue.message) == (member, "10 s is too often: give at least 30 s")


async def test_the_same_again_changes_nothing(office) -> None:
    """Neither the endpoint, nor its plan, nor the audit; trap T50."""
    endpoint = await office.an_endpoint()
    before = await office.situation(endpoint)
    office.clock.advance(10 * SECOND)

    assert await change(office, endpoint, every=MINUTE, description=None) == endpoint
    assert await change(office, endpoint) == endpoint

    assert await office.situation(endpoint) == before
    assert await office.deeds() == ["create", "create"]


async def test_an_edit_of_what_changed_meanwhile_is_told(office) -> None:
    """Who saw an older endpoint does not overwrite the newer one."""
    endpoint = await office.an_endpoint()
    office.clock.advance(SECOND)
    await change(office, endpoint, description="x")

    with pytest.raises(ChangedMeanwhile):
        async with office.changing() as work:
            await change_endpoint(
                work, endpoint.id, EndpointChanges(description="y"), seen=endpoint.updated_at
            )

    assert (await office.situation(endpoint)).endpoint.description == "x"


async def test_names_are_unique_within_a_job(office) -> None:
    """Creating and renaming meet the same rule."""
    job = await office.a_job()
    await office.an_endpoint(job, "a")
    second = await office.an_endpoint(job, "b")

    with pytest.raises(NameTaken):
        await office.an_endpoint(job, "a")
    with pytest.raises(NameTaken):
        await change(office, second, name="a")


async def test_an_endpoint_is_found_in_its_own_job_only(office) -> None:
    """In another job, and by another tenant, there is no such endpoint."""
    endpoint, other = await office.an_endpoint(), await office.a_job("other")

    async with office.reading() as work:
        with pytest.raises(NotFound):
            await read_endpoint(work, endpoint.id, job_id=other.id)
    with pytest.raises(NotFound):
        async with office.changing() as work:
            await change_endpoint(work, endpoint.id, {}, job_id=other.id)
    with pytest.raises(NotFound):
        await change(office, endpoint, office.stranger, description="x")
    async with office.reading(office.stranger) as work:
        with pytest.raises(NotFound):
            await read_endpoint(work, endpoint.id)
        with pytest.raises(NotFound):
            await list_endpoints(work, job_id=endpoint.job_id)


async def test_a_jobs_endpoints_are_listed_page_by_page(office) -> None:
    """With what decides when they fire; archived ones only when they are asked for."""
    job = await office.a_job()
    endpoints = [await office.an_endpoint(job, name) for name in "abc"]
    await office.an_endpoint(await office.a_job("other"))
    async with office.changing() as work:
        await archive_endpoint(work, endpoints[0].id)

    async with office.reading() as work:
        first = await list_endpoints(work, job_id=job.id, limit=1)
        rest = await list_endpoints(work, job_id=job.id, limit=1, after=first.items[-1].endpoint.id)
        whole = await list_endpoints(work, job_id=job.id, archived=True)

    assert [each.endpoint for each in (*first.items, *rest.items)] == endpoints[1:]
    assert (first.more, rest.more) == (True, False)
    assert len(whole.items) == 3
    assert all(each.state.next_plan for each in first.items)


async def test_secrets_are_masked_and_survive_their_mask(office) -> None:
    """What is read as a mask can be written back as one; trap T43."""
    endpoint = await office.an_endpoint(
        headers=(
            HeaderSetting(name="Authorization", value="Bearer abc"),
            HeaderSetting(name="X-Token", value="abc", secret=True),
            HeaderSetting(name="Accept", value="*/*"),
        )
    )
    shown = shown_headers(endpoint.request.headers)
    assert shown == [("Authorization", MASK), ("X-Token", MASK), ("Accept", "*/*")]

    written = tuple(HeaderSetting(name=name.upper(), value=value) for name, value in shown)
    result = await change(office, endpoint, headers=written, body="x")

    assert result.request.headers == (
        Header(name="AUTHORIZATION", value="Bearer abc", secret=True),
        Header(name="X-TOKEN", value="abc", secret=True),
        Header(name="ACCEPT", value="*/*"),
    )


async def test_a_mask_of_nothing_is_refused(office) -> None:
    """It cannot be what is sent."""
    with pytest.raises(InvalidInput) as refusal:
        await office.an_endpoint(headers=(HeaderSetting(name="X-Token", value=MASK),))

    assert refusal.value.issues[0].path == "headers.X-Token"


async def test_the_audit_holds_no_secret(office) -> None:
    """Of a secret value it tells that it changed, and not from what to what; trap T43."""
    endpoint = await office.an_endpoint(
        headers=(HeaderSetting(name="Cookie", value="a=hidden-1"),), body="x" * 900
    )
    await change(office, endpoint, headers=(HeaderSetting(name="Cookie", value="a=hidden-2"),))

    created, edited = (await office.audit())[1:]
    told = {each.field: each for each in created.changes}
    assert told["headers.Cookie"].after == MASK
    assert len(told["body"].after) == 500
    assert [(each.field, each.before, each.after) for each in edited.changes] == [
        ("headers.Cookie", MASK, MASK)
    ]
    assert "hidden" not in repr(await office.audit())


async def test_the_audit_of_a_creation_tells_what_is_not_usual(office) -> None:
    """What nobody had to say is left out."""
    await office.an_endpoint(retry_attempts=3, timeout=timedelta(seconds=30))

    entry = (await office.audit())[-1]
    assert [(each.field, each.after) for each in entry.changes] == [
        ("every", "1 min"),
        ("name", "health"),
        ("retry_attempts", "3"),
        ("url", "http://shop.example/health"),
    ]


async def test_an_endpoint_is_put_by_its_key(office) -> None:
    """It is created once, then made what is given: also what is not said any more is undone."""
    job = await office.a_job()
    async with office.changing() as work:
        first = await put_endpoint(work, job.id, "k", office.settings(max=HOUR))
    async with office.changing() as work:
        again = await put_endpoint(work, job.id, "k", office.settings(max=HOUR))
        other = await put_endpoint(work, job.id, "k", office.settings("ping"))

    assert (first.created, again.created, other.created) == (True, False, False)
    assert again.endpoint == first.endpoint
    assert (other.endpoint.id, other.endpoint.name) == (first.endpoint.id, "ping")
    assert other.endpoint.guardrails == Guardrails()
    assert other.endpoint.external_key == "k"
    assert await office.deeds() == ["create", "create", "change"]


def test_a_schedule_that_is_not_set_replaces_nothing(office) -> None:
    """Clearing one that is not there leaves the one that is."""
    given = office.settings(every=MINUTE)

    assert changed(given, EndpointChanges(cron=None)) == given
    assert changed(given, EndpointChanges()) == given
