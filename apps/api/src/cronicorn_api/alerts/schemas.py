"""An alert on the wire."""

from enum import StrEnum
from typing import Annotated

from cronicorn_domain.model.alert import Occasion
from pydantic import Field

from cronicorn_api.wire.values import Instant, Maybe, Wire

_Threshold = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]


class AlertMembers(Wire):
    """What can be said of an alert besides its name; it is told by exactly one way."""

    url: str | None = None
    email: str | None = None
    occasions: Annotated[list[Occasion], Field(max_length=len(Occasion))] | None = None
    threshold: _Threshold | None = None
    job_id: str | None = None
    enabled: bool | None = None


class NewAlert(AlertMembers):
    """An alert that is to be created."""

    name: str


class AlertPatch(AlertMembers):
    """Some members of an alert: one that is absent stays, null clears."""

    name: str | None = None


class AlertBody(Wire):
    """An alert."""

    id: str
    name: str
    url: Maybe[str] = None
    email: Maybe[str] = None
    occasions: list[Occasion]
    threshold: int
    job_id: Maybe[str] = None
    enabled: bool
    created_at: Instant
    updated_at: Instant


class AlertList(Wire):
    """Alerts, and where the list goes on if it does."""

    alerts: list[AlertBody]
    next_cursor: Maybe[str] = None


class NoticeStatus(StrEnum):
    """What came of a notice."""

    WAITING = "waiting"
    TOLD = "told"
    GIVEN_UP = "given_up"


class NoticeBody(Wire):
    """Something that an alert has told, or still has to."""

    id: str
    occasion: Occasion
    at: Instant
    status: NoticeStatus
    tries: int
    endpoint_id: Maybe[str] = None
    failures: Maybe[int] = None
    message: Maybe[str] = None
    next_try_at: Maybe[Instant] = None
    ended_at: Maybe[Instant] = None
    error: Maybe[str] = None


class NoticeList(Wire):
    """Notices, the newest first, and where the list goes on if it does."""

    notices: list[NoticeBody]
    next_cursor: Maybe[str] = None
