"""A bug that one endpoint meets, or a row beyond reading, harms only that endpoint: trap T15."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cronicorn_adapter_sql import healing
from cronicorn_adapter_sql.mapping_runs import values_of_claimed
from cronicorn_adapter_sql.tables import endpoints, hints
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.claiming import claim
from cronicorn_domain.policies.reaping import reap
from cronicorn_domain.policies.replanning import plan_afresh
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_domain.testing.builders import MINUTE, SECOND, an_endpoint, an_interval_hint, at
from cronicorn_domain.testing.store_suite import FIRST_SLOT, LEASE, StoreSuite
from sqlalchemy import String, cast, literal, text, update


def failing_on(name: str, transition: Callable[..., Any]) -> Callable[..., Any]:
    """Return a transition that has a bug which endpoints of that name meet."""

    def buggy(situation: Situation, *more: Any) -> Any:
        if situation.endpoint.name == name:
            raise ZeroDivisionError(f"{name} is not to be repeated")
        return transition(situation, *more)

    return buggy


class TestFaultsOfOurs(StoreSuite):
    """What becomes of the others."""

    given: Any

    @pytest.fixture
    async def store(self, sql_store):
        """Provide an empty store on SQL."""
        return sql_store

    async def add_all(self, *names: str) -> list[Endpoint]:
        """Keep a job with endpoints of one minute."""
        job = await self.add_job()
        return [await self.add(an_endpoint(job, name)) for name in names]

    async def test_whom_a_claim_cannot_decide_about_is_set_aside(self, monkeypatch) -> None:
        """It is quarantined with the kind and place of the fault; the others are leased."""
        monkeypatch.setattr("cronicorn_adapter_sql.claim_batch.claim", failing_on("bad", claim))
        _, bad, _ = await self.add_all("one", "bad", "two")

        batch = await self.claim(FIRST_SLOT)

        assert {run.endpoint.name for run in batch.runs} == {"one", "two"}
        assert set(batch.quarantined) == {bad.id}
        assert "ZeroDivisionError at test_faults_of_ours.py" in batch.quarantined[bad.id]
        assert "not to be repeated" not in batch.quarantined[bad.id]
        assert (await self.state(bad)).quarantine == batch.quarantined[bad.id]
        await self.expect_nothing_due(FIRST_SLOT + SECOND)

    async def test_a_fault_in_writing_one_sets_it_aside(self, monkeypatch) -> None:
        """What cannot be written is found out by claiming each on its own."""
        real = values_of_claimed

        def buggy(run: Any) -> Any:
            if run.endpoint_id == bad.id:
                raise KeyError("bad")
            return real(run)

        monkeypatch.setattr("cronicorn_adapter_sql.claim_batch.values_of_claimed", buggy)
        _, bad, _ = await self.add_all("one", "bad", "two")

        batch = await self.claim(FIRST_SLOT)

        assert {run.endpoint.name for run in batch.runs} == {"one", "two"}
        assert set(batch.quarantined) == {bad.id}
        assert await self.queue.next_due() is None

    async def test_a_fault_that_meets_everyone_sets_nobody_aside(self, monkeypatch) -> None:
        """It is this process's own: other workers may run what it cannot."""

        def buggy(_: Any) -> Any:
            raise KeyError("everyone")

        both = await self.add_all("one", "two")
        with monkeypatch.context() as patch:
            patch.setattr("cronicorn_adapter_sql.claim_batch.values_of_claimed", buggy)
            with pytest.raises(KeyError):
                await self.claim(FIRST_SLOT)

        assert [(await self.state(each)).quarantine for each in both] == [None, None]
        assert len((await self.claim(FIRST_SLOT)).runs) == 2

    async def test_a_row_that_cannot_even_be_fetched_is_set_aside(self) -> None:
        """An instant that no driver can read is a fault of its own row."""
        _, bad, _ = await self.add_all("one", "bad", "two")
        sqlite = self.given.engine.dialect.name == "sqlite"
        odd = cast(literal("soon"), String) if sqlite else text("'infinity'")
        async with self.given.engine.begin() as connection:
            await connection.execute(
                update(endpoints).where(endpoints.c.id == bad.id).values(created_at=odd)
            )

        batch = await self.claim(FIRST_SLOT)

        assert {run.endpoint.name for run in batch.runs} == {"one", "two"}
        assert set(batch.quarantined) == {bad.id}
        await self.expect_nothing_due(FIRST_SLOT + SECOND)

    async def test_a_hint_that_means_nothing_has_no_effect(self) -> None:
        """The endpoint keeps its rhythm, and its other hints hold."""
        (endpoint,) = await self.add_all("one")
        odd = an_interval_hint(10 * SECOND, created_at=at("12:00:10"))
        good = an_interval_hint(20 * SECOND, created_at=at("12:00:05"))
        await self.offer(endpoint, good)
        await self.offer(endpoint, odd)
        async with self.given.engine.begin() as connection:
            await connection.execute(update(hints).where(hints.c.id == odd.id).values(every=2**62))

        await self.expect_nothing_due(at("12:00:30"))  # it was planned by the odd one
        await self.claim_one(at("12:00:30"))

        assert [each.hint.id for each in await self.history(endpoint)] == [good.id]

    async def history(self, endpoint: Endpoint) -> list[HintRecord]:
        """Read the endpoint's hints."""
        async with self.unit() as unit:
            now = at("12:00:30")
            return list(await unit.hints.history(endpoint.tenant, endpoint.id, now=now))

    async def start_all(self, now: datetime) -> None:
        """Start what is due."""
        tokens = [run.lease.token for run in (await self.claim(now)).runs]
        await self.queue.start(tokens, now=now)

    async def test_a_lost_run_that_cannot_be_ended_keeps_no_other(self, monkeypatch) -> None:
        """The reaper takes the others, and tries that one again after a while only."""
        await self.add_all("bad", "one")
        await self.start_all(FIRST_SLOT)
        end = FIRST_SLOT + LEASE
        with monkeypatch.context() as patch:
            patch.setattr("cronicorn_adapter_sql.run_ends.reap", failing_on("bad", reap))

            first = await self.queue.reap(limit=1, now=end)
            second = await self.queue.reap(limit=1, now=end)
            third = await self.queue.reap(limit=1, now=end)

        assert (len(first), len(second), len(third)) == (0, 1, 0)
        assert await self.reap(end + 29 * SECOND) == []
        assert len(await self.reap(end + 30 * SECOND)) == 1

    async def test_all_but_the_faulty_one_of_a_batch_are_reaped(self, monkeypatch) -> None:
        """One batch takes whatever can be taken."""
        await self.add_all("one", "bad", "two")
        await self.start_all(FIRST_SLOT)
        monkeypatch.setattr("cronicorn_adapter_sql.run_ends.reap", failing_on("bad", reap))

        assert len(await self.reap(FIRST_SLOT + LEASE)) == 2

    async def test_healing_leaves_out_what_it_cannot_plan(self, monkeypatch) -> None:
        """The others leave quarantine, a few in one transaction, however many there are."""
        monkeypatch.setattr(healing, "AT_ONCE", 2)
        added = await self.add_all("a", "b", "bad", "d", "e")
        for each in added:
            await self.given.corrupt_schedule(each.id)
        await self.claim(FIRST_SLOT)
        for each in added:
            await self.given.mend_schedule(each.id)
        monkeypatch.setattr(
            "cronicorn_adapter_sql.healing.plan_afresh", failing_on("bad", plan_afresh)
        )

        healed = await self.queue.heal_quarantined(now=FIRST_SLOT + timedelta(seconds=1))

        assert list(healed) == [each.id for each in added if each.name != "bad"]
        assert len((await self.claim(FIRST_SLOT + MINUTE)).runs) == 4
