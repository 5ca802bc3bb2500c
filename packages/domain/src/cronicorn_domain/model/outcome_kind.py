"""The kinds of outcome, as metrics and people name them."""

from enum import StrEnum
from typing import assert_never

from cronicorn_domain.model.run import Blocked, Failed, FailureKind, Outcome, Succeeded


class OutcomeKind(StrEnum):
    """What became of a run; the words are those of the API where it has one."""

    SUCCESS = "success"
    HTTP_STATUS = "http_status"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    ASSERTION = "assertion"
    SIGNING = "signing"
    BLOCKED = "blocked"
    ABANDONED = "abandoned"


def kind_of(outcome: Outcome) -> OutcomeKind:
    """Name what came of a run."""
    match outcome:
        case Succeeded():
            return OutcomeKind.SUCCESS
        case Blocked():
            return OutcomeKind.BLOCKED
        case Failed(kind=kind):
            return _FAILURES[kind]
        case _:
            assert_never(outcome)


_FAILURES = {kind: OutcomeKind(kind.value) for kind in FailureKind}
