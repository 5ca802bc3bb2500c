"""The kinds of outcome as people see them: a word, a mark and a colour each."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Mark:
    """How an outcome is drawn: marks differ by shape as well as by colour."""

    sign: str
    plain: str
    style: str


MARKS = {
    OutcomeKind.SUCCESS: Mark("●", "o", "green"),
    OutcomeKind.HTTP_STATUS: Mark("✗", "x", "red"),
    OutcomeKind.TIMEOUT: Mark("◔", "t", "yellow"),
    OutcomeKind.CONNECTION: Mark("↯", "c", "magenta"),
    OutcomeKind.ASSERTION: Mark("≠", "a", "red"),
    OutcomeKind.SIGNING: Mark("§", "s", "red"),
    OutcomeKind.BLOCKED: Mark("⊘", "b", "blue"),
    OutcomeKind.ABANDONED: Mark("?", "?", "bright_black"),
}


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
