"""Alerts: of what people want to be told, and by which way; and notices, by which they are."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import AlertId, EndpointId, JobId, NoticeId, TenantId
from cronicorn_domain.model.endpoint import URL_LENGTH
from cronicorn_domain.model.job import check_name

THRESHOLD_USUAL = 3
THRESHOLD_MOST = 1000
ADDRESS_LENGTH = 254
MESSAGE_LENGTH = 500

_NO_TEXT = r"\s\x00-\x1f\x7f\ud800-\udfff"
_ADDRESS = re.compile(rf"[^{_NO_TEXT}@<>,;:\"()\[\]\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class Occasion(StrEnum):
    """
    Of what is told.

    ``failing``: an endpoint's runs have failed so many times in a row as the alert's threshold
    says; told once, until it is ``recovered``. ``deferred``: a quota has put an endpoint off.
    ``rule``: an endpoint's rule says that people are to be told.
    ``budget``: much of a month's quota is used, or all of it; it is about no endpoint.
    ``test``: somebody has tried the alert.
    """

    FAILING = "failing"
    RECOVERED = "recovered"
    QUARANTINED = "quarantined"
    DEFERRED = "deferred"
    RULE = "rule"
    BUDGET = "budget"
    TEST = "test"


OCCASIONS = frozenset(Occasion) - {Occasion.TEST}
"""Those that an alert can be about; it can always be tried."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST to a URL, signed if the tenant has a signing key."""

    url: str

    def __post_init__(self) -> None:
        """Refuse what no store takes; where it may lead is judged by the egress rules."""
        if not self.url or len(self.url) > URL_LENGTH:
            raise InvalidInput(
                f"the URL has {len(self.url)} characters",
                field="url",
                remedy=f"give 1 to {URL_LENGTH}",
            )


@dataclass(frozen=True, slots=True)
class Email:
    """A letter to an address."""

    to: str

    def __post_init__(self) -> None:
        """Refuse what is no single address."""
        if len(self.to) > ADDRESS_LENGTH or not _ADDRESS.fullmatch(self.to):
            raise InvalidInput(
                "this is no e-mail address", field="email", remedy="give one, as ada@example.org"
            )


Way = Webhook | Email
"""By which somebody is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """
    What somebody wants to be told of.

    Attributes:
        occasions: Of what; at least one.
        threshold: So many failures in a row are a streak.
        job_id: Of the endpoints of this job alone; None: of all that the tenant has.
        enabled: Whether it tells anything; it can be tried all the same.
    """

    id: AlertId
    tenant: TenantId
    name: str
    way: Way
    created_at: datetime
    updated_at: datetime
    occasions: frozenset[Occasion] = OCCASIONS
    threshold: int = THRESHOLD_USUAL
    job_id: JobId | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        """Refuse a name nobody could find again, no occasion, and a threshold of nothing."""
        check_name(self.name)
        if not self.occasions or not self.occasions <= OCCASIONS:
            raise InvalidInput(
                "this is no occasion to be told of",
                field="occasions",
                remedy=f"give some of {', '.join(sorted(OCCASIONS))}",
            )
        if not 1 <= self.threshold <= THRESHOLD_MOST:
            raise InvalidInput(
                f"a threshold of {self.threshold} is not possible",
                field="threshold",
                remedy=f"give 1 to {THRESHOLD_MOST}",
            )

    def is_about(self, job_id: JobId) -> bool:
        """Say whether the endpoints of a job are its concern."""
        return self.enabled and self.job_id in {None, job_id}

    @property
    def is_about_budget(self) -> bool:
        """Say whether what the tenant has used of a month is its concern; a job has no budget."""
        return self.enabled and self.job_id is None and Occasion.BUDGET in self.occasions


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """
    Something about an endpoint that somebody may want to be told of.

    ``failures`` is the streak: as it now is, or as it was before the recovery.
    """

    occasion: Occasion
    tenant: TenantId
    endpoint_id: EndpointId
    at: datetime
    failures: int = 0
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell by one alert; ``endpoint_id`` is None if it is about none."""

    id: NoticeId
    alert_id: AlertId
    tenant: TenantId
    occasion: Occasion
    at: datetime
    endpoint_id: EndpointId | None = None
    failures: int = 0
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueNotice:
    """
    A notice that is to be told now.

    Attributes:
        alert: As it now stands.
        tries: How often it was tried before.
        endpoint_name: What its endpoint is called; None if there is none, or not any more.
        job_name: Likewise.
    """

    notice: Notice
    alert: Alert
    tries: int = 0
    endpoint_name: str | None = None
    job_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNotice:
    """
    A notice, and what came of it.

    Attributes:
        tries: How often it was tried.
        next_at: When it is tried next; None: not any more.
        ended_at: When it was told, or given up; None: neither yet.
        error: Why the last try failed; of one that has ended and has none, it was told.
    """

    notice: Notice
    tries: int
    next_at: datetime | None
    ended_at: datetime | None
    error: str | None
