"""What the planner tells of its work."""

from dataclasses import dataclass
from typing import Final, Protocol

from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.model.session import Session, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded:
    """
    A session is over and kept; so many of its proposals took effect, or wait for a person.

    ``steps`` are what it was busy with, in their order.
    """

    session: Session
    endpoint_name: str
    granted: int
    suggested: int
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLost:
    """The end of a session could not be kept, and nothing of it took effect."""

    tenant: TenantId
    endpoint_id: EndpointId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRests:
    """A model has failed a tenant's sessions so often that it is left alone for a while."""

    tenant: TenantId
    model: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerTroubled:
    """The planner could not look for work, and tries again."""

    reason: str


PlannerEvent = SessionEnded | SessionLost | ModelRests | PlannerTroubled


class _Unheard:
    """Nobody listens."""

    def record(self, event: PlannerEvent) -> None:
        """Let it pass."""


class PlannerObserver(Protocol):
    """Is told what the planner does, as it happens; it must be quick, and must not raise."""

    def record(self, event: PlannerEvent) -> None:
        """Take note."""
        ...


UNHEARD: Final[PlannerObserver] = _Unheard()
"""For whoever does not want to know."""
