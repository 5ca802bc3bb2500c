"""History of a window: what lies from one instant to another."""

from cronicorn_domain.testing.builders import MINUTE, at
from cronicorn_domain.testing.store_suite import StoreSuite


class RunLogWindowContract(StoreSuite):
    """Both ends of a window lie within it."""

    async def test_runs_are_listed_by_their_slots(self) -> None:
        """Those of slots from the one instant to the other come, and no more; trap T41."""
        endpoint = await self.add_minutely()
        for minute in range(1, 5):
            await self.run_once(at("12:00:00") + minute * MINUTE)

        async with self.unit() as unit:
            runs = await unit.runs.list_runs(
                endpoint.tenant, endpoint.id, since=at("12:02:00"), until=at("12:03:00")
            )
            newer = await unit.runs.list_runs(
                endpoint.tenant, endpoint.id, since=at("12:02:00"), before=runs[0].id
            )

        assert [run.slot for run in runs] == [at("12:03:00"), at("12:02:00")]
        assert [run.slot for run in newer] == [at("12:02:00")]

    async def test_records_are_listed_that_reach_into_it(self) -> None:
        """A record of many slots belongs to each window that holds one of them."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:10:30"))

        async with self.unit() as unit:
            (record,) = await unit.runs.list_slot_records(endpoint.tenant, endpoint.id)

            async def read(since: str, until: str) -> int:
                return len(
                    await unit.runs.list_slot_records(
                        endpoint.tenant, endpoint.id, since=at(since), until=at(until)
                    )
                )

            assert record.first < at("12:05:00") < record.last < at("12:11:00")
            assert await read("12:04:10", "12:04:20") == 1
            assert await read("11:00:00", record.first.strftime("%H:%M:%S")) == 1
            assert await read(record.last.strftime("%H:%M:%S"), "13:00:00") == 1
            assert await read("12:11:00", "13:00:00") == 0
            for before, count in ((record.last, 0), (record.last + MINUTE, 1)):
                found = await unit.runs.list_slot_records(
                    endpoint.tenant, endpoint.id, before=before
                )
                assert len(found) == count
            assert await read("11:00:00", "11:59:00") == 0
