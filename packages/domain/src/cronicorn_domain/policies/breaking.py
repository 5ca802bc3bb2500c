"""The breaker of a host: which outcomes count for it, and what becomes of what it holds back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import assert_never

from cronicorn_domain.model.breaker import Breaker, Trouble
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.run import Blocked, Failed, FailureKind, Outcome, Response, Succeeded
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.change import Claim, Postponement
from cronicorn_domain.policies.following import plan_behind
from cronicorn_domain.policies.passing import slot_before, with_last_slot
from cronicorn_domain.policies.replanning import replan

_SERVER_ERRORS = range(500, 600)


class Word(Enum):
    """What an outcome says of the host."""

    FAILS = auto()
    ANSWERS = auto()
    NOTHING = auto()


def word_on_host(outcome: Outcome) -> Word:
    """
    Say what an outcome tells of the host, as against the endpoint.

    It fails when it cannot be reached or does not answer in time, with 429 and every 5xx. Any other
    answer, a 404 as well, shows that it is there. What was not sent, or failed by us, says nothing.
    """
    match outcome:
        case Succeeded():
            return Word.ANSWERS
        case Blocked():
            return Word.NOTHING
        case Failed(kind=kind, response=response):
            if kind.ours:
                return Word.NOTHING
            lost = kind in {FailureKind.TIMEOUT, FailureKind.CONNECTION}
            return Word.FAILS if lost or response is None or _is_busy(response) else Word.ANSWERS
        case _:
            assert_never(outcome)


def _is_busy(response: Response) -> bool:
    status = response.status_code
    return status in _SERVER_ERRORS or status == HTTPStatus.TOO_MANY_REQUESTS


@dataclass(frozen=True, slots=True)
class Tally:
    """What the outcomes of a batch make of a host's failures: how many more, and from where on."""

    failures: int = 0
    cleared: bool = False

    def with_word(self, word: Word) -> "Tally":
        """Return the tally after one more outcome."""
        match word:
            case Word.FAILS:
                return Tally(self.failures + 1, self.cleared)
            case Word.ANSWERS:
                return Tally(0, cleared=True)
            case Word.NOTHING:
                return self
            case _:
                assert_never(word)


def tallied(words: Iterable[Word]) -> Tally:
    """Add outcomes up, in the order in which they came."""
    tally = Tally()
    for word in words:
        tally = tally.with_word(word)
    return tally


def passes_breaker(claim: Claim) -> bool:
    """Say whether a run goes out whatever the breaker says: one that a person asked for does."""
    return claim.plan.kind is Kind.MANUAL


def hold_back(
    situation: Situation, claim: Claim, trouble: Trouble, breaker: Breaker, now: datetime
) -> Postponement:
    """
    Return what becomes of a due endpoint whose host's breaker is open.

    A slot of the rhythm is passed over, recorded as blocked, and the schedule goes on on its grid.
    Whatever comes but once (a single instant, a one-shot, a trigger, a repeat, a slot caught up)
    waits until the host is tried again, as long as what planned it lives.
    """
    plan = claim.plan
    if not plan.on_the_rhythm or situation.endpoint.rhythm is None or claim.urgent:
        again = trouble.probe_at
        until = again if again is not None and again > now else now + breaker.probe_every
        reason = f"its host {trouble.host} failed {trouble.failures} times in a row"
        state = replace(situation.state, not_before=until, not_before_reason=reason)
        change = replan(replace(situation, state=state), now)
        return Postponement(change=change, blocked=True)
    record = SlotRecord(
        fate=Fate.BLOCKED,
        reason=f"its host {trouble.host} fails whoever calls it; it is tried again once in a while",
        first=plan.slot,
        last=plan.slot,
        count=1,
        recorded_at=now,
        follows=None if claim.change.records else slot_before(situation.state),
    )
    state = replace(claim.change.state, plan=None, skipped=False)
    after = plan_behind(situation, with_last_slot(state, plan.slot), plan, now=now)
    records = (*claim.change.records, record, *after.records)
    return Postponement(change=replace(after, records=records), blocked=True)
