"""
Who answers for an outcome (SEMANTICS §5, §6): it decides what counts as a failure of the endpoint.

What was lost with its worker, and what could not be signed, is ours; whatever a target did or left
undone is its own; what sent nothing was not attempted. An answer of 2xx is a success, unless the
endpoint says itself what one is.
"""

from collections.abc import Iterator

from cronicorn_domain.model.run import FailureKind, OutcomeClass, Run, RunStatus

from tools.checker.finding import Fault, Finding, about
from tools.checker.history import LeaseEnd
from tools.checker.standing import Claim

OURS = {FailureKind.ABANDONED, FailureKind.SIGNING}
WELL = range(200, 300)


def check_class(claim: Claim) -> Iterator[Finding]:
    """Judge a run that has ended: its class by how it failed, and its status by the answer."""
    run = claim.run
    if claim.end is None:
        return
    told, wanted = _class_of(run)
    if run.outcome_class is not wanted:
        sentence = f"{told}, so its class has to be {wanted}, and is {run.outcome_class}"
        yield about(run, Fault.WRONG_CLASS, sentence)
    elif claim.end is LeaseEnd.SETTLED and claim.setting.endpoint.success_when is None:
        yield from _check_status(run)


def _class_of(run: Run) -> tuple[str, OutcomeClass | None]:
    """Return what happened, in words, and who answers for it."""
    match run.status:
        case RunStatus.SUCCESS:
            return "it succeeded", OutcomeClass.SUCCESS
        case RunStatus.CANCELED:
            return "it sent nothing", OutcomeClass.NOT_ATTEMPTED
        case RunStatus.FAILED if run.failure_kind in OURS:
            return f"it failed by {run.failure_kind}", OutcomeClass.OURS
        case RunStatus.FAILED:
            return f"it failed by {run.failure_kind}", OutcomeClass.TARGET
        case RunStatus.RUNNING:
            return "it has ended without a word", None


def _check_status(run: Run) -> Iterator[Finding]:
    if run.response is None:
        return
    code = run.response.status_code
    well, failed = code in WELL, run.failure_kind is FailureKind.HTTP_STATUS
    if (run.status is RunStatus.SUCCESS and not well) or (failed and well):
        yield about(run, Fault.WRONG_CLASS, f"the target answered {code}, and it is {run.status}")
