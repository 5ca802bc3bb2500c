"""What a contract suite needs of a store: its ports, a second way in, and a way to break a row."""

from typing import Protocol

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.ports.activity import Activity
from cronicorn_domain.ports.endpoint_queue import EndpointQueue
from cronicorn_domain.ports.history_room import HistoryRoom
from cronicorn_domain.ports.rate_limits import RateLimits
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.ports.wakeups import Wakeups
from cronicorn_domain.ports.worker_registry import WorkerRegistry


class Store(Protocol):
    """
    An empty store, as an adapter's tests provide it; the tenants' floor is the default.

    Whatever it opens it closes with the fixture that made it.
    """

    @property
    def queue(self) -> EndpointQueue:
        """The queue over the store."""
        ...

    @property
    def units(self) -> UnitsOfWork:
        """Units of work over the store."""
        ...

    @property
    def wakeups(self) -> Wakeups:
        """The wake-ups that commits through this handle send."""
        ...

    @property
    def workers(self) -> WorkerRegistry:
        """The registry of the store's workers."""
        ...

    @property
    def limits(self) -> RateLimits:
        """The rate limits over the store."""
        ...

    @property
    def activity(self) -> Activity:
        """What happens in the store."""
        ...

    @property
    def room(self) -> HistoryRoom:
        """The room for the store's history."""
        ...

    async def another(self) -> "Store":
        """Return a second handle on the same data: as another process would have it."""
        ...

    async def corrupt_schedule(self, endpoint_id: EndpointId) -> None:
        """Make the stored schedule unreadable, behind the back of every port."""
        ...

    async def mend_schedule(self, endpoint_id: EndpointId) -> None:
        """Put the schedule back as it was before ``corrupt_schedule``."""
        ...
