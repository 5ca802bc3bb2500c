"""What is told from sums, days and totals is what the runs come to, whenever these were made."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.overview_statements import ranked
from cronicorn_adapter_sql.roll_ups import open_from
from cronicorn_adapter_sql.shapes import shape_of, values_of
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import endpoint_totals, midnights, roll_ups
from cronicorn_adapter_sql.totals import TOTALS_KEPT, midnight_of
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.ports.overview import Selection
from cronicorn_domain.testing.builders import DAY, EPOCH, HOUR, MINUTE, a_job, an_endpoint
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

BEGAN: Final = EPOCH.replace(hour=0) - 35 * DAY
"""The windows and steps of these tests lie in three months."""
_SUMS: Final = (
    *("roll_ups", "job_roll_ups", "endpoint_days", "job_days"),
    *("endpoint_totals", "midnights", "tenant_spreads", "closings"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """Some hours pass; then runs end whose slots lie so many hours back; then it is pruned."""

    hours: int
    ended: Sequence[tuple[int, int]]
    pruned: bool


@dataclass(slots=True)
class Kept:
    """A store with a few endpoints, and the runs that were counted there, one by one."""

    store: SqlStore
    endpoints: Sequence[Endpoint]
    counted: list[tuple[Endpoint, datetime]] = field(default_factory=list)

    async def empty(self) -> None:
        """Count nothing, as at first."""
        self.counted.clear()
        async with self.store.engine.begin() as connection:
            for name in _SUMS:
                await connection.execute(delete(roll_ups.metadata.tables[name]))

    async def end(self, endpoint: Endpoint, slot: datetime, now: datetime) -> None:
        """Count a run of a slot that ends now, as a settle does."""
        self.counted.append((endpoint, slot))
        counted = {
            "endpoint_id": endpoint.id,
            "begins_at": slot,
            "size": "minute" if slot >= open_from(now) else "late",
            "outcome_class": "success",
            "source": "baseline-interval",
            "duration_step": len(self.counted),
            "tenant": DEFAULT_TENANT,
            **dict.fromkeys(("runs", "timed_runs", "duration"), 1),
            "lateness": 0,
        }
        async with self.store.engine.begin() as connection:
            await connection.execute(roll_ups.insert().values(counted))

    async def prune(self, now: datetime) -> None:
        """Close, fold and total until there is nothing left to do."""
        left = True
        while left:
            async with self.store.units.begin() as unit:
                pruned = await unit.runs.prune(before=None, limit=100, now=now)
                await unit.commit()
            left = bool(pruned.most)

    async def told(self, which: Selection) -> tuple[Counter[EndpointId], Counter[str], int]:
        """Tell the runs of a window by endpoint, by job and in all."""
        async with self.store.units.begin_reading() as unit:
            tenant = DEFAULT_TENANT
            busiest = await unit.overview.busiest(tenant, which, limit=9)
            jobs = await unit.overview.jobs(tenant, which)
            hours = await unit.overview.hours(tenant, which)
            days = await unit.overview.stretches(
                tenant,
                [each.id for each in self.endpoints],
                which,
                edges=[which.since, midnight_of(which.since) + DAY],
            )
        by_endpoint = Counter({each.endpoint_id: each.tally.runs for each in busiest})
        again: Counter[EndpointId] = Counter()
        for each in days:
            again[each.endpoint_id] += each.tally.runs
        assert again == await self.ranked(which) == by_endpoint
        return (
            by_endpoint,
            Counter({each.name: each.tally.runs for each in jobs}),
            sum(each.tally.runs for each in hours),
        )

    async def ranked(self, which: Selection) -> Counter[EndpointId]:
        """Tell the same as it is told before the busiest are looked at."""
        statement = ranked(shape_of(which, self.store.engine.dialect.name))
        given = {**values_of(DEFAULT_TENANT, which), "limit": 9}
        async with self.store.engine.connect() as connection:
            found = (await connection.execute(statement, given)).all()
        return Counter({EndpointId(endpoint_id): int(runs) for endpoint_id, runs in found})

    def meant(self, which: Selection) -> tuple[Counter[EndpointId], Counter[str], int]:
        """Count the same one by one."""
        found = [each for each, slot in self.counted if which.since <= slot <= which.until]
        return (
            Counter(each.id for each in found),
            Counter("even" if each.name == "a" else "odd" for each in found),
            len(found),
        )


@pytest.fixture
async def kept(database_url: str) -> AsyncIterator[Kept]:
    """Give a store with three endpoints of two jobs."""
    database = parse_database_url(database_url)
    async with open_store(database, vault=Vault(Keyring())) as store:
        even, odd = a_job("even"), a_job("odd")
        endpoints = [an_endpoint(even, "a"), an_endpoint(odd, "b"), an_endpoint(odd, "c")]
        async with store.units.begin() as unit:
            for job in (even, odd):
                await unit.catalog.add_job(job)
            for endpoint in endpoints:
                await unit.catalog.add_endpoint(endpoint, now=BEGAN)
            await unit.commit()
        yield Kept(store, endpoints)


STEPS: Final = st.lists(
    st.builds(
        Step,
        hours=st.one_of(st.integers(60, 180), st.integers(1, 30)),
        ended=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 90)), min_size=1, max_size=4),
        pruned=st.sampled_from([True, True, False]),
    ),
    min_size=4,
    max_size=7,
)
WINDOWS: Final = st.lists(
    st.one_of(
        st.tuples(st.integers(-100, 1300), st.integers(1, 1400)),
        # Whole days, which totals tell alone.
        st.tuples(st.integers(0, 20), st.integers(8, 55)).map(lambda of: (24 * of[0], 24 * of[1])),
    ),
    min_size=2,
    max_size=4,
)


@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],  # each try is a database: shrinking takes minutes
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, windows=WINDOWS)
async def test_sums_are_what_the_runs_come_to(
    kept: Kept, steps: Sequence[Step], windows: Sequence[tuple[int, int]]
) -> None:
    """Of any whole hours, by endpoint, job and hour; whatever was pruned, and what ended late."""
    await kept.empty()
    now = BEGAN
    for step in steps:
        now += step.hours * HOUR
        for number, hours in step.ended:
            await kept.end(kept.endpoints[number], now - hours * HOUR, now)
        if step.pruned:
            await kept.prune(now)
        for since, length in windows:
            begins = BEGAN + since * HOUR
            which = Selection(since=begins, until=begins + length * HOUR - MINUTE)
            assert await kept.told(which) == kept.meant(which), (now, which)


async def test_totals_are_made_for_every_midnight(kept: Kept) -> None:
    """From the first time hours are closed, and kept as long as it says."""
    await kept.prune(BEGAN + HOUR)
    last = BEGAN + TOTALS_KEPT + 20 * DAY
    now = BEGAN
    while now < last:
        now += 5 * DAY
        await kept.end(kept.endpoints[0], now - HOUR, now)
        await kept.prune(now + HOUR)
    async with kept.store.engine.connect() as connection:
        at = list((await connection.execute(select(midnights.c.at).order_by("at"))).scalars())
        first = (await connection.execute(select(func.min(endpoint_totals.c.at)))).scalar_one()

    assert at == [last - TOTALS_KEPT + n * DAY for n in range(TOTALS_KEPT.days + 1)]
    assert first >= at[0]


async def test_totals_begin_anew_after_a_long_time(kept: Kept) -> None:
    """What nobody pruned for longer than they are kept is told by days."""
    await kept.end(kept.endpoints[0], BEGAN, BEGAN)
    await kept.prune(BEGAN + 2 * DAY + HOUR)
    later = BEGAN + 2 * TOTALS_KEPT
    await kept.end(kept.endpoints[1], later - HOUR, later)
    await kept.prune(later + HOUR)
    which = Selection(since=BEGAN, until=later)

    assert await kept.told(which) == kept.meant(which)
    async with kept.store.engine.connect() as connection:
        at = list((await connection.execute(select(midnights.c.at))).scalars())
    assert at == [later]


@pytest.mark.parametrize("gap", [timedelta(days=2), timedelta(days=70)])
async def test_an_endpoint_that_ran_once_has_totals_for_its_month_alone(
    kept: Kept, gap: timedelta
) -> None:
    """So what ran long ago is not carried along for ever."""
    await kept.end(kept.endpoints[0], BEGAN, BEGAN)
    await kept.prune(BEGAN + DAY + HOUR)
    await kept.prune(BEGAN + gap + HOUR)
    async with kept.store.engine.connect() as connection:
        at = (await connection.execute(select(endpoint_totals.c.at))).scalars().all()

    ended = (BEGAN.replace(day=28) + 4 * DAY).replace(day=1)
    assert min(at) == BEGAN + DAY
    assert max(at) == min(ended, BEGAN + gap)
