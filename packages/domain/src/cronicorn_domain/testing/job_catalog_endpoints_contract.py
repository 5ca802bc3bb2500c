"""Endpoints: kept whole, named, edited field by field, archived and restored."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cronicorn_domain.errors import NameTaken, NotFound
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, TenantId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    Header,
    Heeds,
    HttpRequest,
    Limits,
    Method,
    Misfire,
    MisfirePolicy,
    Pause,
    Retry,
)
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.job_catalog import JobCatalog
from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import Schedule
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    an_endpoint,
    an_interval_hint,
    at,
    cron,
    every,
    once,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

OTHER_TENANT = TenantId(new_uuid())
BERLIN = CronSchedule(
    expression=CronExpression.parse("30 2 * * MON"),
    timezone="Europe/Berlin",
    gap=GapPolicy.SKIP,
    repeat=RepeatPolicy.BOTH,
)
SCHEDULES: list[Schedule] = [cron("*/5 * * * *"), BERLIN, every(90 * SECOND), once(EPOCH + DAY)]
REQUEST = HttpRequest(
    url="https://shop.example/höher?q=1&q=2",
    method=Method.POST,
    headers=(
        Header(name="Content-Type", value="application/json"),
        Header(name="Authorization", value="Bearer s3cret-ü", secret=True),
        Header(name="X-Key", value="hidden", secret=True),
    ),
    body='{"a": "ä ✓"}',
)
OPTIONAL: dict[str, Callable[[Endpoint], Endpoint]] = {
    "description": lambda endpoint: replace(endpoint, description="checks the shop"),
    "request": lambda endpoint: replace(endpoint, request=REQUEST),
    "guardrails": lambda endpoint: replace(
        endpoint, guardrails=Guardrails(shortest=30 * SECOND, longest=HOUR)
    ),
    "shortest": lambda endpoint: replace(endpoint, guardrails=Guardrails(shortest=30 * SECOND)),
    "bounds": lambda endpoint: replace(
        endpoint, bounds=Bounds(starts_at=EPOCH + HOUR, ends_at=EPOCH + DAY, max_runs=7)
    ),
    "max_runs": lambda endpoint: replace(endpoint, bounds=Bounds(max_runs=3)),
    "jitter": lambda endpoint: replace(endpoint, jitter=timedelta(milliseconds=1500)),
    "misfire": lambda endpoint: replace(
        endpoint,
        misfire=Misfire(policy=MisfirePolicy.CATCH_UP, grace=HOUR, catch_up_limit=3),
    ),
    "retry": lambda endpoint: replace(
        endpoint, retry=Retry(attempts=4, backoff=2 * SECOND, backoff_most=MINUTE)
    ),
    "delivery": lambda endpoint: replace(endpoint, delivery=Delivery.AT_MOST_ONCE),
    "limits": lambda endpoint: replace(
        endpoint,
        limits=Limits(timeout=timedelta(milliseconds=2500), response_size=2048, redirects=3),
    ),
    "execution": lambda endpoint: replace(
        endpoint, limits=replace(endpoint.limits, execution=2 * SECOND)
    ),
    "heeds_hints": lambda endpoint: replace(endpoint, heeds=Heeds(hints=True)),
    "heeds_gone": lambda endpoint: replace(endpoint, heeds=Heeds(gone=True)),
    "name": lambda endpoint: replace(endpoint, name="stock"),
}
FOREIGN: dict[str, Callable[[JobCatalog, Endpoint], Awaitable[object]]] = {
    "get": lambda catalog, endpoint: catalog.get_endpoint(OTHER_TENANT, endpoint.id),
    "change": lambda catalog, endpoint: catalog.change_endpoint(
        replace(endpoint, tenant=OTHER_TENANT, name="mine"), now=EPOCH
    ),
    "pause": lambda catalog, endpoint: catalog.pause_endpoint(
        OTHER_TENANT, endpoint.id, Pause(until=OPEN_ENDED), now=EPOCH
    ),
    "resume": lambda catalog, endpoint: catalog.resume_endpoint(
        OTHER_TENANT, endpoint.id, now=EPOCH
    ),
    "archive": lambda catalog, endpoint: catalog.archive_endpoint(
        OTHER_TENANT, endpoint.id, now=EPOCH
    ),
    "restore": lambda catalog, endpoint: catalog.restore_endpoint(
        OTHER_TENANT, endpoint.id, now=EPOCH
    ),
    "reset": lambda catalog, endpoint: catalog.reset_failures(OTHER_TENANT, endpoint.id, now=EPOCH),
    "skip": lambda catalog, endpoint: catalog.skip_next_slot(OTHER_TENANT, endpoint.id, now=EPOCH),
    "situation": lambda catalog, endpoint: catalog.get_situation(OTHER_TENANT, endpoint.id),
}


class JobCatalogEndpointsContract(StoreSuite):
    """What holds for endpoints."""

    @pytest.mark.parametrize("schedule", SCHEDULES)
    async def test_an_endpoint_is_kept_as_it_is(self, schedule: Schedule) -> None:
        """Every field comes back as it was written, secrets included."""
        endpoint = an_endpoint(await self.add_job(), schedule=schedule)
        for change in OPTIONAL.values():
            endpoint = change(endpoint)

        await self.add(endpoint)

        assert await self.stored(endpoint) == endpoint
        async with self.unit() as unit:
            found = await unit.catalog.find_endpoint(endpoint.tenant, endpoint.job_id, "stock")
            assert found == endpoint

    @pytest.mark.parametrize("field", OPTIONAL)
    async def test_every_field_can_be_set_and_cleared(self, field: str) -> None:
        """What an edit sets another edit takes away again, trap T12."""
        endpoint = await self.add(an_endpoint(await self.add_job(), schedule=cron("*/5 * * * *")))
        changed = OPTIONAL[field](endpoint)

        assert await self.change(changed, at("12:00:10"))
        assert await self.stored(endpoint) == replace(
            changed, updated_at=at("12:00:10"), anchor=(await self.stored(endpoint)).anchor
        )

        assert await self.change(endpoint, at("12:00:20"))
        assert await self.stored(endpoint) == replace(
            endpoint, updated_at=at("12:00:20"), anchor=(await self.stored(endpoint)).anchor
        )

    @pytest.mark.parametrize("schedule", SCHEDULES)
    async def test_every_kind_of_schedule_can_follow_another(self, schedule: Schedule) -> None:
        """Cron, interval and a single instant can be edited into one another, trap T12."""
        job = await self.add_job()
        for number, before in enumerate(SCHEDULES):
            endpoint = await self.add(an_endpoint(job, f"{number}", schedule=before))

            changed = await self.change(replace(endpoint, schedule=schedule), at("12:00:10"))

            assert changed == (before != schedule)
            assert (await self.stored(endpoint)).schedule == schedule

    async def test_an_edit_moves_the_anchor_only_when_it_must(self) -> None:
        """A changed interval begins its grid anew; any other edit leaves the grid."""
        endpoint = await self.add_minutely()

        await self.change(replace(endpoint, description="x", anchor=EPOCH + HOUR), at("12:00:10"))
        assert (await self.stored(endpoint)).anchor == EPOCH

        await self.change(replace(endpoint, schedule=every(HOUR)), at("12:00:20"))
        assert (await self.stored(endpoint)).anchor == at("12:00:20")
        assert await self.next_slot(endpoint) == at("13:00:20")

    async def test_an_edit_touches_neither_identity_nor_pause(self) -> None:
        """Creation, pause and archive are not an edit's to change."""
        endpoint = await self.add_minutely()
        await self.pause(endpoint, at("12:00:05"))

        await self.change(
            replace(endpoint, name="stock", pause=None, created_at=EPOCH + DAY), at("12:00:10")
        )

        stored = await self.stored(endpoint)
        assert stored.pause == Pause(until=OPEN_ENDED)
        assert (stored.name, stored.created_at) == ("stock", EPOCH)

    async def test_an_edit_of_a_slot_that_has_come_leaves_a_record(self) -> None:
        """A due slot that an edit takes away is coalesced, with its reason."""
        endpoint = await self.add_minutely()

        await self.change(replace(endpoint, schedule=every(HOUR)), at("12:01:20"))

        (record,) = await self.records(endpoint)
        assert (record.fate, record.first) == (Fate.COALESCED, FIRST_SLOT)
        assert record.reason != ""
        assert await self.next_slot(endpoint) == at("13:01:20")

    async def test_what_does_not_exist_is_not_found(self) -> None:
        """Endpoints and jobs that nobody has are errors; a name that nobody has is None."""
        job = await self.add_job()
        stray = replace(an_endpoint(job), tenant=OTHER_TENANT)

        async with self.given.units.begin() as unit:
            catalog = unit.catalog
            assert await catalog.find_endpoint(DEFAULT_TENANT, job.id, "nobody") is None
            assert await catalog.get_states(DEFAULT_TENANT, [EndpointId(new_uuid())]) == []
            with pytest.raises(NotFound):
                await catalog.get_endpoint(DEFAULT_TENANT, EndpointId(new_uuid()))
            with pytest.raises(NotFound):
                await catalog.add_endpoint(stray, now=EPOCH)

    @pytest.mark.parametrize("verb", FOREIGN)
    async def test_another_tenants_endpoint_does_not_exist(self, verb: str) -> None:
        """Whatever is asked of it, it is not found, and stays as it is."""
        endpoint = await self.add_minutely()

        async with self.given.units.begin() as unit:
            with pytest.raises(NotFound):
                await FOREIGN[verb](unit.catalog, endpoint)
            await unit.rollback()

        assert await self.stored(endpoint) == endpoint

    async def test_another_tenants_endpoints_are_not_listed(self) -> None:
        """Lists, states and names are one tenant's."""
        endpoint = await self.add_minutely()

        async with self.unit() as unit:
            catalog = unit.catalog
            assert await catalog.list_endpoints(OTHER_TENANT) == []
            assert await catalog.get_states(OTHER_TENANT, [endpoint.id]) == []
            found = await catalog.find_endpoint(OTHER_TENANT, endpoint.job_id, endpoint.name)
            assert found is None

    async def test_names_are_unique_within_a_job(self) -> None:
        """A second endpoint of the name is refused; another job may have it."""
        job, other = await self.add_job("a"), await self.add_job("b")
        await self.add(an_endpoint(job))

        with pytest.raises(NameTaken):
            await self.add(an_endpoint(job))
        await self.add(an_endpoint(other))
        second = await self.add(an_endpoint(job, "stock"))
        with pytest.raises(NameTaken):
            await self.change(replace(second, name="health"), EPOCH)

    async def test_a_changed_name_frees_the_old_one(self) -> None:
        """After a rename the old name can be taken, and the new one finds the endpoint."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, "old"))

        await self.change(replace(endpoint, name="new"), EPOCH)

        other = await self.add(an_endpoint(job, "old"))
        async with self.unit() as unit:
            for name, expected in (("new", endpoint.id), ("old", other.id)):
                found = await unit.catalog.find_endpoint(job.tenant, job.id, name)
                assert found is not None
                assert found.id == expected

    async def test_endpoints_are_listed_page_by_page(self) -> None:
        """Pages come in the order of the ids, archived ones too, of one job or of all."""
        job, other = await self.add_job("a"), await self.add_job("b")
        endpoints = [await self.add(an_endpoint(job, f"{number}")) for number in range(5)]
        apart = await self.add(an_endpoint(other))
        await self.archive(endpoints[2], at("12:00:10"))
        seen: list[EndpointId] = []
        async with self.unit() as unit:
            while page := await unit.catalog.list_endpoints(
                DEFAULT_TENANT, job.id, limit=2, after=seen[-1] if seen else None
            ):
                seen += [endpoint.id for endpoint in page]
            everything = await unit.catalog.list_endpoints(DEFAULT_TENANT)

        assert seen == sorted(endpoint.id for endpoint in endpoints)
        assert [each.id for each in everything] == sorted([*seen, apart.id])

    async def test_states_come_in_the_order_asked_for(self) -> None:
        """Unknown ids are left out, the others keep their order."""
        job = await self.add_job()
        a, b = await self.add(an_endpoint(job, "a")), await self.add(an_endpoint(job, "b"))

        async with self.unit() as unit:
            states = await unit.catalog.get_states(
                DEFAULT_TENANT, [b.id, EndpointId(new_uuid()), a.id]
            )

        assert [endpoint_id for endpoint_id, _ in states] == [b.id, a.id]

    async def test_a_situation_is_everything_that_is_weighed(self) -> None:
        """Job state, configuration, state, hints, triggers and lease come in one piece."""
        endpoint = await self.add_minutely()
        hint = an_interval_hint(30 * SECOND)
        await self.offer(endpoint, hint)
        await self.run_now(endpoint, at("12:00:10"))
        run = await self.claim_one(at("12:00:10"))
        await self.run_now(endpoint, at("12:00:11"))

        async with self.unit() as unit:
            situation = await unit.catalog.get_situation(endpoint.tenant, endpoint.id)

        assert (situation.job_state, situation.endpoint) == (JobState.ACTIVE, endpoint)
        assert situation.state == await self.state(endpoint)
        assert situation.hints == (hint,)
        assert [each.at for each in situation.triggers] == [at("12:00:11")]
        assert situation.lease == run.lease
        assert situation.floor == SECOND

    async def test_a_newer_pause_replaces_the_older(self) -> None:
        """The last word about a pause counts, its reason included."""
        endpoint = await self.add_minutely()
        await self.pause(endpoint, at("12:00:05"))
        newer = Pause(until=at("12:30:00"), reason="deploying ✓")

        async with self.unit() as unit:
            await unit.catalog.pause_endpoint(
                endpoint.tenant, endpoint.id, newer, now=at("12:00:06")
            )

        assert (await self.stored(endpoint)).pause == newer
        assert await self.queue.next_due() == at("12:30:00")
        await self.resume(endpoint, at("12:00:07"))
        assert (await self.stored(endpoint)).pause is None
