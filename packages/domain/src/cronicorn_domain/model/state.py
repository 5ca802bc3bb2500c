"""What has happened to an endpoint, and everything that the governor weighs."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import Hint, Trigger
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.rulings import Rest

DEFAULT_FLOOR = timedelta(seconds=1)
"""The tenant's floor when nothing else is configured."""


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointState:
    """
    What a run leaves behind for the next decision.

    Attributes:
        failures: Consecutive failures of the target.
        last_slot: Slot of the latest recurring occurrence, whether run, skipped or coalesced.
        last_start: Start of the latest run of any kind but test.
        last_end: End of the latest recurring run.
        run_count: Occurrences started: not attempts, manual or test runs.
        not_before: Nothing is due before it.
        not_before_reason: Why, as a clause.
        plan: The standing plan; while a lease lives, what the lease was made of. None: finished.
        urgent: A plan that goes before the standing one: a run by hand, or the sibling's trigger of
            a paused endpoint.
        noted: Missed slots still to be caught up, oldest first.
        latest_slot: Slot of the latest claimed run of any kind.
        latest_attempt: Its attempt.
        rhythm_from: The rhythm holds from here on: the last edit of schedule, zone or bounds, or
            restore. None: the creation.
        skipped: The newest recurring slot was skipped, so that the next one runs, however late.
        resting: Rules that have acted and do not act again for a while.
        quarantine: Why the endpoint is set aside, or None.
    """

    failures: int = 0
    last_slot: datetime | None = None
    last_start: datetime | None = None
    last_end: datetime | None = None
    run_count: int = 0
    not_before: datetime | None = None
    not_before_reason: str | None = None
    plan: Plan | None = None
    urgent: Plan | None = None
    noted: tuple[datetime, ...] = ()
    latest_slot: datetime | None = None
    latest_attempt: int = 0
    rhythm_from: datetime | None = None
    skipped: bool = False
    resting: tuple[Rest, ...] = ()
    quarantine: str | None = None

    @property
    def next_plan(self) -> Plan | None:
        """What fires next: the urgent plan, else the standing one."""
        return self.plan if self.urgent is None else self.urgent

    def with_plan(self, plan: Plan | None) -> "EndpointState":
        """Return the state with another standing plan; itself if that is the one it has."""
        return self if plan is self.plan else self._with(plan, self.last_slot)

    def with_last_slot(self, last_slot: datetime) -> "EndpointState":
        """Return the state with another last slot."""
        return self._with(self.plan, last_slot)

    def _with(self, plan: Plan | None, last_slot: datetime | None) -> "EndpointState":
        # Each run comes here; `dataclasses.replace` takes several times as long.
        return EndpointState(
            failures=self.failures,
            last_slot=last_slot,
            last_start=self.last_start,
            last_end=self.last_end,
            run_count=self.run_count,
            not_before=self.not_before,
            not_before_reason=self.not_before_reason,
            plan=plan,
            urgent=self.urgent,
            noted=self.noted,
            latest_slot=self.latest_slot,
            latest_attempt=self.latest_attempt,
            rhythm_from=self.rhythm_from,
            skipped=self.skipped,
            resting=self.resting,
            quarantine=self.quarantine,
        )


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """
    Everything the governor weighs about one endpoint, read in one transaction.

    ``hints`` and ``triggers`` are those that nothing has ended: neither cleared nor consumed.
    Whether they have expired is judged against ``now`` by who reads them; those that have lapsed
    (see ``policies.lapsing``) may be left out.
    """

    job_state: JobState
    endpoint: Endpoint
    state: EndpointState
    hints: tuple[Hint, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    lease: Lease | None = None
    floor: timedelta = DEFAULT_FLOOR

    def known_at(self, instant: datetime) -> "Situation":
        """Return the situation without the hints that were written later."""
        hints = tuple(hint for hint in self.hints if hint.created_at <= instant)
        return self if len(hints) == len(self.hints) else replace(self, hints=hints)

    def leased(self, state: EndpointState, lease: Lease) -> "Situation":
        """Return the situation once a claim has left ``state`` behind, and a lease."""
        return Situation(
            job_state=self.job_state,
            endpoint=self.endpoint,
            state=state,
            hints=self.hints,
            triggers=self.triggers,
            lease=lease,
            floor=self.floor,
        )

    def after_the_run(self, state: EndpointState) -> "Situation":
        """Return the situation once the leased run is over and has left ``state`` behind."""
        return Situation(
            job_state=self.job_state,
            endpoint=self.endpoint,
            state=state,
            hints=self.hints,
            triggers=self.triggers,
            floor=self.floor,
        )
