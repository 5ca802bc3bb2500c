"""What would be done to many endpoints, and what was, as their pages show it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.ports.board import Standing
from cronicorn_management.endpoints.bulk import BulkAction, BulkOutcome

from cronicorn_api.pages.bulk.asked import Deed
from cronicorn_api.pages.frame.moments import Zones
from cronicorn_api.pages.frame.shapes import exact
from cronicorn_api.pages.frame.told import sentence

SHOWN_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class _Words:
    verb: str
    done: str
    already: str
    consequence: str


_WORDS: Final[Mapping[BulkAction, _Words]] = {
    BulkAction.PAUSE: _Words("Pause", "paused", "are paused so already", ""),
    BulkAction.RESUME: _Words(
        "Resume", "resumed", "are not paused", "What was missed meets each one's misfire policy."
    ),
    BulkAction.ARCHIVE: _Words(
        "Archive",
        "archived",
        "are archived already",
        "They stop running and leave the lists. Their history stays, and they can be restored.",
    ),
    BulkAction.RESTORE: _Words("Restore", "restored", "are not archived", ""),
    BulkAction.RESET: _Words(
        "Reset failures of", "reset", "have no failures", "They plan without their backoff."
    ),
    BulkAction.RUN: _Words(
        "Run", "asked to run", "run already", "Each is sent once, at once, and cannot be recalled."
    ),
}
_BACK: Final[Mapping[BulkAction, BulkAction]] = {
    BulkAction.PAUSE: BulkAction.RESUME,
    BulkAction.ARCHIVE: BulkAction.RESTORE,
}
"""What undoes what. A resumed pause is not known any more, nor are failures that were reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """
    What would be done.

    Attributes:
        effect: ``312 match, 300 change, 12 already paused``.
        refused: Why some would be refused, each with how many.
        shown: The first of those that would change, with their names.
        change: How many would change.
        changed: It was asked before, and others would have changed then.
    """

    title: str
    verb: str
    effect: str
    consequence: str
    refused: Sequence[tuple[str, int]]
    shown: Sequence[Standing]
    more: int
    change: int
    fields: Sequence[tuple[str, str]]
    back: str
    danger: bool
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneView:
    """What was done; ``undo`` is the form that undoes it, or empty."""

    title: str
    refused: Sequence[tuple[str, int]]
    undo: Sequence[tuple[str, str]]
    back: str


def preview_view(
    deed: Deed,
    outcome: BulkOutcome,
    shown: Sequence[Standing],
    zones: Zones,
    *,
    changed: bool = False,
) -> PreviewView:
    """Tell what would be done."""
    words, change = _WORDS[deed.action], len(outcome.changed)
    verb = f"{words.verb} {_counted(change)}"
    return PreviewView(
        title=f"{verb}{_until(deed, zones)}?",
        verb=verb,
        effect=_effect(outcome, words),
        consequence=words.consequence,
        refused=_refused(outcome),
        shown=shown,
        more=change - len(shown),
        change=change,
        fields=[*deed.fields, ("expected", mark_of(outcome.changed))],
        back=deed.asked.path(),
        danger=deed.action is BulkAction.ARCHIVE,
        changed=changed,
    )


def mark_of(ids: Iterable[EndpointId]) -> str:
    """Say in a word which endpoints are meant: if others would change, it is asked again."""
    return sha256(",".join(sorted(str(each) for each in ids)).encode()).hexdigest()[:24]


def done_view(deed: Deed, outcome: BulkOutcome, zones: Zones) -> DoneView:
    """Tell what was done."""
    words, changed = _WORDS[deed.action], outcome.changed
    back = _BACK.get(deed.action)
    undo: Sequence[tuple[str, str]] = ()
    if back is not None and changed:
        ids = ",".join(str(each) for each in changed)
        undo = [*deed.asked.filters, ("do", back.value), ("ids", ids)]
        undo = [*undo, ("expected", mark_of(changed))]
    return DoneView(
        title=f"{_counted(len(changed))} {words.done}{_until(deed, zones)}",
        refused=_refused(outcome),
        undo=undo,
        back=deed.asked.path(),
    )


def _until(deed: Deed, zones: Zones) -> str:
    if deed.action is not BulkAction.PAUSE:
        return ""
    if deed.pause.until >= OPEN_ENDED:
        return " until resumed"
    return f" until {zones.moment(deed.pause.until).full}"


def _effect(outcome: BulkOutcome, words: _Words) -> str:
    change, same, no = len(outcome.changed), len(outcome.unchanged), len(outcome.refused)
    parts = [f"{exact(change + same + no)} match", f"{exact(change)} change"]
    if same:
        parts.append(f"{exact(same)} {words.already}")
    if no:
        parts.append(f"{exact(no)} cannot")
    return ", ".join(parts)


def _refused(outcome: BulkOutcome) -> Sequence[tuple[str, int]]:
    why = Counter(sentence(_without_ids(str(each))) for each in outcome.refused.values())
    return why.most_common(5)


def _without_ids(text: str) -> str:
    """Leave out what differs from one to the next, so that reasons can be counted."""
    return " ".join(each for each in text.split() if each.count("-") != 4)  # noqa: PLR2004


def _counted(number: int) -> str:
    return f"{exact(number)} endpoint" if number == 1 else f"{exact(number)} endpoints"
