"""What holds for the planner's sessions, whatever a model says: judged by what was kept of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.model.hint import IntervalHint
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.quota import Meter
from cronicorn_domain.model.session import Session
from cronicorn_planner.sessions.bounds import BOUNDS

from tools.checker.history import HintOffered
from tools.simulate.site import Site

LIFE_MOST: Final = timedelta(days=7)


async def check_sessions(site: Site) -> Sequence[str]:
    """Say in sentences what was broken: bounds, budgets, floors, modes, and one look at a time."""
    return [
        *(told for each in site.sessions for told in beyond_bounds(each)),
        *at_once(site.sessions),
        *(told for each in site.granted for told in _beyond_what_may_be(site, *each)),
        *await _beyond_budgets(site),
    ]


def beyond_bounds(session: Session) -> list[str]:
    """Trap T35."""
    broken = []
    if len(session.calls) > BOUNDS.calls:
        broken.append(f"a session has {len(session.calls)} calls")
    if session.tokens > BOUNDS.tokens:
        broken.append(f"a session has used {session.tokens} tokens")
    if session.next_analysis_at < session.ended_at:
        broken.append("a session is followed by one that lies behind")
    return broken


def at_once(sessions: Sequence[Session]) -> list[str]:
    """Trap T34: nobody looks at an endpoint while another does, and both are heeded."""
    held = defaultdict[EndpointId, list[Session]](list)
    for each in sessions:
        held[each.endpoint_id].append(each)
    return [
        f"two sessions about one endpoint at {later.started_at}"
        for some in held.values()
        for earlier, later in pairwise(sorted(some, key=lambda each: each.started_at))
        if later.started_at < earlier.ended_at
    ]


def _beyond_what_may_be(site: Site, session: Session, deed: HintOffered) -> list[str]:
    """Traps T17 and T33: no hint below the floor, none that lives too long, none unasked for."""
    hint, broken = deed.hint, []
    if session.mode is not AiMode.AUTO:
        broken.append(f"a model wrote a hint in the mode {session.mode}")
    if isinstance(hint, IntervalHint) and hint.every < site.scenario.floor:
        broken.append(f"a model's hint of {hint.every} is below the floor")
    lives_from = session.ended_at if isinstance(hint, IntervalHint) else hint.at
    if hint.expires_at - lives_from > LIFE_MOST:
        broken.append(f"a model's hint lives until {hint.expires_at}")
    return broken


async def _beyond_budgets(site: Site) -> list[str]:
    """What sessions have cost is charged, and no charge goes beyond a tenant's tokens."""
    told = Counter[TenantId]()
    for each in site.sessions:
        told[each.tenant] += each.tokens
    broken = []
    for tenant in dict.fromkeys(each.tenant for each in site.scenario.jobs):
        standing = await site.quota_guard.standing(tenant, Meter.TOKENS, now=site.clock.now())
        if standing.limit is not None and standing.used > standing.limit:
            broken.append(f"{standing.used} tokens were used of {standing.limit}")
        if told[tenant] > standing.used:
            broken.append(f"sessions cost {told[tenant]} tokens, and {standing.used} are charged")
    return broken
