"""Whether workers went round without a pause while something was wrong."""

from collections.abc import Iterator
from typing import Final

from tools.soak.faults import Fault
from tools.soak.site import WORKERS

_OUTAGES: Final = 3
"""So many a fault may mean to a worker: a server that recovers goes away more than once."""
_OUTAGES_A_SECOND: Final = 10
"""Of a fault that strikes again and again: each begins with a pause of 50 to 100 ms."""
_LINES: Final = 20
"""Of all workers, at their start, their end, and in between."""
_LINES_OF_AN_OUTAGE: Final = 2
_CONNECTIONS: Final = 10
"""That a worker has at most, its listening one and a look or two with them."""
_PARTS: Final = 4
"""Of a worker that ask on and on, each with pauses of its own."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
"""Half of what the settings say: so much may chance take off."""


def ravings(
    fault: Fault, lasted: float, *, outages: int, troubles: int, connections: int
) -> Iterator[str]:
    """
    Find more than what is told once an outage, and asked in pauses that grow.

    Args:
        fault: What went wrong.
        lasted: How long, in seconds.
        outages: How often workers told that their store was away.
        troubles: Their log lines that are not about one run.
        connections: Those that reached the line to the database, if there was one.
    """
    each = _OUTAGES + (_OUTAGES_A_SECOND * lasted if fault.again else 0)
    if outages > WORKERS * each:
        yield f"{outages} outages were told where one is"
    if troubles > _LINES + _LINES_OF_AN_OUTAGE * outages:
        yield f"{troubles} lines were logged, with {outages} outages"
    # Those of before, those of behind, and the tries in between.
    if connections > WORKERS * (2 * _CONNECTIONS + _PARTS * _tries(lasted)):
        yield f"{connections} connections were asked for in {lasted:.0f} s"


def _tries(seconds: float) -> int:
    """Count the tries that growing pauses leave room for."""
    tries, pause = 1, _FIRST_PAUSE
    while seconds > 0:
        tries, seconds, pause = tries + 1, seconds - pause, min(2 * pause, _LONGEST_PAUSE)
    return tries
