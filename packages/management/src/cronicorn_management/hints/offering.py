"""Offer a hint: another interval for a while, or one run at an instant."""

from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.audit import FieldChange
from cronicorn_domain.model.hint import DEFAULT_LIFE, Author, Hint, IntervalHint, OneShotHint
from cronicorn_domain.policies.proposing import interval_hint, oneshot_hint
from cronicorn_domain.wording import length_in_words

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.noting import Deed, note


async def offer_interval(
    work: Changing,
    endpoint_id: EndpointId,
    *,
    every: timedelta,
    life: timedelta = DEFAULT_LIFE,
    reason: str | None = None,
) -> IntervalHint:
    """
    Propose another interval from now on, until its life is over.

    Raises ``InvalidInput``, ``NotFound``, ``ForbiddenTransition`` on an archived endpoint.
    """
    hint = interval_hint(
        Author.API, every=every, life=life, reason=reason, floor=work.allowance.floor, now=work.now
    )
    await _offer(work, endpoint_id, hint, f"every {length_in_words(every)}")
    return hint


async def offer_oneshot(
    work: Changing,
    endpoint_id: EndpointId,
    *,
    at: datetime | timedelta,
    life: timedelta = DEFAULT_LIFE,
    reason: str | None = None,
) -> OneShotHint:
    """
    Propose one run at an instant, or so long from now; its life is counted from there.

    Raises ``InvalidInput``, ``NotFound``, ``ForbiddenTransition`` on an archived endpoint.
    """
    instant = work.now + at if isinstance(at, timedelta) else at
    hint = oneshot_hint(Author.API, at=instant, life=life, reason=reason, now=work.now)
    await _offer(work, endpoint_id, hint, f"once, at {iso_milliseconds(hint.at)}")
    return hint


async def _offer(work: Changing, endpoint_id: EndpointId, hint: Hint, told: str) -> None:
    endpoint = await endpoint_to_change(work, endpoint_id)
    await work.hints.offer(work.tenant, endpoint_id, hint, now=work.now)
    told = f"{told}, until {iso_milliseconds(hint.expires_at)}"
    if hint.reason is not None:
        told = f"{told} ({hint.reason})"
    await note(work, Deed.HINT, endpoint, [FieldChange(field="hint", before=None, after=told)])
