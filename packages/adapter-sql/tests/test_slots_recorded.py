"""What the store counts of slots that it records instead of running them, for the metrics."""

import pytest
from cronicorn_adapter_sql.pool_use import connections_in_use, connections_most
from cronicorn_adapter_sql.testing.handle import SqlHandle
from cronicorn_domain.model.run import Blocked
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.testing.builders import MINUTE
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite


class TestSlotsRecorded(StoreSuite):
    """The counts agree with the records, on both dialects."""

    @pytest.fixture
    async def store(self, sql_store: SqlHandle) -> Store:
        """Provide an empty store on SQL."""
        self.sql = sql_store
        return sql_store

    async def test_what_a_settle_records_is_counted(self) -> None:
        """A request that was not let out leaves one record, and is counted as one slot."""
        endpoint = await self.add_minutely()

        await self.run_once(FIRST_SLOT, Blocked(message="10.0.0.1 is private"))

        (record,) = await self.records(endpoint)
        assert dict(self.sql.slots_recorded) == {Fate.BLOCKED: record.count}

    async def test_what_a_claim_records_is_counted_slot_by_slot(self) -> None:
        """One record may stand for many slots: each counts."""
        endpoint = await self.add_minutely()

        await self.claim_one(FIRST_SLOT + 70 * MINUTE)

        records = await self.records(endpoint)
        assert sum(self.sql.slots_recorded.values()) == sum(each.count for each in records)
        assert set(self.sql.slots_recorded) == {each.fate for each in records}
        assert sum(each.count for each in records) > 50

    async def test_connections_in_use_are_those_somebody_has(self) -> None:
        """One that is taken counts until it is given back."""
        before = connections_in_use(self.sql.engine)
        async with self.sql.engine.connect():
            within = connections_in_use(self.sql.engine)

        assert (within - before, connections_in_use(self.sql.engine)) == (1, before)
        assert connections_most(self.sql.engine) == 8
