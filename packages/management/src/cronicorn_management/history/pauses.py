"""When an endpoint was paused, read from what the audit tells and from the pause it has."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.audit import AuditEntry
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.pausing import BY_NOBODY, PAUSED

from cronicorn_management.noting import Deed

_TOLD: Final = re.compile(r"(?P<until>\S+Z|until resumed)(?: \((?P<reason>.*)\))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSpan:
    """
    From when to when an endpoint was paused, and by whom.

    ``until`` is ``OPEN_ENDED`` while nobody has said when it ends. ``actor`` is None where nobody
    did it: a rule, a session or the target's response asked for it, and ``reason`` says so.
    """

    since: datetime
    until: datetime
    actor: str | None
    reason: str | None = None


def pause_spans(situation: Situation, deeds: Iterable[AuditEntry]) -> Sequence[PauseSpan]:
    """
    Return the pauses that deeds tell of, and the one that the endpoint has; the earliest first.

    Deeds are given the newest first. A pause ends as it was said to, or with the next deed about
    it; the last one ends as the endpoint has it now.
    """
    spans: list[PauseSpan] = []
    for deed in reversed([*deeds]):
        if deed.action not in {Deed.PAUSE, Deed.RESUME}:
            continue
        _end_last(spans, deed.at)
        if (span := _begun(deed)) is not None:
            spans.append(span)
    if spans and spans[-1].until >= OPEN_ENDED and situation.endpoint.pause is None:
        spans.pop()
    own = _own(situation)
    if own is not None and own.until not in {each.until for each in spans}:
        _end_last(spans, own.since)
        spans.append(own)
    return spans


def _end_last(spans: list[PauseSpan], at: datetime) -> None:
    if spans and spans[-1].until > at:
        spans[-1] = replace(spans[-1], until=at)


def _own(situation: Situation) -> PauseSpan | None:
    """Tell of the pause that the endpoint has: it began behind the run that asked for it."""
    endpoint, last_end = situation.endpoint, situation.state.last_end
    pause = endpoint.pause
    if pause is None:
        return None
    written = [each for each in (last_end, endpoint.updated_at) if each and each < pause.until]
    if not written:
        return None
    return PauseSpan(since=min(written), until=pause.until, actor=None, reason=pause.reason)


def _begun(deed: AuditEntry) -> PauseSpan | None:
    after = next((each.after for each in deed.changes if each.field == PAUSED), None)
    told = None if after is None else _TOLD.fullmatch(after)
    if told is None:
        return None
    open_ended = told["until"] == "until resumed"
    by, _, _ = deed.actor.partition(":")
    return PauseSpan(
        since=deed.at,
        until=OPEN_ENDED if open_ended else datetime.fromisoformat(told["until"]),
        actor=None if by in BY_NOBODY else deed.actor,
        reason=told["reason"],
    )
