"""The due table: what has come, in a fair order, at a cost that what waits does not raise."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from cronicorn_adapter_memory.due_rows import STALE_LEAST, Due, DueRows
from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.testing.builders import EPOCH, HOUR, SECOND
from hypothesis import given
from hypothesis import strategies as st

ENDPOINTS = [EndpointId(UUID(int=number)) for number in range(12)]
TENANTS = [TenantId(UUID(int=number)) for number in range(3)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "remove", "take"]),
        st.integers(0, len(ENDPOINTS) - 1),
        st.integers(0, 10),
    ),
    max_size=60,
)


def tenant_of(endpoint_id: EndpointId) -> TenantId:
    """Each endpoint has one tenant."""
    return TENANTS[endpoint_id.int % len(TENANTS)]


def due_at(seconds: int) -> datetime:
    """Return an instant that many seconds after the epoch."""
    return EPOCH + timedelta(seconds=seconds)


@given(steps=STEPS)
def test_it_behaves_like_a_plain_table(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is written, a claim takes a due row, the oldest of its tenant, or there is none."""
    rows, plain = DueRows(), dict[EndpointId, datetime]()
    for verb, number, seconds in steps:
        endpoint_id, now = ENDPOINTS[number], due_at(seconds)
        if verb == "put":
            rows[endpoint_id] = Due(now, tenant_of(endpoint_id))
            plain[endpoint_id] = now
        elif verb == "remove":
            rows.pop(endpoint_id, None)
            plain.pop(endpoint_id, None)
        else:
            check_taken(rows, plain, now)
        assert rows.earliest() == min(plain.values(), default=None)
        assert {key: due.due_at for key, due in rows.items()} == plain


def check_taken(rows: DueRows, plain: dict[EndpointId, datetime], now: datetime) -> None:
    """Take from both, and compare."""
    ready = {key: instant for key, instant in plain.items() if instant <= now}
    taken = rows.take(now)
    if taken is None:
        assert not ready
        return
    endpoint_id, due = taken
    rivals = [instant for key, instant in ready.items() if tenant_of(key) == tenant_of(endpoint_id)]
    assert due.due_at == ready[endpoint_id] == min(rivals)
    del plain[endpoint_id]


def test_the_turn_goes_on_from_claim_to_claim() -> None:
    """Taken one at a time, a backlog and a newcomer alternate."""
    rows = DueRows()
    for endpoint_id in ENDPOINTS[:9]:
        rows[endpoint_id] = Due(due_at(endpoint_id.int), TENANTS[0])
    for endpoint_id in ENDPOINTS[9:]:
        rows[endpoint_id] = Due(due_at(60), TENANTS[1])

    first = [rows.take(due_at(60)) for _ in range(6)]

    assert Counter(due.tenant for taken in first if taken for due in taken[1:]) == {
        TENANTS[0]: 3,
        TENANTS[1]: 3,
    }


def test_only_what_comes_before_all_signals() -> None:
    """Nobody is woken for a row behind one that is already known."""
    signals: list[str] = []
    rows = DueRows(came_earlier=lambda: signals.append("earlier"))

    rows[ENDPOINTS[0]] = Due(due_at(60), TENANTS[0])
    rows[ENDPOINTS[1]] = Due(due_at(70), TENANTS[0])
    assert len(signals) == 1
    rows[ENDPOINTS[1]] = Due(due_at(50), TENANTS[0])
    assert len(signals) == 2
    rows[ENDPOINTS[1]] = Due(due_at(55), TENANTS[0])

    assert len(signals) == 2


def test_the_next_row_signals_once_all_are_taken() -> None:
    """When nothing is left, the first row to come is earlier than never."""
    signals: list[str] = []
    rows = DueRows(came_earlier=lambda: signals.append("earlier"))
    rows[ENDPOINTS[0]] = Due(due_at(0), TENANTS[0])
    rows.take(due_at(0))
    signals.clear()

    rows[ENDPOINTS[1]] = Due(due_at(70), TENANTS[0])

    assert signals == ["earlier"]


def test_rewriting_leaves_no_heap_behind() -> None:
    """A far endpoint that is planned again and again costs one row, not many."""
    rows = DueRows()
    for number in range(10 * STALE_LEAST):
        rows[ENDPOINTS[0]] = Due(EPOCH + HOUR + number * SECOND, TENANTS[0])

    assert len(rows._waiting) <= STALE_LEAST + 2
    assert rows.earliest() == EPOCH + HOUR + (10 * STALE_LEAST - 1) * SECOND
