"""An alert as people give it: each member by itself, None where nothing was said."""

from dataclasses import dataclass, replace
from typing import Any, TypedDict

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import AlertId, JobId, new_uuid
from cronicorn_domain.model.alert import (
    OCCASIONS,
    THRESHOLD_USUAL,
    Alert,
    Email,
    Occasion,
    Way,
    Webhook,
)

from cronicorn_management.desk import Changing


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Everything that is said of an alert: exactly one way; what was not said has its default."""

    name: str
    url: str | None = None
    email: str | None = None
    occasions: frozenset[Occasion] | None = None
    threshold: int | None = None
    job_id: JobId | None = None
    enabled: bool | None = None


class AlertChanges(TypedDict, total=False):
    """Some members of an alert: one that is absent stays, and None clears."""

    name: str
    url: str | None
    email: str | None
    occasions: frozenset[Occasion] | None
    threshold: int | None
    job_id: JobId | None
    enabled: bool | None


def settings_of_alert(alert: Alert) -> AlertSettings:
    """Return what would have to be said to make the alert what it is."""
    return AlertSettings(
        name=alert.name,
        url=alert.way.url if isinstance(alert.way, Webhook) else None,
        email=alert.way.to if isinstance(alert.way, Email) else None,
        occasions=alert.occasions,
        threshold=alert.threshold,
        job_id=alert.job_id,
        enabled=alert.enabled,
    )


def changed_alert(settings: AlertSettings, changes: AlertChanges) -> AlertSettings:
    """Return the settings after an edit; a way that is set replaces the other: trap T12."""
    given: dict[str, Any] = dict(changes)
    if given.get("url") is not None:
        given = {"email": None} | given
    if given.get("email") is not None:
        given = {"url": None} | given
    return replace(settings, **given)


async def judged_alert(work: Changing, settings: AlertSettings, stands: Alert | None) -> Alert:
    """
    Return the alert that the settings mean: a new one, or what becomes of the one that stands.

    Raises:
        InvalidInput: it cannot be meant, or its webhook is not let out.
        NotFound: there is no such job.
    """
    way = _way(settings)
    if isinstance(way, Webhook):
        work.rules.check(way.url)
    if settings.job_id is not None:
        await work.catalog.get_job(work.tenant, settings.job_id)
    return Alert(
        id=AlertId(new_uuid()) if stands is None else stands.id,
        tenant=work.tenant,
        name=settings.name,
        way=way,
        occasions=OCCASIONS if settings.occasions is None else settings.occasions,
        threshold=THRESHOLD_USUAL if settings.threshold is None else settings.threshold,
        job_id=settings.job_id,
        enabled=settings.enabled is not False,
        created_at=work.now if stands is None else stands.created_at,
        updated_at=work.now,
    )


def _way(settings: AlertSettings) -> Way:
    match settings.url, settings.email:
        case str(url), None:
            return Webhook(url)
        case None, str(email):
            return Email(email)
        case _:
            raise InvalidInput(
                "an alert is told by exactly one way",
                field="url",
                remedy="give a url or an email, and not both",
            )
