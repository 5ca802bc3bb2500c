"""What the checker finds wrong."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cronicorn_domain.identity import EndpointId, RunId
from cronicorn_domain.model.run import Run


class Fault(StrEnum):
    """The ways in which a history can break a promise."""

    LOST = "lost"
    DOUBLED = "doubled"
    EARLY = "early"
    LATE = "late"
    UNEXPLAINED = "unexplained"
    TWO_LEASES = "two-leases"
    STALE_WRITE = "stale-write"
    GUARDRAIL_BROKEN = "guardrail-broken"
    FLOOR_BROKEN = "floor-broken"
    HINT_AFTER_LIFE = "hint-after-life"
    WRONG_SOURCE = "wrong-source"
    WAIT_BROKEN = "wait-broken"
    BREAKER_BROKEN = "breaker-broken"
    CAP_BROKEN = "cap-broken"
    QUOTA_BROKEN = "quota-broken"
    KEEPING_BROKEN = "keeping-broken"
    HEEDING_BROKEN = "heeding-broken"
    KEY_BROKEN = "key-broken"
    WRONG_CLASS = "wrong-class"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault: of which endpoint, about which slot and run, in one English sentence."""

    fault: Fault
    endpoint_id: EndpointId
    sentence: str
    slot: datetime | None = None
    run_id: RunId | None = None


def about(run: Run, fault: Fault, sentence: str) -> Finding:
    """Find something wrong with a run; the sentence begins by naming it."""
    return Finding(
        fault=fault,
        endpoint_id=run.endpoint_id,
        slot=run.slot,
        run_id=run.id,
        sentence=f"{run.kind} run of {stamp(run.slot)}, attempt {run.attempt}: {sentence}",
    )


def stamp(instant: datetime) -> str:
    """Write an instant for people, to the millisecond."""
    return instant.astimezone(UTC).isoformat(" ", "milliseconds").removesuffix("+00:00")
