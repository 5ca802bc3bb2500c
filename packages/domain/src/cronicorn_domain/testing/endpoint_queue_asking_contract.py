"""What responses ask for: it is written with the settle, and weighed by the plan behind it."""

from dataclasses import replace

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Endpoint, Heeds, Pause
from cronicorn_domain.model.hint import Author, OneShotHint
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.policies.pausing import pause_in_words
from cronicorn_domain.ports.hint_book import HintEnd, HintRecord
from cronicorn_domain.testing.builders import (
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    an_endpoint,
    answered,
    at,
    every,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

HEEDING = Heeds(hints=True, gone=True)


class EndpointQueueAskingContract(StoreSuite):
    """A target may ask for a wait, a run or a pause; people have the last word."""

    async def add_heeding(self) -> Endpoint:
        """Keep an endpoint of one minute that heeds everything: its first slot is 12:01:00."""
        return await self.add(an_endpoint(await self.add_job(), heeds=HEEDING))

    async def hints_of(self, endpoint: Endpoint) -> list[HintRecord]:
        """Read the endpoint's hints."""
        async with self.unit() as unit:
            found = await unit.hints.history(endpoint.tenant, endpoint.id, now=FIRST_SLOT + SECOND)
        return list(found)

    async def test_a_wait_outlives_the_run_and_every_replan(self) -> None:
        """Retry-After puts the next run off, its reason stays, and passed slots are on record."""
        endpoint = await self.add_minutely()
        await self.run_once(FIRST_SLOT, answered(429, Retry_After="300"))
        state = await self.state(endpoint)

        assert state.not_before == at("12:06:01")
        assert state.not_before_reason == "the target answered 429 and asked to wait 5 min"
        await self.run_now(endpoint, at("12:02:00"))
        await self.expect_nothing_due(at("12:06:00"))
        run = await self.start_one(at("12:06:01"))
        assert run.plan.decision.source is Source.MANUAL
        await self.settle(run, at("12:06:02"))
        (late,) = (await self.claim(at("12:06:02"))).runs
        assert late.plan.slot == at("12:06:00")
        deferred = [each for each in await self.records(endpoint) if each.fate is Fate.DEFERRED]
        assert [(each.first, each.last) for each in deferred] == [(at("12:03:00"), at("12:05:00"))]

    async def test_a_run_that_a_response_asks_for_is_a_hint_of_its_own(self) -> None:
        """It is written with the settle, fires once, and is consumed by its run."""
        endpoint = await self.add_heeding()
        run = await self.run_once(FIRST_SLOT, answered(200, Cronicorn_Next_Run_In="20"))

        (record,) = await self.hints_of(endpoint)
        hint = record.hint
        assert isinstance(hint, OneShotHint)
        assert (hint.author, hint.at) == (Author.RESPONSE, at("12:01:21"))
        assert hint.id == run.lease.run_id
        served = await self.run_once(at("12:01:21"))
        assert served.plan.decision.source is Source.RESPONSE_ONESHOT
        assert (await self.hints_of(endpoint))[0].end is HintEnd.CONSUMED
        assert await self.next_slot(endpoint) == at("12:02:00")

    async def test_what_a_person_wrote_during_the_run_stands_beside_it(self) -> None:
        """A hint written while the run was under way survives its settle: trap T08."""
        endpoint = await self.add_heeding()
        run = await self.start_one(FIRST_SLOT)
        mine = a_oneshot(at("12:01:10"), created_at=FIRST_SLOT, author=Author.API)
        await self.offer(endpoint, mine)
        await self.settle(run, at("12:01:02"), answered(200, Cronicorn_Next_Run_In="30"))

        first = await self.run_once(at("12:01:10"))
        second = await self.run_once(at("12:01:32"))
        sources = [each.plan.decision.source for each in (first, second)]
        assert sources == [Source.API_ONESHOT, Source.RESPONSE_ONESHOT]

    async def test_a_pause_that_a_response_asks_for_ends_by_itself(self) -> None:
        """Until its instant nothing runs, and its reason is there to be read: trap T13."""
        endpoint = await self.add_heeding()
        await self.run_once(FIRST_SLOT, answered(200, Cronicorn_Pause_Until="2025-01-01T12:10:30Z"))

        pause = (await self.stored(endpoint)).pause
        assert pause == Pause(until=at("12:10:30"), reason="its target's response asked for it")
        await self.expect_nothing_due(at("12:10:29"))
        assert (await self.start_one(at("12:10:30"))).plan.slot == at("12:10:00")
        async with self.unit() as unit:
            (noted,) = await unit.audit.list_entries(endpoint.tenant, subject=endpoint.id)
        assert (noted.at, noted.actor) == (FIRST_SLOT + SECOND, f"run:{endpoint.name}")
        assert [each.after for each in noted.changes] == [pause_in_words(pause)]

    async def test_a_target_that_is_gone_is_left_alone_until_someone_resumes(self) -> None:
        """410 pauses without an end; a resume brings the endpoint back at once."""
        endpoint = await self.add_heeding()
        await self.run_once(FIRST_SLOT, answered(410))

        stored = await self.stored(endpoint)
        assert stored.pause == Pause(until=OPEN_ENDED, reason="its target answered 410 Gone")
        await self.expect_nothing_due(FIRST_SLOT + HOUR)
        await self.resume(endpoint, FIRST_SLOT + HOUR)
        await self.start_one(FIRST_SLOT + HOUR)

    async def test_a_persons_pause_during_the_run_has_the_last_word(self) -> None:
        """What the answer asks for neither shortens nor prolongs it, and the run says so."""
        endpoint = await self.add_heeding()
        run = await self.start_one(FIRST_SLOT)
        await self.pause(endpoint, FIRST_SLOT, until=FIRST_SLOT + HOUR)
        asking = answered(200, Cronicorn_Pause_Until="2025-01-01T12:05:00Z")
        await self.settle(run, FIRST_SLOT + SECOND, asking)

        assert (await self.stored(endpoint)).pause == Pause(until=FIRST_SLOT + HOUR)
        message = (await self.run_row(run)).message
        assert message is not None
        assert "the endpoint is paused" in message

    async def test_a_choice_that_is_taken_back_during_the_run_holds(self) -> None:
        """What a person changed while it ran is what the settle goes by: trap T08."""
        endpoint = await self.add_heeding()
        run = await self.start_one(FIRST_SLOT)
        stored = await self.stored(endpoint)
        await self.change(replace(stored, heeds=Heeds()), FIRST_SLOT)
        await self.settle(run, FIRST_SLOT + SECOND, answered(410, Cronicorn_Next_Run_In="5"))

        assert (await self.stored(endpoint)).pause is None
        assert await self.hints_of(endpoint) == []

    async def test_nonsense_is_told_with_the_run_and_stops_nothing(self) -> None:
        """A value that cannot be meant is named on the run, and the schedule goes on."""
        endpoint = await self.add_heeding()
        odd = answered(200, Cronicorn_Next_Run_In="-1.5", Cronicorn_Pause_Until="never")
        run = await self.run_once(FIRST_SLOT, odd)

        message = (await self.run_row(run)).message
        assert message is not None
        assert "Cronicorn-Next-Run-In '-1.5'" in message
        assert "Cronicorn-Pause-Until 'never'" in message
        assert await self.next_slot(endpoint) == FIRST_SLOT + MINUTE

    async def test_answers_that_ask_and_answers_that_do_not_are_settled_together(self) -> None:
        """In one batch each endpoint gets what its own answer asks for."""
        job = await self.add_job()
        asking = await self.add(an_endpoint(job, "a", schedule=every(HOUR), heeds=HEEDING))
        plain = await self.add(an_endpoint(job, "b", schedule=every(HOUR), heeds=HEEDING))
        noon = at("13:00:00")
        runs = {each.endpoint.id: each for each in (await self.claim(noon)).runs}
        for run in runs.values():
            assert await self.start(run, noon) is None
        outcomes = {asking.id: answered(200, Cronicorn_Next_Run_In="60"), plain.id: answered(200)}
        await self.settle_all(
            [(runs[key], outcome) for key, outcome in outcomes.items()], noon + SECOND
        )

        assert (await self.decision(asking)).due_at == at("13:01:01")
        assert (await self.decision(plain)).due_at == at("14:00:00")
