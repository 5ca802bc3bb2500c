"""What the scripted model of each story makes of a response, as a sensible model would."""

from datetime import datetime, timedelta
from typing import Final

from tools.adaptation.thinking import Seen, Thought, clear, interval, run_in, trigger

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
SOON: Final = 5 * MINUTE
"""The planner looks no sooner than that."""


def of_flash_sale(seen: Seen) -> Thought:
    """Look closely while a sale is on or announced; else after each run."""
    if seen.body["saleSoon"] or seen.body["depth"] > 30:  # noqa: PLR2004
        return Thought(SOON, (interval(15 * SECOND, 20 * MINUTE),))
    done = (clear(),) if seen.hinted and seen.body["depth"] < 10 else ()  # noqa: PLR2004
    return Thought(_behind(seen, 15 * MINUTE), done)


def of_batch(seen: Seen) -> Thought:
    """Reckon from the percentage when the export will be done, and ask often only then."""
    if seen.body["state"] != "running":
        done = (trigger("load"), clear()) if seen.hinted else ()
        return Thought(_until(seen.now, timedelta(hours=2, minutes=1, seconds=10)), done)
    begun = seen.now.replace(hour=2, minute=0, second=0, microsecond=0)
    percent = max(seen.body["percent"], 1)
    left = begun + (seen.slot - begun) * 100 / percent - seen.now
    if left > 15 * MINUTE:
        return Thought(left / 2 + 10 * SECOND, (run_in(left / 2),))
    return Thought(
        max(left + 30 * SECOND, SOON), (interval(MINUTE, max(left, MINUTE) + 10 * MINUTE),)
    )


def of_flapping(seen: Seen) -> Thought:
    """Look closely at who labors or fails."""
    if seen.took > SECOND or seen.failures:
        return Thought(SOON, (interval(15 * SECOND, 15 * MINUTE),))
    return Thought(SOON)


def of_daily_report(seen: Seen) -> Thought:
    """Have the feed fetched and the report made again until it is whole."""
    if not seen.body["complete"]:
        return Thought(9 * MINUTE + 50 * SECOND, (trigger("feed"), run_in(9 * MINUTE)))
    return Thought(_until(seen.now, timedelta(hours=6, minutes=1)))


def of_month_end(seen: Seen) -> Thought:
    """Spend calls where work comes and where it ends."""
    pending = seen.body["pending"]
    if seen.body["announced"]:
        return Thought(SOON, (interval(2 * MINUTE, 10 * MINUTE),))
    if 0 < pending <= 5:  # noqa: PLR2004
        return Thought(SOON, (interval(MINUTE, 10 * MINUTE),))
    if pending:
        return Thought(SOON, (interval(5 * MINUTE, 10 * MINUTE),))
    return Thought(_behind(seen, 30 * MINUTE), (clear(),) if seen.hinted else ())


def _behind(seen: Seen, every: timedelta) -> timedelta:
    """Return how long it is until just behind the next run of the schedule."""
    passed = (seen.now - seen.slot) // every
    return seen.slot + (passed + 1) * every + 5 * SECOND - seen.now


def _until(now: datetime, of_day: timedelta) -> timedelta:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + of_day - now) % DAY
