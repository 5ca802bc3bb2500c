"""Who did what, and what changed by it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import AuditId
from cronicorn_domain.model.audit import AuditEntry, FieldChange, SubjectKind
from cronicorn_management.history.audit import list_audit
from fastapi import Query, Response

from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.told import NO_FAULTS, Fault, Faults, faults_of
from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.settings.sections import tabs_at

router: Final = pages_router()
_NAME_MOST: Final = 64
_HERE: Final = "/settings/audit"
_PAGE: Final = 50
_Text = Annotated[str, Query(max_length=300)]
_SINCE: Final = (("", "Any time"), ("1", "The last hour"), ("24", "The last day"),
                 ("168", "The last 7 days"), ("720", "The last 30 days"))  # fmt: skip
_KINDS: Final = {
    SubjectKind.JOB: "job",
    SubjectKind.ENDPOINT: "endpoint",
    SubjectKind.API_KEY: "API key",
    SubjectKind.PERSON: "person",
    SubjectKind.SIGN_IN: "sign-in",
    SubjectKind.DEVICE: "device",
    SubjectKind.SIGNING_KEY: "signing key",
    SubjectKind.ALERT: "alert",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedView:
    """A deed in the list."""

    id: str
    at: Moment
    actor: str
    by: str
    action: str
    kind: str
    subject: str
    href: str | None
    narrowed: str
    changes: tuple[FieldChange, ...]


def _brief(name: str) -> str:
    """Cut what a browser says of itself."""
    return name if len(name) <= _NAME_MOST else f"{name[:_NAME_MOST]}…"


def deed_view(entry: AuditEntry, zones: Zones) -> DeedView:
    """Show a deed; of what has a page there is a link to it."""
    by, _, actor = entry.actor.partition(":")
    subject = entry.subject
    folder = {SubjectKind.JOB: "jobs", SubjectKind.ENDPOINT: "endpoints"}.get(subject.kind)
    return DeedView(
        id=str(entry.id),
        at=zones.moment(entry.at),
        actor=actor or entry.actor,
        by=by,
        action=entry.action.replace("_", " "),
        kind=_KINDS.get(subject.kind, subject.kind.value),
        subject=_brief(subject.name) if subject.kind is SubjectKind.SIGN_IN else subject.name,
        href=None if folder is None else f"/{folder}/{subject.id}",
        narrowed=f"{_HERE}?{urlencode({'subject': str(subject.id)})}",
        changes=entry.changes,
    )


@router.get(_HERE)
async def audit(
    viewer: TheViewer, actor: _Text = "", subject: _Text = "", since: _Text = "", after: _Text = ""
) -> Response:
    """List who did what, the newest first."""
    hours = timedelta(hours=int(since)) if since in dict(_SINCE) and since else None
    asked_since: datetime | None = None if hours is None else viewer.now - hours
    faults, found, more = NO_FAULTS, [], False
    try:
        async with viewer.desk.reading(viewer.caller) as work:
            page = await list_audit(
                work,
                since=asked_since,
                actor=actor.strip() or None,
                subject=UUID(subject.strip()) if subject.strip() else None,
                limit=_PAGE,
                before=AuditId(UUID(after)) if after else None,
            )
        found, more = [deed_view(each, viewer.zones) for each in page.items], page.more
    except InvalidInput as refusal:
        faults = faults_of(refusal)
    except ValueError:
        no_id = "This is no id. Follow a link of the list, or leave it out."
        faults = Faults((Fault(field="subject", message=no_id),))
    asked = {"actor": actor, "subject": subject, "since": since}
    kept = {name: value for name, value in asked.items() if value}
    return viewer.page(
        "settings/audit",
        status=422 if faults else 200,
        tabs=tabs_at(_HERE),
        deeds=found,
        asked=asked,
        narrowed=bool(kept),
        sinces=_SINCE,
        faults=faults,
        first=f"{_HERE}?{urlencode(kept)}" if after else None,
        further=f"{_HERE}?{urlencode({**kept, 'after': found[-1].id})}" if more else None,
    )
