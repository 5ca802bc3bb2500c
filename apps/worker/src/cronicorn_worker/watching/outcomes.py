"""The kinds of outcome as people see them: a mark and a colour each."""

from dataclasses import dataclass

from cronicorn_domain.model.outcome_kind import OutcomeKind


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
