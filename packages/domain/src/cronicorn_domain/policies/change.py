"""What a transition makes of a situation."""

from dataclasses import dataclass, replace
from datetime import datetime

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import HintId, TriggerId
from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.model.hint import Hint
from cronicorn_domain.model.rulings import SiblingTrigger
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.endpoint_states import paused


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    What a store writes, all of it or nothing.

    Attributes:
        state: The state that follows.
        records: Slots that will not be run.
        hints: New ones, by the response of the run that ended, or by rules.
        cleared: Hints that rules have ended.
        pause: It is now the endpoint's, by the response of the run that ended or by rules; None:
            none is new.
        siblings: Other endpoints of the job that rules want to run once.
        notice: What a rule wants people to be told; None: nothing.
        analysis: Why a rule wants the planner to look at the endpoint; None: none does.
        remark: What is worth telling of the run that ended, beside its outcome.
    """

    state: EndpointState
    records: tuple[SlotRecord, ...] = ()
    hints: tuple[Hint, ...] = ()
    cleared: tuple[HintId, ...] = ()
    pause: Pause | None = None
    siblings: tuple[SiblingTrigger, ...] = ()
    notice: str | None = None
    analysis: str | None = None
    remark: str | None = None

    @property
    def is_asked_for(self) -> bool:
        """Whether a response or a rule has written more than the endpoint's state."""
        return bool(self.hints or self.cleared or self.siblings) or any(
            each is not None for each in (self.pause, self.notice, self.analysis)
        )

    def after_the_run(self, situation: Situation, now: datetime) -> Situation:
        """Return what the end of the leased run makes of its situation."""
        after = situation.after_the_run(self.state)
        if not self.is_asked_for:
            return after
        endpoint = after.endpoint if self.pause is None else paused(after.endpoint, self.pause, now)
        kept = tuple(each for each in after.hints if each.id not in self.cleared)
        return replace(after, endpoint=endpoint, hints=(*kept, *self.hints))


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

    ``blocked``: it could have been, but for its host's breaker.
    """

    change: Change
    blocked: bool = False
