"""Lends each due endpoint to one worker at a time, and takes the result back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import EndpointId, RunId, TenantId, Token, WorkerId
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.rulings import NO_RULING, Ruling
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.model.signing import NoKeys, TenantKeys


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRun:
    """
    A lease, and what its worker needs to run it.

    ``keys`` are what its tenant signs with: None if there are none, `NoKeys` if out of reach.
    """

    lease: Lease
    endpoint: Endpoint
    plan: Plan
    keys: TenantKeys | NoKeys | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimBatch:
    """
    What one claim brought.

    Attributes:
        runs: The leases, the longest overdue first.
        passed: Due endpoints that got no lease, because their plan was no longer good and was made
            anew, their slots were skipped, or they were set aside (``quarantined``).
        quarantined: Endpoints whose stored schedule could not be read, or about which a fault of
            ours kept the domain from deciding, with the reason.
        withheld: Due endpoints that this worker cannot run for want of the key to their secrets,
            with the reason and the remedy. They are left as they are, for workers that have it, and
            out of this worker's claims for a while. They are not among ``passed``.
        held_back: How many due endpoints were found that the caps leave no room for now. They wait
            out of the way of others, and are claimed when there is room.
        blocked: How many of ``passed`` an open breaker has kept from their host.
    """

    runs: tuple[ClaimedRun, ...] = ()
    passed: int = 0
    quarantined: Mapping[EndpointId, str] = field(default_factory=dict)
    withheld: Mapping[EndpointId, str] = field(default_factory=dict)
    held_back: int = 0
    blocked: int = 0


class StartRefusal(StrEnum):
    """Why a claimed run may not start any more."""

    LOST = "lost"
    PAUSED = "paused"
    ARCHIVED = "archived"


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """
    The result of a run that was started at ``started_at`` and ended at ``ended_at``.

    ``ruling`` is what the endpoint's rules say about it; it is granted, as far as it may be, in the
    same transaction.
    """

    token: Token
    started_at: datetime
    ended_at: datetime
    outcome: Outcome
    ruling: Ruling = NO_RULING


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral:
    """
    Until when an endpoint is left alone, and why, as a clause that follows "since".

    It comes from the tenant's quota: while that is used up its endpoints are not claimed again.
    """

    until: datetime
    reason: str


class Settled(StrEnum):
    """What became of one settlement."""

    ACCEPTED = "accepted"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaped:
    """
    A lease that ran out and was taken away.

    ``given_back``: the run had not started, so nothing was lost and it is due again.
    """

    token: Token
    endpoint_id: EndpointId
    tenant: TenantId
    run_id: RunId
    worker: WorkerId
    given_back: bool


class EndpointQueue(Protocol):
    """
    Lends due endpoints, one lease each, and keeps their schedules going.

    Each method is a transaction of its own. All take and return batches; an item that fails (a
    stale token, an unreadable row, a response no store can hold) harms only itself.

    Promises:

    - An endpoint never has two leases. Two claims never overlap, whichever process makes them, and
      a claim never waits for another: it takes what is free.
    - ``now`` is the shared clock's and the only time that counts. Equal is due; equal is expired.
    - A token grows with each claim and is never used again. What carries a token that is no longer
      the endpoint's writes nothing.
    - Whatever changes what the governor weighs also replans, in the same transaction. While a lease
      lives nothing is planned; the settle (release, reap) plans from what the store then holds.
    """

    async def claim(
        self,
        *,
        worker: WorkerId,
        limit: int,
        lease_for: timedelta,
        now: datetime,
        caps: Caps = NO_CAPS,
        breaker: Breaker | None = None,
    ) -> ClaimBatch:
        """
        Lease up to ``limit`` endpoints that are due.

        Eligible: due at or before ``now``, its job active, neither paused nor archived nor
        quarantined, and without a lease. A sibling's trigger makes a paused endpoint eligible once.
        Tenants come in turn, within one the longest overdue first.

        No tenant and no host ever has more leases than its cap, whoever claims at once, as long as
        all claim by the same ``caps``. What finds no room (``held_back``) keeps nothing else from
        its turn, and costs a claim nothing while it waits, however much there is of it.

        For each, in the one transaction: the lease runs until ``now + lease_for``; every one-shot
        and trigger whose instant has come is consumed and marked with the run; missed slots are
        dealt with by the misfire policy and leave records; the run is written as running, with
        slot, attempt, decision and worker. A due endpoint whose plan's hint, one-shot or trigger
        has expired is replanned instead and gets no lease (``passed``).

        Each run comes with the keys that its tenant signs with, unless its endpoint signs nothing.
        They are at most some seconds old: a key that was made or rotated since may be missing.

        A ``breaker`` holds back what calls a host that has failed the tenant's calls so many times
        in a row, whichever endpoints they were of and whoever made them: of a rhythm the slot is
        recorded as blocked and passed over, what comes but once waits (``passed``). One call in
        ``probe_every`` tries the host again, over all workers, and its answer closes the breaker. A
        run that a person asked for is not held back.

        An empty batch means that nothing was eligible; it is no error.

        Raises:
            StoreUnavailable: nothing was leased, as far as the store can tell; a lease whose answer
                was lost on the way is given back by the reaper.
        """
        ...

    async def start(
        self, tokens: Sequence[Token], *, now: datetime
    ) -> Mapping[Token, StartRefusal | None]:
        """
        Check once more, right before sending, and mark the runs as started at ``now``.

        None means go. A refused claim has been undone as by ``release`` (``LOST``: it was not ours
        any more, and nothing was written). A lease that ends at ``now`` is lost.
        """
        ...

    async def renew(
        self, tokens: Sequence[Token], *, lease_for: timedelta, now: datetime
    ) -> frozenset[Token]:
        """
        Prolong to ``now + lease_for`` and return those that the reaper has taken: they are lost.

        What was promised stands: a renewal that arrives late, and would end a lease sooner, leaves
        it as it is.
        """
        ...

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime
    ) -> Mapping[Token, Settled]:
        """
        End runs with their outcome, and plan what follows.

        For each, in one transaction: the run's row, the endpoint's failures and state, slots that
        passed during a recurring run (recorded as coalesced), the next plan, statistics, the end of
        the lease. Accepted until the reaper has taken the lease, also past its end.
        A response that the store cannot hold is stored without its body, and the schedule advances.
        """
        ...

    async def release(
        self, tokens: Sequence[Token], *, now: datetime, deferral: Deferral | None = None
    ) -> Mapping[Token, Settled]:
        """
        Undo claims whose run has sent nothing.

        What they consumed is pending again, the slot is due again with the next attempt, the run is
        canceled and counts as no loss and no failure. A run that was started is not released: it is
        settled, or reaped.

        With a ``deferral`` nothing of these endpoints is due before its end, run-now included,
        unless they have to wait for longer already; slots that pass until then are recorded as
        deferred when the next one is claimed, and what would have lived until then has ended.
        """
        ...

    async def reap(self, *, limit: int, now: datetime) -> Sequence[Reaped]:
        """
        Take away up to ``limit`` leases whose end is at or before ``now``.

        A started run becomes failed/abandoned, which counts no failure of the endpoint; delivery
        decides about the slot: at least once makes it due again with the next attempt, at most once
        goes on to the next slot. After three losses of one slot it is given up, and that counts one
        failure. A run that never started is given back as by ``release``. A lease that cannot be
        taken away stays, keeps no other, and is tried again after a while.

        An answer proves that the store can be written to, also when nothing has ended, and with a
        ``limit`` of 0, which takes nothing: a reaper must know that leases could be renewed.
        """
        ...

    async def next_due(self) -> datetime | None:
        """
        Return the earliest instant at which something may become claimable; None: never.

        What waits for room is looked at again soon, as another process may be making it.
        """
        ...

    async def heal_quarantined(self, *, now: datetime) -> Sequence[EndpointId]:
        """Let out of quarantine the endpoints whose stored schedule can be read after all."""
        ...
