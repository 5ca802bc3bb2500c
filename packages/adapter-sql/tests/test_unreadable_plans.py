"""A stored plan that this version cannot read harms its endpoint alone, also while it runs."""

from datetime import datetime
from typing import Any

import pytest
from cronicorn_adapter_sql.tables import due, endpoint_state, leases
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.ports.endpoint_queue import Settled
from cronicorn_domain.testing.builders import MINUTE, SECOND, an_endpoint, at, failed
from cronicorn_domain.testing.store_suite import StoreSuite
from sqlalchemy import func, select, update


class TestUnreadablePlans(StoreSuite):
    """What ends a run whose plan became unreadable meanwhile."""

    given: Any

    @pytest.fixture
    async def store(self, sql_store):
        """Provide an empty store on SQL."""
        return sql_store

    async def spoil(self, endpoint: Endpoint) -> None:
        """Store a plan as a later version might."""
        statement = update(endpoint_state).where(endpoint_state.c.endpoint_id == endpoint.id)
        place = update(due).where(due.c.endpoint_id == endpoint.id)
        async with self.given.engine.begin() as connection:
            await connection.execute(place.values(revision=due.c.revision + 1))
            await connection.execute(
                statement.values(
                    plan='{"kind": "of another version"}', revision=endpoint_state.c.revision + 1
                )
            )

    async def two_running(self, now: datetime) -> list[Endpoint]:
        """Start the runs of two endpoints, the first of which has failed before."""
        job = await self.add_job()
        both = [await self.add(an_endpoint(job, name)) for name in ("spoilt", "sound")]
        batch = await self.claim(now)
        for run in batch.runs:
            assert await self.start(run, now) is None
            await self.settle(run, now + SECOND, failed())
        return both

    async def held_leases(self) -> int:
        """Count the leases there are."""
        async with self.given.engine.connect() as connection:
            found = await connection.execute(select(func.count()).select_from(leases))
            return int(found.scalar_one())

    async def test_its_result_ends_the_lease_and_keeps_the_counts(self) -> None:
        """The run is over, the endpoint set aside, and what it had counted is kept (trap T15)."""
        spoilt, _ = await self.two_running(at("12:01:00"))
        now = at("12:03:00")
        runs = {run.endpoint.id: run for run in (await self.claim(now)).runs}
        await self.start(runs[spoilt.id], now)
        await self.spoil(spoilt)

        settled = await self.settle(runs[spoilt.id], now + SECOND)

        assert settled is Settled.ACCEPTED
        state = await self.state(spoilt)
        assert (state.failures, state.run_count) == (1, 1)
        assert state.quarantine is not None
        assert await self.held_leases() == 1
        async with self.unit() as unit:
            newest = await unit.runs.list_runs(spoilt.tenant, spoilt.id, limit=1)
        assert newest[0].status is not RunStatus.RUNNING

    async def test_the_reason_quotes_nothing_that_is_stored(self) -> None:
        """Why an endpoint is set aside is shown and logged, so no stored value is in it (T43)."""
        spoilt, _ = await self.two_running(at("12:01:00"))
        await self.spoil(spoilt)

        batch = await self.claim(at("12:03:00"))

        assert "fault of ours" in batch.quarantined[spoilt.id]
        assert "another version" not in batch.quarantined[spoilt.id]

    async def test_the_reaper_takes_it_and_the_others_with_it(self) -> None:
        """One lease without a readable plan does not keep the reaper from any other (trap T15)."""
        spoilt, _ = await self.two_running(at("12:01:00"))
        now = at("12:03:00")
        for run in (await self.claim(now)).runs:
            await self.start(run, now)
        await self.spoil(spoilt)

        reaped = await self.reap(now + MINUTE)

        assert len(reaped) == 2
        assert await self.held_leases() == 0
