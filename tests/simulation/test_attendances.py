"""What is known of when a worker was at work, for the checker to hold it to its leases."""

from datetime import datetime, timedelta

from cronicorn_domain.identity import WorkerId
from cronicorn_scheduler.settings import SchedulerSettings

from tools.checker.history import Attendance
from tools.simulate.attendances import Attendances

BEGINS_AT = datetime.fromisoformat("2025-01-01T12:00:00+00:00")
SETTINGS = SchedulerSettings(worker=WorkerId("any"))


def after(seconds: float) -> datetime:
    return BEGINS_AT + timedelta(seconds=seconds)


def attendance(book: Attendances) -> Attendance:
    keeping = book.keeping(SETTINGS, after(100))
    return keeping.attendances[WorkerId("w1")]


def test_hindrances_lie_between_shifts() -> None:
    """Its own and everybody's, also where they overlap; a worker that is gone works no more."""
    book = Attendances()
    book.begins("w1", after(5))
    book.hindered("w1", after(30), after(40))
    book.hindered("w1", after(20), after(35))
    book.hindered(None, after(0), after(6))
    book.gone("w1", after(60))

    assert attendance(book) == Attendance(
        shifts=((after(6), after(20)), (after(40), after(60))), gone_at=after(60)
    )


def test_who_is_never_hindered_works_until_the_end() -> None:
    """A shift ends with what is told, at the latest."""
    book = Attendances()
    book.begins("w1", after(0))

    assert attendance(book) == Attendance(shifts=((after(0), after(100)),))
