"""One bad item harms only itself: odd responses, vanished endpoints, schedules beyond reading."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import reduce

import pytest

from cronicorn_domain.errors import UnreadableRow
from cronicorn_domain.identity import Token
from cronicorn_domain.model.run import Body, BodyKind, Failed, FailureKind, Response, RunStatus
from cronicorn_domain.ports.endpoint_queue import Settled, Settlement
from cronicorn_domain.testing.builders import (
    EPOCH,
    MINUTE,
    SECOND,
    a_settlement,
    an_endpoint,
    an_interval_hint,
    at,
    every,
    succeeded,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, LEASE, StoreSuite

NESTED = reduce(lambda inner, _: f"[{inner}]", range(100), "1")
ODD_BUT_CLEAN = {
    "escaped NUL": '{"a": "\\u0000"}',
    "escaped lone surrogate": '{"a": "\\ud800"}',
    "huge number": '{"a": 1e999, "b": 1e200000}',
    "100 levels": NESTED,
    "many digits": "9" * 5000,
    "beyond the basic plane": json.dumps("\U0001f600 \u202e \u2028", ensure_ascii=False),
}
"""Valid JSON that one store or another stumbles over."""

UNSTORABLE = "\x00\ud800"
"""Text that neither PostgreSQL nor SQLite can hold."""


class EndpointQueueIsolationContract(StoreSuite):
    """Batches go through whatever is in them, and schedules advance."""

    @pytest.mark.parametrize("text", ODD_BUT_CLEAN.values(), ids=ODD_BUT_CLEAN.keys())
    async def test_odd_bodies_are_kept_as_they_are(self, text: str) -> None:
        """Whatever JSON a target sends is stored safely, and the schedule advances, trap T16."""
        endpoint = await self.add_minutely()

        run = await self.run_once(FIRST_SLOT, succeeded(text, kind=BodyKind.JSON))

        response = (await self.run_row(run)).response
        assert response is not None
        assert response.body == Body(kind=BodyKind.JSON, text=text)
        assert await self.next_slot(endpoint) == FIRST_SLOT + MINUTE

    async def test_an_unstorable_response_loses_its_body_only(self) -> None:
        """The result counts and the schedule advances, trap T16."""
        endpoint = await self.add_minutely()

        run = await self.run_once(FIRST_SLOT, succeeded(UNSTORABLE))

        row = await self.run_row(run)
        assert row.status is RunStatus.SUCCESS
        assert row.response == Response(status_code=200)
        assert await self.next_slot(endpoint) == FIRST_SLOT + MINUTE

    async def test_unstorable_headers_and_messages_harm_nothing(self) -> None:
        """Odd text anywhere in an outcome does not keep it from being settled, trap T16."""
        endpoint = await self.add_minutely()
        response = Response(status_code=500, headers=((f"x-{UNSTORABLE}", UNSTORABLE),))
        outcome = Failed(
            kind=FailureKind.HTTP_STATUS, message=f"answered {UNSTORABLE}", response=response
        )

        run = await self.run_once(FIRST_SLOT, outcome)

        row = await self.run_row(run)
        assert row.response is not None
        assert (row.response.status_code, row.failure_kind) == (500, FailureKind.HTTP_STATUS)
        assert UNSTORABLE not in "".join(text for header in row.response.headers for text in header)
        assert row.message is not None
        assert row.message.startswith("answered ")
        assert UNSTORABLE not in row.message
        assert (await self.state(endpoint)).failures == 1

    async def test_one_bad_result_harms_only_itself(self) -> None:
        """A stale token, unstorable text and a vanished endpoint spoil no neighbour, trap T15."""
        job = await self.add_job()
        names = ("good", "unstorable", "archived", "corrupt")
        endpoints = {name: await self.add(an_endpoint(job, name)) for name in names}
        runs = {run.endpoint.name: run for run in (await self.claim(FIRST_SLOT)).runs}
        tokens = {name: run.lease.token for name, run in runs.items()}
        await self.queue.start(list(tokens.values()), now=FIRST_SLOT)
        await self.archive(endpoints["archived"], FIRST_SLOT)
        await self.given.corrupt_schedule(endpoints["corrupt"].id)
        stale = Token(max(tokens.values()) + 1000)

        answers = await self.queue.settle(
            [
                a_settlement(stale),
                self.result(tokens["archived"]),
                self.result(tokens["corrupt"]),
                self.result(tokens["unstorable"], UNSTORABLE),
                self.result(tokens["good"], "fine"),
            ],
            now=FIRST_SLOT + SECOND,
        )

        assert answers == {stale: Settled.LOST} | dict.fromkeys(tokens.values(), Settled.ACCEPTED)
        for name in names:
            assert (await self.run_row(runs[name])).status is RunStatus.SUCCESS
        for name in ("good", "unstorable"):
            assert await self.next_slot(endpoints[name]) == FIRST_SLOT + MINUTE
        good = (await self.run_row(runs["good"])).response
        assert good is not None
        assert good.body.text == "fine"

    def result(self, token: Token, text: str = "") -> Settlement:
        """Return a success of the first slot."""
        return a_settlement(token, started_at=FIRST_SLOT, outcome=succeeded(text))

    async def test_an_unreadable_schedule_is_set_aside(self) -> None:
        """A stored schedule that no longer parses quarantines its endpoint alone, trap T15."""
        job = await self.add_job()
        broken = await self.add(an_endpoint(job, "broken"))
        await self.add(an_endpoint(job, "sound"))
        await self.given.corrupt_schedule(broken.id)

        batch = await self.claim(FIRST_SLOT)

        assert [run.endpoint.name for run in batch.runs] == ["sound"]
        assert set(batch.quarantined) == {broken.id}
        assert batch.quarantined[broken.id] != ""
        assert batch.passed == 1

    async def test_what_is_set_aside_is_not_met_again(self) -> None:
        """A quarantined endpoint costs later claims nothing, and says why it waits."""
        endpoint = await self.add_minutely()
        await self.given.corrupt_schedule(endpoint.id)
        await self.claim(FIRST_SLOT)

        batch = await self.claim(FIRST_SLOT + MINUTE)

        assert (batch.runs, batch.passed, batch.quarantined) == ((), 0, {})
        assert await self.queue.next_due() is None
        assert (await self.state(endpoint)).quarantine

    async def test_an_unreadable_endpoint_is_an_error_only_for_itself(self) -> None:
        """Reading it says so; lists leave it out."""
        job = await self.add_job()
        broken = await self.add(an_endpoint(job, "broken"))
        sound = await self.add(an_endpoint(job, "sound"))
        await self.given.corrupt_schedule(broken.id)

        async with self.unit() as unit:
            with pytest.raises(UnreadableRow, match=str(broken.id)):
                await unit.catalog.get_endpoint(broken.tenant, broken.id)
            assert await unit.catalog.list_endpoints(job.tenant, job.id) == [sound]

    async def test_an_unreadable_endpoint_does_not_keep_its_job(self) -> None:
        """The job can be paused and resumed, and the others with it."""
        job = await self.add_job()
        broken = await self.add(an_endpoint(job, "broken"))
        await self.add(an_endpoint(job, "sound"))
        await self.given.corrupt_schedule(broken.id)

        async with self.unit() as unit:
            await unit.catalog.pause_job(job.tenant, job.id, now=at("12:00:10"))
        await self.expect_nothing_due(FIRST_SLOT)
        async with self.unit() as unit:
            await unit.catalog.resume_job(job.tenant, job.id, now=FIRST_SLOT)

        assert [run.endpoint.name for run in (await self.claim(FIRST_SLOT)).runs] == ["sound"]

    async def test_a_valid_edit_ends_the_quarantine(self) -> None:
        """Once the schedule is written anew the endpoint runs again."""
        endpoint = await self.add_minutely()
        await self.given.corrupt_schedule(endpoint.id)
        await self.claim(FIRST_SLOT)

        assert await self.change(replace(endpoint, schedule=every(2 * MINUTE)), at("12:01:30"))

        assert (await self.state(endpoint)).quarantine is None
        assert await self.next_slot(endpoint) == at("12:03:30")
        await self.claim_one(at("12:03:30"))

    async def test_an_edit_that_mends_heeds_the_hints_that_hold(self) -> None:
        """It plans by what was proposed before, and on a grid of whole milliseconds."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, an_interval_hint(7 * SECOND, created_at=EPOCH), EPOCH)
        await self.given.corrupt_schedule(endpoint.id)

        odd = at("12:00:05") + timedelta(microseconds=7)
        assert await self.change(replace(endpoint, schedule=every(2 * MINUTE)), odd)

        assert await self.next_slot(endpoint) == at("12:00:07")
        async with self.unit() as unit:
            kept = await unit.catalog.get_endpoint(endpoint.tenant, endpoint.id)
        assert kept.anchor == at("12:00:05")

    async def test_a_mended_schedule_leaves_quarantine(self) -> None:
        """What can be read after all is let out, planned from now, and runs."""
        endpoint = await self.add_minutely()
        await self.given.corrupt_schedule(endpoint.id)
        await self.claim(FIRST_SLOT)
        assert await self.queue.heal_quarantined(now=at("12:05:30")) == []
        await self.given.mend_schedule(endpoint.id)

        assert await self.queue.heal_quarantined(now=at("12:05:30")) == [endpoint.id]

        assert (await self.state(endpoint)).quarantine is None
        await self.claim_one(at("12:06:00"))

    async def test_a_result_of_an_unreadable_endpoint_ends_its_run(self) -> None:
        """Its run is settled and it is set aside; healed, it runs no slot twice, trap T15."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        await self.given.corrupt_schedule(endpoint.id)

        assert await self.settle(run, FIRST_SLOT + SECOND) is Settled.ACCEPTED

        assert await self.queue.next_due() is None
        await self.given.mend_schedule(endpoint.id)
        assert await self.queue.heal_quarantined(now=at("12:05:30")) == [endpoint.id]
        again = await self.claim_one(at("12:06:00"))
        assert again.plan.decision.slot == at("12:06:00")

    async def test_losing_an_unreadable_run_harms_nobody(self) -> None:
        """The reaper takes it with the others, trap T15."""
        job = await self.add_job()
        broken = await self.add(an_endpoint(job, "broken"))
        await self.add(an_endpoint(job, "sound"))
        runs = (await self.claim(FIRST_SLOT)).runs
        await self.queue.start([run.lease.token for run in runs], now=FIRST_SLOT)
        await self.given.corrupt_schedule(broken.id)

        assert len(await self.reap(FIRST_SLOT + LEASE)) == 2

        again = await self.claim(FIRST_SLOT + LEASE)
        assert [run.endpoint.name for run in again.runs] == ["sound"]
