"""What is wrong with a live system, as its doctor finds it."""

from dataclasses import dataclass
from datetime import datetime
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
    """What may be done about a finding without a person's judgement, and what comes of it."""

    REAP = (
        "take away every lease that has run out, as any worker does: a run that was started is"
        " recorded as abandoned and its slot repeated, one that was not is given back"
    )
    TAKE_OUT = "take these places out of the queue; their endpoints stay as they are"
    REPLAN = (
        "plan these endpoints anew from what is stored, and put each into the queue, or out of it,"
        " accordingly; one that is leased by then is left to its run"
    )
    HEAL = (
        "read every endpoint again that is in quarantine, and plan those that can be read from now"
        " on; the others stay there"
    )
    MAKE_ROOM = "make the partitions that are missing from today until in three days"


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
        due_at: Its place in the queue, if it is about one.
    """

    ailment: Ailment
    subject: str
    what: str
    remedy: str
    mending: Mending | None = None
    endpoint_id: EndpointId | None = None
    due_at: datetime | None = None
