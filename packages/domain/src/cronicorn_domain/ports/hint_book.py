"""Keeps hints and triggers: what rules, models, responses and people propose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cronicorn_domain.identity import EndpointId, HintId, RunId, TenantId
from cronicorn_domain.model.hint import Hint, Trigger


class HintEnd(StrEnum):
    """How a hint ended."""

    EXPIRED = "expired"
    CLEARED = "cleared"
    CONSUMED = "consumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HintRecord:
    """
    A hint and how it ended; ``end`` is None while it is active.

    ``run_id`` is the run that served a consumed one-shot.
    """

    hint: Hint
    end: HintEnd | None = None
    ended_at: datetime | None = None
    run_id: RunId | None = None


class HintBook(Protocol):
    """
    Hints and triggers of all endpoints; takes part in the caller's unit of work.

    Promises:

    - Every write replans in the same transaction and so takes effect at once; while a lease lives
      the settle plans from it.
    - Writing one hint never changes another's life, and never revives one that has ended.
    - Another tenant's endpoint is ``NotFound``.
    """

    async def offer(
        self, tenant: TenantId, endpoint_id: EndpointId, hint: Hint, *, now: datetime
    ) -> None:
        """Keep a hint. Raises ``NotFound``; ``ForbiddenTransition`` on an archived endpoint."""
        ...

    async def clear(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        now: datetime,
        hint_id: HintId | None = None,
    ) -> int:
        """
        End one active hint, or all of the endpoint's, and return how many there were.

        A one-shot that a claim has consumed whose run has not started is one of them: if the run
        starts it has served the hint, and if the claim is undone the hint stays cleared.
        """
        ...

    async def trigger(
        self, tenant: TenantId, endpoint_id: EndpointId, trigger: Trigger, *, now: datetime
    ) -> None:
        """
        Ask for one run, due at once.

        Raises:
            NotFound: the tenant has no such endpoint.
            ForbiddenTransition: it is archived or its job is not active; for a run by hand also
                when it is paused. A sibling's trigger fires a paused endpoint once.
        """
        ...

    async def history(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        now: datetime,
        limit: int = 100,
        before: HintId | None = None,
    ) -> Sequence[HintRecord]:
        """
        Return the newest hints first, ended ones included.

        With ``before`` those that come behind that hint of the endpoint; none, if it has no such.
        """
        ...
