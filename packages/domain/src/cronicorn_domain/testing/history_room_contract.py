"""Room for history: made ahead, cleared behind, and nothing depends on it."""

from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.ports.endpoint_queue import Settled
from cronicorn_domain.testing.builders import DAY, EPOCH, MINUTE, SECOND, succeeded
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite


class HistoryRoomContract(StoreSuite):
    """What holds whether or not a store divides its history."""

    async def test_runs_are_kept_with_room_and_without(self) -> None:
        """A run whose day was made, and one whose day was not, are read and listed alike."""
        endpoint = await self.add_minutely()
        await self.given.room.prepare(until=EPOCH, now=EPOCH)

        first = await self.run_once(FIRST_SLOT, succeeded("a story"))
        late = await self.run_once(FIRST_SLOT + 3 * DAY, succeeded("a story"))

        assert [run.id for run in await self.runs(endpoint)] == [
            late.lease.run_id,
            first.lease.run_id,
        ]
        for each in (first, late):
            run = await self.run_row(each)
            assert run.response is not None
            assert run.response.body.text == "a story"

    async def test_room_that_is_there_is_not_made_again(self) -> None:
        """Whoever prepares anew, or another process, finds nothing to do for the same days."""
        await self.given.room.prepare(until=EPOCH + 3 * DAY, now=EPOCH)

        other = await self.given.another()
        assert await other.room.prepare(until=EPOCH + 3 * DAY, now=EPOCH) == 0

    async def test_days_that_hold_runs_already_can_be_prepared(self) -> None:
        """What was kept before there was room stays where it is, and what follows is kept too."""
        endpoint = await self.add_minutely()
        await self.run_once(FIRST_SLOT)

        await self.given.room.prepare(until=EPOCH + DAY, now=EPOCH)
        await self.run_once(FIRST_SLOT + MINUTE)
        await self.run_once(FIRST_SLOT + DAY)

        assert len(await self.runs(endpoint)) == 3

    async def test_only_days_that_are_wholly_over_are_cleared(self) -> None:
        """What is at or behind the instant stays, and so does the day that it divides."""
        endpoint = await self.add_minutely()
        await self.given.room.prepare(until=EPOCH + 2 * DAY, now=EPOCH)
        await self.run_once(FIRST_SLOT)
        kept = await self.run_once(FIRST_SLOT + DAY)

        await self.given.room.clear(before=FIRST_SLOT + DAY)
        async with self.unit() as unit:
            await unit.runs.prune(before=FIRST_SLOT + DAY, limit=10, now=EPOCH + 2 * DAY)

        assert [run.id for run in await self.runs(endpoint)] == [kept.lease.run_id]

    async def test_a_day_on_which_something_runs_stays(self) -> None:
        """However old its slot is, what runs can be settled."""
        endpoint = await self.add_minutely()
        await self.given.room.prepare(until=EPOCH, now=EPOCH)
        run = await self.start_one(FIRST_SLOT)

        assert await self.given.room.clear(before=EPOCH + 9 * DAY) == 0

        assert await self.settle(run, FIRST_SLOT + SECOND) is Settled.ACCEPTED
        assert [each.status for each in await self.runs(endpoint)] == [RunStatus.SUCCESS]
