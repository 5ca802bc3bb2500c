"""
A slot and its attempts: no (endpoint, slot, attempt) twice, and no attempt without a reason.

SEMANTICS §0 promise 1, §5 (identity; steps 2 and 5) and §6 (retries).
"""

from collections.abc import Iterator

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Delivery
from cronicorn_domain.model.run import OutcomeClass

from tools.checker.finding import Fault, Finding, about
from tools.checker.standing import Claim
from tools.checker.walking import LOSSES_MOST


def check_attempt(claim: Claim) -> Iterator[Finding]:
    """Attempts of a slot rise by one; each has to be allowed by what became of the one before."""
    run, earlier = claim.run, claim.earlier
    if not earlier:
        if run.attempt != 1 and not claim.partly_known:
            yield about(run, Fault.UNEXPLAINED, "it is the first of its slot")
        elif run.decision.source is Source.RETRY and not claim.partly_known:
            yield about(run, Fault.WRONG_SOURCE, "there is nothing that it could repeat")
        return
    before = earlier[-1]
    if run.attempt == before.run.attempt:
        yield about(run, Fault.DOUBLED, "there is another of this slot and attempt")
    elif run.attempt != before.run.attempt + 1:
        yield about(run, Fault.UNEXPLAINED, f"the one before was attempt {before.run.attempt}")
    if before.end is not None and not before.undone:
        yield from _check_repeat(claim, before)


def _check_repeat(claim: Claim, before: Claim) -> Iterator[Finding]:
    run, endpoint = claim.run, (before.end_setting or before.setting).endpoint
    match before.run.outcome_class:
        case OutcomeClass.TARGET:
            tries = _count(claim, OutcomeClass.TARGET)
            refused = tries >= endpoint.retry.attempts
            why = f"{tries} of {endpoint.retry.attempts} tries had been made"
        case OutcomeClass.OURS if before.lost:
            losses = sum(each.lost for each in claim.earlier)
            refused = losses >= LOSSES_MOST or endpoint.delivery is Delivery.AT_MOST_ONCE
            why = f"{losses} had been lost, and delivery is {endpoint.delivery}"
        case outcome:
            refused, why = True, f"the outcome before was {outcome}"
    if refused:
        yield about(run, Fault.DOUBLED, f"nothing asked for a repeat: {why}")
    elif run.decision.source is not Source.RETRY:
        yield about(run, Fault.WRONG_SOURCE, f"it is a repeat, and says {run.decision.source}")


def _count(claim: Claim, outcome: OutcomeClass) -> int:
    return sum(each.run.outcome_class is outcome for each in claim.earlier)
