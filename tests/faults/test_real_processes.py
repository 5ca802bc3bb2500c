"""Real workers on a real database, with a real target: what goes wrong, and what must not."""

from collections.abc import Iterator

import pytest

from tools.soak.faults import FAULTS, Fault
from tools.soak.phase import try_fault
from tools.soak.result import Result
from tools.soak.server import Server, server
from tools.soak.site import Size

pytestmark = pytest.mark.timeout(400)

SMALL = Size(endpoints=20, slots=80, lease=2.0, answers_after=0.4, lasts=2.0, lead=2.0)
"""Twenty slots a second for as long as it takes, eight requests under way at any time."""

ON_POSTGRES = [
    pytest.param(each, id=each.name)
    for each in FAULTS
    if each.on_postgres and (each.passes or each.shifts)  # that nothing goes wrong is tested often
]
ON_SQLITE = [pytest.param(each, id=each.name) for each in FAULTS if each.on_sqlite]


@pytest.fixture(scope="module")
def faulty_server() -> Iterator[Server]:
    """Give a server that is nobody else's: it will be stopped."""
    with server() as running:
        yield running


def assert_got_over(fault: Fault, result: Result) -> None:
    """See that no promise was broken, that all recovered, and that nobody raved meanwhile."""
    judged = result.judged
    assert list(judged.findings) == []
    assert (judged.lost, judged.doubled, judged.two_leases, judged.unexplained) == (0, 0, 0, 0)
    assert judged.slots >= SMALL.slots // 2
    assert (result.recovery is not None) is fault.passes
    assert result.recovered
    assert result.sound
    if fault.noticed:
        assert result.outages > 0
    assert list(result.raved) == []
    if fault.takes_leases:
        assert judged.repeated > 0


@pytest.mark.parametrize("fault", ON_POSTGRES)
def test_a_fault_is_got_over_on_postgresql(fault: Fault, faulty_server: Server) -> None:
    """
    Whatever breaks, slots are neither lost nor doubled, and all goes on without a restart.

    Traps T05 (two workers), T07 and T25 (a worker stopped past its lease: what it settles changes
    nothing, and the repeat has the same key), T26 (wrong clocks), T31 (a lost database).
    """
    assert_got_over(fault, try_fault(fault, SMALL, faulty_server))


@pytest.mark.parametrize("fault", ON_SQLITE)
def test_a_fault_is_got_over_on_sqlite(fault: Fault) -> None:
    """The same on a file that two workers share: a full disk, and traps T05, T07 and T25."""
    assert_got_over(fault, try_fault(fault, SMALL, None))


SLOW = Size(endpoints=10, slots=120, lease=2.0, answers_after=5.0, lead=12.0)
"""Each answer takes two and a half leases; a run and its successor are under way all the time."""


@pytest.mark.parametrize("on_postgres", [True, False], ids=["postgresql", "sqlite"])
def test_a_run_longer_than_any_lease_is_one_run(on_postgres: bool, faulty_server: Server) -> None:
    """
    Trap T06: a lease lives as long as its run is renewed, and nobody else runs the slot.

    Nor do the endpoints that wait for slow ones run twice.
    """
    nothing = next(each for each in FAULTS if each.name == "none")

    result = try_fault(nothing, SLOW, faulty_server if on_postgres else None)

    judged = result.judged
    assert list(judged.findings) == []
    assert result.sound
    assert judged.repeated == 0
    assert judged.runs >= SLOW.endpoints
    assert judged.told > judged.runs  # the slots that pass during a run are on record
