"""What people, rules and models may do to endpoints and jobs, as data."""

from dataclasses import dataclass, replace
from datetime import timedelta

from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    Misfire,
    Pause,
    Retry,
)
from cronicorn_domain.model.hint import Hint, Trigger
from cronicorn_domain.schedules.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Set members of an endpoint; None: it stays as it is."""

    endpoint_id: EndpointId
    schedule: Schedule | None = None
    guardrails: Guardrails | None = None
    bounds: Bounds | None = None
    jitter: timedelta | None = None
    misfire: Misfire | None = None
    retry: Retry | None = None
    delivery: Delivery | None = None

    def of(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint as edited."""
        return replace(
            endpoint,
            schedule=self.schedule or endpoint.schedule,
            guardrails=self.guardrails or endpoint.guardrails,
            bounds=self.bounds or endpoint.bounds,
            jitter=endpoint.jitter if self.jitter is None else self.jitter,
            misfire=self.misfire or endpoint.misfire,
            retry=self.retry or endpoint.retry,
            delivery=self.delivery or endpoint.delivery,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferHint:
    """Write a hint."""

    endpoint_id: EndpointId
    hint: Hint


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearHints:
    """Clear the newest hint, or all."""

    endpoint_id: EndpointId
    newest_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """Ask for a run, by hand or as a sibling."""

    endpoint_id: EndpointId
    trigger: Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseEndpoint:
    """Pause an endpoint."""

    endpoint_id: EndpointId
    pause: Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeEndpoint:
    """Resume an endpoint."""

    endpoint_id: EndpointId


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveEndpoint:
    """Archive an endpoint."""

    endpoint_id: EndpointId


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreEndpoint:
    """Restore an endpoint."""

    endpoint_id: EndpointId


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetFailures:
    """Set an endpoint's failures to zero."""

    endpoint_id: EndpointId


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipSlot:
    """Pass an endpoint's next slot over."""

    endpoint_id: EndpointId


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseJob:
    """Pause a job."""

    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeJob:
    """Resume a job."""

    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveJob:
    """Archive a job."""

    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreJob:
    """Restore a job."""

    job_id: JobId


EndpointAct = (
    Edit
    | OfferHint
    | ClearHints
    | Fire
    | PauseEndpoint
    | ResumeEndpoint
    | ArchiveEndpoint
    | RestoreEndpoint
    | ResetFailures
    | SkipSlot
)
JobAct = PauseJob | ResumeJob | ArchiveJob | RestoreJob
Act = EndpointAct | JobAct
