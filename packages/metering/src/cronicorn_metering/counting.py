"""Counts what a scheduler tells, and passes it on."""

from cronicorn_domain.identity import Token
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.outcome_kind import OutcomeKind, kind_of
from cronicorn_scheduler.observing import (
    EndpointHealed,
    EndpointQuarantined,
    Event,
    HistoryPruned,
    LeaseWasLost,
    Observer,
    PartFailed,
    ResultDropped,
    RunAbandoned,
    RunBroken,
    RunClaimed,
    RunReaped,
    RunReleased,
    RunSettled,
    RunStarted,
    SchedulerDraining,
    SlotsPassed,
    StoreWentAway,
)
from prometheus_client import Counter

from cronicorn_metering.health import Health
from cronicorn_metering.instruments import Instruments


class InHand:
    """The runs from their claims to their ends, whatever end each comes to."""

    def __init__(self) -> None:
        self._tokens: set[Token] = set()
        self.take = self._tokens.add
        self.drop = self._tokens.discard

    def __len__(self) -> int:
        """Count them."""
        return len(self._tokens)


class CountingObserver:
    """Counts events for the metrics behind another observer, which hears of each first."""

    def __init__(
        self, observer: Observer, instruments: Instruments, health: Health, in_hand: InHand
    ) -> None:
        self._observer = observer
        self._instruments = instruments
        self._health = health
        self._in_hand = in_hand
        self._runs: dict[tuple[OutcomeKind, Source], Counter] = {}

    def record(self, event: Event) -> None:
        """Pass the event on, and count it."""
        self._observer.record(event)
        match event:
            case RunSettled():
                self._note_end(event)
            case RunStarted():
                self._note_start(event)
            case RunClaimed(run=run):
                self._in_hand.take(run.lease.token)
            case RunReleased(run=run, reason=reason):
                self._in_hand.drop(run.lease.token)
                self._instruments.runs.released.labels(reason.value).inc()
            case LeaseWasLost(run=run) | RunAbandoned(run=run) | ResultDropped(run=run):
                self._in_hand.drop(run.lease.token)
                self._instruments.runs.lost.labels(event.name).inc()
            case RunBroken(run=run):
                # In sending it is settled after this; then dropping it once more does nothing.
                self._in_hand.drop(run.lease.token)
                self._instruments.runs.broken.inc()
            case _:
                self._count_rare(event)

    def _count_rare(self, event: Event) -> None:
        instruments = self._instruments
        match event:
            case RunReaped(reaped=reaped):
                instruments.queue.leases_reaped.labels("no" if reaped.given_back else "yes").inc()
            case SlotsPassed(count=count):
                instruments.queue.slots_passed.inc(count)
            case EndpointQuarantined():
                instruments.queue.quarantined.inc()
            case EndpointHealed():
                instruments.queue.healed.inc()
            case HistoryPruned(runs=runs, slot_records=slot_records):
                instruments.queue.pruned.labels("runs").inc(runs)
                instruments.queue.pruned.labels("slot_records").inc(slot_records)
            case StoreWentAway():
                instruments.store.outages.inc()
            case PartFailed(part=part):
                instruments.parts_failed.labels(part).inc()
            case SchedulerDraining():
                self._health.stops()
            case _:
                pass

    def _note_start(self, event: RunStarted) -> None:
        if event.made_up_for:
            self._instruments.runs.made_up_for.inc()
        else:
            late = event.lateness.total_seconds()
            self._instruments.runs.lateness_seconds.observe(max(0.0, late))

    def _note_end(self, event: RunSettled) -> None:
        self._in_hand.drop(event.run.lease.token)
        kind = kind_of(event.settlement.outcome), event.run.plan.decision.source
        counter = self._runs.get(kind)
        if counter is None:  # a label is looked up under a lock: once is enough
            counter = self._instruments.runs.ended.labels(kind[0].value, kind[1].value)
            self._runs[kind] = counter
        counter.inc()
        self._instruments.runs.request_seconds.observe(event.duration.total_seconds())
