"""Approve what the AI planner suggests, or refuse it."""

from dataclasses import replace

from cronicorn_domain.errors import ForbiddenTransition
from cronicorn_domain.identity import SuggestionId
from cronicorn_domain.model.audit import FieldChange
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.proposal import in_words
from cronicorn_domain.model.session import Suggestion, SuggestionState
from cronicorn_domain.policies.carrying_out import carry_out
from cronicorn_domain.policies.proposing import grant_of

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.noting import Deed, note


async def approve_suggestion(work: Changing, suggestion_id: SuggestionId) -> Suggestion:
    """
    Let a suggestion take effect now, judged as things stand now; its life counts from now.

    Raises:
        NotFound: there is none, or its endpoint is gone.
        ForbiddenTransition: it was decided already, waits no more, or the endpoint is archived.
        InvalidInput: it is not possible any more; it still waits.
    """
    suggestion, endpoint = await _waiting(work, suggestion_id, "be approved")
    situation = await work.catalog.get_situation(work.tenant, endpoint.id)
    floor = max(work.allowance.floor, situation.floor)
    grant = grant_of(suggestion.proposal, situation, floor=floor, now=work.now)
    await carry_out(work.unit, endpoint, grant, actor=work.caller.actor, now=work.now)
    return await _decided(work, suggestion, endpoint, SuggestionState.APPROVED)


async def refuse_suggestion(work: Changing, suggestion_id: SuggestionId) -> Suggestion:
    """
    Put a suggestion aside; nothing of it takes effect.

    Raises ``NotFound``, and ``ForbiddenTransition`` as ``approve_suggestion`` does.
    """
    suggestion, endpoint = await _waiting(work, suggestion_id, "be refused")
    return await _decided(work, suggestion, endpoint, SuggestionState.REFUSED)


async def _waiting(
    work: Changing, suggestion_id: SuggestionId, verb: str
) -> tuple[Suggestion, Endpoint]:
    suggestion = await work.unit.sessions.get_suggestion(work.tenant, suggestion_id)
    if suggestion.state is not SuggestionState.WAITING:
        raise ForbiddenTransition("suggestion", suggestion.id, state=suggestion.state, verb=verb)
    if not suggestion.waits_at(work.now):
        raise ForbiddenTransition("suggestion", suggestion.id, state="expired", verb=verb)
    return suggestion, await endpoint_to_change(work, suggestion.endpoint_id)


async def _decided(
    work: Changing, suggestion: Suggestion, endpoint: Endpoint, state: SuggestionState
) -> Suggestion:
    decided = replace(suggestion, state=state, decided_at=work.now, decided_by=work.caller.actor)
    await work.unit.sessions.decide(decided)
    deed = Deed.APPROVE if state is SuggestionState.APPROVED else Deed.DENY
    told = FieldChange(field="suggestion", before=None, after=in_words(suggestion.proposal))
    await note(work, deed, endpoint, [told])
    return decided
