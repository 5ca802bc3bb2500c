"""The numbers a scheduler works with, each with its reason."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.breaker import DEFAULT_BREAKER, Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.model.state import DEFAULT_FLOOR

CONCURRENCY: Final = 400
"""Runs in hand at most unless told otherwise."""
RETENTION: Final = timedelta(days=30)
"""History is kept for so long unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    """
    What one scheduler may use, and how often it looks.

    An idle scheduler asks the store less than once a second: a reap every 1.75 s, a look for the
    next due instant every 5 to 6 s, a word about itself every 10 to 12 s, three questions for the
    time every 40 s, and one for notices every 20 s.

    Attributes:
        worker: Its name, written to leases and runs.
        concurrency: Runs in hand at most, from claim to settled result: each has a task and a
            socket. A run of a millisecond is in hand for some 60 to 130 ms where a worker is busy,
            most of it on its way to and from the store: with fewer than so many of them it would
            wait for places at a rate that it has the time for.
        floor: The tenants' floor, by which its store plans: the two must be the same. It is told,
            for a doctor to judge plans by.
        caps: Runs under way at most for each tenant and each host, over all workers of the store:
            they must have the same. None unless told.
        breaker: When calls to a host that fails are held back; None: never.
        claim_batch: Leases taken by one claim at most, so that one worker leaves work to others.
        claim_pause: The least time between looks that did not come back full: it gathers slots that
            lie close together, and is added to lateness at worst.
        claim_pause_most: How far that pause grows while what is due cannot be had, because another
            worker holds it.
        idle_ceiling: The longest wait without a look, for a wake-up that never came; up to a fifth
            is added, so that workers do not look in step.
        batch: Items of one start, settle, renew, release or reap at most: beyond a few hundred a
            statement gains nothing and keeps others waiting.
        settle_window: How long the first result waits for others to be settled with it.
        lease: How long a lease lives without a renewal, and so how soon a lost worker is noticed.
        renew_every: Two renewals may fail before the lease ends.
        reap_every: Leases that ended are taken away within 2 s.
        reap_reprieve: At its start, and after a stretch in which the store could not be written to,
            the reaper waits this long, so that workers which are alive renew and settle first, and
            no request is repeated for the store's sake.
        retry_first: The first pause in an outage of the store; it doubles with each failure.
        retry_most: The longest such pause: shorter than the reprieve.
        synchronize_every: How often the clock is measured against the store's; quartz drifts by a
            millisecond or two in that time.
        drain_grace: How long running requests may go on after a stop was requested.
        closing: How long last results and releases may take after the grace.
        retention: History is kept this long, counted from the slot; None keeps it for ever.
        runs_most: So many of its newest runs each tenant keeps; None keeps all that the retention
            leaves. Each pruning then looks through as many of every tenant's.
        room_ahead: Room for history is made for so long ahead, should nobody make any meanwhile.
        room_patience: So long the first claim waits for room at most.
        prune_first: When history is first pruned after the start: soon, as some workers never live
            long.
        prune_every: How often it is pruned from then on.
        prune_batch: Rows deleted in one step, few enough to hold no lock that anyone feels.
        prune_pause: The rest between two steps.
        announce_every: How often the worker tells of itself; up to a fifth is added.
        failures_most: Unforeseen failures of one part in a row, after which the scheduler gives up.
    """

    worker: WorkerId
    concurrency: int = CONCURRENCY
    floor: timedelta = DEFAULT_FLOOR
    caps: Caps = NO_CAPS
    breaker: Breaker | None = DEFAULT_BREAKER
    claim_batch: int = 100
    claim_pause: timedelta = timedelta(milliseconds=10)
    claim_pause_most: timedelta = timedelta(milliseconds=500)
    idle_ceiling: timedelta = timedelta(seconds=5)
    batch: int = 200
    settle_window: timedelta = timedelta(milliseconds=5)
    lease: timedelta = timedelta(seconds=10)
    renew_every: timedelta = timedelta(seconds=3)
    reap_every: timedelta = timedelta(seconds=1.75)
    reap_reprieve: timedelta = timedelta(seconds=3)
    retry_first: timedelta = timedelta(milliseconds=100)
    retry_most: timedelta = timedelta(seconds=2)
    synchronize_every: timedelta = timedelta(seconds=40)
    drain_grace: timedelta = timedelta(seconds=30)
    closing: timedelta = timedelta(seconds=2)
    retention: timedelta | None = RETENTION
    runs_most: int | None = None
    room_ahead: timedelta = timedelta(days=3)
    room_patience: timedelta = timedelta(seconds=2)
    prune_first: timedelta = timedelta(minutes=1)
    prune_every: timedelta = timedelta(minutes=20)
    prune_batch: int = 500
    prune_pause: timedelta = timedelta(milliseconds=250)
    announce_every: timedelta = timedelta(seconds=10)
    failures_most: int = 5

    def __post_init__(self) -> None:
        """Refuse numbers with which leases would be lost or nothing would ever run."""
        for name in ("concurrency", "claim_batch", "batch", "prune_batch", "failures_most"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} is below 1", field=name, remedy="give 1 or more")
        for name in (
            "claim_pause",
            "idle_ceiling",
            "renew_every",
            "reap_every",
            "retry_first",
            "announce_every",
        ):
            if getattr(self, name) <= NO_TIME:
                raise InvalidInput(
                    f"{name} is no time", field=name, remedy="give a length above 0s"
                )
        for name in (
            "settle_window",
            "drain_grace",
            "closing",
            "prune_pause",
            "reap_reprieve",
            "room_patience",
        ):
            if getattr(self, name) < NO_TIME:
                raise InvalidInput(f"{name} is below zero", field=name, remedy="give 0s or more")
        if self.renew_every * 2 > self.lease:
            raise InvalidInput(
                "one late renewal would lose the lease",
                field="renew_every",
                remedy="make it at most half of the lease",
            )
        if self.runs_most is not None and self.runs_most < 1:
            raise InvalidInput("runs_most is below 1", field="runs_most", remedy="give 1 or more")
        if self.retention is not None and self.retention <= NO_TIME:
            raise InvalidInput(
                "a retention below zero keeps nothing",
                field="retention",
                remedy="give a length above 0s, or nothing to keep history for ever",
            )
