"""When an endpoint was paused, read from what people did."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.audit import AuditEntry
from cronicorn_domain.model.endpoint import Endpoint

from cronicorn_management.noting import Deed
from cronicorn_management.telling import PAUSED

_TOLD: Final = re.compile(r"(?P<until>\S+Z|until resumed)(?: \((?P<reason>.*)\))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSpan:
    """
    From when to when an endpoint was paused, and by whom.

    ``until`` is ``OPEN_ENDED`` while nobody has said when it ends.
    """

    since: datetime
    until: datetime
    actor: str
    reason: str | None = None


def pause_spans(endpoint: Endpoint, deeds: Iterable[AuditEntry]) -> Sequence[PauseSpan]:
    """
    Return the pauses that deeds tell of, the earliest first.

    Deeds are given the newest first. A pause ends as it was said to, or with the next deed about
    it; the last one ends as the endpoint has it now. What rules and answers pause nobody has done.
    """
    spans: list[PauseSpan] = []
    for deed in reversed([*deeds]):
        if deed.action not in {Deed.PAUSE, Deed.RESUME}:
            continue
        if spans and spans[-1].until > deed.at:
            spans[-1] = replace(spans[-1], until=deed.at)
        if (span := _begun(deed)) is not None:
            spans.append(span)
    if spans and spans[-1].until >= OPEN_ENDED and endpoint.pause is None:
        spans.pop()
    return spans


def _begun(deed: AuditEntry) -> PauseSpan | None:
    after = next((each.after for each in deed.changes if each.field == PAUSED), None)
    told = None if after is None else _TOLD.fullmatch(after)
    if told is None:
        return None
    open_ended = told["until"] == "until resumed"
    return PauseSpan(
        since=deed.at,
        until=OPEN_ENDED if open_ended else datetime.fromisoformat(told["until"]),
        actor=deed.actor,
        reason=told["reason"],
    )
