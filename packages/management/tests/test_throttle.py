"""Who asks too often is refused, and asking costs next to nothing."""

import asyncio
from datetime import datetime, timedelta

import pytest
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_memory.rate_limits import MemoryRateLimits
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_domain.errors import InvalidInput, TooManyRequests
from cronicorn_domain.model.rate import Rate, Taken
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND
from cronicorn_management.throttle import HANDFULS, KNOWN_MOST, Admission, Throttle

THREE = Rate(count=3, per=30 * SECOND)
MANY = Rate(count=100 * HANDFULS, per=MINUTE)


class Counted(MemoryRateLimits):
    """Rate limits that count how often they are asked."""

    asked = 0

    async def take(self, subject: str, rate: Rate, *, now: datetime, wanted: int = 1) -> Taken:
        """Count, let others in between, and pass on."""
        self.asked += 1
        await asyncio.sleep(0)
        return await super().take(subject, rate, now=now, wanted=wanted)


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands at noon."""
    return ManualClock(EPOCH)


@pytest.fixture
def limits() -> Counted:
    """Give rate limits without a subject."""
    return Counted(MemoryStore())


async def test_a_small_rate_is_counted_one_by_one(limits, clock) -> None:
    """Two processes share it to the last one; the refusal says how long to wait."""
    first, second = Throttle(limits, clock), Throttle(limits, clock)

    admissions = [await each.ask("ada", THREE) for each in (first, second, first, second)]

    assert [each.left for each in admissions] == [2, 1, 0, 0]
    assert admissions[-1] == Admission(limit=3, left=0, full_in=30 * SECOND, wait=10 * SECOND)
    with pytest.raises(TooManyRequests) as refusal:
        admissions[-1].check()
    assert refusal.value.retry_after == 10 * SECOND


async def test_a_refusal_costs_nothing(limits, clock) -> None:
    """Whoever goes on asking is refused from memory until the wait is over; then they may."""
    throttle = Throttle(limits, clock)
    for _ in range(4):
        await throttle.ask("ada", THREE)
    asked = limits.asked

    for _ in range(100):
        assert (await throttle.ask("ada", THREE)).wait is not None
    assert limits.asked == asked

    clock.advance(10 * SECOND)
    (await throttle.ask("ada", THREE)).check()


async def test_a_large_rate_is_taken_by_handfuls(limits, clock) -> None:
    """A hundred at once ask the store once, and are told one less each."""
    throttle = Throttle(limits, clock)

    admissions = await asyncio.gather(*(throttle.ask("ada", MANY) for _ in range(100)))

    assert limits.asked == 1
    assert sorted(each.left for each in admissions) == list(range(MANY.count - 100, MANY.count))


async def test_no_more_is_granted_than_the_rate_allows(limits, clock) -> None:
    """What processes have in their hands is counted as taken."""
    throttles = [Throttle(limits, clock) for _ in range(3)]
    rate = Rate(count=2 * HANDFULS + 1, per=MINUTE)

    admissions = [
        await throttle.ask("ada", rate) for _ in range(rate.count) for throttle in throttles
    ]

    assert sum(each.wait is None for each in admissions) == rate.count


async def test_who_asks_now_and_then_is_admitted_from_the_hand(limits, clock) -> None:
    """And told what has come back since; after ten minutes the bucket is asked again."""
    throttle = Throttle(limits, clock)
    await throttle.ask("ada", MANY)
    clock.advance(MINUTE)
    assert (await throttle.ask("ada", MANY)).left == MANY.count
    clock.advance(9 * MINUTE - SECOND)
    await throttle.ask("ada", MANY)
    assert limits.asked == 1
    clock.advance(SECOND)

    assert (await throttle.ask("ada", MANY)).left == MANY.count - 1
    assert limits.asked == 2


async def test_hands_exceed_a_rate_by_a_handful_each_at_most(limits, clock) -> None:
    """Everything that can be asked at once, after everybody was idle for long."""
    throttles = [Throttle(limits, clock) for _ in range(3)]
    for each in throttles:
        await each.ask("ada", MANY)
    clock.advance(9 * MINUTE)

    admitted = 0
    for each in throttles:
        while (await each.ask("ada", MANY)).wait is None:
            admitted += 1

    assert admitted <= MANY.count + 3 * MANY.count // HANDFULS


async def test_another_rate_holds_at_once(limits, clock) -> None:
    """The bucket is asked anew, whatever is in the hand."""
    throttle = Throttle(limits, clock)
    await throttle.ask("ada", MANY)

    assert (await throttle.ask("ada", THREE)).limit == 3


async def test_a_bucket_that_is_full_is_forgotten(limits, clock) -> None:
    """It says nothing; one that is not full is kept."""
    throttle = Throttle(limits, clock)
    await throttle.ask("ada", THREE)
    clock.advance(9 * SECOND)
    await throttle.ask("bob", THREE)
    assert await throttle.tidy() == 0
    clock.advance(SECOND)

    assert await throttle.tidy() == 1


async def test_a_process_remembers_so_many_subjects(limits, clock) -> None:
    """The one that asked least lately is forgotten here, and still counted there."""
    throttle = Throttle(limits, clock)
    for _ in range(3):
        await throttle.ask("ada", THREE)

    for n in range(KNOWN_MOST):
        await throttle.ask(f"somebody {n}", THREE)

    assert (await throttle.ask("ada", THREE)).wait == 10 * SECOND


@pytest.mark.parametrize(
    ("count", "per"), [(0, MINUTE), (1, timedelta()), (2, timedelta(microseconds=1))]
)
def test_a_rate_is_one(count, per) -> None:
    """Nothing in any time, or anything in none, is no rate."""
    with pytest.raises(InvalidInput, match="is not possible"):
        Rate(count=count, per=per)
