"""A proposal on its way through the governor's steps."""

from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.identity import HintId, TriggerId
from cronicorn_domain.model.decision import Kind, Source, Weighed
from cronicorn_domain.model.hint import IntervalHint
from cronicorn_domain.model.trace import Trace


@dataclass(slots=True, kw_only=True)
class Candidate:
    """
    What the steps have agreed on so far; each may move it and adds its line to the trail.

    ``hint`` is the interval hint whose rhythm it follows; ``origin`` whatever hint or trigger
    planned it, and ``trace`` that of the call that asked for it.
    """

    slot: datetime
    source: Source
    kind: Kind
    trail: list[Weighed]
    hint: IntervalHint | None = None
    origin: HintId | TriggerId | None = None
    trace: Trace | None = None
