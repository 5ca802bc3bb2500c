"""Send an endpoint's request once, by way of trial."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.errors import ForbiddenTransition, SecretsUnavailable
from cronicorn_domain.identity import EndpointId, JobId, RunId, Token, WorkerId, new_uuid
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.decision import Decision, Kind, Source
from cronicorn_domain.model.endpoint import Endpoint, Header
from cronicorn_domain.model.rate import Rate
from cronicorn_domain.model.run import Failed, FailureKind, Outcome, Run
from cronicorn_domain.model.signing import NoKeys, Signatory, TenantKeys
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.policies.settling import settled_run
from cronicorn_domain.policies.signing import signatory_for
from cronicorn_domain.policies.storable import storable
from cronicorn_domain.ports.dispatcher import Dispatch
from cronicorn_domain.ports.endpoint_queue import Settlement

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Changing, Desk
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.endpoints.judging import judge_of
from cronicorn_management.noting import Deed, note
from cronicorn_management.settings import EndpointSettings

TIME_MOST: Final = timedelta(seconds=30)
"""So long a trial may take, since somebody waits for it; an endpoint's own limit may be shorter."""
RATE: Final = Rate(count=30, per=timedelta(minutes=1))
"""How often a tenant may try: what is sent by way of trial keeps to no schedule."""
_WORKER: Final = WorkerId("trial")
_NO_LEASE: Final = Token(0)


async def try_endpoint(desk: Desk, caller: Caller, endpoint_id: EndpointId) -> Run:
    """
    Send the request as a worker would, wait for the answer, and return the run; a paused one too.

    Neither schedule nor health nor statistics know of it: trap T36. It is in the history, as a
    test. While it is under way nothing is held of the store.

    Raises:
        NotAllowed: the caller may not write.
        NotFound: the tenant has no such endpoint.
        ForbiddenTransition: it is archived.
        TooManyRequests: the tenant tries too often, or too many are under way.
    """
    caller.check(Scope.WRITE)
    (await desk.throttle.ask(f"trials of {caller.tenant}", RATE)).check()
    async with desk.changing(caller) as work:
        endpoint = await endpoint_to_change(work, endpoint_id)
        if endpoint.archived_at is not None:
            raise ForbiddenTransition("endpoint", endpoint_id, state="archived", verb="be tested")
        keys = await _keys_of(work)
        await note(work, Deed.TEST, endpoint)
    begun = _begun(endpoint, desk.clock.now())
    outcome = await _sent(desk, begun, endpoint, keys, caller.trace)
    settlement = Settlement(
        token=_NO_LEASE,
        started_at=begun.claimed_at,
        ended_at=max(begun.claimed_at, desk.clock.now()),
        outcome=storable(outcome),
    )
    ended = settled_run(begun, settlement)
    async with desk.units.begin() as unit:
        await unit.runs.add_test(ended)
        await unit.commit()
    return ended


async def try_settings(
    desk: Desk,
    caller: Caller,
    settings: EndpointSettings,
    *,
    endpoint_id: EndpointId | None = None,
) -> Run:
    """
    Send once what is only typed so far, wait for the answer, and return the run; it is not kept.

    With an endpoint the masks of its secret headers stand for their values.

    Raises ``InvalidInput``, ``NotAllowed``, ``NotFound``, ``TooManyRequests``.
    """
    caller.check(Scope.WRITE)
    (await desk.throttle.ask(f"trials of {caller.tenant}", RATE)).check()
    async with desk.changing(caller) as work:
        stored: tuple[Header, ...] = ()
        if endpoint_id is not None:
            held = await work.catalog.get_endpoint(work.tenant, endpoint_id)
            stored = held.request.headers
        meant = judge_of(work).configuration(settings, stored=stored)
        endpoint = meant.created(tenant=work.tenant, job_id=JobId(new_uuid()), now=work.now)
        keys = await _keys_of(work)
        await note(work, Deed.TEST, endpoint)
    begun = _begun(endpoint, desk.clock.now())
    outcome = await _sent(desk, begun, endpoint, keys, caller.trace)
    return settled_run(
        begun,
        Settlement(
            token=_NO_LEASE,
            started_at=begun.claimed_at,
            ended_at=max(begun.claimed_at, desk.clock.now()),
            outcome=storable(outcome),
        ),
    )


async def _keys_of(work: Changing) -> TenantKeys | NoKeys | None:
    try:
        return await work.unit.signing_keys.find(work.tenant)
    except SecretsUnavailable as error:
        return NoKeys(reason=str(error))


async def _sent(
    desk: Desk,
    run: Run,
    endpoint: Endpoint,
    keys: TenantKeys | NoKeys | None,
    trace: Trace | None,
) -> Outcome:
    """Send what can be signed as it is to be; nothing else goes out unsigned."""
    signatory = signatory_for(
        endpoint.signing, keys, endpoint_id=endpoint.id, slot=run.slot, now=run.claimed_at
    )
    if isinstance(signatory, NoKeys):
        return Failed(kind=FailureKind.SIGNING, message=signatory.reason)
    return await desk.trials.send(_dispatch(run, endpoint, signatory, trace), endpoint)


def _begun(endpoint: Endpoint, now: datetime) -> Run:
    """Begin a run between two milliseconds: on them lie the slots that are planned."""
    between = timedelta(microseconds=1 + secrets.randbelow(999))
    slot = floor_millisecond(now) + between
    return Run(
        id=RunId(new_uuid()),
        endpoint_id=endpoint.id,
        tenant=endpoint.tenant,
        decision=Decision(slot=slot, due_at=slot, source=Source.TEST),
        kind=Kind.TEST,
        attempt=1,
        worker=_WORKER,
        claimed_at=slot,
    )


def _dispatch(
    run: Run, endpoint: Endpoint, signatory: Signatory | None, trace: Trace | None
) -> Dispatch:
    limits = endpoint.limits
    return Dispatch(
        run_id=run.id,
        endpoint_id=endpoint.id,
        slot=run.slot,
        attempt=run.attempt,
        request=endpoint.request,
        limits=replace(limits, timeout=min(limits.timeout, TIME_MOST)),
        signatory=signatory,
        trace=trace,
    )
