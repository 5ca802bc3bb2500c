"""Tells of a pause that no person has made: a rule, an answer or a session asked for it."""

from datetime import datetime
from typing import Final
from uuid import uuid5

from cronicorn_domain.identity import AuditId
from cronicorn_domain.instants import OPEN_ENDED, iso_milliseconds
from cronicorn_domain.model.audit import AuditEntry, FieldChange, Subject, SubjectKind
from cronicorn_domain.model.endpoint import Endpoint, Pause

PAUSED: Final = "paused"
"""The member that tells until when an endpoint is paused, and why."""
RUN_ACTOR: Final = "run"
SESSION_ACTOR: Final = "session"
BY_NOBODY: Final = frozenset({RUN_ACTOR, SESSION_ACTOR})
"""The kinds of actors that are no person, and nothing that a person has let in."""


def pause_in_words(pause: Pause) -> str:
    """Tell of a pause: ``2025-01-01T12:10:30.000Z (its database is down)``."""
    until = "until resumed" if pause.until >= OPEN_ENDED else iso_milliseconds(pause.until)
    return f"{until} ({pause.reason})" if pause.reason else until


def pause_noted(endpoint: Endpoint, pause: Pause, *, actor: str, now: datetime) -> AuditEntry:
    """Return the audit's entry of a pause; the same for the same pause at the same instant."""
    return AuditEntry(
        id=AuditId(uuid5(endpoint.id, f"paused {now.isoformat()}")),
        tenant=endpoint.tenant,
        at=now,
        actor=actor,
        action="pause",
        subject=Subject(kind=SubjectKind.ENDPOINT, id=endpoint.id, name=endpoint.name),
        changes=(FieldChange(field=PAUSED, before=None, after=pause_in_words(pause)),),
    )


def pause_by_run(endpoint: Endpoint, pause: Pause, now: datetime) -> AuditEntry:
    """Return the entry of a pause that the end of a run has made of an endpoint."""
    return pause_noted(endpoint, pause, actor=f"{RUN_ACTOR}:{endpoint.name}", now=now)
