"""Looks at all runs of a tenant from above: how many, of what, when, and the newest of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cronicorn_domain.identity import EndpointId, JobId, RunId, TenantId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """
    Which runs are meant.

    Attributes:
        since: Their slots are not before this.
        until: Nor behind this.
        job_id: Only of this job's endpoints; None: of all.
        source: Only what this rule planned; None: all.
    """

    since: datetime
    until: datetime
    job_id: JobId | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """
    How many settled runs there were by who answers for them; test runs are not counted.

    ``duration`` is that of all ``timed`` runs together: of those whose request was made and ended.
    """

    success: int = 0
    target_failure: int = 0
    our_failure: int = 0
    not_attempted: int = 0
    timed: int = 0
    duration: timedelta = NO_TIME

    @property
    def runs(self) -> int:
        """All of them."""
        return self.success + self.target_failure + self.our_failure + self.not_attempted

    def plus(self, other: "Tally") -> "Tally":
        """Add up."""
        return Tally(
            success=self.success + other.success,
            target_failure=self.target_failure + other.target_failure,
            our_failure=self.our_failure + other.our_failure,
            not_attempted=self.not_attempted + other.not_attempted,
            timed=self.timed + other.timed,
            duration=self.duration + other.duration,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HourTally:
    """The runs of one source whose slots lie in an hour; ``begins_at`` is its beginning."""

    begins_at: datetime
    source: Source
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTally:
    """The runs of a job's endpoints, archived ones included."""

    job_id: JobId
    name: str
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTally:
    """The runs of an endpoint; ``last_start`` is when it ran last, whatever was selected."""

    endpoint_id: EndpointId
    name: str
    job_name: str
    tally: Tally
    last_start: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStretch:
    """The runs of one endpoint whose slots lie in a stretch of time, which begins there."""

    endpoint_id: EndpointId
    begins_at: datetime
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """
    How the runs differ whose slots lie in a stretch of time, which begins there.

    Only runs whose request was made and ended are counted.

    Attributes:
        durations: How many lasted how long: by the steps of ``model.durations``.
        lateness: How many started how late: by the number of the first of ``LATENESS_STEPS`` that
            is not shorter. Runs of an endpoint that statistics count together, as those of a minute
            that lasted alike, are as late as their mean.
    """

    begins_at: datetime
    durations: Mapping[int, int] = field(default_factory=dict)
    lateness: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRun:
    """A run without its body, and what it belongs to is called now."""

    run: Run
    endpoint_name: str
    job_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """How many unarchived jobs there are, unarchived endpoints of these, and paused ones."""

    jobs: int
    endpoints: int
    paused: int


class Overview(Protocol):
    """
    The tenant's runs seen from above; takes part in the caller's unit of work, and writes nothing.

    Promises:

    - What is another tenant's is never counted and never listed.
    - Sums are made of statistics: they count what was pruned, and do not count test runs and what
      has not ended. Lists are of the runs that are kept, whatever they are.
    - A window begins and ends with its minute. Statistics that are older than minutes are kept
      (``ROLL_UPS_KEPT``) belong to the hour or the day they were added up to, as if all of their
      runs were of its beginning.
    """

    async def holdings(self, tenant: TenantId, *, now: datetime) -> Holdings:
        """Count jobs and endpoints; an endpoint of a paused job is paused."""
        ...

    async def hours(self, tenant: TenantId, which: Selection) -> Sequence[HourTally]:
        """Return the sums of each hour and source that has any, the earliest hour first."""
        ...

    async def jobs(self, tenant: TenantId, which: Selection) -> Sequence[JobTally]:
        """Return the sums of each job that has any, the most runs first."""
        ...

    async def busiest(
        self, tenant: TenantId, which: Selection, *, limit: int
    ) -> Sequence[EndpointTally]:
        """Return the sums of the endpoints with the most runs, the most first."""
        ...

    async def stretches(
        self,
        tenant: TenantId,
        endpoint_ids: Sequence[EndpointId],
        which: Selection,
        *,
        edges: Sequence[datetime],
    ) -> Sequence[EndpointStretch]:
        """
        Return the sums of these endpoints by stretches of time that have any, the earliest first.

        A stretch begins with each of ``edges``, which rise, and ends with the next one; the last
        one ends with the window. What lies before the first is in none.
        """
        ...

    async def spreads(
        self, tenant: TenantId, which: Selection, *, edges: Sequence[datetime]
    ) -> Sequence[Spread]:
        """
        Return how runs differ by stretches of time that have any, the earliest first.

        Stretches are those of ``stretches``.
        """
        ...

    async def newest_runs(
        self,
        tenant: TenantId,
        which: Selection,
        *,
        limit: int,
        offset: int = 0,
        before: RunId | None = None,
    ) -> Sequence[NamedRun]:
        """
        Return the runs that are kept, the newest slot first.

        With ``before`` those that come behind that run, in this order; none, if the tenant has no
        such run. ``offset`` of them are passed over.
        """
        ...

    async def count_runs(self, tenant: TenantId, which: Selection) -> int:
        """Return how many runs ``newest_runs`` has in all."""
        ...
