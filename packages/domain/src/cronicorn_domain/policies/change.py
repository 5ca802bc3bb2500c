"""What a transition makes of a situation."""

from dataclasses import dataclass

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import HintId, TriggerId
from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import EndpointState


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    The state that follows, and records of slots that will not be run. A store writes both or none.
    """

    state: EndpointState
    records: tuple[SlotRecord, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """
    A due endpoint is to be leased.

    The store writes ``change``, a lease (``urgent`` as given), a run made of ``plan``, and marks
    the ``hints`` and ``triggers`` that the run serves as consumed by it. While the lease lives,
    ``change.state`` keeps the plan it was made of.
    """

    plan: Plan
    urgent: bool
    change: Change
    hints: tuple[HintId, ...] = ()
    triggers: tuple[TriggerId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponement:
    """
    A due endpoint is not to be leased: it was planned anew. The store writes ``change`` alone.
    """

    change: Change
