"""Tells one endpoint's past as it is drawn: what came of its slots in a window, and what acted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.run import Body, Run
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_domain.ports.overview import Tally
from cronicorn_domain.ports.run_log import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """
    The settled runs whose slots lie in a minute, an hour or a day; test runs are not counted.

    ``lateness`` is that of all ``tally.timed`` runs together.
    """

    begins_at: datetime
    lasts: timedelta
    tally: Tally
    lateness: timedelta = NO_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a run was answered, without headers."""

    run_id: RunId
    slot: datetime
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """
    A run among the endpoint's others, whose bodies are left out.

    Attributes:
        run: The run itself, with its response's body.
        attempts: All attempts of its slot, itself included, the first one first.
        before: The latest attempt of the slot before; None: there is none that is kept.
        behind: The first attempt of the slot behind it.
    """

    run: Run
    attempts: Sequence[Run]
    before: Run | None = None
    behind: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many runs, slot records and hints come back at most."""

    runs: int
    slot_records: int
    hints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """
    What there was of an endpoint in a window; each part is what its own question tells.

    ``job_name`` is what its job is called now; None: the tenant has no such endpoint.
    """

    job_name: str | None
    stretches: Sequence[Stretch]
    runs: Sequence[Run]
    slot_records: Sequence[SlotRecord]
    hints: Sequence[HintRecord]
    healths: Sequence[Health]


class Chronicle(Protocol):
    """
    One endpoint's past, for whoever looks at it; in the caller's unit of work, and writes nothing.

    Promises:

    - Each answer is one question to the store, and costs no more with more history than the window
      holds.
    - Of an endpoint that the tenant does not have nothing is told, and that is no error.
    - Windows reach from ``since`` to ``until``, both within. Test runs are in none of the answers,
      but for ``around``.
    """

    async def stretches(
        self, tenant: TenantId, endpoint_id: EndpointId, *, since: datetime, until: datetime
    ) -> Sequence[Stretch]:
        """
        Return what statistics have of the window, the earliest first.

        As finely as it is kept (``ROLL_UPS_KEPT``); the first one begins with the minute of
        ``since``. Pruned runs are counted, running ones are not.
        """
        ...

    async def runs(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: datetime,
        until: datetime,
        limit: int,
    ) -> Sequence[Run]:
        """Return runs by their slots, each attempt one, the newest first, without bodies."""
        ...

    async def slot_records(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: datetime,
        until: datetime,
        limit: int,
    ) -> Sequence[SlotRecord]:
        """Return what was not run, the newest first; of a record any part is enough."""
        ...

    async def hints(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: datetime,
        until: datetime,
        now: datetime,
        limit: int,
    ) -> Sequence[HintRecord]:
        """Return hints written by ``until`` that did not end before ``since``, newest first."""
        ...

    async def healths(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: Sequence[datetime],
        now: datetime,
    ) -> Sequence[Health]:
        """
        Return the statistics of slots from each of the instants (to the minute) to ``now``.

        Failure streak and last run are not among them.
        """
        ...

    async def episode(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: datetime,
        until: datetime,
        now: datetime,
        healths_since: Sequence[datetime],
        limits: Limits,
    ) -> Episode:
        """
        Return ``stretches``, ``runs``, ``slot_records``, ``hints`` and ``healths`` at once.

        What its job is called is told with them: whoever shows all of it shows that, too.
        """
        ...

    async def answers(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        edges: Sequence[datetime],
        until: datetime,
        size_most: int,
    ) -> Sequence[Answered]:
        """
        Return what was answered last in each stretch of time, the earliest first.

        That is what the newest slot with an answer got, where it is JSON: else nothing.

        A stretch begins with each of ``edges``, which rise, and ends before the next; the last one
        ends with ``until``. An answer of more than ``size_most`` characters is left out.
        """
        ...

    async def around(self, tenant: TenantId, run_id: RunId) -> Surroundings | None:
        """Return a run with what lies beside it; None: the tenant has no such run."""
        ...
