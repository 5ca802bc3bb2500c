"""What can become of a slot, and what states there are: each with a class, a glyph and a word."""

from dataclasses import dataclass
from typing import Final

from cronicorn_domain.model.run import FailureKind, RunStatus
from cronicorn_domain.model.slot_record import Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    How something is shown, everywhere: colour is never alone.

    Attributes:
        name: What it is called inside.
        css: The class of its colour.
        glyph: The name of its shape, which is a symbol of ``frame/glyphs.html``.
        word: What a reader is told.
        letter: What stands in the hollow ring of a slot that was not run.
    """

    name: str
    css: str
    glyph: str
    word: str
    letter: str = ""


_ALL: Final = (
    Outcome(name="success", css="ok", glyph="ok", word="ok"),
    Outcome(name="target_failure", css="target-failed", glyph="cross", word="failed"),
    Outcome(name="our_failure", css="we-failed", glyph="diamond", word="we failed"),
    Outcome(name="running", css="running", glyph="running", word="running"),
    Outcome(name="late", css="late", glyph="late", word="late"),
    Outcome(name="skipped", css="not-run", glyph="ring", word="skipped", letter="s"),
    Outcome(name="coalesced", css="not-run", glyph="ring", word="coalesced", letter="c"),
    Outcome(name="deferred", css="not-run", glyph="ring", word="deferred", letter="d"),
    Outcome(name="blocked", css="not-run", glyph="ring", word="blocked", letter="b"),
    Outcome(name="canceled", css="not-run", glyph="ring", word="canceled", letter="x"),
    Outcome(name="not_run", css="not-run", glyph="ring", word="not run"),
    Outcome(name="planned", css="planned", glyph="tick", word="planned"),
    Outcome(name="hint", css="hint", glyph="flag", word="hint"),
    Outcome(name="paused", css="not-run", glyph="pause", word="paused"),
    Outcome(name="archived", css="not-run", glyph="box", word="archived"),
    Outcome(name="finished", css="not-run", glyph="ring", word="finished"),
    Outcome(name="quarantined", css="late", glyph="late", word="quarantined"),
    Outcome(name="off", css="not-run", glyph="pause", word="off"),
    Outcome(name="active", css="ok", glyph="ok", word="active"),
)
OUTCOMES: Final = {each.name: each for each in _ALL}


def outcome_of_run(status: RunStatus, failure: FailureKind | None) -> Outcome:
    """Return how a run is shown."""
    match status:
        case RunStatus.RUNNING:
            return OUTCOMES["running"]
        case RunStatus.SUCCESS:
            return OUTCOMES["success"]
        case RunStatus.CANCELED:
            return OUTCOMES["canceled"]
        case RunStatus.FAILED:
            ours = failure is not None and failure.ours
            return OUTCOMES["our_failure" if ours else "target_failure"]


def outcome_of_fate(fate: Fate) -> Outcome:
    """Return how a slot is shown that was not run."""
    return OUTCOMES[fate.value]
