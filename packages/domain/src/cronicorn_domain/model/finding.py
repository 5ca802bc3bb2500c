"""What is wrong with a live system, as its doctor finds it."""

from dataclasses import dataclass
from enum import StrEnum

from cronicorn_domain.identity import EndpointId


class Ailment(StrEnum):
    """The sorts of findings. These names stay: scripts and alerts depend on them."""

    SLOT_OVERDUE = "slot-overdue"
    WORKER_GONE = "worker-gone"
    LEASE_PAST_ITS_END = "lease-past-its-end"
    RUN_LEFT_OPEN = "run-left-open"
    HINT_PAST_ITS_LIFE = "hint-past-its-life"
    PLAN_DIFFERS = "plan-differs"
    NOT_QUEUED = "not-queued"
    QUEUED_IN_VAIN = "queued-in-vain"
    SET_ASIDE = "set-aside"
    COUNT_DIFFERS = "count-differs"
    ANALYSIS_OVERDUE = "analysis-overdue"
    OLD_TRANSACTION = "old-transaction"
    CLOCK_SKEW = "clock-skew"
    PARTITION_MISSING = "partition-missing"
    ZONE_DATA_OLD = "zone-data-old"
    SCHEMA_DIFFERS = "schema-differs"


class Mending(StrEnum):
    """What may be done about a finding without a person's judgement."""

    REAP = "take away the leases that ran out, as any worker does"
    REPLAN = "plan the endpoints anew from what is stored, and put them into the queue"
    HEAL = "let out of quarantine what can be read again"
    MAKE_ROOM = "make the missing partitions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One thing that is not as it should be.

    Attributes:
        ailment: Its sort.
        subject: What it is about, as people name it.
        what: What is wrong with it, as a clause.
        remedy: What to do, as a sentence.
        mending: What mends it safely, if anything does.
        endpoint_id: The endpoint, if it is about one.
    """

    ailment: Ailment
    subject: str
    what: str
    remedy: str
    mending: Mending | None = None
    endpoint_id: EndpointId | None = None
