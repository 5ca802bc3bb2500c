"""The editor of an endpoint's rules."""

from dataclasses import replace
from typing import Annotated, Final

from cronicorn_domain.errors import ChangedMeanwhile, Conflict, InvalidInput
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.changing import set_endpoint
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.endpoints.reading import read_endpoint
from cronicorn_management.endpoints.replaying import replay_rules
from cronicorn_management.settings import RuleSetting, settings_of
from fastapi import Query, Response

from cronicorn_api.pages.frame.forms import Fields
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.seen import version_of
from cronicorn_api.pages.frame.told import NO_FAULTS, Fault, Faults, faults_of
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.rules.replays import replay_view
from cronicorn_api.pages.rules.typed import (
    RulesTyped,
    RuleTyped,
    faults_at,
    rules_in,
    rules_typed_in,
    rules_typed_of,
)
from cronicorn_api.pages.rules.versions import rule_differences, with_theirs
from cronicorn_api.pages.rules.views import WINDOWS, check, rules_view
from cronicorn_api.wire.identities import PathEndpoint

router: Final = pages_router()
CONDITION_LENGTH: Final = 2_000
"""So long a condition may be that an address brings."""


@router.get("/endpoints/{endpointId}/rules")
async def rules(
    viewer: TheViewer,
    endpoint_id: PathEndpoint,
    when: Annotated[str, Query(max_length=CONDITION_LENGTH)] = "",
) -> Response:
    """Show its rules, with the beginning of another one if a condition is given."""
    endpoint = await _read(viewer, endpoint_id)
    typed = rules_typed_of(settings_of(endpoint), seen=_seen(endpoint))
    if when.strip():
        typed = replace(typed, rules=[*typed.rules, RuleTyped(when=when)])
    return _page(viewer, endpoint, typed)


@router.post("/endpoints/{endpointId}/rules")
async def change(viewer: TheViewer, endpoint_id: PathEndpoint, form: Fields) -> Response:
    """Save its rules, unless somebody was faster."""
    endpoint = await _read(viewer, endpoint_id)
    stands = settings_of(endpoint)
    theirs = rules_typed_of(stands, seen=_seen(endpoint))
    typed = with_theirs(rules_typed_in(form), theirs, form.get("theirs", []))
    given, faults = rules_in(typed, stands.rules)
    if faults:
        return _page(viewer, endpoint, typed, faults)
    if form.get("do", [""])[-1] == "replay":
        return await _replayed(viewer, endpoint, typed, given, form.get("window", [""])[-1])
    try:
        async with viewer.desk.changing(viewer.caller) as work:
            await _save(work, endpoint_id, typed, given)
    except ChangedMeanwhile:
        return await _stale(viewer, endpoint_id, typed)
    except InvalidInput as refusal:
        return _page(viewer, endpoint, typed, faults_at(refusal, typed))
    except Conflict as refusal:
        return _page(viewer, endpoint, typed, faults_of(refusal))
    return viewer.back(f"/endpoints/{endpoint_id}/rules", _saved(len(given), typed.shadow))


@router.post("/_/endpoints/{endpointId}/rules")
async def checked(viewer: TheViewer, endpoint_id: PathEndpoint, form: Fields) -> Response:
    """Say of every condition that is typed whether it can be meant."""
    del endpoint_id
    found = check(rules_typed_in(form), viewer.desk.conditions)
    return viewer.fragment("rules/_checked", checked=found)


async def _replayed(
    viewer: Viewer,
    endpoint: Endpoint,
    typed: RulesTyped,
    given: tuple[RuleSetting, ...],
    window: str,
) -> Response:
    chosen = window if window in WINDOWS else "24h"
    since = viewer.now - WINDOWS[chosen][1]
    try:
        replay = await replay_rules(
            viewer.desk, viewer.caller, endpoint.id, rules=given, since=since, until=viewer.now
        )
    except InvalidInput as refusal:
        faults = faults_at(refusal, typed)
        view = rules_view(endpoint, typed, viewer.desk.conditions, faults, window=chosen)
        return viewer.page("rules/page", status=422, view=view)
    view = rules_view(
        endpoint,
        typed,
        viewer.desk.conditions,
        replay=replay_view(replay, viewer.zones),
        window=chosen,
    )
    return viewer.page("rules/page", view=view)


async def _stale(viewer: Viewer, endpoint_id: EndpointId, typed: RulesTyped) -> Response:
    """Show both versions; what is saved then is a choice between them."""
    endpoint = await _read(viewer, endpoint_id)
    theirs = rules_typed_of(settings_of(endpoint), seen=_seen(endpoint))
    apart = rule_differences(typed, theirs)
    again = replace(typed, seen=theirs.seen)
    view = rules_view(endpoint, again, viewer.desk.conditions, _STALE, differences=apart)
    return viewer.page("rules/page", status=409, view=view)


async def _save(
    work: Changing, endpoint_id: EndpointId, typed: RulesTyped, given: tuple[RuleSetting, ...]
) -> None:
    held = await endpoint_to_change(work, endpoint_id)
    if typed.seen != _seen(held):
        raise ChangedMeanwhile("endpoint", endpoint_id)
    settings = replace(settings_of(held), rules=given, shadow_rules=typed.shadow)
    await set_endpoint(work, held, settings)


def _page(
    viewer: Viewer,
    endpoint: Endpoint,
    typed: RulesTyped,
    faults: Faults = NO_FAULTS,
) -> Response:
    view = rules_view(endpoint, typed, viewer.desk.conditions, faults)
    return viewer.page("rules/page", status=422 if faults else 200, view=view)


async def _read(viewer: Viewer, endpoint_id: EndpointId) -> Endpoint:
    async with viewer.desk.reading(viewer.caller) as work:
        return (await read_endpoint(work, endpoint_id)).endpoint


def _seen(endpoint: Endpoint) -> str:
    given = settings_of(endpoint)
    return version_of(given.rules, given.shadow_rules)


def _saved(count: int, shadow: bool) -> str:  # noqa: FBT001  one of two words
    noun = "rule" if count == 1 else "rules"
    tail = " They only watch: nothing is hinted, paused or triggered." if shadow and count else ""
    return f"Saved: {count} {noun}.{tail}" if count else "Saved: there are no rules."


_STALE: Final = Faults(
    (
        Fault(
            field="",
            message="Somebody has saved this endpoint since you began. What differs between your"
            " rules and theirs is below: choose for each field, and save again.",
        ),
    )
)
