"""What rules said about a run is granted in the transaction that ends it."""

from dataclasses import replace

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.hint import Author, IntervalHint
from cronicorn_domain.model.rules import (
    Analyze,
    ClearHints,
    EndpointRule,
    Every,
    Notify,
    PauseFor,
    RuleSet,
    RunIn,
    TriggerSibling,
)
from cronicorn_domain.model.rulings import Rest, Ruling
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Settled
from cronicorn_domain.ports.hint_book import HintEnd, HintRecord
from cronicorn_domain.testing.builders import (
    HOUR,
    MINUTE,
    SECOND,
    a_settlement,
    an_endpoint,
    an_interval_hint,
    at,
    every,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

FASTER = EndpointRule(when="status >= 500", then=(Every(10 * SECOND),), life=5 * MINUTE)
AGAIN = EndpointRule(when="body.pending", then=(RunIn(5 * SECOND),), reason="not done")
RESTING = EndpointRule(when="body.down", then=(PauseFor(10 * MINUTE),), cooldown=HOUR)
RECOVER = EndpointRule(when="failures > 2", then=(TriggerSibling("recover"),), cooldown=HOUR)
CALM = EndpointRule(when="body.calm", then=(ClearHints(),))
ODD = EndpointRule(when="body.odd", then=(Notify(), Analyze()), reason="it looks odd")
RECOVERING = Ruling(held=(RECOVER,))
RULES = RuleSet(rules=(FASTER, AGAIN, RESTING, RECOVER, CALM, ODD))


class EndpointQueueRulesContract(StoreSuite):
    """Rules propose; the endpoint, its siblings and its hints change with the settle, or not."""

    async def add_ruled(self) -> Endpoint:
        """Keep an endpoint of one minute with rules, and a sibling that runs every hour."""
        job = await self.add_job()
        await self.add(an_endpoint(job, "recover", schedule=every(HOUR)))
        return await self.add(an_endpoint(job, rules=RULES, success_when="body.ok"))

    async def sibling_of(self, endpoint: Endpoint) -> Endpoint:
        """Find the sibling."""
        async with self.unit() as unit:
            found = await unit.catalog.list_endpoints(endpoint.tenant, endpoint.job_id)
        return next(each for each in found if each.name == "recover")

    async def run_ruled(self, *held: EndpointRule) -> ClaimedRun:
        """Run the first slot for a second; these rules hold of its answer."""
        run = await self.start_one(FIRST_SLOT)
        ended = await self.settle(run, FIRST_SLOT + SECOND, ruling=Ruling(held=held))
        assert ended is Settled.ACCEPTED
        return run

    async def hints_of(self, endpoint: Endpoint) -> list[HintRecord]:
        """Read the endpoint's hints, the newest first."""
        async with self.unit() as unit:
            found = await unit.hints.history(endpoint.tenant, endpoint.id, now=FIRST_SLOT + SECOND)
        return list(found)

    async def test_rules_are_kept_as_they_were_given(self) -> None:
        """Conditions, actions, lengths and order come back, to claims as well."""
        endpoint = await self.add_ruled()

        assert await self.stored(endpoint) == endpoint
        assert (await self.claim_one(FIRST_SLOT)).endpoint == endpoint
        shadowed = replace(endpoint, rules=replace(RULES, shadow=True), success_when=None)
        assert await self.change(shadowed, FIRST_SLOT)
        stored = await self.stored(endpoint)
        assert (stored.rules.shadow, stored.success_when) == (True, None)

    async def test_an_interval_is_a_hint_and_plans_the_next_run(self) -> None:
        """It is written with the settle, by its author, and the plan knows it already."""
        endpoint = await self.add_ruled()
        await self.run_ruled(FASTER)

        (record,) = await self.hints_of(endpoint)
        assert isinstance(record.hint, IntervalHint)
        assert (record.hint.author, record.hint.every) == (Author.RULE, 10 * SECOND)
        decision = await self.decision(endpoint)
        assert (decision.slot, decision.source) == (at("12:01:10"), Source.RULE_INTERVAL)

    async def test_a_settle_that_is_given_again_writes_nothing_twice(self) -> None:
        """Its answer was lost on the way: the second finds no lease, and one hint stands."""
        endpoint = await self.add_ruled()
        run = await self.run_ruled(AGAIN)
        again = await self.settle(run, FIRST_SLOT + SECOND, ruling=Ruling(held=(AGAIN,)))

        assert again is Settled.LOST
        assert len(await self.hints_of(endpoint)) == 1

    async def test_a_pause_and_a_rest_are_remembered(self) -> None:
        """The endpoint is paused, and the rule does not act again before its rest is over."""
        endpoint = await self.add_ruled()
        await self.run_ruled(RESTING)

        ended = FIRST_SLOT + SECOND
        stored = await self.stored(endpoint)
        assert stored.pause == Pause(until=ended + 10 * MINUTE, reason="the rule body.down holds")
        assert (await self.state(endpoint)).resting == (Rest(RESTING.key, ended + HOUR),)
        await self.expect_nothing_due(ended + 10 * MINUTE - SECOND)

    async def test_a_sibling_runs_once_although_it_is_paused(self) -> None:
        """The trigger is written with the settle; the pause stays, and nothing else becomes due."""
        endpoint = await self.add_ruled()
        sibling = await self.sibling_of(endpoint)
        await self.pause(sibling, FIRST_SLOT)
        await self.run_ruled(RECOVER)
        fired = await self.run_once(FIRST_SLOT + 2 * SECOND)

        assert fired.endpoint.id == sibling.id
        assert fired.plan.decision.source is Source.TRIGGER
        await self.expect_nothing_due(FIRST_SLOT + 3 * SECOND)
        assert (await self.stored(sibling)).pause is not None

    async def test_a_sibling_that_is_gone_keeps_nothing_from_being_settled(self) -> None:
        """An archived one takes no trigger, and a name that was never there is nobody's."""
        endpoint = await self.add_ruled()
        await self.archive(await self.sibling_of(endpoint), FIRST_SLOT)
        await self.run_ruled(RECOVER, replace(RECOVER, then=(TriggerSibling("nobody"),)))

        await self.expect_nothing_due(FIRST_SLOT + 2 * SECOND)
        assert await self.next_slot(endpoint) == at("12:02:00")

    async def test_a_sibling_of_the_same_batch_is_triggered_behind_its_own_run(self) -> None:
        """Both end together: neither the sibling's own end nor the trigger is lost."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, rules=RULES))
        sibling = await self.add(an_endpoint(job, "recover"))
        runs = {run.endpoint.id: run for run in (await self.claim(FIRST_SLOT)).runs}
        for run in runs.values():
            assert await self.start(run, FIRST_SLOT) is None
        asking, other = runs[endpoint.id], runs[sibling.id]
        results = await self.queue.settle(
            [
                a_settlement(asking.lease.token, started_at=FIRST_SLOT, ruling=RECOVERING),
                a_settlement(other.lease.token, started_at=FIRST_SLOT),
            ],
            now=FIRST_SLOT + SECOND,
        )

        assert set(results.values()) == {Settled.ACCEPTED}
        fired = await self.claim_one(FIRST_SLOT + 2 * SECOND)
        assert fired.endpoint.id == sibling.id
        assert fired.plan.decision.source is Source.TRIGGER

    async def test_clearing_ends_hints_with_the_settle(self) -> None:
        """A model's hint is over at once; a person's stays."""
        endpoint = await self.add_ruled()
        mine = an_interval_hint(30 * SECOND, created_at=FIRST_SLOT, author=Author.API)
        models = an_interval_hint(20 * SECOND, created_at=FIRST_SLOT, author=Author.AI)
        await self.offer(endpoint, models)
        await self.offer(endpoint, mine)
        await self.run_ruled(CALM)

        ends = {record.hint.id: record.end for record in await self.hints_of(endpoint)}
        assert ends == {mine.id: None, models.id: HintEnd.CLEARED}
        assert (await self.decision(endpoint)).source is Source.API_INTERVAL

    async def test_who_asks_for_an_analysis_says_so_on_the_run(self) -> None:
        """Also where there is no planner; it is remembered that the rule has asked."""
        endpoint = await self.add_ruled()
        run = await self.run_ruled(ODD)

        assert (await self.run_row(run)).message == "asks for an analysis: it looks odd"
        (rest,) = (await self.state(endpoint)).resting
        assert rest == Rest(ODD.told_key, FIRST_SLOT + SECOND + HOUR)

    async def test_what_could_not_be_answered_is_told_on_the_run(self) -> None:
        """A broken condition is found where one looks for it, and the schedule goes on."""
        endpoint = await self.add_ruled()
        run = await self.start_one(FIRST_SLOT)
        told = Ruling(remarks=("rule 1 cannot be answered: divide by zero",))
        await self.settle(run, FIRST_SLOT + SECOND, ruling=told)

        assert (await self.run_row(run)).message == told.remarks[0]
        assert await self.next_slot(endpoint) == at("12:02:00")
