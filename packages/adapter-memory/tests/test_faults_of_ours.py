"""A bug that one endpoint meets harms only that endpoint: trap T15."""

from collections.abc import Callable
from typing import Any

import pytest
from cronicorn_adapter_memory import endpoint_queue
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.state import Situation
from cronicorn_domain.testing.builders import SECOND, a_oneshot, an_endpoint, at
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import FIRST_SLOT, LEASE, StoreSuite


def failing_on(name: str, transition: Callable[..., Any]) -> Callable[..., Any]:
    """Return a transition that has a bug which endpoints of that name meet."""

    def buggy(situation: Situation, *more: Any) -> Any:
        if situation.endpoint.name == name:
            raise ZeroDivisionError(f"{name} is not to be repeated")
        return transition(situation, *more)

    return buggy


class TestFaultsOfOurs(StoreSuite):
    """What becomes of the others."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory

    async def add_all(self, *names: str) -> list[Endpoint]:
        """Keep a job with endpoints of one minute."""
        job = await self.add_job()
        return [await self.add(an_endpoint(job, name)) for name in names]

    def spoil(self, monkeypatch: pytest.MonkeyPatch, transition: str) -> None:
        """Give a transition a bug that the endpoint ``bad`` meets."""
        real = getattr(endpoint_queue, transition)
        monkeypatch.setattr(endpoint_queue, transition, failing_on("bad", real))

    async def test_whom_a_claim_cannot_decide_about_is_set_aside(self, monkeypatch) -> None:
        """It is quarantined with the kind and place of the fault; the others are leased."""
        self.spoil(monkeypatch, "claim")
        _, bad, _ = await self.add_all("one", "bad", "two")

        batch = await self.claim(FIRST_SLOT)

        assert {run.endpoint.name for run in batch.runs} == {"one", "two"}
        assert "ZeroDivisionError at test_faults_of_ours.py" in batch.quarantined[bad.id]
        assert "not to be repeated" not in batch.quarantined[bad.id]
        assert (await self.state(bad)).quarantine == batch.quarantined[bad.id]

    @pytest.mark.parametrize("transition", ["reap", "release"])
    async def test_a_lease_that_cannot_be_ended_keeps_no_other(
        self, monkeypatch, transition
    ) -> None:
        """The reaper takes the others; that one is as it was, and is taken once it can be."""
        bad, _ = await self.add_all("bad", "one")
        await self.offer(bad, a_oneshot(at("12:00:30"), created_at=at("12:00:00")))
        tokens = [run.lease.token for run in (await self.claim(FIRST_SLOT)).runs]
        if transition == "reap":
            await self.queue.start(tokens, now=FIRST_SLOT)
        with monkeypatch.context() as patch:
            self.spoil(patch, transition)
            assert len(await self.queue.reap(limit=1, now=FIRST_SLOT + LEASE)) == 1
            assert await self.reap(FIRST_SLOT + LEASE) == []

        assert len(await self.reap(FIRST_SLOT + LEASE)) == 1

    async def test_healing_leaves_out_what_it_cannot_plan(self, monkeypatch) -> None:
        """The others leave quarantine, and that one stays in it."""
        added = await self.add_all("one", "bad", "two")
        for each in added:
            await self.given.corrupt_schedule(each.id)
        await self.claim(FIRST_SLOT)
        for each in added:
            await self.given.mend_schedule(each.id)
        self.spoil(monkeypatch, "plan_afresh")

        healed = await self.queue.heal_quarantined(now=FIRST_SLOT + SECOND)

        assert list(healed) == [each.id for each in added if each.name != "bad"]
        assert (await self.state(added[1])).quarantine is not None
