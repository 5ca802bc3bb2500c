"""What a quota says: months, what is left of a limit, and how fast may be asked."""

from datetime import datetime

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.quota import (
    AMOUNT_MOST,
    Burst,
    Exhausted,
    Meter,
    Month,
    Pace,
    Reservation,
    Standing,
)


def month_of(instant: datetime) -> Month:
    """Return the calendar month of UTC that an instant lies in."""
    begins = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    december = begins.month == 12  # noqa: PLR2004
    following = (begins.year + 1, 1) if december else (begins.year, begins.month + 1)
    return Month(begins=begins, ends=begins.replace(year=following[0], month=following[1]))


def refused(standing: Standing, amount: int) -> Exhausted | None:
    """Refuse an amount for which a standing leaves no room; None: there is room."""
    left = standing.left
    return None if left is None or amount <= left else Exhausted(standing=standing)


def paced(pace: Pace, begun: datetime | None, now: datetime) -> datetime | Burst:
    """
    Let one more ask through, and return what is to be kept of it; or say when it may be asked.

    This is the generic cell rate algorithm, a bucket of ``asks`` tokens that fills evenly: all that
    is kept is the instant at which the asks so far will have been worked off (``begun``).
    """
    worked_off = now if begun is None or begun < now else begun
    over = worked_off + pace.apart - now - pace.per
    return Burst(retry_after=over) if over > NO_TIME else worked_off + pace.apart


def charge_of(reservation: Reservation, used: int | None) -> int:
    """Return what a settled reservation costs: what was used, unmeasured the reserved amount."""
    return reservation.amount if used is None else checked_amount(used)


def costs_when_lapsed(meter: Meter) -> bool:
    """
    Say whether a reservation that lapses is charged, at its amount; else it is free again.

    Whoever held it has died, or could not tell. A model that was asked wants its money all the
    same; a run that was not begun is begun by another.
    """
    return meter is Meter.TOKENS


def checked_amount(amount: int) -> int:
    """Return an amount as it is. Raises ``InvalidInput`` for one that cannot be meant."""
    if not 0 <= amount <= AMOUNT_MOST:
        raise InvalidInput(
            f"an amount of {amount} cannot have been used",
            field="amount",
            remedy=f"give 0 to {AMOUNT_MOST}, or leave it unmeasured",
        )
    return amount
