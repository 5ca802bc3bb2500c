"""What can be claimed and from when on: tenants in turn, within one the longest overdue first."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.policies.room import Lane

STALE_LEAST = 1024
"""Superseded entries below this number are not worth a clean-up."""


@dataclass(frozen=True, slots=True)
class Due:
    """From when on an endpoint can be claimed, whose it is, and whether it waits for room."""

    due_at: datetime
    tenant: TenantId
    waits: bool = False


@dataclass(slots=True, eq=False)
class _Entry:
    endpoint_id: EndpointId
    due: Due
    stale: bool = False


_Ordered = tuple[datetime, int, int, _Entry]
"""Ids break ties, as in a database; of one endpoint's rows the serial number does."""


class DueRows(MutableMapping[EndpointId, Due]):
    """
    One row for each claimable endpoint, in two stages.

    Rows wait in one heap, so that a claim never looks at what lies ahead. A claim moves those that
    have come into their tenant's own heap, and takes from the tenants in turn; the turn goes on
    where the last claim left it. A row that was changed or removed leaves its entry behind, stale,
    to be dropped when it is met.
    """

    def __init__(self, *, came_earlier: Callable[[], None] = lambda: None) -> None:
        self._rows: dict[EndpointId, _Entry] = {}
        self._waiting: list[_Ordered] = []
        self._ready: dict[TenantId, list[_Ordered]] = {}
        self._turn: deque[TenantId] = deque()
        self._lanes: dict[Lane, list[_Ordered]] = {}
        self._room_made = False
        self._serial = 0
        self._came_earlier = came_earlier

    def __getitem__(self, endpoint_id: EndpointId) -> Due:
        return self._rows[endpoint_id].due

    def __setitem__(self, endpoint_id: EndpointId, due: Due) -> None:
        earlier = self._comes_before_all(due.due_at)
        self._serial += 1
        if (superseded := self._rows.get(endpoint_id)) is not None:
            superseded.stale = True
        entry = self._rows[endpoint_id] = _Entry(endpoint_id, due)
        heapq.heappush(self._waiting, (due.due_at, endpoint_id.int, self._serial, entry))
        if len(self._waiting) > 2 * len(self._rows) + STALE_LEAST:
            self._drop_stale()
        if earlier:
            self._came_earlier()

    def __delitem__(self, endpoint_id: EndpointId) -> None:
        self._rows.pop(endpoint_id).stale = True

    def __contains__(self, endpoint_id: object) -> bool:
        return endpoint_id in self._rows

    def __iter__(self) -> Iterator[EndpointId]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def earliest(self) -> datetime | None:
        """Return the earliest instant of all rows; None: there are none."""
        heads = [head for tenant in self._turn if (head := self._head(self._ready[tenant]))]
        if waiting := self._head(self._waiting):
            heads.append(waiting)
        if self._room_made:
            heads += [head for rows in self._lanes.values() if (head := self._head(rows))]
        return min(heads)[0] if heads else None

    def take(self, now: datetime) -> tuple[EndpointId, Due] | None:
        """Remove and return the row whose turn it is; None: nothing has come by ``now``."""
        self._make_ready(now)
        for _ in range(len(self._turn)):
            tenant = self._turn.popleft()
            rows = self._ready[tenant]
            head = self._head(rows)
            if head is None:
                del self._ready[tenant]
                continue
            self._turn.append(tenant)
            if head[0] <= now:
                entry = heapq.heappop(rows)[3]
                del self._rows[entry.endpoint_id]
                return entry.endpoint_id, entry.due
        return None

    def hold(self, endpoint_id: EndpointId, due: Due, lane: Lane) -> None:
        """Put a row that was taken into a lane, where no ``take`` looks and nothing is due."""
        self._serial += 1
        held = Due(due.due_at, due.tenant, waits=True)
        entry = self._rows[endpoint_id] = _Entry(endpoint_id, held)
        ordered = (due.due_at, endpoint_id.int, self._serial, entry)
        heapq.heappush(self._lanes.setdefault(lane, []), ordered)

    def let_in(self, places: Callable[[Lane], int]) -> None:
        """Put as many rows of each lane as it has places back among those that are due."""
        self._room_made = False
        for lane, rows in list(self._lanes.items()):
            for _ in range(places(lane)):
                if self._head(rows) is None:
                    break
                self._put_in_turn(heapq.heappop(rows))
            if self._head(rows) is None:
                del self._lanes[lane]

    def room_made(self) -> None:
        """Note that a run has ended: what waits in a lane may be claimable from now on."""
        if self._lanes and not self._room_made:
            self._room_made = True
            self._came_earlier()

    def _make_ready(self, now: datetime) -> None:
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            ordered = heapq.heappop(waiting)
            if not ordered[3].stale:
                self._put_in_turn(ordered)

    def _put_in_turn(self, ordered: _Ordered) -> None:
        tenant = ordered[3].due.tenant
        if tenant not in self._ready:
            self._ready[tenant] = []
            self._turn.append(tenant)
        heapq.heappush(self._ready[tenant], ordered)

    def _head(self, rows: list[_Ordered]) -> _Ordered | None:
        while rows and rows[0][3].stale:
            heapq.heappop(rows)
        return rows[0] if rows else None

    def _comes_before_all(self, due_at: datetime) -> bool:
        """Whoever waits knows the earliest row; where one is ready, nobody needs to be woken."""
        while self._turn:
            if self._head(self._ready[self._turn[0]]) is not None:
                return False
            del self._ready[self._turn.popleft()]
        head = self._head(self._waiting)
        return head is None or due_at < head[0]

    def _drop_stale(self) -> None:
        live = [each for each in self._waiting if not each[3].stale]
        heapq.heapify(live)
        self._waiting = live
